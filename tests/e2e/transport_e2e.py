#!/usr/bin/python3
"""WIRE section 1: HTTP, the statuses in their order, conversations. TLS, bodies, streams and limits
have files of their own."""

import message
import wire
from harness import Suite, equal, expect, finish, problem
from message import PACS002, PACS008

A, B, C = "10000001", "10000002", "10000003"
IN = f"/api/v1/in/{A}"
OUT = f"/api/v1/out/{A}"
CATALOG = f"{IN}/catalog"
MESSAGES = f"{IN}/msgs"
GET = f"GET {CATALOG} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
XML = "application/xml"
BODY_MAX = 640 * 1024
MESSAGE_MAX = 64 * 1024


# ---- malformed HTTP ----

HOST = b"Host: x\r\n"
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n"
POST = f"POST {MESSAGES} HTTP/1.1\r\nHost: x\r\nContent-Type: {XML}\r\n".encode()
LINE = f"GET {CATALOG} HTTP/1.1\r\n".encode()

MALFORMED = (  # what, bytes, status
    ("a bare LF behind the request line", LINE.replace(b"\r\n", b"\n") + HOST + b"\r\n", 400),
    ("a bare LF behind a header", LINE + b"Host: x\n\r\n", 400),
    ("a bare LF as the blank line", LINE + HOST + b"\n", 400),
    ("a bare CR in a value", LINE + HOST + b"A: b\rc\r\n\r\n", 400),
    ("a bare CR in the target", b"GET /a\rb HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("obs-fold", LINE + HOST + b"A: b\r\n c\r\n\r\n", 400),
    ("obs-fold with a tab", LINE + HOST + b"A: b\r\n\tc\r\n\r\n", 400),
    ("a space before the colon", LINE + b"Host : x\r\n\r\n", 400),
    ("a space in a name", LINE + HOST + b"A b: c\r\n\r\n", 400),
    ("no name", LINE + HOST + b": c\r\n\r\n", 400),
    ("no colon", LINE + HOST + b"Abc\r\n\r\n", 400),
    ("a control character in a value", LINE + HOST + b"A: \x01\r\n\r\n", 400),
    ("DEL in a value", LINE + HOST + b"A: \x7f\r\n\r\n", 400),
    ("NUL in a value", LINE + HOST + b"A: \0\r\n\r\n", 400),
    ("NUL in the target", b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("no Host", LINE + b"\r\n", 400),
    ("two Host", LINE + HOST + HOST + b"\r\n", 400),
    ("two spaces in the request line", b"GET  /x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a method that is no token", b"G(T /x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a TLS record", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n", 400),
    ("a space behind the version", LINE[:-2] + b" \r\n" + HOST + b"\r\n", 400),
    ("a space before the method", b" " + LINE + HOST + b"\r\n", 400),
    ("tabs in the request line", LINE.replace(b" ", b"\t") + HOST + b"\r\n", 400),
    ("a target that is not ASCII", b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("no version", f"GET {CATALOG}\r\n".encode() + HOST + b"\r\n", 400),
    ("no target", b"GET HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a version with a tail", LINE[:-2] + b"x\r\n" + HOST + b"\r\n", 400),
    ("two empty lines before the request", b"\r\n\r\n" + LINE + HOST + b"\r\n", 400),
    ("white space before the first header", LINE + b" " + HOST + b"\r\n", 400),
    ("a tab before the colon", LINE + b"Host\t: x\r\n\r\n", 400),
    ("NUL in a name", LINE + HOST + b"A\0: x\r\n\r\n", 400),
    ("a name that is not ASCII", LINE + HOST + b"\xc3\xa9: x\r\n\r\n", 400),
    ("a Host with a space", LINE + b"Host: a b\r\n\r\n", 400),
    ("a Host with a path", LINE + b"Host: a/b\r\n\r\n", 400),
    ("two different Hosts", LINE + HOST + b"HOST: y\r\n\r\n", 400),
    ("a bare CR as the blank line", LINE + HOST + b"\rX", 400),
    ("malformed, of an unknown path", b"GET /nothing HTTP/1.1\r\n\r\n", 400),
    ("malformed, of another's path",
     f"GET /api/v1/in/{B}/catalog HTTP/1.1\r\n".encode() + HOST + HOST + b"\r\n", 400),
    ("HTTP/2.0, of an unknown path and without Host", b"GET /nothing HTTP/2.0\r\n\r\n", 505),
    ("HTTP/2's first words", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("a version in small letters", b"GET /x http/1.1\r\n" + HOST + b"\r\n", 400),
    ("HTTP/2.0", f"GET {CATALOG} HTTP/2.0\r\n".encode() + HOST + b"\r\n", 505),
    ("HTTP/1.2", f"GET {CATALOG} HTTP/1.2\r\n".encode() + HOST + b"\r\n", 505),
    ("HTTP/1", f"GET {CATALOG} HTTP/1\r\n".encode() + HOST + b"\r\n", 505),
    ("HTTP/11.1", f"GET {CATALOG} HTTP/11.1\r\n".encode() + HOST + b"\r\n", 505),
    ("HTTP/3.1", f"GET {CATALOG} HTTP/3.1\r\n".encode() + HOST + b"\r\n", 505),
    ("two Content-Length", POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
    ("Content-Length with Transfer-Encoding",
     POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 400),
    ("Content-Length twice in one", POST + b"Content-Length: 1, 1\r\n\r\nx", 400),
    ("two different Content-Length", POST + b"Content-Length: 1\r\ncontent-length: 2\r\n\r\nx", 400),
    ("a Content-Length of two words", POST + b"Content-Length: 1 1\r\n\r\nx", 400),
    ("a Content-Length with a tail", POST + b"Content-Length: 1;\r\n\r\nx", 400),
    ("a Content-Length with a point", POST + b"Content-Length: 1.0\r\n\r\nx", 400),
    ("a Content-Length in quotes", POST + b'Content-Length: "1"\r\n\r\nx', 400),
    ("Content-Length 0 with Transfer-Encoding",
     POST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", 400),
    ("Content-Length with an empty Transfer-Encoding",
     POST + b"Content-Length: 1\r\nTransfer-Encoding:\r\n\r\nx", 400),
    ("Transfer-Encoding in HTTP/1.0", POST.replace(b"HTTP/1.1", b"HTTP/1.0")
     + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("a GET with two Content-Length", LINE + HOST + b"Content-Length: 0\r\n" * 2 + b"\r\n", 400),
    ("a signed Content-Length", POST + b"Content-Length: +1\r\n\r\nx", 400),
    ("a negative Content-Length", POST + b"Content-Length: -1\r\n\r\nx", 400),
    ("an empty Content-Length", POST + b"Content-Length: \r\n\r\n", 400),
    ("a hexadecimal Content-Length", POST + b"Content-Length: 0x1\r\n\r\nx", 400),
    ("a Content-Length above 64 bits", POST + b"Content-Length: 18446744073709551617\r\n\r\nx", 400),
    ("Transfer-Encoding twice",
     POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
) + tuple(
    (f"Transfer-Encoding {coding!r}",
     POST + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n", 400)
    for coding in (b"", b"gzip", b"identity", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked",
                   b"chunked,", b",chunked", b"chunked;q=1", b'"chunked"', b"xchunked", b"chunke",
                   b"chunked x", b"chunked\x0b", b"\xffchunked")
) + tuple(
    (f"chunk size {size!r}", POST + CHUNKS + size + b"\r\nx\r\n", 400)
    for size in (b"", b"g", b"-1", b"+1", b"0x1", b" 1", b"1 ", b"1 ;a=b", b"1\t", b"1\0", b"1;\x01", b"1;a\nb",
                 b"1\r", b"1_0", b"1FFFFFFFFFFFFFFFF", b"10000000000000001", b"0" * 5000 + b"1")
) + tuple(
    (f"trailer {trailer!r}",
     POST + CHUNKS + b"0\r\n" + trailer + b"\r\n", 400)
    for trailer in (b"A: b\n", b"A: b\rc\r\n", b"A : b\r\n", b" A: b\r\n", b"A: b\r\n c\r\n", b"A\r\n",
                    b"A: \0\r\n")
) + (
    ("a chunk shorter than its size", POST + CHUNKS + b"2\r\nx\r\n0\r\n\r\n",
     400),
    ("a chunk that ends in LF", POST + CHUNKS + b"1\r\nx\n0\r\n\r\n", 400),
    ("a chunk without its CRLF", POST + CHUNKS + b"1\r\nxx\r\n", 400),
    ("a chunk size that ends in LF", POST + CHUNKS + b"1\nx\r\n", 400),
)


def last_answer(bank, octets):
    """The answer to these octets, after which the connection ends although a request follows."""
    connection = bank.connect()
    connection.send(octets + GET)
    response = connection.receive()
    expect(connection.ended(), "the connection goes on, or another request was read")
    connection.close()
    return response


def malformed(suite, environment):
    bank = environment.bank(A)
    for what, octets, status in MALFORMED:
        with suite.case(f"{status} and the connection ends: {what}"):
            response = last_answer(bank, octets)
            equal(response.status, status, "status")
            problem(response)


# What looks unusual and is one request, with the status of its answer.
LAWFUL = (
    ("a whole URL", LINE.replace(b"/api", b"https://127.0.0.1:1/api") + HOST + b"\r\n", 200),
    ("a whole URL in capitals", LINE.replace(b"/api", b"HTTPS://X/api") + HOST + b"\r\n", 200),
    ("a query", LINE.replace(b"catalog", b"catalog?a=/b?c%20") + HOST + b"\r\n", 200),
    ("an empty query", LINE.replace(b"catalog", b"catalog?") + HOST + b"\r\n", 200),
    ("a query before the last segment", LINE.replace(b"/catalog", b"?/catalog") + HOST + b"\r\n", 404),
    ("a percent-encoded letter", LINE.replace(b"catalog", b"%63atalog") + HOST + b"\r\n", 404),
    ("a percent-encoded digit of the code", LINE.replace(b"1/cat", b"%31/cat") + HOST + b"\r\n", 404),
    ("a doubled slash", LINE.replace(b"/api", b"//api") + HOST + b"\r\n", 404),
    ("a segment of a dot", LINE.replace(b"/api", b"/./api") + HOST + b"\r\n", 404),
    ("OPTIONS *", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("CONNECT", b"CONNECT x:443 HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("an empty line before it", b"\r\n" + LINE + HOST + b"\r\n", 200),
    ("an empty Host", LINE + b"Host:\r\n\r\n", 200),
    ("a Host with a port", LINE + b"host:127.0.0.1:8443\r\n\r\n", 200),
    ("a Host in brackets", LINE + b"HOST: [::1]:8443 \t\r\n\r\n", 200),
    ("empty values", LINE + HOST + b"A:\r\nB: \t \r\n\r\n", 200),
    ("a tab and high octets in a value", LINE + HOST + b"A: b\tc \xc3\xa9\r\n\r\n", 200),
    ("every character of a name", LINE + HOST + b"!#$%&'*+-.^_`|~0aZ: x\r\n\r\n", 200),
    ("the same header twice", LINE + HOST + b"A: b\r\nA: b\r\n\r\n", 200),
    ("a GET with a body", LINE + HOST + b"Content-Length: %d\r\n\r\n" % len(GET) + GET, 200),
    ("a GET with a chunked body", LINE + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
     b"%x\r\n%s\r\n0\r\n\r\n" % (len(GET), GET), 200),
    ("a GET of no octets", LINE + HOST + b"Content-Length: 000\r\n\r\n", 200),
    ("an upgrade that is not taken",
     LINE + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
     200),
    ("an unknown Expect", LINE + HOST + b"Expect: the-best\r\n\r\n", 200),
    ("an Expect without a body", LINE + HOST + b"Expect: 100-continue\r\n\r\n", 200),
    ("a length in another name", POST + b"Content_Length: 1\r\n\r\n", 411),
)
CLOSING = (
    ("HTTP/1.0", b"GET %s HTTP/1.0\r\n\r\n"),
    ("HTTP/1.0 that would go on", b"GET %s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
    ("Connection: close", b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    ("Close in a list", b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: foo ,Close, bar\r\n\r\n"),
    ("close in a second header",
     b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"),
)


def lawful(suite, environment):
    bank = environment.bank(A)
    for what, octets, status in LAWFUL:
        with suite.case(f"one request: {what}"):
            connection = bank.connect()
            connection.send(octets + GET)
            first = connection.receive()
            equal(first.status, status, "status")
            equal(first.field("connection"), None, "Connection")
            equal(connection.receive().status, 200, "status of the next")
            connection.send(GET)
            equal(connection.receive().status, 200, "status of a third")
            connection.close()
    for what, octets in CLOSING:
        with suite.case(f"the connection ends behind its answer: {what}"):
            response = last_answer(bank, octets % CATALOG.encode())
            equal((response.status, response.field("connection")), (200, "close"), "answer")


# ---- statuses in their order ----


STATUSES = (  # status, method, target, header fields, body
    (404, "GET", "/", {}, None),
    (404, "GET", "/api/v1/in", {}, None),
    (404, "GET", f"{IN}/msg", {}, None),
    (404, "GET", f"{CATALOG}/", {}, None),
    (404, "GET", "/api/v1/in/1000001/catalog", {}, None),
    (404, "GET", "/api/v1/in/100000011/catalog", {}, None),
    (404, "GET", "/api/v1/in/1000000a/catalog", {}, None),
    (404, "PUT", "/api/v1/nothing", {}, b"x"),
    (404, "POST", "/api/v1/in/1000000a/msgs", {"Content-Type": "x/y"}, b""),
    (404, "GET", "/" + "x" * 4095, {}, None),
    (414, "GET", "/" + "x" * 4096, {}, None),
    (414, "GET", CATALOG + "?" + "x" * 4096, {}, None),
    (403, "GET", f"/api/v1/in/{B}/catalog", {}, None),
    (403, "GET", "/api/v1/in/ZZZZZZZZ/catalog", {}, None),
    (403, "POST", f"/api/v1/in/{B}/msgs", {"Content-Type": "x/y"}, b""),
    (403, "PUT", f"/api/v1/in/{B}/msgs", {}, b"x"),
    (403, "GET", f"/api/v1/out/{B}/stream/start", {"Accept": "x/y"}, None),
    (403, "GET", f"/api/v1/out/{B}/stream/x", {}, None),
    (403, "DELETE", f"/api/v1/out/{B}/stream/x", {}, None),
    (403, "GET", "/api/v1/in/10000101/catalog", {}, None),
    (405, "GET", MESSAGES, {}, None),
    (405, "PUT", MESSAGES, {"Content-Type": "x/y"}, b""),
    (405, "DELETE", MESSAGES, {}, None),
    (405, "POST", CATALOG, {"Content-Type": XML}, b"x"),
    (405, "POST", f"{OUT}/stream/start", {"Accept": "x/y"}, b"x"),
    (405, "PUT", f"{OUT}/stream/x", {}, b""),
    (406, "GET", f"{OUT}/stream/start", {"Accept": "text/html"}, None),
    (406, "GET", f"{OUT}/stream/start", {"Accept": "application/xml;q=0"}, None),
    (410, "GET", f"{OUT}/stream/nothing", {}, None),
    (410, "DELETE", f"{OUT}/stream/nothing", {}, None),
    (411, "POST", MESSAGES, {"Content-Type": "x/y", "Content-Length-Not": "1"}, None),
    (413, "POST", MESSAGES, {"Content-Type": "x/y", "Content-Length": str(BODY_MAX + 1)}, b"x"),
    (413, "POST", MESSAGES, {"Content-Type": XML}, b"x" * (MESSAGE_MAX + 1)),
    (415, "POST", MESSAGES, {"Content-Type": "text/xml"}, b""),
    (415, "POST", MESSAGES, {"Content-Type": "text/xml"}, b"x"),
    (415, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "br"}, b""),
    (400, "POST", MESSAGES, {"Content-Type": XML}, b""),
    # Two faults and more: the order of the contract's list.
    (404, "GET", "/api/v1/in/1000000a/catalog", {"Accept": "x/y"}, None),
    (404, "BREW", "/api/v1/in/1000000a/msgs", {}, None),
    (404, "POST", "/nothing", {"Content-Length": str(BODY_MAX + 1)}, b""),
    (403, "BREW", f"/api/v1/in/{B}/catalog", {"Accept": "x/y"}, None),
    (403, "POST", f"/api/v1/in/{B}/msgs", {}, None),
    (403, "POST", f"/api/v1/in/{B}/msgs", {"Content-Length": str(BODY_MAX + 1)}, b""),
    (405, "BREW", CATALOG, {"Accept": "x/y"}, None),
    (405, "PUT", MESSAGES, {}, None),
    (405, "PUT", MESSAGES, {"Content-Length": str(BODY_MAX + 1)}, b""),
    (406, "GET", f"{OUT}/stream/nothing", {"Accept": "x/y"}, None),
    (411, "POST", MESSAGES, {"Content-Encoding": "br"}, None),
    (413, "POST", MESSAGES, {"Content-Length": str(BODY_MAX + 1), "Content-Encoding": "br"}, b""),
    (413, "POST", MESSAGES, {"Content-Type": XML, "Content-Length": str(2**64 - 1)}, b""),
)

# Resource, what Allow says of it.
ALLOWED = ((CATALOG, "GET"), (f"{OUT}/catalog", "GET"), (MESSAGES, "POST"),
           (f"{OUT}/stream/start", "GET"), (f"{OUT}/stream/nothing", "GET, DELETE"))
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get",
           "M" * 5000)

# Fields, and whether they let a catalogue (application/xml) come.
ACCEPTS = tuple(({"Accept": accept}, status) for accept, status in (
    ("application/xml", 200), ("Application/XML", 200), ("application/*", 200), ("*/*", 200),
    ("text/html, application/xml;q=0.1", 200), ("application/xml;q=0.001", 200),
    ("application/xml;charset=utf-8", 200), ("application/xml ; q=1.000", 200),
    ("application/*;q=0, application/xml", 200), ("", 200), (",", 200), ("hello", 200),
    ("text/*, */*;q=0.1", 200), ("application/xml;q=0", 406), ("application/xml;q=0.000", 406),
    ("*/*;q=0", 406), ("*/*, application/xml;q=0", 406), ("application/*, application/xml;q=0", 406),
    ("text/xml", 406), ("text/*", 406), ("multipart/mixed", 406), ("application/problem+xml", 406),
    ("application/xml+x", 406))) + (({}, 200),)


def statuses(suite, environment):
    bank = environment.bank(A)
    for status, method, target, fields, body in STATUSES:
        shown = target if len(target) < 60 else target[:40] + "..."
        with suite.case(f"{status}: {method} {shown} {fields} {(body or b'')[:20]}"):
            connection = bank.connect()
            response = connection.request(method, target, fields, body)
            equal(response.status, status, "status")
            problem(response)
            if status == 405:
                allowed = response.field("allow") or ""
                expect(allowed and method not in allowed, f"Allow is {allowed!r}")
            if response.field("connection") != "close":
                equal(connection.request("GET", CATALOG).status, 200, "the next request's status")
            connection.close()
    for target, allowed in ALLOWED:
        for method in METHODS:
            if method in allowed.split(", "):
                continue
            with suite.case(f"405: {method[:9]} {target}"):
                connection = bank.connect()
                response = connection.request(method, target)
                equal((response.status, response.field("allow")), (405, allowed), "answer")
                if method != "HEAD":  # its answer has a head only, and the next follows at once
                    problem(response)
                equal(connection.request("GET", CATALOG).status, 200, "the next request's status")
                connection.close()
    for fields, status in ACCEPTS:
        with suite.case(f"{status}: a catalogue with {fields}"):
            response = bank.request("GET", CATALOG, fields)
            equal(response.status, status, "status")
    with suite.case("several Accept headers are one list"):
        connection = bank.connect()
        connection.send(LINE + HOST + b"Accept: text/html\r\nAccept: application/xml\r\n\r\n")
        equal(connection.receive().status, 200, "status")
        connection.close()


def problems(suite, environment):
    bank = environment.bank(A)
    for accept, json_form in (
            ("application/problem+json", True), ("application/json", True),
            ("Application/JSON;q=0.5", True), ("application/json, */*;q=0", True),
            ("application/json, application/problem+json", True), ("application/xml", False),
            ("*/*", False), ("application/*", False), ("", False), ("application/json;q=0", False),
            ("application/json, text/html", False),
            ("application/problem+json, application/xml", False)):
        with suite.case(f"a problem with Accept {accept!r} is {'JSON' if json_form else 'XML'}"):
            response = bank.request("GET", "/nothing", {"Accept": accept})
            equal(response.status, 404, "status")
            problem(response, json_form)
    json_only = {"Accept": "application/problem+json"}
    for status, method, target, fields, body in (
            (403, "GET", f"/api/v1/in/{B}/catalog", {}, None), (405, "PUT", CATALOG, {}, None),
            (406, "GET", CATALOG, {}, None), (406, "GET", f"{OUT}/stream/start", {}, None),
            (406, "GET", f"{OUT}/stream/nothing", {}, None),
            (410, "DELETE", f"{OUT}/stream/nothing", {}, None), (411, "POST", MESSAGES, {}, None),
            (413, "POST", MESSAGES, {"Content-Length": "700000"}, b""),
            (415, "POST", MESSAGES, {"Content-Type": "x/y"}, b"x"),
            (400, "POST", MESSAGES, {"Content-Type": XML}, b""),
            (413, "POST", MESSAGES, {"Content-Type": XML}, b"x" * (MESSAGE_MAX + 1))):
        with suite.case(f"{status} as JSON"):
            connection = bank.connect()
            response = connection.request(method, target, fields | json_only, body)
            equal(response.status, status, "status")
            problem(response, json_form=True)
            connection.close()


def catalogs(suite, environment):
    for way, known in (("in", [PACS008, PACS002, message.CAMT060]),
                       ("out", [PACS008, PACS002, message.ADMI002, message.CAMT052])):
        with suite.case(f"the catalog {way}"):
            response = environment.bank(A).request("GET", f"/api/v1/{way}/{A}/catalog")
            equal(response.status, 200, "status")
            equal((response.field("content-type") or "").split(";")[0], XML, "Content-Type")
            root = message.parse(response.body)
            equal((root.tag, {one.tag for one in root}), ("Catalog", {"Message"}), "elements")
            names = [one.text for one in root]
            expect(set(known) <= set(names), f"{known} are not all in {names}")
            equal(len(set(names)), len(names), "distinct names")


# ---- conversations ----


def conversations(suite, environment):
    a = environment.bank(A)
    for what, head, make in (
            ("a length", {}, bytes),
            ("chunks", {"Transfer-Encoding": "chunked"},
             lambda octets: b"%x\r\n%s\r\n0\r\n\r\n" % (len(octets), octets))):
        with suite.case(f"Expect: 100-Continue with {what}: 100, then 201"):
            octets, e2e = a.payment(B)
            body = make(octets)
            head = {"Content-Type": XML, "Expect": "100-Continue"} | (
                head or {"Content-Length": str(len(body))})
            connection = a.connect()
            connection.send(wire.make_request("POST", MESSAGES, head))
            equal(connection.receive().status, 100, "interim status")
            connection.send(body)
            equal(connection.receive().status, 201, "status")
            connection.send(GET)
            equal(connection.receive().status, 200, "status of the next")
            connection.close()
            environment.decline(A, B, e2e)
    with suite.case("Expect: 100-continue behind another request: 100 in its turn"):
        octets, e2e = a.payment(B)
        connection = a.connect()
        head = {"Content-Type": XML, "Expect": "100-continue", "Content-Length": str(len(octets))}
        connection.send(wire.make_request("GET", f"{OUT}/stream/start", {"Accept": XML})
                        + wire.make_request("POST", MESSAGES, head))
        equal([connection.receive().status for _ in range(2)], [204, 100], "statuses")
        connection.send(octets)
        equal(connection.receive().status, 201, "status")
        connection.close()
        environment.decline(A, B, e2e)
    with suite.case("Expect: 100-continue with the body at once: no octet is lost"):
        octets, e2e = a.payment(B)
        equal(a.post(octets, fields={"Expect": "100-continue"}).status, 201, "status")
        environment.decline(A, B, e2e)
    for status, target, head in (
            (404, "/nothing", {"Content-Length": "10"}),
            (403, f"/api/v1/in/{B}/msgs", {"Content-Length": "10"}),
            (405, CATALOG, {"Content-Length": "10"}), (411, MESSAGES, {}),
            (413, MESSAGES, {"Content-Length": str(BODY_MAX + 1)}),
            (415, MESSAGES, {"Content-Length": "10", "Content-Type": "x/y"}),
            (400, MESSAGES, {"Content-Length": "0", "Content-Type": XML})):
        with suite.case(f"Expect: 100-continue of what is refused: {status} and no 100"):
            connection = a.connect()
            connection.send(wire.make_request("POST", target, head | {"Expect": "100-continue"}))
            response = connection.receive()
            unread = head.get("Content-Length", "0") != "0"
            equal((response.status, response.field("connection")),
                  (status, "close" if unread else None), "answer")
            connection.close()
    with suite.case("a refusal before the body is seen by a client that sends on"):
        connection = a.connect()
        head = {"Content-Type": XML, "Content-Length": str(4 * BODY_MAX)}
        connection.send(wire.make_request("POST", MESSAGES, head))
        for _ in range(4):
            connection.send(b"x" * BODY_MAX)
        response = connection.receive()
        equal((response.status, response.field("connection")), (413, "close"), "answer")
        connection.close()
    with suite.case("pipelined requests are answered in order"):
        octets, e2e = a.payment(B)
        connection = a.connect()
        connection.send(
            wire.make_request("GET", CATALOG) + wire.make_request("GET", "/nothing")
            + wire.make_request("POST", MESSAGES, {"Content-Type": XML}, octets)
            + wire.make_request("POST", MESSAGES, {"Content-Type": XML}, octets)
            + wire.make_request("GET", CATALOG))
        equal([connection.receive().status for _ in range(5)], [200, 404, 201, 201, 200], "statuses")
        connection.close()
        a.result(e2e, "ACSP")
        environment.decline(A, B, e2e)
    for count in (16, 17, 200):
        with suite.case(f"{count} requests behind a waiting poll are answered behind it"):
            connection = a.connect()
            start = wire.make_request("GET", f"{OUT}/stream/start", {"Accept": XML})
            connection.send(start + count * GET)
            first = connection.receive()
            equal(first.status, 204, "status of the poll")
            equal([connection.receive().status for _ in range(count)], [200] * count, "statuses")
            equal(connection.request("DELETE", first.field("pi-pull-next")).status, 200, "DELETE")
            connection.close()
    with suite.case("a payment behind a waiting poll is taken when its turn comes"):
        octets, e2e = a.payment(B)
        connection = a.connect()
        connection.send(wire.make_request("GET", f"{OUT}/stream/start", {"Accept": XML})
                        + wire.make_request("POST", MESSAGES, {"Content-Type": XML}, octets)
                        + b"GET / HTTP/1.1\r\n\r\n" + GET)
        equal([connection.receive().status for _ in range(3)], [204, 201, 400], "statuses")
        expect(connection.ended(), "what is behind a malformed request was read")
        connection.close()
        environment.decline(A, B, e2e)
    with suite.case("a request that comes octet by octet"):
        connection = a.connect()
        for octet in GET:
            connection.send(bytes([octet]))
        equal(connection.receive().status, 200, "status")
        connection.close()


def main():
    suite = Suite("transport")
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off", "switch.loops": 2}
    with suite.environment_of(participants=2, settings=settings) as environment:
        malformed(suite, environment)
        lawful(suite, environment)
        statuses(suite, environment)
        problems(suite, environment)
        catalogs(suite, environment)
        conversations(suite, environment)
    finish(suite)


if __name__ == "__main__":
    main()
