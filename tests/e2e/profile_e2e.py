#!/usr/bin/python3
"""WIRE section 3: one shape in one place. What is good by the standard of XML signatures, or was when
it was made, and must be refused all the same: other algorithms, references and transforms, other
KeyInfo, signatures that were moved, and content that was wrapped.

"Good" is what xmlsec says: it makes these signatures, or has to verify those that were moved. Whatever
is not good by it either is marked so."""

import base64
import re
import socket

import xmlsec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

import message
from draft import (Draft, by_xmlsec, changed, key_of, load, make_pair, reference, refused,
                   stands, taken, template, transform)
from harness import Suite, expect, finish
from message import DS, ENVELOPED, EXCLUSIVE, RSA_SHA256, SIGNATURE

A, C = "10000001", "10000003"
EC_KEYED = "10000004"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
ENC = "http://www.w3.org/2001/04/xmlenc#"
DSIG11 = "http://www.w3.org/2009/xmldsig11#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N11 = "http://www.w3.org/2006/12/xml-c14n11"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
FILTER = "http://www.w3.org/2002/06/xmldsig-filter2"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
INCLUSIVE = f'<InclusiveNamespaces xmlns="{EXCLUSIVE}" PrefixList="{{}}"/>'.format
CANONICALIZATIONS = (C14N, C14N + "#WithComments", C14N11, C14N11 + "#WithComments",
                     EXCLUSIVE + "WithComments")
STYLESHEET = ('<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0">'
              '<xsl:template match="/"><x>all the same</x></xsl:template></xsl:stylesheet>')
OBJECT = '<ds:Object Id="o"><x/></ds:Object>'

HIDDEN = "<SplmtryData><Envlp>{}</Envlp></SplmtryData>".format  # at the end of a CdtTrfTxInf


def xpath(condition):
    return transform(XPATH, f"<ds:XPath>{condition}</ds:XPath>")


FIRST, LAST = transform(ENVELOPED), transform(EXCLUSIVE)
ALL_BUT_THE_AMOUNT = "not(ancestor-or-self::*[local-name()='IntrBkSttlmAmt'])"
BY_ID = reference('URI="#o"', LAST)

# What xmlsec signs with the bank's RSA key: (what, options of template()).
TEMPLATES = [
    ("enveloped-signature only", {"references": reference(transforms=FIRST)}),
    ("enveloped-signature twice", {"references": reference(transforms=FIRST + FIRST + LAST)}),
    ("exclusive c14n twice", {"references": reference(transforms=FIRST + LAST + LAST)}),
    ("an XPath that only leaves the signature out",
     {"references": reference(transforms=xpath("not(ancestor-or-self::ds:Signature)") + LAST)}),
    ("an XPath that leaves the amount out",
     {"references": reference(transforms=FIRST + xpath(ALL_BUT_THE_AMOUNT) + LAST)}),
    ("an XPath that leaves nothing", {"references": reference(transforms=xpath("false()") + LAST)}),
    ("an XPath filter 2.0", {"references": reference(transforms=transform(
        FILTER, f'<XPath xmlns="{FILTER}" Filter="subtract">//*[local-name()="Signature"]</XPath>')
        + LAST)}),
    ("an XSLT", {"references": reference(transforms=FIRST + transform(XSLT, STYLESHEET) + LAST)}),
    ("a PrefixList in the transform",
     {"references": reference(transforms=FIRST + transform(EXCLUSIVE, INCLUSIVE("ds")))}),
    ("a PrefixList of #default", {"references": reference(
        transforms=FIRST + transform(EXCLUSIVE, INCLUSIVE("#default")))}),
    ("an empty PrefixList",
     {"references": reference(transforms=FIRST + transform(EXCLUSIVE, INCLUSIVE("")))}),
    ("a PrefixList in CanonicalizationMethod", {"inside": INCLUSIVE("ds")}),
    ("no URI", {"references": reference("")}),
    ('URI="#xpointer(/)"', {"references": reference('URI="#xpointer(/)"')}),
    ("a Type of Reference", {"references": reference('URI="" Type="urn:x"')}),
    ("a ds:Object by its id", {"references": BY_ID, "tail": OBJECT}),
    ("a ds:Object by an xpointer", {"references": reference(
        "URI=\"#xpointer(id('o'))\"", LAST), "tail": OBJECT}),
    ("two References", {"references": reference() * 2}),
    ("ten References", {"references": reference() * 10}),
    ("two References, the second by id", {"references": reference() + BY_ID, "tail": OBJECT}),
    ("two References, the first by id", {"references": BY_ID + reference(), "tail": OBJECT}),
    ("a Manifest instead", {"references": reference(f'URI="#o" Type="{DS}Manifest"', LAST),
                            "tail": f'<ds:Object><ds:Manifest Id="o">{reference()}</ds:Manifest>'
                                    "</ds:Object>"}),
    ("a ds:Object that nobody refers to", {"tail": OBJECT}),
    ("an empty ds:Object", {"tail": "<ds:Object/>"}),
    ("SignatureProperties in a ds:Object", {
        "references": reference() + BY_ID,
        "tail": '<ds:Object><ds:SignatureProperties Id="o"><ds:SignatureProperty Target="#o">'
                "x</ds:SignatureProperty></ds:SignatureProperties></ds:Object>"}),
]
TEMPLATES += [(f"transform {name}", {"references": reference(transforms=FIRST + transform(name))})
              for name in CANONICALIZATIONS]
