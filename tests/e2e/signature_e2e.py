#!/usr/bin/python3
"""WIRE section 3: the signatures that are accepted, and each one that is refused.

Every refused message is checked to be refused as SIGNATURE, with nothing decided; so a payment in
it must neither arrive nor take its id."""

import base64
import datetime
import hashlib
import hmac
import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

import message
from harness import Suite, expect, finish
from message import DS, ENVELOPED, EXCLUSIVE, PACS008, SIGNATURE, Signer

A, B, C = "10000001", "10000002", "10000003"
EC_KEYED = "10000004"   # signs ECDSA P-256
TWO_KEYS = "10000005"   # has an RSA-3072 and an EC key registered
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SHA1 = DS + "sha1"
RSA_SHA1 = DS + "rsa-sha1"
RSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
HMAC_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"


def make_pair(folder, name, key):
    """A key and a certificate for it, signed by itself: signing certificates are registered one by
    one, no authority is asked about them."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))


class Draft:
    def __init__(self, bank):
        self.bank = bank
        self.id = message.unique("M")
        self.transfer = message.transfer(bank.code, B)
        self.e2e = re.search("EndToEndId>([^<]*)<", self.transfer)[1]
        document = message.pacs008(self.id, [self.transfer])
        self.text = message.envelope(document, PACS008, bank.code, self.id)

    def digest(self):
        return message.digest(self.text.replace(SIGNATURE, "").encode())

    def info(self, **options):
        method = options.pop("method", self.bank.signer.method())
        return message.signed_info(options.pop("digest", None) or self.digest(), method, **options)

    def signature(self, **options):
        signer = options.pop("signer", self.bank.signer)
        return message.signature(self.text, signer, **options)

    def put(self, signature):
        return self.text.replace(SIGNATURE, signature).encode()


def taken(suite, what, draft, octets):
    with suite.case(f"accepted: {what}"):
        payee = draft.bank.environment.bank(B)
        draft.bank.send(octets)
        payee.forwarded(draft.e2e)
        payee.answer(draft.e2e, "RJCT", "AC03")
        draft.bank.result(draft.e2e, "RJCT", "AC03")


def refused(suite, what, draft, octets, reason="SIGNATURE"):
    with suite.case(f"{reason}: {what}"):
        draft.bank.send(octets)
        found = draft.bank.refusal(draft.id, reason)
        if reason == "SIGNATURE":
            expect((found["location"] or "").startswith("/Envelope/AppHdr/Sgntr"),
                   f"ErrLctn {found['location']}")


def key_infos(signer, other):
    """KeyInfo contents that are accepted: they only help to choose."""
    certificate = signer.certificate
    issuer = certificate.issuer.rfc4514_string()
    ski = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    mine = f"<ds:X509Certificate>{signer.certificate_text()}</ds:X509Certificate>"
    theirs = f"<ds:X509Certificate>{other.certificate_text()}</ds:X509Certificate>"
    serial = (f"<ds:X509IssuerSerial><ds:X509IssuerName>{issuer}</ds:X509IssuerName>"
              f"<ds:X509SerialNumber>{certificate.serial_number}</ds:X509SerialNumber>"
              "</ds:X509IssuerSerial>")
    identifier = f"<ds:X509SKI>{base64.b64encode(ski).decode()}</ds:X509SKI>"
    subject = f"<ds:X509SubjectName>{certificate.subject.rfc4514_string()}</ds:X509SubjectName>"
    data = "<ds:X509Data>{}</ds:X509Data>".format
    return (
        ("no KeyInfo", None), ("a certificate", data(mine)), ("several certificates",
                                                              data(mine + theirs)),
        ("several, the other first", data(theirs + mine)),
        ("issuer and serial", data(serial)), ("a key identifier", data(identifier)),
        ("a subject", data(subject)), ("all of them", data(subject + identifier + serial + mine)),
        ("two X509Data", data(identifier) + data(mine)),
        ("another's certificate only: all registered keys are tried", data(theirs)),
        ("a subject that is nobody's", data("<ds:X509SubjectName>CN=x</ds:X509SubjectName>")),
    )


def accepted(suite, a, ec_keyed, two):
    other = suite.environment.bank(C).signer
    for what, info in key_infos(a.signer, other):
        draft = Draft(a)
        taken(suite, f"KeyInfo with {what}", draft, draft.put(draft.signature(key_info=info)))
    draft = Draft(ec_keyed)
    taken(suite, "ECDSA P-256", draft, draft.put(draft.signature()))
    for signer in (two.signer, suite.environment.second):
        for info in ("certificate", None):
            draft = Draft(two)
            octets = draft.put(draft.signature(signer=signer, key_info=info))
            taken(suite, f"either of two registered keys, KeyInfo {info}", draft, octets)

    def respell(what, change):
        draft = Draft(a)
        taken(suite, what, draft, draft.put(change(draft.signature())))

    respell("base64 broken into lines", lambda text: re.sub(
        r"(SignatureValue>)([^<]*)<",
        lambda match: match[1] + "\n" + "\r\n".join(re.findall(".{1,76}", match[2])) + "\n <", text))
    respell("&#13; in base64", lambda text: re.sub(
        r"(<ds:X509Certificate>)(.{64})", r"\1&#13;&#xA; \2&#13;", text))
    respell("the default namespace instead of a prefix in SignatureValue and KeyInfo",
            lambda text: re.sub(
                r"<ds:KeyInfo>(.*)</ds:KeyInfo>",
                lambda match: f'<KeyInfo xmlns="{DS}">' + match[1].replace("ds:", "")
                + "</KeyInfo>", text))
    respell("white space between the parts",
            lambda text: text.replace("<ds:SignatureValue", "\n  <ds:SignatureValue"))
    respell("Id on SignatureValue and KeyInfo", lambda text: text.replace(
        "<ds:SignatureValue>", '<ds:SignatureValue Id="v">').replace(
        "<ds:KeyInfo>", '<ds:KeyInfo Id="k">'))
    draft = Draft(a)
    info = draft.info().replace("><", ">\n <")
    taken(suite, "SignedInfo with white space, signed so", draft,
          draft.put(draft.signature(info=info)))
    draft = Draft(a)
    info = re.sub(r"ds:", "", draft.info()).replace("xmlns:ds=", "xmlns=")
    taken(suite, "SignedInfo without prefix, signed so", draft,
          draft.put(draft.signature(info=info)))


def altered(suite, a):
    """What was signed was changed afterwards, or by another key."""
    rows = (
        ("the amount", ">1.00<", ">2.00<"), ("a name", "Ana Diaz", "Ana Dias"),
        ("white space in the Document", "<GrpHdr>", "<GrpHdr> "),
        ("white space in AppHdr", "<BizMsgIdr>", " <BizMsgIdr>"),
        ("white space in Sgntr", "<Sgntr>", "<Sgntr> "),
        ("CreDt", re.compile(r"<CreDt>\d{4}-(..)-(..)T(..):(..):(..)\.(\d)"), None),
    )
    for what, old, new in rows:
        draft = Draft(a)
        octets = draft.put(draft.signature()).decode()
        if new is None:
            match = old.search(octets)
            digit = str((int(match[6]) + 1) % 10)
            changed = octets[:match.start(6)] + digit + octets[match.end(6):]
        else:
            changed = octets.replace(old, new, 1)
        expect(changed != octets, f"{what} was not changed")
        refused(suite, f"{what} changed behind the signature", draft, changed.encode())
    draft = Draft(a)
    refused(suite, "the signature of another message", draft,
            draft.put(Draft(a).signature()))
    draft = Draft(a)
    bank_c = suite.environment.bank(C)
    refused(suite, "another participant's key", draft, draft.put(draft.signature(signer=bank_c.signer)))
    draft = Draft(a)
    own = Signer(a.environment.folder / "participants" / A / "channel.key",
                 a.environment.folder / "participants" / A / "channel.crt")
    refused(suite, "the bank's own channel key", draft, draft.put(draft.signature(signer=own)))
    draft = Draft(a)
    signature = draft.signature()
    value = re.search(r"SignatureValue>([^<]*)<", signature)[1]
    for what, bad in (
        ("empty", ""), ("cut", value[:-4]), ("not base64", "*" + value[1:]),
        ("with a flipped bit", ("B" if value[0] == "A" else "A") + value[1:]),
        ("with one octet more", base64.b64encode(base64.b64decode(value) + b"\0").decode()),
    ):
        draft = Draft(a)
        real = draft.signature()
        refused(suite, f"a value {what}", draft,
                draft.put(re.sub(r"SignatureValue>[^<]*<", f"SignatureValue>{bad}<", real)))


def profile(suite, a):
    """A good signature by the standard, but not of our profile."""
    def row(what, **options):
        draft = Draft(a)
        tail = options.pop("tail", "")
        key_info = options.pop("key_info", "certificate")
        change = options.pop("change", lambda info: info)
        info = change(draft.info(**options))
        refused(suite, what, draft,
                draft.put(draft.signature(info=info, tail=tail, key_info=key_info)))

    row("no enveloped transform", transforms=(EXCLUSIVE,))
    row("no c14n transform", transforms=(ENVELOPED,))
    row("the transforms the other way round", transforms=(EXCLUSIVE, ENVELOPED))
    row("a third transform", transforms=(ENVELOPED, EXCLUSIVE, EXCLUSIVE))
    row("inclusive c14n as transform", transforms=(ENVELOPED, INCLUSIVE))
    row("c14n with comments as transform", transforms=(ENVELOPED, EXCLUSIVE + "WithComments"))
    row("an XPath transform", transforms=(ENVELOPED, EXCLUSIVE,
                                          "http://www.w3.org/TR/1999/REC-xpath-19991116"))
    row("inclusive c14n of SignedInfo", canonicalization=INCLUSIVE)
    row("c14n with comments of SignedInfo", canonicalization=EXCLUSIVE + "WithComments")
    row("digest SHA-1", digest_method=SHA1)
    row("rsa-sha1 named", method=RSA_SHA1)
    row("rsa-sha512 named", method=RSA_SHA512)
    row("ecdsa named for an RSA key", method=message.ECDSA_SHA256)
    row("an unknown method", method="urn:x")
    row('URI="#x"', uri='URI="#x"')
    row("no URI", uri="")
    row("an external URI", uri='URI="http://127.0.0.1/"')
    row("URI with an xpointer", uri='URI="#xpointer(/)"')
    row("a Type on Reference", uri=f'URI="" Type="{DS}Object"')
    row("a second Reference", change=lambda info: re.sub(
        r"(<ds:Reference.*</ds:Reference>)", r"\1\1", info))
    row("no Reference", change=lambda info: re.sub(r"<ds:Reference.*</ds:Reference>", "", info))
    row("InclusiveNamespaces in the transform", change=lambda info: info.replace(
        f'"{EXCLUSIVE}"></ds:Transform>',
        f'"{EXCLUSIVE}"><InclusiveNamespaces xmlns="{EXCLUSIVE}" PrefixList="ds">'
        "</InclusiveNamespaces></ds:Transform>"))
    row("InclusiveNamespaces in CanonicalizationMethod", change=lambda info: info.replace(
        "</ds:CanonicalizationMethod>",
        f'<InclusiveNamespaces xmlns="{EXCLUSIVE}" PrefixList=""></InclusiveNamespaces>'
        "</ds:CanonicalizationMethod>"))
    row("HMACOutputLength", change=lambda info: info.replace(
        "</ds:SignatureMethod>", "<ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>"))
    row("a ds:Object", tail="<ds:Object>x</ds:Object>")
    row("a KeyName", key_info="<ds:KeyName>x</ds:KeyName>")
    numbers = a.signer.key.public_key().public_numbers()
    modulus = base64.b64encode(numbers.n.to_bytes(256, "big")).decode()
    row("a KeyValue", key_info=f"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus>"
                               "<ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>")
    row("a RetrievalMethod", key_info='<ds:RetrievalMethod URI="#x"></ds:RetrievalMethod>')
    row("an X509CRL", key_info="<ds:X509Data><ds:X509CRL>AAAA</ds:X509CRL></ds:X509Data>")
    row("a foreign element in KeyInfo", key_info='<x xmlns="urn:x"></x>')
    row("two X509Data and a KeyName", key_info="<ds:X509Data><ds:X509SKI>AAAA</ds:X509SKI>"
                                               "</ds:X509Data><ds:KeyName>x</ds:KeyName>")

    draft = Draft(a)
    info = draft.info(method=HMAC_SHA256)
    octets = message.canonical(message.parse(info.encode()))
    secret = a.signer.certificate.public_bytes(serialization.Encoding.PEM)
    value = base64.b64encode(hmac.new(secret, octets, hashlib.sha256).digest()).decode()
    refused(suite, "HMAC with the certificate as the secret", draft,
            draft.put(draft.signature(info=info, value=value)))

    draft = Draft(a)
    info = draft.info()
    weak = a.signer.key.sign(message.canonical(message.parse(info.encode())),
                             padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    refused(suite, "RSA-PSS under rsa-sha256", draft, draft.put(
        draft.signature(info=info, value=base64.b64encode(weak).decode())))


def ecdsa_forms(suite, bank):
    draft = Draft(bank)
    info = draft.info()
    der = bank.signer.key.sign(message.canonical(message.parse(info.encode())),
                               ec.ECDSA(hashes.SHA256()))
    refused(suite, "ECDSA in DER", draft, draft.put(
        draft.signature(info=info, value=base64.b64encode(der).decode())))
    for what, octets in (("zeros", bytes(64)), ("all ones", b"\xff" * 64)):
        draft = Draft(bank)
        refused(suite, f"ECDSA of {what}", draft, draft.put(
            draft.signature(value=base64.b64encode(octets).decode())))


def places(suite, a):
    """The signature's place is part of the rule."""
    draft = Draft(a)
    signature = draft.signature()
    moves = (
        ("twice in Sgntr", lambda text: text.replace(SIGNATURE, signature * 2), "SIGNATURE"),
        ("something else beside it",
         lambda text: text.replace(SIGNATURE, signature + '<x xmlns="urn:x"></x>'), None),
        ("wrapped in an element",
         lambda text: text.replace(SIGNATURE, f'<x xmlns="urn:x">{signature}</x>'), None),
        ("text beside it", lambda text: text.replace(SIGNATURE, "x" + signature), None),
        ("at the end of the Envelope", lambda text: text.replace(SIGNATURE, "").replace(
            "</Envelope>", signature + "</Envelope>"), "SCHEMA"),
        ("at the start of AppHdr", lambda text: text.replace(
            f"<Sgntr>{SIGNATURE}</Sgntr>", "<Sgntr></Sgntr>").replace("<Fr>", signature + "<Fr>", 1),
         "SCHEMA"),
        ("in a SplmtryData, Sgntr empty", lambda text: text.replace(SIGNATURE, "").replace(
            "</CdtTrfTxInf>", f"<SplmtryData><Envlp>{signature}</Envlp></SplmtryData>"
            "</CdtTrfTxInf>"), None),
        ("a second one in a SplmtryData", lambda text: text.replace(SIGNATURE, signature).replace(
            "</CdtTrfTxInf>", f"<SplmtryData><Envlp>{signature}</Envlp></SplmtryData>"
            "</CdtTrfTxInf>"), None),
    )
    for what, move, reason in moves:
        with suite.case(f"refused: the signature {what}"):
            a.send(move(draft.text).encode())
            found = a.refusal(draft.id)
            expect(found["reason"] in ([reason] if reason else ["SIGNATURE", "SCHEMA"]),
                   f"RjctgPtyRsn {found['reason']}: {found['words']}")
    with suite.case("refused: wrapping, the signed Envelope inside another"):
        octets = draft.text.replace(SIGNATURE, signature)
        evil = Draft(a)
        inside = evil.text.replace(SIGNATURE, signature).replace(
            "</CdtTrfTxInf>", f"<SplmtryData><Envlp>{octets}</Envlp></SplmtryData></CdtTrfTxInf>")
        a.send(inside.encode())
        found = a.refusal(evil.id)
        expect(found["reason"] in ("SIGNATURE", "SCHEMA"), f"RjctgPtyRsn {found['reason']}")
    with suite.case("refused: two attributes Id of the same value"):
        double = Draft(a)
        text = double.signature().replace("<ds:SignatureValue>", '<ds:SignatureValue Id="k">')
        a.send(double.put(text.replace("<ds:KeyInfo>", '<ds:KeyInfo Id="k">')))
        a.refusal(double.id, "SIGNATURE")


