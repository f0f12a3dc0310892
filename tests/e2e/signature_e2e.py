#!/usr/bin/python3
"""WIRE section 3: the signatures that are accepted, and those whose content, value or key is wrong.

What is good by the standard but outside the profile is in profile_e2e.py."""

import base64
import concurrent.futures
import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

import message
from draft import Draft, changed, key_of, load, make_pair, refused, stands, taken
from harness import Suite, expect, finish
from message import DS, SIGNATURE, Signer

A, B, C = "10000001", "10000002", "10000003"
EC_KEYED = "10000004"   # signs ECDSA P-256
TWO_KEYS = "10000005"   # has an RSA-3072 and an EC key registered
MANY_KEYS = "10000006"  # has one of each of these registered
LAWFUL_KEYS = ("rsa-2048", "rsa-4096", "p256")
UNLAWFUL_KEYS = ("rsa-1024", "rsa-2047", "rsa-4098", "p384", "p521")
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

DATA = "<ds:X509Data>{}</ds:X509Data>".format


def encode(octets):
    return base64.b64encode(octets).decode()


def parts(signer):
    """The four ways to name a certificate, as they stand in X509Data."""
    certificate = signer.certificate
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return {
        "certificate": f"<ds:X509Certificate>{signer.certificate_text()}</ds:X509Certificate>",
        "issuer and serial": issuer_serial(
            certificate.issuer.rfc4514_string(), certificate.serial_number),
        "key identifier": f"<ds:X509SKI>{encode(identifier.value.digest)}</ds:X509SKI>",
        "subject": f"<ds:X509SubjectName>{certificate.subject.rfc4514_string()}"
                   "</ds:X509SubjectName>",
    }


def issuer_serial(issuer, serial):
    return (f"<ds:X509IssuerSerial><ds:X509IssuerName>{issuer}</ds:X509IssuerName>"
            f"<ds:X509SerialNumber>{serial}</ds:X509SerialNumber></ds:X509IssuerSerial>")


def key_infos(suite, a, two, second):
    """KeyInfo only helps to choose: what names nobody leaves all keys to be tried."""
    def row(what, info):
        draft = Draft(a)
        taken(suite, f"KeyInfo with {what}", draft, draft.signed(key_info=info))

    other = suite.environment.bank(C)
    switch = Signer(a.environment.folder / "switch" / "signing.key",
                    a.environment.folder / "switch" / "signing.crt")
    mine, theirs = parts(a.signer), parts(other.signer)
    row("nothing, there is none", None)
    for name, part in mine.items():
        row(f"the {name}", DATA(part))
    for name, part in theirs.items():
        row(f"another participant's {name} only", DATA(part))
    row("the switch's certificate only", DATA(parts(switch)["certificate"]))
    row("several certificates", DATA(mine["certificate"] + theirs["certificate"]))
    row("several, the other first", DATA(theirs["certificate"] + mine["certificate"]))
    row("the same certificate twice", DATA(mine["certificate"] * 2))
    row("all parts", DATA("".join(mine.values())))
    row("all parts, the other way round", DATA("".join(reversed(mine.values()))))
    row("two X509Data", DATA(mine["key identifier"]) + DATA(mine["certificate"]))
    row("two X509Data, one of another", DATA(theirs["subject"]) + DATA(mine["subject"]))
    row("a subject that is nobody's", DATA("<ds:X509SubjectName>CN=x</ds:X509SubjectName>"))
    row("a name that is none", DATA("<ds:X509SubjectName>,=\\,+</ds:X509SubjectName>"))
    row("the right serial of another issuer",
        DATA(issuer_serial("CN=x", a.signer.certificate.serial_number)))
    row("a serial that is no number", DATA(issuer_serial("CN=x", "x")))
    row("a certificate that is none", DATA("<ds:X509Certificate>AAAA</ds:X509Certificate>"))
    row("an empty X509Data", DATA(""))
    row("empty parts", DATA("<ds:X509IssuerSerial></ds:X509IssuerSerial><ds:X509SKI></ds:X509SKI>"
                            "<ds:X509SubjectName></ds:X509SubjectName>"
                            "<ds:X509Certificate></ds:X509Certificate>"))
    row("white space", "\n " + DATA("\n  " + mine["key identifier"].replace(
        "SKI>", "SKI>\r\n ", 1) + "&#13;\n ") + "\n")

    # Several active keys of one participant.
    infos = [("no KeyInfo", None), ("another's certificate", DATA(theirs["certificate"]))]
    infos += [(f"both, by {name}", DATA(parts(two.signer)[name] + parts(second)[name]))
              for name in mine]
    for which, signer in (("the first", two.signer), ("the second", second)):
        rows = infos + [(name, DATA(part)) for name, part in parts(signer).items()]
        for what, info in rows:
            draft = Draft(two)
            taken(suite, f"signed by {which} of two keys, {what}", draft,
                  draft.signed(signer=signer, key_info=info))
    for which, signer, named in (("first", two.signer, second), ("second", second, two.signer)):
        draft = Draft(two)
        refused(suite, f"signed by the {which} of two keys, the other is named", draft,
                draft.signed(signer=signer, key_info=DATA(parts(named)["certificate"])))


