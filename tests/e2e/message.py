"""Messages as a bank writes and reads them, made from text so that a test can misspell anything.

A message under construction is text with the mark SIGNATURE where the ds:Signature goes. sign()
canonicalises with lxml and signs with python3-cryptography; nothing here is the switch's code.
"""

import base64
import datetime
import hashlib
import itertools
import os
import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

ISO = "urn:iso:std:iso:20022:tech:xsd:"
ENVELOPE = "urn:cauce:envelope:1"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DS + "enveloped-signature"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SIGNATURE = "@@signature@@"

SWITCH = "00038166"
PACS008 = "pacs.008.001.08"
PACS002 = "pacs.002.001.10"
CAMT060 = "camt.060.001.05"
CAMT052 = "camt.052.001.08"
ADMI002 = "admi.002.001.01"
ACCEPTED = ("ACSP", "ACTC", "ACWP")  # what a payee's bank accepts with

_RUN = os.urandom(4).hex()
_COUNTER = itertools.count(1)


def unique(prefix):
    """An identifier of at most 35 characters that no earlier run has used."""
    return f"{prefix}{_RUN}{next(_COUNTER):06d}"


def instant(seconds=0.0):
    """The time now, shifted, as the switch writes it: UTC with milliseconds."""
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


# ---- writing ----


def agent(code):
    return f"<FinInstnId><ClrSysMmbId><MmbId>{code}</MmbId></ClrSysMmbId></FinInstnId>"


def transfer(
    payer, payee, amount="1.00", e2e=None, *, instruction=None, uetr=None, priority=None,
    settlement_priority=None, accepted=None, currency="MXN", extra="",
):
    """One CdtTrfTxInf; `extra` goes behind Cdtr (CdtrAcct, Purp, RmtInf ...)."""
    parts = ["<CdtTrfTxInf><PmtId>"]
    if instruction:
        parts.append(f"<InstrId>{instruction}</InstrId>")
    parts.append(f"<EndToEndId>{e2e or unique('E' + payer)}</EndToEndId>")
    if uetr:
        parts.append(f"<UETR>{uetr}</UETR>")
    parts.append("</PmtId>")
    if priority:
        parts.append(f"<PmtTpInf><InstrPrty>{priority}</InstrPrty></PmtTpInf>")
    parts.append(f'<IntrBkSttlmAmt Ccy="{currency}">{amount}</IntrBkSttlmAmt>')
    if settlement_priority:
        parts.append(f"<SttlmPrty>{settlement_priority}</SttlmPrty>")
    parts += [
        f"<AccptncDtTm>{accepted or instant()}</AccptncDtTm><ChrgBr>SLEV</ChrgBr>",
        "<Dbtr><Nm>Ana Diaz</Nm></Dbtr>",
        f"<DbtrAgt>{agent(payer)}</DbtrAgt><CdtrAgt>{agent(payee)}</CdtrAgt>",
        f"<Cdtr><Nm>Luis Rojas</Nm></Cdtr>{extra}</CdtTrfTxInf>",
    ]
    return "".join(parts)


def pacs008(message_id, transfers, count=None):
    return (
        f'<Document xmlns="{ISO}{PACS008}"><FIToFICstmrCdtTrf><GrpHdr><MsgId>{message_id}</MsgId>'
        f"<CreDtTm>{instant()}</CreDtTm><NbOfTxs>{count or len(transfers)}</NbOfTxs>"
        "<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>"
        + "".join(transfers)
        + "</FIToFICstmrCdtTrf></Document>"
    )


def verdict(e2e, status, reason=None):
    """One TxInfAndSts of an answer."""
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{e2e}</OrgnlEndToEndId><TxSts>{status}</TxSts>{why}"
        "</TxInfAndSts>"
    )


def pacs002(message_id, verdicts):
    return (
        f'<Document xmlns="{ISO}{PACS002}"><FIToFIPmtStsRpt><GrpHdr><MsgId>{message_id}</MsgId>'
        f"<CreDtTm>{instant()}</CreDtTm></GrpHdr>"
        + "".join(verdicts)
        + "</FIToFIPmtStsRpt></Document>"
    )


def camt060(message_id, account, owner, name=CAMT052):
    return (
        f'<Document xmlns="{ISO}{CAMT060}"><AcctRptgReq><GrpHdr><MsgId>{message_id}</MsgId>'
        f"<CreDtTm>{instant()}</CreDtTm></GrpHdr><RptgReq><ReqdMsgNmId>{name}</ReqdMsgNmId>"
        f"<Acct><Id><Othr><Id>{account}</Id></Othr></Id></Acct>"
        f"<AcctOwnr><Agt>{agent(owner)}</Agt></AcctOwnr></RptgReq></AcctRptgReq></Document>"
    )


def envelope(document, kind, sender, message_id, *, to=SWITCH, created=None, extra=""):
    """An Envelope with the mark SIGNATURE in its Sgntr; `extra` goes right behind Sgntr."""
    return (
        f'<Envelope xmlns="{ENVELOPE}"><AppHdr xmlns="{ISO}head.001.001.02">'
        f"<Fr><FIId>{agent(sender)}</FIId></Fr><To><FIId>{agent(to)}</FIId></To>"
        f"<BizMsgIdr>{message_id}</BizMsgIdr><MsgDefIdr>{kind}</MsgDefIdr>"
        f"<CreDt>{created or instant()}</CreDt><Sgntr>{SIGNATURE}</Sgntr>{extra}</AppHdr>"
        f"{document}</Envelope>"
    )


# ---- signing ----


