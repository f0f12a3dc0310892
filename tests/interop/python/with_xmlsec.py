"""Signatures with xmlsec (Debian: python3-xmlsec), which does what its template says."""

import xmlsec

DS = "http://www.w3.org/2000/09/xmldsig#"


class Signatures:
    """Signs with a bank's key and verifies with the switch's, and with no other."""

    def __init__(self, key_file, certificate_file, switch_certificate_file):
        self.key = xmlsec.Key.from_file(key_file, xmlsec.KeyFormat.PEM)
        self.key.load_cert_from_file(certificate_file, xmlsec.KeyFormat.PEM)
        self.switch_key = xmlsec.Key.from_file(switch_certificate_file, xmlsec.KeyFormat.CERT_PEM)

    def sign(self, envelope, sgntr, elliptic):
        """Puts the signature of the whole envelope into its empty Sgntr."""
        method = (
            xmlsec.Transform.ECDSA_SHA256 if elliptic else xmlsec.Transform.RSA_SHA256
        )
        signature = xmlsec.template.create(envelope, xmlsec.Transform.EXCL_C14N, method, ns="ds")
        sgntr.append(signature)
        reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri="")
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        # Of the four ways to name the key; X509Certificate is as good, and longer.
        data = xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
        xmlsec.template.x509_data_add_ski(data)
        context = xmlsec.SignatureContext()
        context.key = self.key
        context.sign(signature)
        return envelope

    def verify(self, envelope):
        """The envelope, once its signature has been found to be the switch's; else ValueError."""
        context = xmlsec.SignatureContext()
        context.key = self.switch_key  # whatever KeyInfo says
        try:
            context.verify(envelope.find(f".//{{{DS}}}Signature"))
        except xmlsec.Error as error:
            raise ValueError(f"the signature does not verify: {error}") from error
        return envelope