def keys(suite, bank, signers):
    """Which keys count, however many are registered beside them."""
    for kind, signer in signers.items():
        for what, info in (("named", "certificate"), ("not named", None)):
            draft = Draft(bank)
            octets = draft.signed(signer=signer, key_info=info)
            if kind in LAWFUL_KEYS:
                taken(suite, f"a key of {kind}, {what}", draft, octets)
            else:
                refused(suite, f"a registered key of {kind}, {what}", draft, octets)


def strangers(suite, a):
    folder = a.environment.folder
    rows = (
        ("another participant's key", folder / "participants" / C / "signing"),
        ("the payee's key", folder / "participants" / B / "signing"),
        ("the bank's own channel key", folder / "participants" / A / "channel"),
        ("the switch's key", folder / "switch" / "signing"),
        ("a key that nobody registered", folder / "stranger"),
    )
    make_pair(folder, "stranger", key_of("rsa-2048"))
    for what, stem in rows:
        signer = Signer(stem.with_suffix(".key"), stem.with_suffix(".crt"))
        for shown, info in (("its certificate", "certificate"), ("none", None),
                            ("the bank's", DATA(parts(a.signer)["certificate"]))):
            draft = Draft(a)
            refused(suite, f"{what}, KeyInfo shows {shown}", draft,
                    draft.signed(signer=signer, key_info=info))
    with suite.case("SENDER: Fr is another bank, signed by that bank"):
        other = suite.environment.bank(C)
        draft = Draft(other)
        a.send(draft.signed())
        a.refusal(draft.id, "SENDER")


# Signature's spelling, where nothing is signed; (what, pattern, replacement).
RESPELLINGS = (
    ("base64 broken into lines", r"(SignatureValue>)([^<]*)<",
     lambda m: m[1] + "\n" + "\r\n".join(re.findall(".{1,76}", m[2])) + "\n <"),
    ("base64 with white space between any two characters", r"(SignatureValue>)([^<]*)<",
     lambda m: m[1] + " \t".join(m[2]) + "<"),
    ("&#13; in base64", r"(<ds:X509Certificate>)(.{64})", r"\1&#13;&#xA; \2&#13;"),
    ("&#13; in SignatureValue", r"(<ds:SignatureValue>)(.{64})", r"\1&#13;\n\2&#xD;\n"),
    ("character references in base64", r"(<ds:SignatureValue>)(.)",
     lambda m: f"{m[1]}&#{ord(m[2])};"),
    ("the default namespace instead of a prefix in KeyInfo", r"<ds:KeyInfo>(.*)</ds:KeyInfo>",
     lambda m: f'<KeyInfo xmlns="{DS}">' + m[1].replace("ds:", "") + "</KeyInfo>"),
    ("another prefix in KeyInfo", r"<ds:KeyInfo>(.*)</ds:KeyInfo>",
     lambda m: f'<k:KeyInfo xmlns:k="{DS}">' + m[1].replace("ds:", "k:") + "</k:KeyInfo>"),
    ("white space between the parts", r"(<ds:SignatureValue|<ds:KeyInfo>|</ds:Signature>)",
     r"\n  \1"),
    ("Id on what nobody signs", r"<ds:(Signature|SignatureValue|KeyInfo|X509Data|X509Certificate)"
     r"(?=[ >])", r'<ds:\1 Id="i-\1"'),
    ("a namespace that nobody uses", "<ds:Signature ", '<ds:Signature xmlns:z="urn:z" '),
)
# SignedInfo's spelling, signed so.
SIGNED_SPELLINGS = (
    ("white space", "><", ">\n <"), ("CR LF", "><", ">\r\n <"),
    ("empty elements closed at once", r"></ds:(\w*Method|Transform)>", "/>"),
    ("quotes", '"', "'"), ("a reference in an attribute", "xml-exc-c14n", "xml&#45;exc-c14n"),
    ("&#13; in DigestValue", r"(<ds:DigestValue>)(.{9})", r"\1&#13;\n\2&#13; "),
    ("Id on every element", r"<ds:(\w+)(?=[ >])", lambda m: f'<ds:{m[1]} Id="_{m.start()}"'),
    ("no prefix", r"ds:|(?<=xmlns):ds", ""),
    ("another prefix", r"ds:|(?<=xmlns:)ds(?==)", lambda m: "x-" + m[0]),
    ("a namespace that nobody uses", " xmlns:ds=", ' xmlns:z="urn:z" xmlns:ds='),
)
# The Envelope's spelling, before it is signed.
ENVELOPE_SPELLINGS = (
    ("an XML declaration", "^", '<?xml version="1.0" encoding="utf-8" standalone="no"?>\r\n'),
    ("a byte-order mark", "^", "\ufeff"),
    ("the prefix ds declared at the root", r"<Envelope ", f'<Envelope xmlns:ds="{DS}" '),
    ("the prefix ds for another namespace", r"<Envelope ", '<Envelope xmlns:ds="urn:x" '),
    ("white space in Sgntr", f"{SIGNATURE}", f"\n    {SIGNATURE}\n  "),
    ("indentation", "><(?!/)", ">\n  <"), ("CR LF behind the root", "$", "\r\n"),
    ("character references", ">Ana Diaz<", ">&#65;na &#x44;iaz &amp; S&#233;&#13;<"),
    ("letters of every length", ">Ana Diaz<", ">\u00d1 \u20ac \U0001f600<"),
    ("a prefix for the Envelope", r"(</?)Envelope( xmlns)?",
     lambda m: m[1] + "e:Envelope" + (" xmlns:e" if m[2] else "")),
)