class Signer:
    """A key with its certificate, from PEM files."""

    def __init__(self, key_path, certificate_path):
        self.key = serialization.load_pem_private_key(key_path.read_bytes(), None)
        self.certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())

    def certificate_text(self):
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return base64.b64encode(der).decode()

    def method(self):
        return RSA_SHA256 if isinstance(self.key, rsa.RSAPrivateKey) else ECDSA_SHA256

    def value(self, octets):
        """The signature as XML wants it: raw r||s for ECDSA."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self.key.sign(octets, ec.ECDSA(hashes.SHA256())))
        size = (self.key.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def canonical(element):
    """Exclusive C14N without comments."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def parse(octets):
    return etree.fromstring(octets, etree.XMLParser(resolve_entities=False, huge_tree=True))


def digest(text):
    return base64.b64encode(hashlib.sha256(canonical(parse(text))).digest()).decode()


def signed_info(digest_value, method, *, transforms=(ENVELOPED, EXCLUSIVE), uri='URI=""',
                digest_method=SHA256, canonicalization=EXCLUSIVE):
    steps = "".join(f'<ds:Transform Algorithm="{step}"></ds:Transform>' for step in transforms)
    return (
        f'<ds:SignedInfo xmlns:ds="{DS}">'
        f'<ds:CanonicalizationMethod Algorithm="{canonicalization}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod>'
        f"<ds:Reference {uri}><ds:Transforms>{steps}</ds:Transforms>"
        f'<ds:DigestMethod Algorithm="{digest_method}"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest_value}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )


def signature(text, signer, *, key_info="certificate", info=None, value=None, tail=""):
    """The ds:Signature for `text`, which still has the mark SIGNATURE in it."""
    if info is None:
        plain = text.replace(SIGNATURE, "")
        info = signed_info(digest(plain.encode()), signer.method())
    if value is None:
        octets = canonical(parse(info.encode()))
        value = base64.b64encode(signer.value(octets)).decode()
    if key_info == "certificate":
        key_info = (
            "<ds:X509Data><ds:X509Certificate>"
            f"{signer.certificate_text()}</ds:X509Certificate></ds:X509Data>"
        )
    key_info = f"<ds:KeyInfo>{key_info}</ds:KeyInfo>" if key_info else ""
    return (
        f'<ds:Signature xmlns:ds="{DS}">{info}<ds:SignatureValue>{value}</ds:SignatureValue>'
        f"{key_info}{tail}</ds:Signature>"
    )


def sign(text, signer, **options):
    """The signed bytes of `text`, whose every other byte stays as it is."""
    return text.replace(SIGNATURE, signature(text, signer, **options)).encode()


# ---- reading ----


class Message:
    """A message from the switch: `root` has its namespaces, `plain` has none, for short paths."""

    def __init__(self, resource_id, octets):
        self.resource_id = resource_id
        self.octets = octets
        self.root = parse(octets)
        self.plain = parse(octets)
        for element in self.plain.iter():
            element.tag = etree.QName(element).localname

    def text(self, path):
        return self.plain.findtext(path)

    @property
    def kind(self):
        return self.text("AppHdr/MsgDefIdr")

    @property
    def document(self):
        """The Document's canonical form."""
        return canonical(self.root[1])

    def content(self):
        """All but the signature's value: what stays the same when it is delivered again."""
        return re.sub(
            rb"<ds:SignatureValue>[^<]*</ds:SignatureValue>", b"", canonical(self.root)
        )

    def events(self):
        """(kind, key, fields) for each thing that the message tells its receiver."""
        reader = {PACS008: self._transfers, PACS002: self._results, ADMI002: self._refusal,
                  CAMT052: self._balances}[self.kind]
        return list(reader())

    def _transfers(self):
        for place, element in enumerate(self.plain.iter("CdtTrfTxInf")):
            original = self.root[1][0][place + 1]
            yield PACS008, element.findtext("PmtId/EndToEndId"), {
                "canonical": canonical(original),
                "amount": element.findtext("IntrBkSttlmAmt"),
                "message_id": self.text("Document/FIToFICstmrCdtTrf/GrpHdr/MsgId"),
                "id": self.resource_id,
            }

    def _results(self):
        for element in self.plain.iter("TxInfAndSts"):
            yield PACS002, element.findtext("OrgnlEndToEndId"), {
                "status": element.findtext("TxSts"),
                "reason": element.findtext("StsRsnInf/Rsn/Cd"),
                "instruction": element.findtext("OrgnlInstrId"),
                "uetr": element.findtext("OrgnlUETR"),
                "settled": element.findtext("FctvIntrBkSttlmDt/DtTm"),
                "seq": element.findtext("AcctSvcrRef"),
                "id": self.resource_id,
            }

    def _refusal(self):
        body = self.plain.find("Document/admi.002.001.01")
        yield ADMI002, body.findtext("RltdRef/Ref"), {
            "reason": body.findtext("Rsn/RjctgPtyRsn"),
            "location": body.findtext("Rsn/ErrLctn"),
            "words": body.findtext("Rsn/RsnDesc"),
            "id": self.resource_id,
        }

    def _balances(self):
        report = self.plain.find("Document/BkToCstmrAcctRpt")
        request = report.findtext("GrpHdr/OrgnlBizQry/MsgId")
        balances = {}
        for element in report.iter("Bal"):
            balances[element.findtext("Tp/CdOrPrtry/Cd")] = element.findtext("Amt")
        yield CAMT052, request, {
            "account": report.findtext("Rpt/Acct/Id/Othr/Id"),
            "available": balances.get("ITAV"),
            "reserved": balances.get("BLCK"),
            "report": report,
            "id": self.resource_id,
        }
