#!/usr/bin/python3
"""WIRE section 1, "Limits": heads, times, rates, and what a full switch says."""

import re
import time

import message
import wire
from harness import Suite, equal, expect, finish, problem
from message import ADMI002

A, B, C = "10000001", "10000002", "10000003"
CATALOG = f"/api/v1/in/{A}/catalog"
LINE = f"GET {CATALOG} HTTP/1.1\r\n".encode()
HOST = b"Host: x\r\n"
POST = (f"POST /api/v1/in/{A}/msgs HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/xml\r\n").encode()
REQUEST_SECONDS = 2
IDLE_SECONDS = 3
OPEN_MAX = 4
CAPACITY = 8
TRANSIENT_BODIES_MAX = 300  # of ten bad messages each: some bound must come long before


def heads(suite, environment):
    bank = environment.bank(A)

    def status_of(octets):
        connection = bank.connect()
        connection.send(octets)
        response = connection.receive()
        connection.close()
        return response.status

    with suite.case("64 headers pass, 65 are 431"):
        lines = [b"A%d: x\r\n" % n for n in range(64)]
        equal(status_of(LINE + HOST + b"".join(lines[:63]) + b"\r\n"), 200, "status of 64")
        equal(status_of(LINE + HOST + b"".join(lines) + b"\r\n"), 431, "status of 65")
    with suite.case("a head of 16 KiB passes, one octet more is 431"):
        start = LINE + HOST + b"A: "
        room = 16 * 1024 - len(start) - 4
        equal(status_of(start + b"x" * room + b"\r\n\r\n"), 200, "status of 16 KiB")
        equal(status_of(start + b"x" * (room + 1) + b"\r\n\r\n"), 431, "status of one more")
    with suite.case("query strings are ignored"):
        equal(bank.request("GET", CATALOG + "?a=b&c").status, 200, "status")
    with suite.case("HTTP/1.0 needs no Host, and the connection ends"):
        connection = bank.connect()
        connection.send(f"GET {CATALOG} HTTP/1.0\r\n\r\n".encode())
        equal(connection.receive().status, 200, "status")
        expect(connection.ended(), "the connection goes on")
        connection.close()
    with suite.case("Connection: close is kept"):
        connection = bank.connect()
        equal(connection.request("GET", CATALOG, {"Connection": "close"}).status, 200, "status")
        expect(connection.ended(), "the connection goes on")
        connection.close()


def times(suite, environment):
    """Slow ones all at once, as each of them waits."""
    a = environment.bank(A)
    slow = {
        "in the request line": b"GET /api",
        "in the headers": LINE + b"Hos",
        "in the body": POST + b"Content-Length: 9\r\n\r\nx",
        "in a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nx",
    }
    connections = {what: a.connect() for what in slow}
    started = time.monotonic()
    for what, octets in slow.items():
        connections[what].send(octets)
    trickle = a.connect()
    trickle.send(POST + b"Content-Length: 99\r\n\r\n")
    idle = a.connect()
    equal(idle.request("GET", CATALOG).status, 200, "status")
    for _ in range(REQUEST_SECONDS * 2 - 1):
        time.sleep(0.4)
        trickle.send(b"x")
    connections["octet by octet"] = trickle
    for what, connection in connections.items():
        with suite.case(f"408: a request that stops {what}"):
            response = connection.receive()
            equal(response.status, 408, "status")
            problem(response)
            waited = time.monotonic() - started
            expect(REQUEST_SECONDS - 0.2 < waited < REQUEST_SECONDS + 2, f"after {waited:.1f} s")
            expect(connection.ended(), "the connection goes on")
            connection.close()
    with suite.case("an idle connection is closed"):
        expect(idle.ended(IDLE_SECONDS + 2), "it is still open")
        waited = time.monotonic() - started
        expect(waited > IDLE_SECONDS - 0.2, f"closed after {waited:.1f} s")
        idle.close()


