#!/usr/bin/python3
"""WIRE section 1, the body of a POST: its types, gzip, chunks and parts in every lawful spelling,
what is wrong with one, and the bounds, at which a body passes and above which nothing of it is
processed."""

import gzip
import struct
import zlib

import wire
from harness import Suite, equal, expect, finish, problem

A, B = "10000001", "10000002"
MESSAGES = f"/api/v1/in/{A}/msgs"
XML = "application/xml"
MIXED = "multipart/mixed; boundary=x"
BODY_MAX = 640 * 1024
MESSAGE_MAX = 64 * 1024
PARTS_MAX = 10
TYPED = b"Content-Type: application/xml\r\n"


# ---- ways to write it ----


def member(octets, flags=0, extra=b"", level=9):
    """A gzip member by hand (RFC 1952), so that its header can have optional fields."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = packer.compress(octets) + packer.flush()
    head = b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\0\xff" + extra
    if flags & 2:
        head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    return head + packed + struct.pack("<II", zlib.crc32(octets), len(octets) & 0xFFFFFFFF)


def chunked(octets, size=1000, form=b"%x"):
    pieces = [octets[start:start + size] for start in range(0, len(octets), size)]
    return b"".join(form % len(one) + b"\r\n" + one + b"\r\n" for one in pieces) + b"0\r\n\r\n"


def parted(before=b"--x\r\n", head=TYPED, behind=b"\r\n--x--\r\n"):
    return lambda octets: before + head + b"\r\n" + octets + behind


def typed(kind):
    return {"Content-Type": kind}


CHUNKED = {"Transfer-Encoding": "chunked"}
GZIP = {"Content-Encoding": "gzip"}
BCHARS = "'()+_,-./:=? 09azAZ"

TAKEN = (  # what, header fields, how the octets of a message become a body
    ("plain", {}, bytes),
    ("charset=utf-8", typed("application/xml; charset=utf-8"), bytes),
    ('Charset="UTF-8", type in capitals', typed('Application/XML;Charset="UTF-8"'), bytes),
    ("white space around the semicolon", typed("application/xml \t; charset=UTF-8"), bytes),
    ("another parameter", typed('application/xml; version="1.0"; charset=utf-8'), bytes),
    ("an empty parameter", typed("application/xml;"), bytes),
    ("Content-Length with leading zeros", None,
     lambda octets: b"Content-Length: %020d\r\n\r\n" % len(octets) + octets),
    ("header names in small letters, values without space", None,
     lambda octets: b"content-length:%d\r\n\r\n" % len(octets) + octets),
    # gzip
    ("gzip", GZIP, gzip.compress),
    ("GZIP, a stored block", {"Content-Encoding": "GZIP"},
     lambda octets: gzip.compress(octets, 0)),
    ("gzip with a name", GZIP, lambda octets: member(octets, 8, b"a.xml\0")),
    ("gzip with a comment", GZIP, lambda octets: member(octets, 16, b"hello\0")),
    ("gzip with extra fields", GZIP, lambda octets: member(octets, 4, b"\x06\0AB\x02\0xy")),
    ("gzip with a sum of its header", GZIP, lambda octets: member(octets, 2)),
    ("gzip with all of them", GZIP,
     lambda octets: member(octets, 31, b"\x06\0AB\x02\0xya.xml\0hello\0")),
    ("gzip in chunks", GZIP | CHUNKED, lambda octets: chunked(gzip.compress(octets), 7)),
    # chunks
    ("chunked", CHUNKED, chunked),
    ("CHUNKED, one octet each", {"Transfer-Encoding": "CHUNKED"},
     lambda octets: chunked(octets, 1)),
    ("sizes in capitals, with zeros", CHUNKED,
     lambda octets: chunked(octets, form=b"0000%X").replace(b"\r\n0\r\n\r\n", b"\r\n000\r\n\r\n")),
    ("chunk extensions", CHUNKED,
     lambda octets: chunked(octets, form=b'%x;a;b=c;d="e f;g"')),
    ("a trailer", CHUNKED,
     lambda octets: chunked(octets)[:-2] + b"X-Sum: 1\r\nContent-Length: 3\r\n\r\n"),
    # parts
    ("multipart", typed(MIXED), parted()),
    ("no CRLF at the end", typed(MIXED), parted(behind=b"\r\n--x--")),
    ("white space at the end", typed(MIXED), parted(behind=b"\r\n--x-- \t")),
    ("white space behind boundaries", typed(MIXED),
     parted(b"--x \t\r\n", behind=b"\r\n--x--\t\r\n")),
    ("preamble and epilogue", typed(MIXED), parted(b"hello\r\n--x\r\n", behind=b"\r\n--x--\r\nbye")),
    ("an empty preamble", typed(MIXED), parted(b"\r\n--x\r\n")),
    ("boundaries in the epilogue", typed(MIXED), parted(behind=b"\r\n--x--\r\n--x\r\n\r\n--x--")),
    ("a preamble that nearly begins a part", typed(MIXED), parted(b"--xy\r\n--x-\r\n--x\r\n")),
    ("a boundary in quotes", typed('Multipart/Mixed; Boundary="x"'), parted()),
    ("a boundary in quotes, escaped", typed('multipart/mixed; boundary="\\x"'), parted()),
    ("parameters around the boundary", typed("multipart/mixed; charset=utf-8; boundary=x; a=b"),
     parted()),
    ("a boundary of all its characters", typed(f'multipart/mixed; boundary="{BCHARS}"'),
     parted(f"--{BCHARS}\r\n".encode(), behind=f"\r\n--{BCHARS}--\r\n".encode())),
    ("a boundary of hyphens", typed("multipart/mixed; boundary=--"),
     parted(b"----\r\n", behind=b"\r\n------\r\n")),
    ("a boundary of 70", typed("multipart/mixed; boundary=" + "b" * 70),
     parted(b"--" + b"b" * 70 + b"\r\n", behind=b"\r\n--" + b"b" * 70 + b"--\r\n")),
    ("names of the part's head in small letters", typed(MIXED),
     parted(head=b"content-type:application/xml\r\n")),
    ("a part's charset", typed(MIXED),
     parted(head=b'Content-Type: application/xml; charset="UTF-8"\r\n')),
    ("a part's head folded", typed(MIXED),
     parted(head=b"Content-Type: application/xml;\r\n\tcharset=utf-8\r\nX:\r\n y\r\n")),
    ("other headers of a part", typed(MIXED),
     parted(head=b"Content-ID: <1>\r\nContent-Length: 7\r\n" + TYPED + b"X-Y: z\r\n")),
    ("8bit", typed(MIXED), parted(head=TYPED + b"Content-Transfer-Encoding: 8bit\r\n")),
    ("Binary", typed(MIXED), parted(head=TYPED + b"Content-Transfer-Encoding: Binary\r\n")),
    ("gzip of multipart", typed(MIXED) | GZIP, lambda octets: gzip.compress(parted()(octets))),
    ("multipart in chunks", typed(MIXED) | CHUNKED, lambda octets: chunked(parted()(octets), 9)),
)


def post(bank, fields, body):
    """The answer on a connection of its own; `fields` None: the body has the last header lines."""
    connection = bank.connect()
    try:
        if fields is not None:
            return connection.request("POST", MESSAGES, {"Content-Type": XML} | fields, body)
        connection.send(f"POST {MESSAGES} HTTP/1.1\r\nHost: x\r\nContent-Type: {XML}\r\n".encode()
                        + body)
        return connection.receive()
    finally:
        connection.close()


def taken(suite, environment):
    a = environment.bank(A)
    for what, fields, make in TAKEN:
        with suite.case(f"201: {what}"):
            octets, e2e = a.payment(B)
            response = post(a, fields, make(octets))
            equal(response.status, 201, f"status ({response.body[:200]!r})")
            environment.decline(A, B, e2e)
    with suite.case("201: a line of a message that nearly is a boundary"):
        response = a.post(parted()(b"<a>\r\n--xy\r\n--x-\r\n--x--z\n--x--\n</a>"), MIXED)
        equal(response.status, 201, f"status ({response.body[:200]!r})")
        a.refusal(response.field("pi-resourceid"), "SCHEMA")  # well-formed: nothing was cut off
    for what, body in (("with a blank line", b"\r\n\r\n"), ("without one", b"\r\n")):
        with suite.case(f"an empty part {what} is a message: BADXML"):
            response = a.post(b"--x\r\n" + TYPED + body + b"--x--\r\n", MIXED)
            equal(response.status, 201, f"status ({response.body[:200]!r})")
            a.refusal(response.field("pi-resourceid"), "BADXML")
    with suite.case("ten parts: ten ids in order; each is decided"):
        made = [a.payment(B) for _ in range(PARTS_MAX)]
        a.send(*(octets for octets, _ in made))
        for _, e2e in made:
            environment.decline(A, B, e2e)


# ---- what is wrong ----

BROKEN_SUM = bytearray(gzip.compress(b"hello"))
BROKEN_SUM[-5] ^= 1
BROKEN_LENGTH = bytearray(gzip.compress(b"hello"))
BROKEN_LENGTH[-1] ^= 1

REFUSED = tuple(  # status, what, header fields, how a good message becomes a body
    (415, f"Content-Type {kind!r}", typed(kind), bytes) for kind in (
        "", "xml", "application/", "application/xml, application/xml", "application/xml charset",
        "application/xml; charset", "application/xml; charset=", 'application/xml; charset="utf-8',
        "application/xml; charset=utf8", "application/xml; charset=us-ascii",
        "application/xml; charset=utf-8; charset=utf-8", "application/xml+x", "text/xml",
        "application/soap+xml", "application/octet-stream", "multipart/form-data; boundary=x",
        "multipart/mixed; boundary=", "multipart/mixed; boundary=x; boundary=x",
        "multipart/mixed; boundary=a b", 'multipart/mixed; boundary="x "',
        'multipart/mixed; boundary="a;b"', 'multipart/mixed; boundary="' + "b" * 71 + '"')
) + tuple(
    (415, f"Content-Encoding {encoding!r}", {"Content-Encoding": encoding}, bytes)
    for encoding in ("", "identity", "x-gzip", "deflate", "br", "zstd", "gzip, gzip", "gzip;q=1")
) + tuple(
    (400, f"gzip {what}", GZIP, lambda octets, body=body: bytes(body)) for what, body in (
        ("not at all", b"<a/>"), ("of nothing", gzip.compress(b"")), ("with another sum", BROKEN_SUM),
        ("with another length", BROKEN_LENGTH), ("cut in its sum", gzip.compress(b"hello")[:-5]),
        ("cut in its header", gzip.compress(b"hello")[:9]), ("of one octet", b"\x1f"),
        ("of two members", gzip.compress(b"<a") + gzip.compress(b"/>")),
        ("with zeros behind", gzip.compress(b"<a/>") + bytes(8)),
        ("that is zlib", zlib.compress(b"<a/>")), ("with unknown flags", member(b"<a/>", 0x20)),
        ("with a wrong sum of its header", member(b"<a/>", 2).replace(b"\x00\xff", b"\x00\xfe", 1)),
    )
) + (
    (400, "gzip cut in its middle", GZIP, lambda octets: gzip.compress(octets)[:-200]),
    (400, "no end", typed(MIXED), parted(behind=b"\r\n")),
    (400, "an end with other octets behind", typed(MIXED), parted(behind=b"\r\n--x--y")),
    (400, "an end without CRLF before", typed(MIXED), parted(behind=b"--x--\r\n")),
    (400, "an end behind a bare LF", typed(MIXED), parted(behind=b"\n--x--\r\n")),
    (400, "another boundary", typed(MIXED), parted(b"--y\r\n", behind=b"\r\n--y--\r\n")),
    (400, "a boundary in capitals", typed(MIXED), parted(b"--X\r\n", behind=b"\r\n--X--\r\n")),
    (400, "only an end", typed(MIXED), lambda octets: b"--x--\r\n"),
    (400, "a head without an end", typed(MIXED), lambda octets: b"--x\r\n" + TYPED + b"--x--"),
    (400, "a head without a colon", typed(MIXED), parted(head=TYPED + b"hello\r\n")),
    (400, "a head with a space before the colon", typed(MIXED),
     parted(head=b"Content-Type : application/xml\r\n")),
    (400, "a head with a bare CR", typed(MIXED), parted(head=TYPED + b"X: a\rb\r\n")),
    (400, "a head with a bare LF", typed(MIXED), parted(head=TYPED + b"X: a\n")),
    (400, "a head that begins folded", typed(MIXED), parted(head=b" " + TYPED)),
    (400, "a head of 65 lines", typed(MIXED), parted(head=TYPED + b"X: y\r\n" * 64)),
    (400, "a head above 16 KiB", typed(MIXED), parted(head=TYPED + b"X: " + b"y" * 16384 + b"\r\n")),
) + tuple(
    (415, f"a part {what} behind a good one", typed(MIXED), lambda octets, head=head: parted(
        behind=b"\r\n--x\r\n" + head + b"\r\nabc\r\n--x--\r\n")(octets)) for what, head in (
        ("of another type", b"Content-Type: text/xml\r\n"), ("without a type", b"X: y\r\n"),
        ("without a head", b""), ("of two types", TYPED + TYPED),
        ("of parts", b"Content-Type: multipart/mixed; boundary=y\r\n"),
        ("in latin1", b"Content-Type: application/xml; charset=iso-8859-1\r\n"),
        ("in base64", TYPED + b"Content-Transfer-Encoding: base64\r\n"),
        ("in quoted-printable", TYPED + b"Content-Transfer-Encoding: quoted-printable\r\n"),
        ("in 7bit", TYPED + b"Content-Transfer-Encoding: 7bit\r\n"),
        ("in gzip", TYPED + b"Content-Encoding: gzip\r\n"))
) + (
    # Two faults: which is told?
    (415, "a part's type before the missing end", typed(MIXED),
     parted(head=b"Content-Type: a/b\r\n", behind=b"")),
    (415, "a part's type before its size", typed(MIXED),
     lambda octets: parted(head=b"Content-Type: a/b\r\n")(bytes(MESSAGE_MAX + 1))),
    (413, "a part's size before the missing end", typed(MIXED),
     lambda octets: parted(behind=b"")(bytes(MESSAGE_MAX + 1))),
    (413, "the number of parts before the missing end", typed(MIXED),
     lambda octets: (b"--x\r\n" + TYPED + b"\r\n<a/>\r\n") * 11),
    (415, "the type before the size of chunks", typed("text/xml") | CHUNKED,
     lambda octets: chunked(bytes(BODY_MAX + 1), 65536)),
    (415, "the encoding before the empty body", {"Content-Encoding": "br"}, lambda octets: b""),
    (415, "the type before gzip", typed("text/xml") | GZIP, lambda octets: b"hello"),
    (400, "the empty body before gzip", GZIP, lambda octets: b""),
    (400, "gzip before parts", typed(MIXED) | GZIP, lambda octets: b"hello"),
)


def refused(suite, environment):
    """Each with a good payment inside, where it fits: at the end none may have come."""
    a = environment.bank(A)
    for status, what, fields, make in REFUSED:
        with suite.case(f"{status}: {what}"):
            response = post(a, fields, make(a.payment(B)[0]))
            equal(response.status, status, "status")
            problem(response)
    with suite.case("a repeated Content-Type or Content-Encoding: 415"):
        for lines in (b"Content-Type: application/xml\r\n",
                      b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n"):
            equal(post(a, None, lines + b"Content-Length: 4\r\n\r\n<a/>").status, 415, "status")


# ---- bounds ----


def padded(octets, size):
    """White space behind the root belongs to the message and to no signature."""
    return octets + b" " * (size - len(octets))


def filled(octets, size):
    """A multipart body of one message and so many octets, by its preamble."""
    body = parted()(octets)
    return b"p" * (size - len(body) - 2) + b"\r\n" + body


def commented(octets, size):
    """A gzip body of so many octets as sent: the comment in its header fills it."""
    body = parted()(octets)
    rest = size - len(member(body, 16, b"\0"))
    return member(body, 16, b"c" * rest + b"\0")


BOUNDS = (  # what, header fields, size at the bound, how a message becomes a body of a size
    ("a message", {}, MESSAGE_MAX, padded),
    ("a message in chunks", CHUNKED, MESSAGE_MAX, lambda octets, size: chunked(padded(octets, size))),
    ("a message in gzip", GZIP, MESSAGE_MAX, lambda octets, size: gzip.compress(padded(octets, size))),
    ("a part", typed(MIXED), MESSAGE_MAX, lambda octets, size: parted()(padded(octets, size))),
    ("a body", typed(MIXED), BODY_MAX, filled),
    ("a body in chunks", typed(MIXED) | CHUNKED, BODY_MAX,
     lambda octets, size: chunked(filled(octets, size), 65536)),
    ("a body in gzip", typed(MIXED) | GZIP, BODY_MAX,
     lambda octets, size: gzip.compress(filled(octets, size))),
    ("a body in gzip as sent", typed(MIXED) | GZIP, BODY_MAX, commented),
)


def bounds(suite, environment):
    a = environment.bank(A)
    for what, fields, size, make in BOUNDS:
        with suite.case(f"{what} of {size} octets passes"):
            octets, e2e = a.payment(B)
            response = post(a, fields, make(octets, size))
            equal(response.status, 201, f"status ({response.body[:200]!r})")
            environment.decline(A, B, e2e)
        with suite.case(f"413: {what} of one octet more; nothing is processed"):
            response = post(a, fields, make(a.payment(B)[0], size + 1))
            equal(response.status, 413, "status")
            problem(response)
    with suite.case("413: eleven parts; nothing is processed"):
        made = [a.payment(B)[0] for _ in range(PARTS_MAX + 1)]
        equal(a.post(*wire.make_multipart(made)).status, 413, "status")
    with suite.case("413: a gzip bomb"):
        bomb = gzip.compress(bytes(200 * BODY_MAX))
        expect(len(bomb) < BODY_MAX, "it is larger than a body")
        for kind in (XML, MIXED):
            equal(post(a, typed(kind) | GZIP, bomb).status, 413, "status")
    with suite.case("413: a chunked body without an end"):
        connection = a.connect()
        connection.send(f"POST {MESSAGES} HTTP/1.1\r\nHost: x\r\nContent-Type: {XML}\r\n"
                        "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n".encode()
                        + bytes(BODY_MAX + 1))
        response = connection.receive()
        equal((response.status, response.field("connection")), (413, "close"), "answer")
        connection.close()
    with suite.case("400: chunk extensions above 4 KiB"):
        equal(post(a, CHUNKED, b"4;" + b"e" * 8192 + b"\r\n<a/>\r\n0\r\n\r\n").status, 400, "status")
    with suite.case("431: a trailer above 16 KiB, or of 65 lines"):
        for trailer in (b"A: " + b"x" * 16384 + b"\r\n", b"A: b\r\n" * 65):
            equal(post(a, CHUNKED, b"4\r\n<a/>\r\n0\r\n" + trailer + b"\r\n").status, 431, "status")


def main():
    suite = Suite("body")
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off", "switch.loops": 2}
    with suite.environment_of(participants=2, settings=settings) as environment:
        taken(suite, environment)
        refused(suite, environment)
        bounds(suite, environment)
    finish(suite)


if __name__ == "__main__":
    main()