def spellings(suite, a):
    for what, old, new in RESPELLINGS:
        draft = Draft(a)
        taken(suite, what, draft, draft.put(changed(draft.signature(), old, new)))
    for what, old, new in SIGNED_SPELLINGS:
        draft = Draft(a)
        info = changed(draft.info(), old, new)
        taken(suite, f"SignedInfo with {what}, signed so", draft, draft.signed(info=info))
    for what, old, new in ENVELOPE_SPELLINGS:
        draft = Draft(a)
        draft.text = changed(draft.text, old, new)
        octets = draft.signed()
        stands(octets, load(a.signer))
        taken(suite, f"an Envelope with {what}, signed so", draft, octets)


def altered(suite, a):
    """What was signed was changed afterwards."""
    rows = (
        ("the amount", ">1.00<", ">2.00<"), ("the amount's spelling", ">1.00<", ">1.0<"),
        ("the currency", '"MXN"', '"USD"'),
        ("a name", "Ana Diaz", "Ana Dias"), ("a name's case", "Ana Diaz", "ana Diaz"),
        ("white space in the Document", "<GrpHdr>", "<GrpHdr> "),
        ("white space in AppHdr", "<BizMsgIdr>", " <BizMsgIdr>"),
        ("white space in Sgntr", "<Sgntr>", "<Sgntr> "),
        ("white space in Envelope", "</AppHdr>", "</AppHdr>\n"),
        ("an optional element of AppHdr", "</MsgDefIdr>", "</MsgDefIdr><BizSvc>x</BizSvc>"),
        ("a prefix", "<AppHdr xmlns=(.*)</AppHdr>", lambda m: (
            "<h:AppHdr xmlns:h=" + re.sub("(</?)(?=[A-Z])", r"\1h:", m[1]) + "</h:AppHdr>")),
        ("a digit of CreDt", r"<CreDt>.{22}", lambda m: m[0][:-1] + str((int(m[0][-1]) + 1) % 10)),
    )
    for what, old, new in rows:
        draft = Draft(a)
        refused(suite, f"{what} changed behind the signature", draft,
                changed(draft.signed().decode(), old, new).encode())
    draft = Draft(a)
    refused(suite, "the signature of another message", draft, draft.put(Draft(a).signature()))
    draft = Draft(a)
    refused(suite, "a digest of the AppHdr alone", draft, draft.signed(info=draft.info(
        digest=message.digest(re.search("<AppHdr.*</AppHdr>", draft.text)[0].replace(
            SIGNATURE, "").encode()))))
    draft = Draft(a)
    refused(suite, "a digest of the Document alone", draft, draft.signed(info=draft.info(
        digest=message.digest(re.search("<Document.*</Document>", draft.text)[0].encode()))))

    draft = Draft(a)
    refused(suite, "a payment changed behind the signature", draft,
            draft.signed().replace(b">1.00<", b">2.00<"))
    taken(suite, "the same payment as it was signed: the refusal took no id", draft, draft.signed())

    with suite.case("SIGNATURE: the payee's answer changed from RJCT to ACSP, which settles nothing"):
        payee = suite.environment.bank(B)
        payment = a.pay(B)
        payee.forwarded(payment.e2e)
        verdict = message.verdict(payment.e2e, "RJCT", "AC03")
        octets = payee.answers(verdict)
        name = re.search(b"<BizMsgIdr>([^<]*)<", octets)[1].decode()
        payee.send(octets.replace(verdict.encode(), message.verdict(payment.e2e, "ACSP").encode()))
        payee.refusal(name, "SIGNATURE")
        payee.send(octets)
        a.result(payment.e2e, "RJCT", "AC03")


