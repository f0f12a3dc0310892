"""Signatures with signxml (PyPI). Its defaults are not the switch's: it must be told exclusive C14N."""

import pathlib

from lxml import etree
from signxml import (
    CanonicalizationMethod,
    DigestAlgorithm,
    InvalidSignature,
    SignatureConfiguration,
    SignatureMethod,
    XMLSigner,
    XMLVerifier,
)
from signxml.exceptions import SignXMLException

DS = "http://www.w3.org/2000/09/xmldsig#"
# signxml writes the signature where an empty one with this Id stands, a name that its interface fixes;
# without it the signature would become a child of the envelope, which is not where Sgntr is.
SIGNED_HERE = "placeholder"
METHODS = frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256})


class Signatures:
    """Signs with a bank's key and verifies with the switch's, and with no other."""

    def __init__(self, key_file, certificate_file, switch_certificate_file):
        self.key = pathlib.Path(key_file).read_bytes()
        self.certificate = pathlib.Path(certificate_file).read_text()
        self.switch_certificate = pathlib.Path(switch_certificate_file).read_text()

    def sign(self, envelope, sgntr, elliptic):
        """Puts the signature of the whole envelope into its empty Sgntr."""
        etree.SubElement(sgntr, f"{{{DS}}}Signature", {"Id": SIGNED_HERE}, nsmap={"ds": DS})
        signer = XMLSigner(
            signature_algorithm=(
                SignatureMethod.ECDSA_SHA256 if elliptic else SignatureMethod.RSA_SHA256
            ),
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        return signer.sign(envelope, key=self.key, cert=self.certificate)

    def verify(self, envelope):
        """What the switch's signature covers: all but itself. ValueError when it is not one."""
        wanted = SignatureConfiguration(
            signature_methods=METHODS, digest_algorithms=frozenset({DigestAlgorithm.SHA256})
        )
        try:
            return XMLVerifier().verify(
                envelope, x509_cert=self.switch_certificate, expect_config=wanted
            ).signed_xml
        except (InvalidSignature, SignXMLException) as error:
            raise ValueError(f"the signature does not verify: {error}") from error
