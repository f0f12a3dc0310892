#!/usr/bin/python3
"""WIRE section 2: the spellings that are accepted, and each row of the table of admi.002."""

import re

from lxml import etree

import message
from harness import Suite, equal, expect, finish
from message import ADMI002, ENVELOPE, ISO, PACS002, PACS008, SIGNATURE

A, B = "10000001", "10000002"
HEAD = f"{ISO}head.001.001.02"
XML11 = '<?xml version="1.1"?>'
MESSAGE_MAX = 64 * 1024


class Draft:
    """A good payment as text, before it is signed."""

    def __init__(self, **header):
        self.id = header.pop("message_id", None) or message.unique("M")
        self.transfer = message.transfer(A, B)
        self.e2e = re.search("EndToEndId>([^<]*)<", self.transfer)[1]
        document = message.pacs008(self.id, [self.transfer])
        self.text = message.envelope(document, PACS008, A, self.id, **header)


# ---- accepted ----


def crlf(text):
    return re.sub("><", ">\r\n\t <", text).replace(f">\r\n\t {SIGNATURE}", f">{SIGNATURE}")


def prefixed(text):
    """Every namespace by a prefix, all declared on the root."""
    head, document = text.split("<Document", 1)
    head = re.sub(r"<(/?)([A-Z])", r"<\1h:\2", head.split(">", 1)[1])
    document = re.sub(r"<(/?)([A-Z])", r"<\1d:\2", "<Document" + document.replace("</Envelope>", ""))
    head, document = (re.sub(r' xmlns="[^"]*"', "", part) for part in (head, document))
    return (f'<e:Envelope xmlns:d="{ISO}{PACS008}" xmlns:e="{ENVELOPE}" xmlns:h="{HEAD}" '
            f'xmlns:unused="urn:x">{head}{document}</e:Envelope>')


SPELLINGS = (
    ("as it is", lambda text: text),
    ("indented with CRLF and tabs", crlf),
    ("prefixes", prefixed),
    ("an XML declaration", lambda text: '<?xml version="1.0" encoding="UTF-8"?>\n' + text),
    ("an XML declaration, utf-8, standalone",
     lambda text: "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>" + text),
    ("an XML declaration without encoding", lambda text: '<?xml version="1.0"?>' + text),
    ("a byte-order mark", lambda text: "\ufeff" + text),
    ("a byte-order mark and a declaration",
     lambda text: '\ufeff<?xml version="1.0" encoding="Utf-8" standalone="no"?>' + text),
    ("white space behind", lambda text: text + " \r\n\n\t"),
    ("character references", lambda text: text.replace("Ana Diaz", "&#65;n&#x61; D&#x000069;az")
                                              .replace(f">{A}<", ">1&#48;00000&#x31;<")),
    ("predefined entities", lambda text: text.replace("Ana Diaz", "A &amp; B &lt;&gt;&quot;&apos;")),
    ("letters beyond ASCII", lambda text: text.replace("Ana Diaz", "Añá Ⓧ 😀")),
    ("quotes of the other kind", lambda text: re.sub(r'Ccy="(\w+)"', r"Ccy = '\1'", text)),
    ("white space in tags", lambda text: text.replace("<MsgId>", "<MsgId \n>")
                                             .replace("</MsgId>", "</MsgId\t>")),
    ("the document's namespace declared again", lambda text: text.replace(
        "<GrpHdr>", f'<GrpHdr xmlns="{ISO}{PACS008}" xmlns:z="urn:z">')),
    ("an offset instead of Z", lambda text: re.sub(
        r"<CreDt>.*?</CreDt>", f"<CreDt>{message.instant(3600)[:-5]}+01:00</CreDt>", text)),
    ("nine digits of a second", lambda text: re.sub(
        r"<CreDt>.*?</CreDt>", f"<CreDt>{message.instant()[:-1]}000000Z</CreDt>", text)),
    ("xsi:schemaLocation on AppHdr and Document", lambda text: text.replace(
        "<Document ", '<Document xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="urn:x x.xsd" ').replace(
        "<AppHdr ", '<AppHdr xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
        'i:schemaLocation="urn:y y.xsd" ')),
    ("other optional elements of AppHdr", lambda text: text.replace(
        "<CreDt>", "<BizSvc>svc</BizSvc><CreDt>").replace(
        "</CreDt>", "</CreDt><CpyDplct>CODU</CpyDplct><PssblDplct>true</PssblDplct>"
        "<Prty>HIGH</Prty>")),
)


