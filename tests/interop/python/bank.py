#!/usr/bin/env python3
"""A bank in Python: pays and is paid through a running switch.

    bank.py --dir DIR --url URL --as CODE [--library xmlsec|signxml] pay --to CODE --amount 12.34 --count N
    bank.py --dir DIR --url URL --as CODE [--library xmlsec|signxml] serve --count N

DIR is a folder made by `cauce dev`. Prints one line per payment; exit 0 when all are settled.

The happy path: `pay` posts N signed pacs.008. Then both poll. A pacs.008 is answered with a signed
pacs.002 ACSP before the next poll, which confirms it; a pacs.002 ends a payment. What is not
confirmed the switch keeps, so nothing has to be open before it is needed.

Possible failures: no answer, 5xx or 429: the same bytes again, which is always safe. 410: the
stream is gone, a new one brings again what was not confirmed. admi.002 or a message that does not
verify: nothing more is done and the exit is 1.
"""

import argparse
import datetime
import email
import http.client
import importlib
import os
import pathlib
import ssl
import sys
import time
import urllib.parse

from lxml import etree

SWITCH = "00038166"  # switch.code of cauce.conf
ENVELOPE = "urn:cauce:envelope:1"
ISO = "urn:iso:std:iso:20022:tech:xsd:"
HEADER = ISO + "head.001.001.02"
DS = "http://www.w3.org/2000/09/xmldsig#"
TRANSFORMS = [DS + "enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#"]
EC_PUBLIC_KEY = bytes.fromhex("2a8648ce3d0201")  # the OID, as it stands in a certificate
TRIES = 5
ANSWER_SECONDS = 30  # above the switch's poll_seconds


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def unique(prefix):
    """An id of 32 characters that nobody uses twice."""
    return prefix + os.urandom(12).hex()[: 32 - len(prefix)]


def agent(code):
    return f"<FinInstnId><ClrSysMmbId><MmbId>{code}</MmbId></ClrSysMmbId></FinInstnId>"


def text(element, path):
    """The text at a path of local names, whatever the namespaces."""
    found = element.xpath("/".join(f"*[local-name()='{name}']" for name in path.split("/")))
    return (found[0].text or "") if found else ""


def demand(true, what):
    if not true:
        raise ValueError(what)


def check_signature_shape(root):
    """The library says that a signature is right; this, that it is the one that covers all."""
    found = root.findall(f".//{{{DS}}}Signature")
    place = f"{{{HEADER}}}AppHdr/{{{HEADER}}}Sgntr/{{{DS}}}Signature"
    demand(found == root.findall(place) and len(found) == 1, "not one signature in its place")
    references = found[0].findall(f".//{{{DS}}}Reference")
    demand([r.get("URI") for r in references] == [""], "not one reference to the whole")
    transforms = found[0].findall(f".//{{{DS}}}Transform")
    demand([t.get("Algorithm") for t in transforms] == TRANSFORMS, "other transforms")


