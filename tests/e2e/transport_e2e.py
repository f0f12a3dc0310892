#!/usr/bin/python3
"""WIRE section 1: HTTP, the statuses in their order, conversations. TLS, bodies, streams and limits
have files of their own."""

import gzip
import re
import socket
import zlib

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


def payment(bank):
    """A good pacs.008 as bytes, and its end-to-end id."""
    transfer = message.transfer(bank.code, B)
    return bank.payments([transfer]), re.search("EndToEndId>([^<]*)<", transfer)[1]


def reject(environment, bank, e2e):
    payee = environment.bank(B)
    payee.forwarded(e2e)
    payee.answer(e2e, "RJCT", "AC03")
    bank.result(e2e, "RJCT", "AC03")


# ---- malformed HTTP ----

HOST = b"Host: x\r\n"
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
    ("a version in small letters", b"GET /x http/1.1\r\n" + HOST + b"\r\n", 400),
    ("HTTP/2.0", f"GET {CATALOG} HTTP/2.0\r\n".encode() + HOST + b"\r\n", 505),
    ("HTTP/1.2", f"GET {CATALOG} HTTP/1.2\r\n".encode() + HOST + b"\r\n", 505),
    ("HTTP/3.1", f"GET {CATALOG} HTTP/3.1\r\n".encode() + HOST + b"\r\n", 505),
    ("two Content-Length", POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
    ("Content-Length with Transfer-Encoding",
     POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 400),
    ("Content-Length twice in one", POST + b"Content-Length: 1, 1\r\n\r\nx", 400),
    ("a signed Content-Length", POST + b"Content-Length: +1\r\n\r\nx", 400),
    ("a negative Content-Length", POST + b"Content-Length: -1\r\n\r\nx", 400),
    ("an empty Content-Length", POST + b"Content-Length: \r\n\r\n", 400),
    ("a hexadecimal Content-Length", POST + b"Content-Length: 0x1\r\n\r\nx", 400),
    ("a Content-Length above 64 bits", POST + b"Content-Length: 18446744073709551617\r\n\r\nx", 400),
    ("Transfer-Encoding: gzip", POST + b"Transfer-Encoding: gzip\r\n\r\n", 400),
    ("Transfer-Encoding: gzip, chunked", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
    ("Transfer-Encoding: chunked, chunked", POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
     400),
    ("Transfer-Encoding: identity", POST + b"Transfer-Encoding: identity\r\n\r\n", 400),
    ("Transfer-Encoding twice",
     POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
) + tuple(
    (f"chunk size {size!r}", POST + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nx\r\n", 400)
    for size in (b"", b"g", b"-1", b"+1", b"0x1", b" 1", b"1FFFFFFFFFFFFFFFF")
) + (
    ("a chunk without its CRLF", POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n", 400),
    ("a chunk size that ends in LF", POST + b"Transfer-Encoding: chunked\r\n\r\n1\nx\r\n", 400),
)


def malformed(suite, environment):
    bank = environment.bank(A)
    for what, octets, status in MALFORMED:
        with suite.case(f"{status} and the connection ends: {what}"):
            connection = bank.connect()
            connection.send(octets + GET)
            response = connection.receive()
            equal(response.status, status, "status")
            problem(response)
            expect(connection.ended(), "the connection goes on, or another request was read")
            connection.close()


# ---- statuses in their order ----


def chunked(body, size=1000):
    pieces = [body[start:start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


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
    (415, "POST", MESSAGES, {}, b"x"),
    (415, "POST", MESSAGES, {"Content-Type": "application/json"}, b"x"),
    (415, "POST", MESSAGES, {"Content-Type": "application/xml; charset=latin1"}, b"x"),
    (415, "POST", MESSAGES, {"Content-Type": "application/xml; charset=utf-16"}, b"x"),
    (415, "POST", MESSAGES, {"Content-Type": "multipart/mixed"}, b"x"),
    (415, "POST", MESSAGES, {"Content-Type": "multipart/related; boundary=x"}, b"x"),
    (415, "POST", MESSAGES, {"Content-Type": "multipart/mixed; boundary=" + "b" * 71}, b"x"),
    (415, "POST", MESSAGES, {"Content-Type": 'multipart/mixed; boundary=""'}, b"x"),
    (415, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "br"}, b"x"),
    (415, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "deflate"}, b""),
    (415, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "gzip, gzip"}, b"x"),
    (400, "POST", MESSAGES, {"Content-Type": XML}, b""),
    (400, "POST", MESSAGES, {"Content-Type": "multipart/mixed; boundary=x"}, b""),
    (400, "POST", MESSAGES, {"Content-Type": "multipart/mixed; boundary=x"}, b"hello"),
    (400, "POST", MESSAGES, {"Content-Type": "multipart/mixed; boundary=x"}, b"--x--\r\n"),
    (400, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "gzip"}, b"hello"),
    (400, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "gzip"},
     gzip.compress(b"hello")[:-1]),
    (400, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "gzip"},
     gzip.compress(b"hello") + b"x"),
    (400, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "gzip"},
     gzip.compress(b"<a") + gzip.compress(b"/>")),
    (400, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "gzip"}, zlib.compress(b"x")),
    (400, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "gzip"}, gzip.compress(b"")),
    (413, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "gzip"},
     gzip.compress(b"x" * (MESSAGE_MAX + 1))),
    (413, "POST", MESSAGES, {"Content-Type": "multipart/mixed; boundary=x",
                             "Content-Encoding": "gzip"}, gzip.compress(b"x" * (BODY_MAX + 1))),
    (413, "POST", MESSAGES, {"Content-Type": XML, "Content-Encoding": "gzip"},
     gzip.compress(bytes(200 * BODY_MAX))),
)


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
    with suite.case("problems come as JSON where Accept names only JSON"):
        for accept, json_form in (("application/problem+json", True), ("application/json", True),
                                  ("application/json, application/problem+json", True),
                                  ("application/xml", False), ("*/*", False),
                                  ("application/problem+json, application/xml", False)):
            response = bank.request("GET", "/nothing", {"Accept": accept})
            equal(response.status, 404, "status")
            problem(response, json_form)
    with suite.case("a stream GET with Accept of problem+json only: 406, in JSON"):
        response = bank.request("GET", f"{OUT}/stream/start",
                                {"Accept": "application/problem+json"})
        equal(response.status, 406, "status")
        problem(response, json_form=True)


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