TEMPLATES += [(f"SignedInfo by {name}", {"canonicalization": name}) for name in CANONICALIZATIONS]
TEMPLATES += [(f"digest {name}", {"references": reference(digest=name)}) for name in (
    DS + "sha1", MORE + "md5", MORE + "sha224", MORE + "sha384", ENC + "sha512", ENC + "ripemd160")]
TEMPLATES += [(f"method {name}", {"method": name}) for name in (
    DS + "rsa-sha1", MORE + "rsa-md5", MORE + "rsa-ripemd160", MORE + "rsa-sha224",
    MORE + "rsa-sha384", MORE + "rsa-sha512")]

# KeyInfo that is lawful XML signature, not lawful here; {certificate} is the bank's own.
KEY_INFOS = (
    ("empty", " "), ("with text", "x"), ("a KeyName", "<ds:KeyName>x</ds:KeyName>"),
    ("a KeyName beside the certificate", "{certificate}<ds:KeyName>x</ds:KeyName>"),
    ("a KeyName before the certificate", "<ds:KeyName>x</ds:KeyName>{certificate}"),
    ("the KeyValue of the right key", "{value}"), ("the KeyValue beside it", "{certificate}{value}"),
    ("a DEREncodedKeyValue", f'<d:DEREncodedKeyValue xmlns:d="{DSIG11}">AAAA</d:DEREncodedKeyValue>'),
    ("a KeyInfoReference", f'<d:KeyInfoReference xmlns:d="{DSIG11}" URI="#k"/>'),
    ("a RetrievalMethod", '<ds:RetrievalMethod URI="#x"/>'),
    ("PGPData", "<ds:PGPData><ds:PGPKeyID>AAAA</ds:PGPKeyID></ds:PGPData>"),
    ("SPKIData", "<ds:SPKIData><ds:SPKISexp>AAAA</ds:SPKISexp></ds:SPKIData>"),
    ("MgmtData", "<ds:MgmtData>x</ds:MgmtData>"),
    ("an X509CRL", "<ds:X509Data><ds:X509CRL>AAAA</ds:X509CRL></ds:X509Data>"),
    ("an X509Digest", f'<ds:X509Data><d:X509Digest xmlns:d="{DSIG11}" Algorithm="x">AAAA'
                      "</d:X509Digest></ds:X509Data>"),
    ("a foreign element", '<x xmlns="urn:x"/>'),
    ("a foreign element in X509Data", '<ds:X509Data><x xmlns="urn:x"/></ds:X509Data>'),
    ("X509Data of another namespace", '<X509Data xmlns="urn:x"/>'),
    ("text in X509Data", "<ds:X509Data>x</ds:X509Data>"),
    ("an element in X509SubjectName",
     "<ds:X509Data><ds:X509SubjectName><x/></ds:X509SubjectName></ds:X509Data>"),
    ("an issuer without serial", "<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=x"
                                 "</ds:X509IssuerName></ds:X509IssuerSerial></ds:X509Data>"),
    ("serial before issuer", "<ds:X509Data><ds:X509IssuerSerial><ds:X509SerialNumber>1"
                             "</ds:X509SerialNumber><ds:X509IssuerName>CN=x</ds:X509IssuerName>"
                             "</ds:X509IssuerSerial></ds:X509Data>"),
    ("X509Data in X509Data", "<ds:X509Data>{certificate}</ds:X509Data>"),
    ("a second KeyInfo in it", "<ds:KeyInfo>{certificate}</ds:KeyInfo>"),
    ("a second KeyInfo behind it", "{certificate}</ds:KeyInfo><ds:KeyInfo>{certificate}"),
    ("65 names", "<ds:X509Data><ds:X509SKI>AAAA</ds:X509SKI></ds:X509Data>" * 65),
    ("a thousand X509Data, each with an Id",
     "".join(f'<ds:X509Data Id="d{i}"/>' for i in range(1000))),
)