class Bank:
    def __init__(self, folder, url, code, library):
        own = folder / "participants" / code
        self.code = code
        self.address = urllib.parse.urlsplit(url).netloc
        self.tls = ssl.create_default_context(cafile=folder / "ca.crt")
        self.tls.load_cert_chain(own / "channel.crt", own / "channel.key")
        self.connection = None
        self.open = {}  # end-to-end id -> from or to whom, how much
        self.known = set()
        self.ended = 0
        self.all_settled = True
        self.stream = self.start = f"/api/v1/out/{code}/stream/start"
        self.signatures = importlib.import_module("with_" + library).Signatures(
            str(own / "signing.key"), str(own / "signing.crt"),
            str(folder / "switch" / "signing.crt"),
        )
        certificate = ssl.PEM_cert_to_DER_cert((own / "signing.crt").read_text())
        self.elliptic = EC_PUBLIC_KEY in certificate

    # ---- transport ----

    def request(self, method, path, body=None, headers=None):
        """One exchange; what got no answer is sent again as it is. (status, headers, body)."""
        wait_seconds = 0.2
        for attempt in range(1, TRIES + 1):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPSConnection(
                        self.address, context=self.tls, timeout=ANSWER_SECONDS
                    )
                self.connection.request(method, path, body, headers or {})
                answer = self.connection.getresponse()
                content = answer.read()
                if answer.status < 500 and answer.status != 429:
                    return answer.status, answer.headers, content
                wait_seconds = float(answer.headers.get("Retry-After", wait_seconds))
                failure = f"{answer.status} {content.decode(errors='replace')}"
            except (OSError, http.client.HTTPException) as error:
                self.connection.close()
                self.connection = None
                failure = repr(error)
            if attempt < TRIES:
                time.sleep(wait_seconds)
                wait_seconds *= 2
        raise ConnectionError(f"{method} {path}: {failure}")

    def send(self, kind, name, group, transactions):
        """Posts a message; `group` and `transactions` are what its kind has of its own."""
        message_id = unique("M" + self.code)
        root = etree.fromstring(
            f"""<Envelope xmlns="{ENVELOPE}"><AppHdr xmlns="{HEADER}">
  <Fr><FIId>{agent(self.code)}</FIId></Fr><To><FIId>{agent(SWITCH)}</FIId></To>
  <BizMsgIdr>{message_id}</BizMsgIdr><MsgDefIdr>{kind}</MsgDefIdr><CreDt>{now()}</CreDt><Sgntr/></AppHdr>
<Document xmlns="{ISO}{kind}"><{name}>
  <GrpHdr><MsgId>{message_id}</MsgId><CreDtTm>{now()}</CreDtTm>{group}</GrpHdr>
  {transactions}</{name}></Document></Envelope>""")
        sgntr = root.find(f"{{{HEADER}}}AppHdr/{{{HEADER}}}Sgntr")
        message = etree.tostring(self.signatures.sign(root, sgntr, self.elliptic))
        status, _, answer = self.request(
            "POST", f"/api/v1/in/{self.code}/msgs", message, {"Content-Type": "application/xml"}
        )
        demand(status == 201, f"{status} {answer.decode(errors='replace')}")

    def poll(self):
        """Confirms what came last and returns the next Documents, verified: maybe none."""
        status, headers, content = self.request(
            "GET", self.stream, headers={"Accept": "application/xml, multipart/mixed"}
        )
        if status == 410:
            self.stream = self.start
            return []
        demand(status in (200, 204), f"{status} {content.decode(errors='replace')}")
        self.stream = headers["PI-Pull-Next"]
        if status == 204:
            return []
        # The standard library's MIME reader takes an answer apart, of one part or of several.
        kind = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
        parts = email.message_from_bytes(kind + content)
        return [self.read(part.get_payload(decode=True)) for part in parts.walk()
                if not part.is_multipart()]

    def read(self, message):
        """The Document of a message that the switch has signed for us."""
        # Without comments and instructions: they would cut an element's text in two.
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True,
                                 remove_pis=True)
        root = etree.fromstring(message, parser)
        demand(not root.getroottree().docinfo.doctype, "it has a DTD")
        check_signature_shape(root)
        root = self.signatures.verify(root)
        header, document = root.find(f"{{{HEADER}}}AppHdr"), root[-1]
        kind, member = text(header, "MsgDefIdr"), "FIId/FinInstnId/ClrSysMmbId/MmbId"
        demand(text(header, "Fr/" + member) == SWITCH, "it is not from the switch")
        demand(text(header, "To/" + member) == self.code, "it is for another bank")
        demand(document.tag == f"{{{ISO}{kind}}}Document", f"its Document is no {kind}")
        demand(kind != "admi.002.001.01", "refused: " + " ".join(document.itertext()))
        return document

    # ---- paying and being paid ----

    def pay(self, payee, amount):
        e2e = unique("E" + self.code)
        self.open[e2e] = f"to {payee} {amount}"
        self.send(
            "pacs.008.001.08", "FIToFICstmrCdtTrf",
            "<NbOfTxs>1</NbOfTxs><SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf>",
            f"""<CdtTrfTxInf><PmtId><EndToEndId>{e2e}</EndToEndId></PmtId>
    <IntrBkSttlmAmt Ccy="MXN">{amount}</IntrBkSttlmAmt>
    <AccptncDtTm>{now()}</AccptncDtTm><ChrgBr>SLEV</ChrgBr>
    <Dbtr><Nm>Ana Díaz</Nm></Dbtr><DbtrAgt>{agent(self.code)}</DbtrAgt>
    <CdtrAgt>{agent(payee)}</CdtrAgt><Cdtr><Nm>Luis Peña</Nm></Cdtr></CdtTrfTxInf>""")

    def accept(self, offers):
        verdicts = ""
        for offer in offers:
            payer = text(offer, "DbtrAgt/FinInstnId/ClrSysMmbId/MmbId")
            e2e, amount = text(offer, "PmtId/EndToEndId"), text(offer, "IntrBkSttlmAmt")
            if e2e not in self.known:  # a pacs.008 may come twice
                self.known.add(e2e)
                self.open[e2e] = f"from {payer} {amount}"
            verdicts += (f"<TxInfAndSts><OrgnlEndToEndId>{e2e}</OrgnlEndToEndId>"
                         "<TxSts>ACSP</TxSts></TxInfAndSts>")
        self.send("pacs.002.001.10", "FIToFIPmtStsRpt", "", verdicts)

    def end(self, told):
        e2e, status = text(told, "OrgnlEndToEndId"), text(told, "TxSts")
        if status not in ("ACSC", "ACCC", "RJCT") or e2e not in self.open:  # may be told twice
            return
        result = (f"rejected {text(told, 'StsRsnInf/Rsn/Cd')}" if status == "RJCT"
                  else f"settled seq={text(told, 'AcctSvcrRef')}")
        print(e2e, self.open.pop(e2e), result, flush=True)
        self.ended += 1
        self.all_settled &= status != "RJCT"

    def work(self, count):
        """Until so many payments have ended and none is open. Have all been settled?"""
        while self.ended < count or self.open:
            for document in self.poll():
                offers = document.findall(f".//{{{ISO}pacs.008.001.08}}CdtTrfTxInf")
                if offers:
                    self.accept(offers)
                for told in document.iterfind(f".//{{{ISO}pacs.002.001.10}}TxInfAndSts"):
                    self.end(told)
        self.request("DELETE", self.stream)  # confirms the last and closes
        return self.all_settled


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True, type=pathlib.Path)
    parser.add_argument("--url", required=True)
    parser.add_argument("--as", required=True, dest="code")
    parser.add_argument("--library", choices=("xmlsec", "signxml"), default="xmlsec")
    actions = parser.add_subparsers(dest="action", required=True)
    pay = actions.add_parser("pay")
    pay.add_argument("--to", required=True)
    pay.add_argument("--amount", required=True)
    pay.add_argument("--count", type=int, default=1)
    serve = actions.add_parser("serve")
    serve.add_argument("--count", type=int, default=1)
    options = parser.parse_args()
    bank = Bank(options.dir, options.url, options.code, options.library)
    try:
        for _ in range(options.count if options.action == "pay" else 0):
            bank.pay(options.to, options.amount)
        return 0 if bank.work(options.count) else 1
    except (ValueError, etree.XMLSyntaxError, OSError) as error:
        print(f"bank {options.code}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
