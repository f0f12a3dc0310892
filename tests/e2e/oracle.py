"""Other people's word on what the switch emits: the official XSDs by libxml2, signatures by xmlsec.

The XSDs are ISO's and not part of the project: they are looked for in $ISO_XSD_DIR, then in
../shared/iso/xsd beside the repository. Without them only signatures and forms are checked, and
every suite says so with one skipped case.
"""

import json
import os
import pathlib
import re
import threading

import xmlsec
from lxml import etree

import message

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
RESOURCE_ID = re.compile(r"[A-Za-z0-9-]{1,35}")
OWN_ID = {
    message.PACS008: "Document/FIToFICstmrCdtTrf/GrpHdr/MsgId",
    message.PACS002: "Document/FIToFIPmtStsRpt/GrpHdr/MsgId",
    message.CAMT052: "Document/BkToCstmrAcctRpt/GrpHdr/MsgId",
}


def find_schemas():
    """The folder of the XSDs, or None."""
    for folder in (os.environ.get("ISO_XSD_DIR"), ROOT.parent / "shared" / "iso" / "xsd"):
        if folder and (pathlib.Path(folder) / "head.001.001.02.xsd").is_file():
            return pathlib.Path(folder)
    return None


def expect(truth, words):
    if not truth:
        raise AssertionError(words)


class Oracle:
    """Judges every message of one environment; remembers them by PI-ResourceId."""

    def __init__(self, certificate_path, code=message.SWITCH):
        self.code = code
        self.folder = find_schemas()
        self.schemas = {}
        self.key = xmlsec.Key.from_file(str(certificate_path), xmlsec.KeyFormat.CERT_PEM)
        self.certificate = "".join(
            line for line in certificate_path.read_text().splitlines() if "-----" not in line
        )
        self.known = {}  # PI-ResourceId -> (receiver, content)
        self.judged = 0
        self.lock = threading.Lock()

    def judge(self, received, receiver):
        """Raises AssertionError when anything is wrong with `received`. True: it is new. Any
        thread may ask."""
        with self.lock:
            return self._judge(received, receiver)

    def _judge(self, received, receiver):
        octets, root = received.octets, received.root
        expect(RESOURCE_ID.fullmatch(received.resource_id or ""), "no lawful PI-ResourceId")
        expect(etree.QName(root).text == f"{{{message.ENVELOPE}}}Envelope", "no Envelope")
        expect(len(root) == 2, "Envelope is not AppHdr + Document")
        self._valid(root[0], "head.001.001.02")
        self._valid(root[1], received.kind)
        self._header(received, receiver)
        self._signature(octets, root)
        self.judged += 1
        known = self.known.get(received.resource_id)
        if known is None:
            self.known[received.resource_id] = (receiver, received.content())
            return True
        expect(known[0] == receiver, f"{received.resource_id} was delivered to {known[0]} before")
        expect(known[1] == received.content(),
               f"{received.resource_id} was delivered before with other content")
        return False

    def _valid(self, element, name):
        expect(etree.QName(element).namespace == message.ISO + name,
               f"{element.tag} is not of {name}")
        if self.folder is None:
            return
        if name not in self.schemas:
            self.schemas[name] = etree.XMLSchema(file=str(self.folder / f"{name}.xsd"))
        schema = self.schemas[name]
        alone = message.parse(message.canonical(element))
        expect(schema.validate(alone), f"{name}: {schema.error_log.last_error}")

    def _header(self, received, receiver):
        expect(received.text("AppHdr/Fr/FIId/FinInstnId/ClrSysMmbId/MmbId") == self.code,
               "Fr is not the switch")
        expect(received.text("AppHdr/To/FIId/FinInstnId/ClrSysMmbId/MmbId") == receiver,
               "To is not the receiver")
        expect(TIME.fullmatch(received.text("AppHdr/CreDt") or ""), "CreDt is not UTC with ms")
        if received.kind in OWN_ID:
            expect(received.text("AppHdr/BizMsgIdr") == received.text(OWN_ID[received.kind]),
                   "BizMsgIdr is not the message's own id")

    def _signature(self, octets, root):
        nodes = root.findall(f".//{{{message.DS}}}Signature")
        expect(len(nodes) == 1, f"{len(nodes)} signatures")
        place = [etree.QName(above).localname for above in nodes[0].iterancestors()]
        expect(place == ["Sgntr", "AppHdr", "Envelope"], "the signature is misplaced")
        context = xmlsec.SignatureContext()
        context.key = self.key
        try:
            context.verify(nodes[0])
        except xmlsec.Error as error:
            raise AssertionError(f"xmlsec refuses the signature: {error}") from error
        text = etree.tostring(nodes[0], encoding="unicode")
        references = re.findall(r"<[^/>]*Reference [^>]*>", text)
        expect(len(references) == 1 and 'URI=""' in references[0], "not one Reference to the whole")
        certificates = re.findall(r"<[^/>]*X509Certificate>([^<]*)<", text)
        expect(certificates == [self.certificate], "not the switch's certificate, once, unbroken")
        value = re.search(r"SignatureValue>([^<]*)</", text)[1]
        expect(not re.search(r"\s", value), "white space in the signature's value")


def problem(response, json_form=False):
    """Judges an answer's problem document (RFC 9457)."""
    kind = (response.field("content-type") or "").split(";")[0]
    if json_form:
        expect(kind == "application/problem+json", f"Content-Type {kind}")
        body = json.loads(response.body)
        name, status = body["type"], body["status"]
        expect(body["title"] and "detail" in body, f"a problem without words: {body}")
    else:
        expect(kind == "application/problem+xml", f"Content-Type {kind}")
        root = message.parse(response.body)
        expect(root.tag == "{urn:ietf:rfc:7807}problem", f"root {root.tag}")
        fields = {one.tag.split("}")[1]: one.text for one in root}
        name, status = fields["type"], int(fields["status"])
        expect(fields["title"] and "detail" in fields, f"a problem without words: {fields}")
    expect(status == response.status, f"status {status} in the problem")
    expect(re.fullmatch(r"urn:cauce:problem:[A-Za-z0-9-]+", name), f"type {name}")