def accepted(suite, a, b):
    for what, change in SPELLINGS:
        with suite.case(f"accepted: {what}"):
            draft = Draft()
            a.send(a.sign(change(draft.text)))
            b.forwarded(draft.e2e)
            b.answer(draft.e2e)
            a.result(draft.e2e, "ACSC"), b.result(draft.e2e, "ACCC")
    with suite.case("accepted: a message of exactly 64 KiB"):
        draft = Draft()
        octets = a.sign(draft.text)
        a.send(octets + b" " * (MESSAGE_MAX - len(octets)))
        b.forwarded(draft.e2e)
        b.answer(draft.e2e)
        a.result(draft.e2e, "ACSC"), b.result(draft.e2e, "ACCC")
    with suite.case("BizMsgIdr is not checked for reuse"):
        first, second = Draft(message_id="same-id"), Draft(message_id="same-id")
        for draft in (first, second):
            a.send(a.sign(draft.text))
            b.forwarded(draft.e2e)
            b.answer(draft.e2e)
            a.result(draft.e2e, "ACSC"), b.result(draft.e2e, "ACCC")


# ---- refused: reason, ErrLctn (a regular expression), change of the text ----


def replace(old, new):
    def change(text):
        expect(old in text, f"{old} is not in the message")
        return text.replace(old, new, 1)
    return change


def insert_in_name(inner):
    return replace("Ana Diaz", inner)


def nested(depth):
    """SplmtryData of such a depth, the root counted."""
    inner = depth - 6  # Envelope, Document, FIToFICstmrCdtTrf, CdtTrfTxInf, SplmtryData, Envlp
    return replace(
        "</CdtTrfTxInf>",
        "<SplmtryData><Envlp>" + "<x>" * inner + "</x>" * inner + "</Envlp></SplmtryData>"
        "</CdtTrfTxInf>",
    )


def attributes(count):
    return replace(
        "</CdtTrfTxInf>",
        "<SplmtryData><Envlp><x " + " ".join(f"a{n}='1'" for n in range(count))
        + "></x></Envlp></SplmtryData></CdtTrfTxInf>",
    )


def long_name(count):
    name = "n" * count
    return replace("</CdtTrfTxInf>",
                   f"<SplmtryData><Envlp><{name}/></Envlp></SplmtryData></CdtTrfTxInf>")


CREATED = r"<CreDt>.*?</CreDt>"


def created(text):
    return lambda old: re.sub(CREATED, f"<CreDt>{text}</CreDt>", old)


BAD_XML = (
    ("no end", lambda text: text[:-1]),
    ("a second root", lambda text: text + "<x/>"),
    ("text behind the root", lambda text: text + "x"),
    ("text before the root", lambda text: "x" + text),
    ("XML 1.1", lambda text: XML11 + text),
    ("another encoding", lambda text: '<?xml version="1.0" encoding="ISO-8859-1"?>' + text),
    ("white space before the declaration", lambda text: ' <?xml version="1.0"?>' + text),
    ("a DTD", lambda text: "<!DOCTYPE Envelope>" + text),
    ("a DTD with an entity",
     lambda text: "<!DOCTYPE Envelope [<!ENTITY x 'y'>]>" + text.replace("Ana", "&x;")),
    ("a comment", insert_in_name("<!-- x -->")),
    ("a comment before the root", lambda text: "<!-- x -->" + text),
    ("a comment behind the root", lambda text: text + "<!-- x -->"),
    ("a processing instruction", insert_in_name("<?x y?>")),
    ("CDATA", insert_in_name("<![CDATA[x]]>")),
    ("an unknown entity", insert_in_name("&nbsp;")),
    ("a bare ampersand", insert_in_name("a & b")),
    ("]]> in text", insert_in_name("a ]]> b")),
    ("a reference to NUL", insert_in_name("&#0;")),
    ("a reference to a surrogate", insert_in_name("&#xD800;")),
    ("a control character", insert_in_name("\x01")),
    ("U+FFFE", insert_in_name("\ufffe")),
    ("an undeclared prefix", insert_in_name("<q:x/>")),
    ("an attribute twice", replace('Ccy="MXN"', 'Ccy="MXN" Ccy="MXN"')),
    ("an attribute without quotes", replace('Ccy="MXN"', "Ccy=MXN")),
    ("< in an attribute", replace('Ccy="MXN"', 'Ccy="<"')),
    ("tags that cross", replace("</Nm></Dbtr>", "</Dbtr></Nm>")),
    ("depth 65", nested(65)),
    ("33 attributes", attributes(33)),
    ("a name of 129 bytes", long_name(129)),
)