def rate(suite):
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off",
                "participants.rate_tokens": 20, "participants.rate_refill": 10}
    with suite.environment_of(name="rate", participants=3, settings=settings) as environment:
        a, b = environment.bank(A), environment.bank(B)
        with suite.case("429 once the bucket is empty, with Retry-After; then again 201"):
            bad = [b"<a/>"] * 10
            bodies_sent = 0
            while (response := a.post(*wire.make_multipart(bad))).status == 201:
                bodies_sent += 1
                expect(bodies_sent < 6, "no 429 comes")
            expect(bodies_sent in (2, 3), f"429 after {bodies_sent} bodies of 10 messages")
            equal(response.status, 429, "status")
            problem(response)
            wait = response.field("retry-after")
            expect(re.fullmatch("[1-9][0-9]*", wait or ""), f"Retry-After is {wait!r}")
            time.sleep(int(wait))
            equal(a.post(b"<a/>").status, 201, "status behind Retry-After")
        with suite.case("another participant has its own bucket"):
            a.post(*wire.make_multipart(bad)), a.post(*wire.make_multipart(bad))
            equal(a.post(b"<a/>").status, 429, "status")
            equal(b.post(b"<a/>").status, 201, "status")
        with suite.case("a pacs.002 costs a fifth"):
            c = environment.bank(C)
            octets = [c.answers(message.verdict(message.unique("E"), "ACSP")) for _ in range(10)]
            sent = 0
            while c.post(*wire.make_multipart(octets)).status == 201:
                sent += 1
                expect(sent < 60, "no 429 comes")
            expect(sent >= 10, f"429 after {sent} bodies of 10 pacs.002")
        with suite.case("GETs cost nothing"):
            for _ in range(50):
                equal(c.request("GET", f"/api/v1/in/{C}/catalog").status, 200, "status")
        for bank in (a, b, c):
            bank.poll(until_empty=True)
            bank.events.clear()


def transfers(count):
    made = [message.transfer(A, B, priority="NORM") for _ in range(count)]
    return made, [re.search("EndToEndId>([^<]*)<", one)[1] for one in made]


def refused_whole(bank, status, *octets):
    response = bank.post(*(wire.make_multipart(octets) if len(octets) > 1 else octets))
    equal(response.status, status, "status")
    problem(response)
    wait = response.field("retry-after")
    expect(re.fullmatch("[1-9][0-9]*", wait or ""), f"Retry-After is {wait!r}")


def full(suite):
    """open_max payments open, then duplicate_capacity ids taken."""
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off",
                "payments.open_max": OPEN_MAX, "payments.duplicate_capacity": CAPACITY}
    with suite.environment_of(name="full", participants=2, settings=settings) as environment:
        a, b = environment.bank(A), environment.bank(B)
        made, ids = transfers(CAPACITY)
        with suite.case("a body with more payments than there are places: 503, none is taken"):
            refused_whole(a, 503, *(a.payments([one]) for one in made[:OPEN_MAX + 1]))
            equal(a.balances()[1], "0.00", "reserved")
        with suite.case("open_max payments open: the next gets 503"):
            a.send(a.payments(made[:OPEN_MAX]))
            refused_whole(a, 503, a.payments([made[OPEN_MAX]]))
            equal(a.balances()[1], f"{OPEN_MAX}.00", "reserved")
        with suite.case("answers and questions pass meanwhile, and make room"):
            for one in ids[:OPEN_MAX]:
                b.forwarded(one)
            b.send(b.answers(*[message.verdict(one, "ACSP") for one in ids[:OPEN_MAX]]))
            for one in ids[:OPEN_MAX]:
                a.result(one, "ACSC"), b.result(one, "ACCC")
            a.send(a.payments(made[OPEN_MAX:CAPACITY]))
            for one in ids[OPEN_MAX:CAPACITY]:
                b.forwarded(one)
            b.send(b.answers(*[message.verdict(one, "ACSP") for one in ids[OPEN_MAX:CAPACITY]]))
            for one in ids[OPEN_MAX:CAPACITY]:
                a.result(one, "ACSC"), b.result(one, "ACCC")
        with suite.case("duplicate_capacity ids taken: new payments get 503, none is forgotten"):
            refused_whole(a, 503, a.payments(transfers(1)[0]))
            b.answer(ids[0])
            b.result(ids[0], "ACCC")


def unread(suite):
    """A bank that never polls cannot make the switch keep more and more answers for it."""
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off"}
    with suite.environment_of(name="unread", participants=2, settings=settings) as environment:
        a, b = environment.bank(A), environment.bank(B)
        with suite.case("answers that nobody fetches: 429 at last; others are served"):
            bad = wire.make_multipart([b"<a/>"] * 10)
            sent = 0
            while (response := a.post(*bad)).status == 201:
                sent += 1
                expect(sent < TRANSIENT_BODIES_MAX, "no 429 comes")
            equal(response.status, 429, "status")
            problem(response)
            b.balances()
        with suite.case("once they are fetched, all of them come, and there is room again"):
            a.poll(until_empty=True)
            equal(len([one for one in a.events if one[0] == ADMI002]), 10 * sent, "admi.002")
            a.events.clear()
            equal(a.post(b"<a/>").status, 201, "status")
            a.poll(until_empty=True)
            a.events.clear()


def main():
    suite = Suite("limit")
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off",
                "participants.request_timeout_seconds": REQUEST_SECONDS,
                "participants.idle_timeout_seconds": IDLE_SECONDS}
    with suite.environment_of(name="times", participants=1, settings=settings) as environment:
        heads(suite, environment)
        times(suite, environment)
    rate(suite)
    full(suite)
    unread(suite)
    finish(suite)


if __name__ == "__main__":
    main()