# SignedInfo changed, then signed as it stands: not good by xmlsec either, where it asks.
SIGNED_SO = (
    ("no enveloped-signature", FIRST, ""), ("no c14n", LAST, ""),
    ("the transforms the other way round", FIRST + LAST, LAST + FIRST),
    ("no transform", FIRST + LAST, ""),
    ("no Transforms", f"<ds:Transforms>{FIRST + LAST}</ds:Transforms>", ""),
    ("a transform for base64", LAST, transform(DS + "base64") + LAST),
    ("an unknown transform", LAST, transform("urn:x") + LAST),
    ("a transform without Algorithm", LAST, "<ds:Transform></ds:Transform>"),
    ("a transform of another namespace", LAST, LAST.replace("ds:Transform", "Transform")),
    ("no CanonicalizationMethod", "<ds:Canon.*</ds:Canon[^>]*>", ""),
    ("no SignatureMethod", "<ds:SignatureMethod.*</ds:SignatureMethod>", ""),
    ("SignatureMethod twice", "(<ds:SignatureMethod.*</ds:SignatureMethod>)", r"\1\1"),
    ("the methods the other way round",
     "(<ds:Canon.*</ds:Canon[^>]*>)(<ds:SignatureMethod.*</ds:SignatureMethod>)",
     r"\2\1"),
    ("no Reference", "<ds:Reference.*</ds:Reference>", ""),
    ("no DigestMethod", "<ds:DigestMethod.*</ds:DigestMethod>", ""),
    ("no DigestValue", "<ds:DigestValue.*</ds:DigestValue>", ""),
    ("DigestValue twice", "(<ds:DigestValue.*</ds:DigestValue>)", r"\1\1"),
    ("an element in DigestValue", "</ds:DigestValue>", "<x></x></ds:DigestValue>"),
    ("an element in DigestMethod", "</ds:DigestMethod>", "<x></x></ds:DigestMethod>"),
    ("text in DigestMethod", "</ds:DigestMethod>", "x</ds:DigestMethod>"),
    ("text in SignedInfo", "</ds:SignedInfo>", "x</ds:SignedInfo>"),
    ("an element in Reference", "<ds:DigestMethod", "<ds:Object></ds:Object><ds:DigestMethod"),
    ("HMACOutputLength", "</ds:SignatureMethod>",
     "<ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>"),
    ('URI="#x"', 'URI=""', 'URI="#x"'), ("a blank URI", 'URI=""', 'URI=" "'),
    ("URI of another case", 'URI=""', 'uri=""'), ('URI="#"', 'URI=""', 'URI="#"'),
    ("a URI of a namespace", 'URI=""', 'ds:URI=""'),
    ("a method with white space", RSA_SHA256, RSA_SHA256 + " "),
    ("a method of another case", RSA_SHA256, RSA_SHA256.upper()),
    ("a method of a longer name", RSA_SHA256, RSA_SHA256 + "x"),
    ("an unknown method", RSA_SHA256, "urn:x"), ("no method", f' Algorithm="{RSA_SHA256}"', ""),
    ("an empty method", RSA_SHA256, ""), ("a method ed25519", RSA_SHA256,
                                          "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519"),
    ("an attribute of SignedInfo", "<ds:SignedInfo ", '<ds:SignedInfo x="1" '),
    ("xml:id", "<ds:SignedInfo ", '<ds:SignedInfo xml:id="x" '),
    ("xml:base", "<ds:Reference ", '<ds:Reference xml:base="urn:x" '),
    ("ID", "<ds:SignedInfo ", '<ds:SignedInfo ID="x" '),
    ("ds:Id", "<ds:SignedInfo ", '<ds:SignedInfo ds:Id="x" '),
    ("an Id twice", "<ds:Transform ", '<ds:Transform Id="x" '),
    ("an Id of SignatureValue", "<ds:SignedInfo ", '<ds:SignedInfo Id="value" '),
    ("another namespace", f'xmlns:ds="{DS}"', 'xmlns:ds="urn:x"'),
    ("the namespace with a slash", f'xmlns:ds="{DS}"', f'xmlns:ds="{DS}/"'),
)