def base64_forms(suite, a):
    """(what, from the right base64 to the wrong)."""
    rows = (
        ("empty", lambda text: ""), ("white", lambda text: " \n"),
        ("cut by a character", lambda text: text[:-1]), ("cut by a group", lambda text: text[4:]),
        ("with one octet more", lambda text: encode(base64.b64decode(text) + b"\0")),
        ("with a zero octet before", lambda text: encode(b"\0" + base64.b64decode(text))),
        ("not base64", lambda text: "*" + text[1:]), ("in hex", lambda text: base64.b64decode(
            text).hex()), ("with a no-break space", lambda text: text[:8] + "\u00a0" + text[8:]),
        ("without padding", lambda text: text.rstrip("=")),
        ("with more padding", lambda text: text + "="), ("padding before", lambda text: "=" + text),
        ("padding within", lambda text: text[:4] + "==" + text[4:]),
        ("bits behind the end", lambda text: respell_bits(text)),
        ("twice", lambda text: text + text),
        ("with a flipped bit", lambda text: ("B" if text[0] == "A" else "A") + text[1:]),
    )
    for what, change in rows:
        draft = Draft(a)
        signature = draft.signature()
        value = re.search(r"SignatureValue>([^<]*)<", signature)[1]
        expect(change(value) != value, f"SignatureValue {what} is the same")
        refused(suite, f"SignatureValue {what}", draft,
                draft.put(signature.replace(value, change(value))))
        # DigestValue is signed as it stands, so only its own spelling can be at fault.
        draft = Draft(a)
        refused(suite, f"DigestValue {what}, signed so", draft,
                draft.signed(info=draft.info(digest=change(draft.digest()) or " ")))
    for what, text in (("not base64", "*AAA"), ("cut", "AAA")):
        for name in ("X509Certificate", "X509SKI"):
            draft = Draft(a)
            refused(suite, f"{name} {what}", draft,
                    draft.signed(key_info=DATA(f"<ds:{name}>{text}</ds:{name}>")))