# ---- bodies ----


def bodies(suite, environment):
    a = environment.bank(A)

    def goes(what, make):
        with suite.case(f"201: {what}"):
            octets, e2e = payment(a)
            fields, body = make(octets)
            response = a.request("POST", MESSAGES, {"Content-Type": XML} | fields, body)
            equal(response.status, 201, f"status ({response.body[:200]!r})")
            reject(environment, a, e2e)

    goes("plain", lambda octets: ({}, octets))
    goes("charset=utf-8", lambda octets: ({"Content-Type": "application/xml; charset=utf-8"}, octets))
    goes('charset="UTF-8"', lambda octets: ({"Content-Type": 'Application/XML;charset="UTF-8"'},
                                            octets))
    goes("gzip", lambda octets: ({"Content-Encoding": "gzip"}, gzip.compress(octets)))
    goes("gzip of a stored block", lambda octets: ({"Content-Encoding": "GZIP"},
                                                   gzip.compress(octets, 0)))
    goes("chunked", lambda octets: ({"Transfer-Encoding": "chunked"}, chunked(octets)))
    goes("Chunked, one octet each", lambda octets: ({"Transfer-Encoding": "CHUNKED"},
                                                    chunked(octets, 1)))
    goes("chunk extensions and trailers", lambda octets: (
        {"Transfer-Encoding": "chunked"},
        b"%x;a=b\r\n%s\r\n0\r\nX-Trailer: y\r\n\r\n" % (len(octets), octets)))
    goes("multipart of one", lambda octets: split(octets))
    goes("multipart, boundary in quotes, preamble and epilogue", lambda octets: (
        {"Content-Type": 'multipart/mixed; boundary="a b"'},
        b"preamble\r\n--a b\r\nContent-Type: application/xml; charset=UTF-8\r\n\r\n" + octets
        + b"\r\n--a b--\r\nepilogue"))
    goes("multipart, boundary of 70", lambda octets: split(octets, "b" * 70))
    goes("multipart, 8bit", lambda octets: (
        {"Content-Type": "multipart/mixed; boundary=x"},
        b"--x\r\nContent-Type: application/xml\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + octets
        + b"\r\n--x--"))
    goes("multipart, binary", lambda octets: (
        {"Content-Type": "multipart/mixed; boundary=x"},
        b"--x\r\nContent-Type: application/xml\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        + octets + b"\r\n--x--"))
    goes("gzip of multipart", lambda octets: (
        split(octets)[0] | {"Content-Encoding": "gzip"}, gzip.compress(split(octets)[1])))
    goes("a query behind the path, on a new connection", lambda octets: ({}, octets))

    with suite.case("ten parts: ten ids in order; each is decided"):
        made = [payment(a) for _ in range(10)]
        a.send(*(octets for octets, _ in made))
        for _, e2e in made:
            reject(environment, a, e2e)
    with suite.case("eleven parts: 413, nothing is processed"):
        made = [payment(a) for _ in range(11)]
        response = a.post(*wire.make_multipart([octets for octets, _ in made]))
        equal(response.status, 413, "status")
    with suite.case("a part of 64 KiB passes, one octet more is 413"):
        octets, e2e = payment(a)
        a.send(octets + b" " * (MESSAGE_MAX - len(octets)), b"x")
        reject(environment, a, e2e)
        body = wire.make_multipart([octets + b" " * (MESSAGE_MAX + 1 - len(octets))])
        equal(a.post(*body).status, 413, "status")
        a.events.clear()
    with suite.case("a body of 640 KiB passes"):
        octets, e2e = payment(a)
        body, kind = wire.make_multipart([octets] + [b"<a/>"] * 9)
        response = a.post(b"p" * (BODY_MAX - len(body) - 2) + b"\r\n" + body, kind)
        equal(response.status, 201, f"status ({response.body[:200]!r})")
        for name in response.field("pi-resourceid").split(",")[1:]:
            a.refusal(name.strip(), "SCHEMA")
        reject(environment, a, e2e)
    for what, head in (("of another type", b"Content-Type: text/xml"), ("without a type", b"X: y"),
                       ("in base64", b"Content-Type: application/xml\r\n"
                                     b"Content-Transfer-Encoding: base64"),
                       ("in gzip", b"Content-Type: application/xml\r\nContent-Encoding: gzip"),
                       ("in latin1", b"Content-Type: application/xml; charset=iso-8859-1")):
        with suite.case(f"415: a part {what} behind a good one, which is not processed"):
            octets, _ = payment(a)
            body = (b"--x\r\nContent-Type: application/xml\r\n\r\n" + octets + b"\r\n--x\r\n" + head
                    + b"\r\n\r\nabc\r\n--x--\r\n")
            equal(a.post(body, "multipart/mixed; boundary=x").status, 415, "status")
    with suite.case("400: a multipart body without its end, nothing is processed"):
        octets, _ = payment(a)
        body = b"--x\r\nContent-Type: application/xml\r\n\r\n" + octets + b"\r\n"
        equal(a.post(body, "multipart/mixed; boundary=x").status, 400, "status")
    with suite.case("an empty part is a message: BADXML"):
        response = a.post(b"--x\r\nContent-Type: application/xml\r\n\r\n\r\n--x--\r\n",
                          "multipart/mixed; boundary=x")
        equal(response.status, 201, f"status ({response.body[:200]!r})")
        a.refusal(response.field("pi-resourceid"), "BADXML")


def split(octets, boundary="cut"):
    body, kind = wire.make_multipart([octets], boundary)
    return {"Content-Type": kind}, body


def conversations(suite, environment):
    a = environment.bank(A)
    with suite.case("Expect: 100-continue"):
        octets, e2e = payment(a)
        connection = a.connect()
        head = {"Content-Type": XML, "Expect": "100-continue", "Content-Length": str(len(octets))}
        connection.send(wire.make_request("POST", MESSAGES, head))
        equal(connection.receive().status, 100, "interim status")
        connection.send(octets)
        equal(connection.receive().status, 201, "status")
        connection.close()
        reject(environment, a, e2e)
    with suite.case("Expect: 100-continue of what is refused: the refusal at once"):
        connection = a.connect()
        head = {"Content-Type": "x/y", "Expect": "100-continue", "Content-Length": "10"}
        connection.send(wire.make_request("POST", MESSAGES, head))
        response = connection.receive()
        equal((response.status, response.field("connection")), (415, "close"), "answer")
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
        octets, e2e = payment(a)
        connection = a.connect()
        connection.send(
            wire.make_request("GET", CATALOG) + wire.make_request("GET", "/nothing")
            + wire.make_request("POST", MESSAGES, {"Content-Type": XML}, octets)
            + wire.make_request("POST", MESSAGES, {"Content-Type": XML}, octets)
            + wire.make_request("GET", CATALOG))
        equal([connection.receive().status for _ in range(5)], [200, 404, 201, 201, 200], "statuses")
        connection.close()
        a.result(e2e, "ACSP")
        reject(environment, a, e2e)
    with suite.case("16 requests behind a waiting poll are answered behind it"):
        connection = a.connect()
        start = wire.make_request("GET", f"{OUT}/stream/start", {"Accept": XML})
        connection.send(start + 16 * wire.make_request("GET", CATALOG))
        first = connection.receive()
        equal(first.status, 204, "status of the poll")
        equal([connection.receive().status for _ in range(16)], [200] * 16, "statuses")
        equal(connection.request("DELETE", first.field("pi-pull-next")).status, 200, "DELETE")
        connection.close()
    with suite.case("a request that comes octet by octet"):
        connection = a.connect()
        for octet in GET:
            connection.send(bytes([octet]))
        equal(connection.receive().status, 200, "status")
        connection.close()
    with suite.case("a connection that is cut in a body leaves nothing"):
        octets, e2e = payment(a)
        connection = a.connect()
        head = {"Content-Type": XML, "Content-Length": str(len(octets))}
        connection.send(wire.make_request("POST", MESSAGES, head) + octets[:-1])
        connection.socket.shutdown(socket.SHUT_RDWR)
        connection.close()
        a.send(octets)
        reject(environment, a, e2e)


def main():
    suite = Suite("transport")
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off", "switch.loops": 2}
    with suite.environment_of(participants=2, settings=settings) as environment:
        malformed(suite, environment)
        statuses(suite, environment)
        catalogs(suite, environment)
        bodies(suite, environment)
        conversations(suite, environment)
    finish(suite)


if __name__ == "__main__":
    main()