# The Signature changed where nothing of it is signed.
UNSIGNED = (
    ("no SignedInfo", "<ds:SignedInfo.*</ds:SignedInfo>", ""),
    ("SignedInfo twice", "(<ds:SignedInfo.*</ds:SignedInfo>)", r"\1\1"),
    ("no SignatureValue", "<ds:SignatureValue.*</ds:SignatureValue>", ""),
    ("SignatureValue twice", "(<ds:SignatureValue.*</ds:SignatureValue>)", r"\1\1"),
    ("SignatureValue first", "(<ds:SignedInfo.*Info>)(<ds:SignatureValue.*Value>)(?=<ds:K)",
     r"\2\1"),
    ("KeyInfo before SignatureValue",
     "(<ds:SignatureValue.*</ds:SignatureValue>)(<ds:KeyInfo>.*</ds:KeyInfo>)", r"\2\1"),
    ("an element in SignatureValue", "</ds:SignatureValue>", "<x/></ds:SignatureValue>"),
    ("an Encoding", "<ds:SignatureValue>", '<ds:SignatureValue Encoding="x">'),
    ("an attribute of Signature", "<ds:Signature ", '<ds:Signature x="1" '),
    ("an attribute of KeyInfo", "<ds:KeyInfo>", '<ds:KeyInfo x="1">'),
    ("an attribute of X509Certificate", "<ds:X509Certificate>", '<ds:X509Certificate x="1">'),
    ("a foreign element before", "<ds:SignedInfo", '<x xmlns="urn:x"/><ds:SignedInfo'),
    ("a foreign element behind", "</ds:Signature>", '<x xmlns="urn:x"/></ds:Signature>'),
    ("text", "</ds:Signature>", "x</ds:Signature>"),
    ("another namespace", f'Signature xmlns:ds="{DS}"', 'Signature xmlns:ds="urn:x"'),
    ("no namespace", "^.+$",
     lambda m: m[0].replace("ds:", "").replace(f'xmlns:ds="{DS}"', 'xmlns=""')),
    ("two equal Id", "<ds:(SignatureValue|KeyInfo)>", r'<ds:\1 Id="x">'),
    ("two equal Id, one spelled by a reference",
     "<ds:SignatureValue>(.*)<ds:KeyInfo>",
     r'<ds:SignatureValue Id="x">\1<ds:KeyInfo Id="&#120;">'),
)