ROWS = (
    ("SCHEMA", r"/Envelope", "the Envelope's namespace",
     replace(f'xmlns="{ENVELOPE}"', 'xmlns="urn:cauce:envelope:2"')),
    ("SCHEMA", r"/Envelope", "an attribute of Envelope", replace("<Envelope ", "<Envelope a='b' ")),
    ("SCHEMA", r"/Envelope(/\w+(\[\d\])?)?", "a third child",
     replace("</Envelope>", "<x></x></Envelope>")),
    ("SCHEMA", r"/Envelope(/Document(\[2\])?)?", "a second Document",
     lambda text: text.replace("</Envelope>",
                               text[text.index("<Document"):text.index("</Envelope>")]
                               + "</Envelope>")),
    ("SCHEMA", r"/Envelope(/\w+)?", "Document before AppHdr", lambda text: (
        text[:text.index("<AppHdr")] + text[text.index("<Document"):text.index("</Envelope>")]
        + text[text.index("<AppHdr"):text.index("<Document")] + "</Envelope>")),
    ("SCHEMA", r"/Envelope", "text in Envelope", replace("<AppHdr", "x<AppHdr")),
    ("VERSION", r"/Envelope/AppHdr.*", "head.001.001.03", replace(HEAD, f"{ISO}head.001.001.03")),
    ("VERSION", r"/Envelope/AppHdr/MsgDefIdr", "MsgDefIdr pacs.008.001.09",
     replace(f"<MsgDefIdr>{PACS008}", "<MsgDefIdr>pacs.008.001.09")),
    ("VERSION", r"/Envelope/AppHdr/MsgDefIdr", "MsgDefIdr camt.052.001.08",
     replace(f"<MsgDefIdr>{PACS008}", "<MsgDefIdr>camt.052.001.08")),
    ("VERSION", r"/Envelope/AppHdr/MsgDefIdr", "MsgDefIdr with a blank",
     replace(f"<MsgDefIdr>{PACS008}", f"<MsgDefIdr> {PACS008}")),
    ("VERSION", r"/Envelope/Document", "a Document of another version",
     replace(f'<Document xmlns="{ISO}{PACS008}"', f'<Document xmlns="{ISO}pacs.008.001.09"')),
    ("VERSION", r"/Envelope/Document", "a pacs.002 named pacs.008",
     replace(f'<Document xmlns="{ISO}{PACS008}"', f'<Document xmlns="{ISO}{PACS002}"')),
    ("SCHEMA", r"/Envelope/AppHdr(/CreDt)?", "AppHdr without CreDt",
     lambda text: re.sub(CREATED, "", text)),
    ("SCHEMA", r"/Envelope/AppHdr/x", "an unknown element in AppHdr",
     replace("<BizMsgIdr>", "<x></x><BizMsgIdr>")),
    ("SCHEMA", r"/Envelope/AppHdr/Prty", "an element of AppHdr out of order",
     replace("<CreDt>", "<Prty>HIGH</Prty><CreDt>")),
    ("SCHEMA", r"/Envelope/Document/FIToFICstmrCdtTrf/CdtTrfTxInf/Dbtr/Nm", "an empty name",
     insert_in_name("")),
    ("SCHEMA", r"/Envelope/Document/FIToFICstmrCdtTrf/CdtTrfTxInf/Dbtr/Nm", "a name of 141",
     insert_in_name("n" * 141)),
    ("SCHEMA", r"/Envelope/Document/FIToFICstmrCdtTrf/CdtTrfTxInf/Dbtr/x", "an unknown element",
     replace("<Nm>Ana", "<x></x><Nm>Ana")),
    ("SCHEMA", r"/Envelope/Document/FIToFICstmrCdtTrf/CdtTrfTxInf", "a missing ChrgBr",
     replace("<ChrgBr>SLEV</ChrgBr>", "")),
    ("SCHEMA", r"/Envelope/Document/FIToFICstmrCdtTrf/CdtTrfTxInf/IntrBkSttlmAmt.*",
     "an unknown attribute", replace("Ccy=", "x='1' Ccy=")),
    ("SCHEMA", r"/Envelope/Document.*", "xsi:type", replace(
        "<Document ", '<Document xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:type="x" ')),
    ("SCHEMA", r"/Envelope/Document/FIToFICstmrCdtTrf/GrpHdr.*", "xsi:nil", replace(
        "<GrpHdr>", '<GrpHdr xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:nil="true">')),
    ("SENDER", r"/Envelope/AppHdr/Fr", "another Fr", replace(f">{A}<", f">{B}<")),
    ("SENDER", r"/Envelope/AppHdr/Fr", "Fr with a blank", replace(f">{A}<", f">{A} <")),
    ("SENDER", r"/Envelope/AppHdr/Fr", "Fr of an indirect participant",
     replace(f">{A}<", ">10000101<")),
    ("HEADER", r"/Envelope/AppHdr/To", "another To", replace(f">{message.SWITCH}<", f">{B}<")),
    ("HEADER", r"/Envelope/AppHdr/BizMsgIdr", "another MsgId",
     replace("<MsgId>", "<MsgId>x")),
    ("HEADER", r"/Envelope/AppHdr/CreDt", "CreDt without a zone",
     created("2026-11-25T10:00:00.000")),
    ("HEADER", r"/Envelope/AppHdr/CreDt", "CreDt with ten digits",
     lambda text: created(message.instant()[:-1] + "0000000Z")(text)),
    ("HEADER", r"/Envelope/AppHdr/CreDt", "CreDt 24 h and a minute ago",
     lambda text: created(message.instant(-86460))(text)),
    ("HEADER", r"/Envelope/AppHdr/CreDt", "CreDt 75 s ahead",
     lambda text: created(message.instant(75))(text)),
    ("HEADER", r"/Envelope/AppHdr/CreDt", "CreDt of the year 1900",
     created("1900-01-01T00:00:00Z")),
    ("HEADER", r"/Envelope/AppHdr/Rltd", "Rltd", lambda text: text.replace(
        "</AppHdr>", "<Rltd>" + re.search(r"<Fr>.*</CreDt>", text)[0] + "</Rltd></AppHdr>")),
    ("SIGNATURE", r"/Envelope/AppHdr/Sgntr", "an empty Sgntr", replace(SIGNATURE, "")),
    ("SIGNATURE", r"/Envelope/AppHdr", "no Sgntr", replace(f"<Sgntr>{SIGNATURE}</Sgntr>", "")),
    # Two faults each: the earlier of the table is told.
    ("VERSION", r".*", "another Document and another Fr", lambda text: replace(f">{A}<", f">{B}<")(
        text.replace(f'<Document xmlns="{ISO}{PACS008}"', '<Document xmlns="urn:x"'))),
    ("SCHEMA", r".*", "a bad name, another Fr and To", lambda text: insert_in_name("")(
        text.replace(f">{A}<", f">{B}<", 1).replace(f">{message.SWITCH}<", ">x<"))),
    ("SENDER", r".*", "another Fr, To and signature", lambda text: text.replace(
        f">{A}<", f">{B}<", 1).replace(f">{message.SWITCH}<", ">x<").replace(SIGNATURE, "")),
    ("HEADER", r".*", "another To and no signature",
     lambda text: text.replace(f">{message.SWITCH}<", ">x<").replace(SIGNATURE, "")),
)


