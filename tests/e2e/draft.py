"""A payment whose signature a test makes itself, and what must become of it.

Two oracles sign: message.py, element by element with lxml and python3-cryptography, for what no
library would write; and xmlsec, by templates, for what is good by the standard of XML signatures and
must be refused all the same because section 3 of WIRE does not have it. What xmlsec has made it must
also verify, so that nothing here is refused for a mistake of the test.
"""

import datetime
import re

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

import message
from harness import end_to_end_id, expect
from message import DS, ENVELOPED, EXCLUSIVE, PACS008, SHA256, SIGNATURE

PAYEE = "10000002"


class Draft:
    """One unsigned payment of a bank; `extra` goes to the end of its CdtTrfTxInf."""

    def __init__(self, bank, extra=""):
        self.bank = bank
        self.id = message.unique("M")
        transfer = message.transfer(bank.code, PAYEE, extra=extra)
        self.e2e = end_to_end_id(transfer)
        document = message.pacs008(self.id, [transfer])
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

    def signed(self, **options):
        return self.put(self.signature(**options))


def taken(suite, what, draft, octets):
    """It reaches the payee, who declines."""
    with suite.case(f"accepted: {what}"):
        draft.bank.send(octets)
        draft.bank.environment.decline(draft.bank.code, PAYEE, draft.e2e)


def refused(suite, what, draft, octets, reason="SIGNATURE"):
    with suite.case(f"{reason}: {what}"):
        draft.bank.send(octets)
        found = draft.bank.refusal(draft.id, reason)
        if reason == "SIGNATURE":
            expect(re.match(r"/Envelope/AppHdr(/Sgntr|$)|.*/Signature$", found["location"] or ""),
                   f"ErrLctn {found['location']}")


def changed(text, pattern, replacement):
    """`text` with all of a pattern replaced; that it is not there is the test's
    own mistake."""
    found = re.sub(pattern, replacement, text)
    expect(found != text, f"{pattern} is not there to be changed")
    return found


# ---- keys ----


def key_of(kind):
    """A new private key: "rsa-BITS", a curve of NIST ("p256")."""
    if kind.startswith("rsa-"):
        return rsa.generate_private_key(65537, int(kind[4:]))
    return ec.generate_private_key({"p256": ec.SECP256R1, "p384": ec.SECP384R1,
                                    "p521": ec.SECP521R1}[kind]())


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


# ---- signatures by xmlsec ----


def transform(algorithm, content=""):
    return f'<ds:Transform Algorithm="{algorithm}">{content}</ds:Transform>'


PROFILE = transform(ENVELOPED) + transform(EXCLUSIVE)


def reference(uri='URI=""', transforms=PROFILE, digest=SHA256):
    return (f"<ds:Reference {uri}><ds:Transforms>{transforms}</ds:Transforms>"
            f'<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference>')


def template(method, *, canonicalization=EXCLUSIVE, inside="", references=None, tail=""):
    """What xmlsec fills; `inside` stands in CanonicalizationMethod, `tail` behind SignatureValue."""
    return (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{canonicalization}">{inside}'
        f'</ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="{method}"/>'
        f"{references or reference()}</ds:SignedInfo><ds:SignatureValue/>{tail}</ds:Signature>"
    )


def load(signer):
    octets = signer.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption())
    return xmlsec.Key.from_memory(octets, xmlsec.KeyFormat.PEM)


def _work(root, key, verb):
    context = xmlsec.SignatureContext()
    context.key = key
    for element in root.iterfind(".//*[@Id]"):
        context.register_id(element, "Id")
    verb(context, next(root.iter(f"{{{DS}}}Signature")))


def by_xmlsec(text, filled, signer=None, key=None):
    """`text` with its mark SIGNATURE replaced by the template `filled`, signed: good by the
    standard."""
    key = key or load(signer)
    root = message.parse(text.replace(SIGNATURE, filled).encode())
    _work(root, key, xmlsec.SignatureContext.sign)
    octets = etree.tostring(root)
    stands(octets, key)
    return octets


def stands(octets, key):
    """AssertionError unless xmlsec finds the first signature of the message good."""
    try:
        _work(message.parse(octets), key, xmlsec.SignatureContext.verify)
    except xmlsec.Error as error:
        raise AssertionError(f"the test's own signature is not good: {error}") from error