def good_elsewhere(suite, a, ec_keyed):
    """Good signatures with other means; the control is the profile, made in the same way."""
    draft = Draft(a)
    taken(suite, "what xmlsec makes by the profile", draft,
          by_xmlsec(draft.text, template(RSA_SHA256), a.signer))
    for what, options in TEMPLATES:
        draft = Draft(a)
        filled = template(**({"method": RSA_SHA256} | options))
        refused(suite, what, draft, by_xmlsec(draft.text, filled, a.signer))
    for name in (DS + "hmac-sha1", MORE + "hmac-sha256", MORE + "hmac-sha512"):
        for what, secret in (("certificate in PEM", serialization.Encoding.PEM),
                             ("certificate in DER", serialization.Encoding.DER)):
            draft = Draft(a)
            key = xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC,
                                              a.signer.certificate.public_bytes(secret))
            refused(suite, f"method {name}, the secret is the {what}", draft,
                    by_xmlsec(draft.text, template(name), key=key))
    for name in ("ecdsa-sha1", "ecdsa-sha224", "ecdsa-sha384", "ecdsa-sha512"):
        draft = Draft(ec_keyed)
        refused(suite, f"method {name}", draft,
                by_xmlsec(draft.text, template(MORE + name), ec_keyed.signer))
    draft = Draft(a)
    info = draft.info(method="http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1")
    value = a.signer.key.sign(message.canonical(message.parse(info.encode())),
                              padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    refused(suite, "method RSA-PSS", draft,
            draft.signed(info=info, value=base64.b64encode(value).decode()))


def nothing_is_fetched(suite, a):
    """A URI that names a server: it is refused, and nobody calls there."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.5)
    uri = f"http://127.0.0.1:{server.getsockname()[1]}/x"
    draft = Draft(a)
    refused(suite, "an external URI", draft, draft.signed(info=draft.info(uri=f'URI="{uri}"')))
    draft = Draft(a)
    refused(suite, "an external RetrievalMethod", draft,
            draft.signed(key_info=f'<ds:RetrievalMethod URI="{uri}"/>'))
    with suite.case("nothing is fetched"):
        try:
            server.accept()
        except TimeoutError:
            return
        finally:
            server.close()
        raise AssertionError("the switch asked for what the message names")


def shapes(suite, a):
    certificate = ("<ds:X509Data><ds:X509Certificate>" + a.signer.certificate_text()
                   + "</ds:X509Certificate></ds:X509Data>")
    numbers = a.signer.key.public_key().public_numbers()
    modulus = base64.b64encode(numbers.n.to_bytes(256, "big")).decode()
    value = (f"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus>"
             "<ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>")
    for what, info in KEY_INFOS:
        draft = Draft(a)
        info = info.replace("{certificate}", certificate).replace("{value}", value)
        refused(suite, f"KeyInfo: {what}", draft, draft.signed(key_info=info))
    for what, old, new in SIGNED_SO:
        draft = Draft(a)
        signature = draft.signature(info=changed(draft.info(), old, new))
        if "SignatureValue" in what:
            signature = signature.replace("<ds:SignatureValue>", '<ds:SignatureValue Id="value">')
        refused(suite, f"SignedInfo: {what}, signed so", draft, draft.put(signature))
    for what, old, new in UNSIGNED:
        draft = Draft(a)
        refused(suite, f"Signature: {what}", draft, draft.put(changed(draft.signature(), old, new)))


def at(pattern, replacement):
    """The mark moved: away from Sgntr, and to where the replacement has it."""
    return lambda text: re.sub(pattern, replacement.replace("@", SIGNATURE),
                               text.replace(SIGNATURE, ""), count=1)


# (what, where to, RjctgPtyRsn): the digest is made with the mark there, so it fits.
MOVES = (
    ("to the start of the Envelope", at("<AppHdr", "@<AppHdr"), "SCHEMA"),
    ("between AppHdr and Document", at("<Document", "@<Document"), "SCHEMA"),
    ("to the end of the Envelope", at("</Envelope>", "@</Envelope>"), "SCHEMA"),
    ("to the start of AppHdr", at("<Fr>", "@<Fr>"), "SCHEMA"),
    ("to the place of Sgntr", at("<Sgntr></Sgntr>", "@"), "SCHEMA"),
    ("to behind Sgntr", at("</Sgntr>", "</Sgntr>@"), "SCHEMA"),
    ("into To", at("</To>", "@</To>"), "SCHEMA"),
    ("to the start of Document", at("<FIToFI", "@<FIToFI"), "SCHEMA"),
    ("to the end of Document", at("</Document>", "@</Document>"), "SCHEMA"),
    ("into SplmtryData", at("</CdtTrfTxInf>", HIDDEN("@") + "</CdtTrfTxInf>"), "SIGNATURE"),
    ("into SplmtryData of the message",
     at("</FIToFICstmrCdtTrf>", HIDDEN("@") + "</FIToFICstmrCdtTrf>"), "SIGNATURE"),
    ("into SplmtryData, in another Sgntr", at(
        "</CdtTrfTxInf>", HIDDEN("<AppHdr><Sgntr>@</Sgntr></AppHdr>") + "</CdtTrfTxInf>"),
     "SIGNATURE"),
    ("into SplmtryData, without Sgntr", at(
        "<Sgntr></Sgntr>(.*)</CdtTrfTxInf>", r"\1" + HIDDEN("@") + "</CdtTrfTxInf>"), "SIGNATURE"),
    ("into a Sgntr in Sgntr", at("<Sgntr>", "<Sgntr><Sgntr>@</Sgntr>"), "SIGNATURE"),
    ("into a foreign element in Sgntr", at("<Sgntr>", '<Sgntr><x xmlns="urn:x">@</x>'), "SIGNATURE"),
    ("into a ds:Object in Sgntr", at("<Sgntr>", f'<Sgntr><d:Object xmlns:d="{DS}">@</d:Object>'),
     "SIGNATURE"),
    ("behind an element in Sgntr", at("<Sgntr>", '<Sgntr><x xmlns="urn:x"/>@'), "SIGNATURE"),
    ("before an element in Sgntr", at("<Sgntr>", '<Sgntr>@<x xmlns="urn:x"/>'), "SIGNATURE"),
    ("behind text in Sgntr", at("<Sgntr>", "<Sgntr>x@"), "SIGNATURE"),
    ("before text in Sgntr", at("<Sgntr>", "<Sgntr>@x"), "SIGNATURE"),
    ("into a second Sgntr", at("</Sgntr>", "</Sgntr><Sgntr>@</Sgntr>"), "SCHEMA"),
    ("into a Sgntr of another namespace",
     at("<Sgntr></Sgntr>", '<Sgntr xmlns="urn:x">@</Sgntr>'), "SCHEMA"),
    ("into a second AppHdr", at("</AppHdr>", "</AppHdr><AppHdr><Sgntr>@</Sgntr></AppHdr>"), "SCHEMA"),
)


def moved(suite, a):
    """The signature's place is part of the rule: "one that was moved is refused although its digest
    still fits"."""
    key = load(a.signer)
    for what, move, reason in MOVES:
        draft = Draft(a)
        draft.text = move(draft.text)
        expect(draft.text.count(SIGNATURE) == 1, f"{what}: the mark")
        octets = draft.signed()
        stands(octets, key)
        refused(suite, f"moved {what}", draft, octets, reason)
    for what, put, reason in (
        ("no Sgntr", lambda text: text.replace(f"<Sgntr>{SIGNATURE}</Sgntr>", ""), "SIGNATURE"),
        ("an empty Sgntr", lambda text: text.replace(SIGNATURE, ""), "SIGNATURE"),
        ("white space in Sgntr", lambda text: text.replace(SIGNATURE, " \n"), "SIGNATURE"),
        ("text in Sgntr", lambda text: text.replace(SIGNATURE, "x"), "SIGNATURE"),
        ("another element in Sgntr", lambda text: text.replace(SIGNATURE, "<x/>"), "SIGNATURE"),
        ("an empty Signature", lambda text: text.replace(
            SIGNATURE, f'<ds:Signature xmlns:ds="{DS}"/>'), "SIGNATURE"),
    ):
        draft = Draft(a)
        refused(suite, what, draft, put(draft.text).encode(), reason)


def second(suite, a, stranger):
    """A second signature anywhere, though the first is in its place and good."""
    key = load(a.signer)

    def row(what, draft, octets):
        stands(octets, key)
        refused(suite, f"a second signature: {what}", draft, octets)

    empty = f'<ds:Signature xmlns:ds="{DS}"/>'
    for what, inner in (("an empty one", empty), ("a good one of another message",
                                                 Draft(a).signature())):
        for where, extra, wrap in (
            ("in SplmtryData", HIDDEN(inner), None),
            ("deep in SplmtryData", HIDDEN(f'<x xmlns="urn:x"><y>{inner}</y></x>'), None),
            ("behind it in Sgntr", "", lambda one, two=inner: one + two),
            ("in a ds:Object of it", "", lambda one, two=inner: one.replace(
                "</ds:Signature>", f"<ds:Object>{two}</ds:Object></ds:Signature>")),
            ("in KeyInfo", "", lambda one, two=inner: one.replace("</ds:KeyInfo>",
                                                                  two + "</ds:KeyInfo>")),
        ):
            draft = Draft(a, extra)
            if wrap is None:
                row(f"{what} {where}", draft, draft.signed())
            else:  # xmlsec digests it too, as it is not in the first: no matter, it is refused
                refused(suite, f"a second signature: {what} {where}", draft,
                        draft.put(wrap(draft.signature())))
    for what, signers in (("by the same key", (a.signer, a.signer)),
                          ("by another's key behind it", (a.signer, stranger)),
                          ("by another's key before it", (stranger, a.signer))):
        draft = Draft(a)
        refused(suite, f"a second signature: {what}", draft, draft.put(
            "".join(draft.signature(signer=signer) for signer in signers)))


def wrapped(suite, a):
    """Known shapes of signature wrapping: what the bank did sign is carried along, and what would be
    executed is another message."""
    by_id = template(RSA_SHA256, references=reference('URI="#s"'))

    # The reference leads by id to what was signed; the signature is in its place and good.
    for name, reason in (("Envelope", "SIGNATURE"), ("AppHdr", "SIGNATURE"),
                         ("Document", "SCHEMA")):  # whose XSD is at hand and has no Id
        original = Draft(a).text.replace(SIGNATURE, "")
        part = re.search(f"<{name}.*</{name}>", original)[0].replace(name, f'{name} Id="s"', 1)
        draft = Draft(a, HIDDEN(part))
        refused(suite, f"wrapping: the signed {name} in SplmtryData, referred to by id", draft,
                by_xmlsec(draft.text, by_id, a.signer), reason)
        draft = Draft(a)
        filled = by_id.replace("</ds:Signature>",
                               f"<ds:Object>{part}</ds:Object></ds:Signature>")
        refused(suite, f"wrapping: the signed {name} in a ds:Object, referred to by id", draft,
                by_xmlsec(draft.text, filled, a.signer))

    # A whole signed message is carried along unchanged.
    signature = re.compile("<ds:Signature .*</ds:Signature>")
    for what, sgntr in (
        ("and nothing in the new Sgntr", lambda text: ""),
        ("and its signature in the new Sgntr too", lambda text: signature.search(text)[0]),
        ("and the new Sgntr holds it", lambda text: text),
        ("in a ds:Object of its own signature", lambda text: signature.search(text)[0].replace(
            "</ds:Signature>", f"<ds:Object>{text}</ds:Object></ds:Signature>")),
    ):
        inner = Draft(a).signed().decode()
        draft = Draft(a, "" if inner in sgntr(inner) else HIDDEN(inner))
        refused(suite, f"wrapping: a signed message inside, {what}", draft,
                draft.put(sgntr(inner)))
    inner = Draft(a).signed().decode()
    draft = Draft(a, HIDDEN(signature.sub("", inner)))
    refused(suite, "wrapping: a signed message inside, its signature moved to the new Sgntr", draft,
            draft.put(signature.search(inner)[0]))

    # Parts of both side by side, in either order: there is one AppHdr and one Document.
    header, document = re.compile("<AppHdr.*</AppHdr>"), re.compile("<Document.*</Document>")
    for what, build in (
        ("two AppHdr", lambda new, old: new.replace("<Document", header.search(old)[0] + "<Document")),
        ("two AppHdr, the signed first",
         lambda new, old: new.replace("<AppHdr", header.search(old)[0] + "<AppHdr", 1)),
        ("two Documents, the signed first",
         lambda new, old: new.replace("<Document", document.search(old)[0] + "<Document", 1)),
        ("two Documents", lambda new, old: new.replace(
            "</Envelope>", document.search(old)[0] + "</Envelope>")),
        ("an Envelope in the Envelope", lambda new, old: new.replace(
            "</Envelope>", old + "</Envelope>")),
        ("Document before AppHdr", lambda new, old: re.sub(
            "(<AppHdr.*</AppHdr>)(<Document.*</Document>)", r"\2\1", new)),
    ):
        # Signed as it stands, so that only its shape can be at fault.
        draft, other = Draft(a), Draft(a).text.replace(SIGNATURE, "")
        draft.text = build(draft.text, other)
        octets = draft.signed()
        stands(octets, load(a.signer))
        draft.id = re.search("<BizMsgIdr>([^<]*)<", draft.text)[1]
        refused(suite, f"wrapping: {what}", draft, octets, "SCHEMA")


def main():
    suite = Suite("profile")

    def edit(_, environment_folder):
        folder = environment_folder / "participants" / EC_KEYED
        make_pair(folder, "signing", key_of("p256"))

    settings = {"participants.poll_seconds": 1, "kafka.mode": "off"}
    with suite.environment_of(settings=settings, genesis=edit) as environment:
        a, ec_keyed = environment.bank(A), environment.bank(EC_KEYED)
        good_elsewhere(suite, a, ec_keyed)
        nothing_is_fetched(suite, a)
        shapes(suite, a)
        moved(suite, a)
        second(suite, a, environment.bank(C).signer)
        wrapped(suite, a)
    finish(suite)


if __name__ == "__main__":
    main()