def signed(bank, text):
    """Signed where that can be done; what is not well-formed carries the mark away unsigned."""
    try:
        return bank.sign(text)
    except (SyntaxError, ValueError, etree.C14NError):
        return text.replace(SIGNATURE, "").encode("utf-8", "surrogatepass")


def refused(suite, a):
    for what, change in BAD_XML:
        with suite.case(f"BADXML: {what}"):
            (name,) = a.send(signed(a, change(Draft().text)))
            found = a.refusal(name, "BADXML")
            expect(found["words"], "RsnDesc is missing")
    for what, octets in (
        ("white space only", b" \r\n\t"), ("no XML", b"hello"), ("NUL", b"<Envelope>\0</Envelope>"),
        ("not UTF-8", b"<Envelope>\xff</Envelope>"), ("a lone BOM", b"\xef\xbb\xbf"),
        ("UTF-16", "<Envelope/>".encode("utf-16")),
        ("overlong UTF-8", b"<Envelope>\xc0\xaf</Envelope>"),
    ):
        with suite.case(f"BADXML: {what}"):
            (name,) = a.send(octets)
            a.refusal(name, "BADXML")
    with suite.case("64 levels, 32 attributes, a name of 128 bytes are not BADXML"):
        for change in (nested(64), attributes(32), long_name(128)):
            draft = Draft()
            a.send(a.sign(change(draft.text)))
            refusal = refusal_of(a, draft)
            expect(refusal is None or refusal["reason"] != "BADXML", f"refused: {refusal}")
    for reason, location, what, change in ROWS:
        with suite.case(f"{reason}: {what}"):
            draft = Draft()
            a.send(signed(a, change(draft.text)))
            found = a.refusal(draft.id, reason)
            expect(re.fullmatch(location, found["location"] or ""),
                   f"ErrLctn is {found['location']!r}, expected {location} ({found['words']})")
            expect(found["words"], "RsnDesc is missing")