def respell_bits(text):
    """The same octets by a lenient reader: a bit set that no octet has room for."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = len(text.rstrip("=")) - 1
    return text[:at] + digits[digits.index(text[at]) + 1] + text[at + 1:]


def rsa_forms(suite, a):
    def row(what, work):
        draft = Draft(a)
        info = draft.info()
        octets = message.canonical(message.parse(info.encode()))
        refused(suite, what, draft, draft.signed(info=info, value=encode(work(octets))))

    key, public = a.signer.key, a.signer.key.public_key().public_numbers()
    row("RSA-PSS under rsa-sha256",
        lambda octets: key.sign(octets, padding.PSS(padding.MGF1(hashes.SHA256()), 32),
                                hashes.SHA256()))
    row("SHA-1 under rsa-sha256", lambda octets: key.sign(octets, padding.PKCS1v15(), hashes.SHA1()))
    row("SHA-512 under rsa-sha256",
        lambda octets: key.sign(octets, padding.PKCS1v15(), hashes.SHA512()))
    row("RSA zero", lambda octets: bytes(256))
    row("RSA one", lambda octets: (1).to_bytes(256, "big"))
    row("RSA n - 1", lambda octets: (public.n - 1).to_bytes(256, "big"))
    row("RSA all ones", lambda octets: b"\xff" * 256)
    row("RSA of the next longer size", lambda octets: bytes(128) + key.sign(
        octets, padding.PKCS1v15(), hashes.SHA256()))
    # One signature in 256 begins with a zero octet: with it it is good, shorter it is not.
    draft = Draft(a)
    for number in range(5000):
        info = draft.info().replace("<ds:SignedInfo", f'<ds:SignedInfo Id="i{number}"')
        value = a.signer.value(message.canonical(message.parse(info.encode())))
        if value[0] == 0:
            break
    expect(value[0] == 0, "no signature began with a zero")
    refused(suite, "RSA without its leading zero octet", draft,
            draft.signed(info=info, value=encode(value[1:])))
    taken(suite, "RSA with a leading zero octet", draft, draft.signed(info=info, value=encode(value)))


def ecdsa_forms(suite, bank):
    def row(what, change, verdict=refused):
        draft = Draft(bank)
        info = draft.info()
        octets = message.canonical(message.parse(info.encode()))
        der = bank.signer.key.sign(octets, ec.ECDSA(hashes.SHA256()))
        value = change(der, *utils.decode_dss_signature(der))
        verdict(suite, f"ECDSA {what}", draft, draft.signed(info=info, value=encode(value)))

    def raw(r, s, size=32):
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    low, high = (lambda s: min(s, P256_ORDER - s)), (lambda s: max(s, P256_ORDER - s))
    row("with s in the lower half", lambda der, r, s: raw(r, low(s)), taken)
    row("with s in the upper half", lambda der, r, s: raw(r, high(s)), taken)
    row("in DER", lambda der, r, s: der)
    row("of zeros", lambda der, r, s: bytes(64))
    row("of ones", lambda der, r, s: b"\xff" * 64)
    row("r = 0", lambda der, r, s: raw(0, s))
    row("s = 0", lambda der, r, s: raw(r, 0))
    row("r = n", lambda der, r, s: raw(P256_ORDER, s))
    row("s = n", lambda der, r, s: raw(r, P256_ORDER))
    row("r = s = 1", lambda der, r, s: raw(1, 1))
    row("s and r exchanged", lambda der, r, s: raw(s, r))
    row("with halves of 33 octets", lambda der, r, s: raw(r, s, 33))
    row("with one octet less", lambda der, r, s: raw(r, s)[:-1])
    row("with one octet more", lambda der, r, s: raw(r, s) + b"\0")
    row("r alone", lambda der, r, s: raw(r, s)[:32])
    draft = Draft(bank)
    octets = message.canonical(message.parse(draft.info().encode()))
    der = bank.signer.key.sign(octets, ec.ECDSA(hashes.SHA512()))
    refused(suite, "ECDSA over SHA-512 under ecdsa-sha256", draft, draft.signed(
        info=draft.info(), value=encode(raw(*utils.decode_dss_signature(der)))))
    for name, method in (("ecdsa", message.ECDSA_SHA256), ("rsa", message.RSA_SHA256)):
        signer_bank = suite.environment.bank(A) if name == "ecdsa" else bank
        draft = Draft(signer_bank)
        refused(suite, f"{name}-sha256 named for a key that is none", draft,
                draft.signed(info=draft.info(method=method)))


def main():
    suite = Suite("signature")
    kinds = LAWFUL_KEYS + UNLAWFUL_KEYS
    with concurrent.futures.ThreadPoolExecutor(2) as pool:  # long keys take their time
        made = dict(zip(kinds, pool.map(key_of, kinds)))

    def edit(genesis, environment_folder):
        """Gives three participants other keys than `cauce dev` made."""
        folder = environment_folder / "participants"
        make_pair(folder / EC_KEYED, "signing", ec.generate_private_key(ec.SECP256R1()))
        make_pair(folder / TWO_KEYS, "second", ec.generate_private_key(ec.SECP256R1()))
        make_pair(folder / TWO_KEYS, "signing", key_of("rsa-3072"))
        for kind, key in made.items():
            make_pair(folder / MANY_KEYS, kind, key)
        registered = {code: [f"participants/{code}/{name}.crt" for name in names]
                      for code, names in ((TWO_KEYS, ("signing", "second")), (MANY_KEYS, kinds))}
        for one in genesis["participants"]:
            one["signing"] = registered.get(one["code"], one["signing"])

    def signer_of(code, name):
        stem = environment.folder / "participants" / code / name
        return Signer(stem.with_suffix(".key"), stem.with_suffix(".crt"))

    settings = {"participants.poll_seconds": 1, "kafka.mode": "off"}
    with suite.environment_of(participants=6, settings=settings, genesis=edit) as environment:
        a, ec_keyed, two, many = (environment.bank(code)
                                  for code in (A, EC_KEYED, TWO_KEYS, MANY_KEYS))
        key_infos(suite, a, two, signer_of(TWO_KEYS, "second"))
        keys(suite, many, {kind: signer_of(MANY_KEYS, kind) for kind in kinds})
        strangers(suite, a)
        spellings(suite, a)
        altered(suite, a)
        base64_forms(suite, a)
        rsa_forms(suite, a)
        ecdsa_forms(suite, ec_keyed)
    finish(suite)


if __name__ == "__main__":
    main()