def main():
    suite = Suite("signature")

    def edit(genesis, environment_folder):
        """Gives two participants other keys than `cauce dev` made."""
        folder = environment_folder / "participants"
        make_pair(folder / EC_KEYED, "signing", ec.generate_private_key(ec.SECP256R1()))
        make_pair(folder / TWO_KEYS, "second", ec.generate_private_key(ec.SECP256R1()))
        make_pair(folder / TWO_KEYS, "signing", rsa.generate_private_key(65537, 3072))
        for one in genesis["participants"]:
            if one["code"] == TWO_KEYS:
                one["signing"].append(f"participants/{TWO_KEYS}/second.crt")

    settings = {"participants.poll_seconds": 1, "kafka.mode": "off"}
    with suite.environment_of(participants=5, settings=settings, genesis=edit) as environment:
        a, ec_keyed, two = (environment.bank(code) for code in (A, EC_KEYED, TWO_KEYS))
        second = environment.folder / "participants" / TWO_KEYS / "second"
        environment.second = Signer(second.with_suffix(".key"), second.with_suffix(".crt"))
        accepted(suite, a, ec_keyed, two)
        altered(suite, a)
        profile(suite, a)
        ecdsa_forms(suite, ec_keyed)
        places(suite, a)
    finish(suite)


if __name__ == "__main__":
    main()