def refusal_of(bank, draft):
    """The admi.002 about this draft, or None when its payment went its way."""
    payee = bank.environment.bank(B)
    bank.balances()  # what was refused is on the stream before this answer
    for place, event in enumerate(bank.events):
        if event[:2] == (ADMI002, draft.id):
            return bank.events.pop(place)[2]
    payee.forwarded(draft.e2e)
    payee.answer(draft.e2e, "RJCT", "AC03")
    bank.result(draft.e2e, "RJCT", "AC03")
    return None


def references(suite, a):
    with suite.case("Ref is the PI-ResourceId where the root is not Envelope"):
        (name,) = a.send(a.sign(Draft().text.replace("Envelope", "Envelop")))
        equal(a.refusal(name, "SCHEMA")["location"], "/Envelop", "ErrLctn")
    with suite.case("Ref is the PI-ResourceId where BizMsgIdr is missing"):
        draft = Draft()
        (name,) = a.send(a.sign(re.sub("<BizMsgIdr>.*?</BizMsgIdr>", "", draft.text)))
        a.refusal(name, "SCHEMA")
    for what, identifier in (("empty", ""), ("of 36 characters", "x" * 36)):
        with suite.case(f"Ref is the PI-ResourceId where BizMsgIdr is {what}"):
            draft = Draft()
            text = draft.text.replace(f">{draft.id}</BizMsgIdr>", f">{identifier}</BizMsgIdr>")
            (name,) = a.send(a.sign(text))
            a.refusal(name, "SCHEMA")
    with suite.case("Ref counts characters, not bytes"):
        draft = Draft(message_id="ñ" * 35)
        a.send(a.sign(replace(f">{A}<", f">{B}<")(draft.text)))
        a.refusal("ñ" * 35, "SENDER")
    with suite.case("ErrLctn numbers repeated siblings and is cut at 350 characters"):
        name = message.unique("M")
        transfers = [message.transfer(A, B), message.transfer(A, B).replace("Luis Rojas", "")]
        text = message.envelope(message.pacs008(name, transfers), PACS008, A, name)
        a.send(a.sign(text))
        equal(a.refusal(name, "SCHEMA")["location"],
              "/Envelope/Document/FIToFICstmrCdtTrf/CdtTrfTxInf[2]/Cdtr/Nm", "ErrLctn")


def dropped(suite, a):
    for kind in (ADMI002, "admi.011.001.01"):
        with suite.case(f"{kind} from a bank is dropped without an answer"):
            name = message.unique("M")
            document = f'<Document xmlns="{ISO}{kind}"><x></x></Document>'
            (resource,) = a.send(a.sign(message.envelope(document, kind, A, name)))
            a.balances()
            about = [event for event in a.events if event[1] in (name, resource)]
            equal(about, [], "answers")
    for kind in ("pacs.028.001.03", "camt.056.001.08", "pain.013.001.07", "admi.004.001.02",
                 "pacs.009.001.08", "x"):
        listed = kind in a.request("GET", f"/api/v1/in/{A}/catalog").body.decode()
        if not listed:
            with suite.case(f"{kind} is not in the catalog: VERSION"):
                name = message.unique("M")
                document = f'<Document xmlns="{ISO}{kind}"><x></x></Document>'
                a.send(a.sign(message.envelope(document, kind, A, name)))
                a.refusal(name, "VERSION")


def main():
    suite = Suite("header")
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off"}
    with suite.environment_of(participants=2, settings=settings) as environment:
        a, b = environment.bank(A), environment.bank(B)
        accepted(suite, a, b)
        refused(suite, a)
        references(suite, a)
        dropped(suite, a)
    finish(suite)


if __name__ == "__main__":
    main()
