#!/usr/bin/python3
"""WIRE section 1, "Limits": heads, times, rates, and what a full switch says."""

import re
import ssl
import time

import message
import wire
from harness import Suite, equal, expect, finish, problem
from message import ADMI002

A, B = "10000001", "10000002"
CATALOG = f"/api/v1/in/{A}/catalog"
LINE = f"GET {CATALOG} HTTP/1.1\r\n".encode()
HOST = b"Host: x\r\n"
POST = (f"POST /api/v1/in/{A}/msgs HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/xml\r\n").encode()
REQUEST_SECONDS = 2
IDLE_SECONDS = 3
LINGER_SECONDS = 5
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
    with suite.case("a target of 4 KiB passes, one octet more is 414"):
        start = f"GET {CATALOG}?".encode()
        room = 4096 - len(start) + 4
        end = b" HTTP/1.1\r\n" + HOST + b"\r\n"
        equal(status_of(start + b"x" * room + end), 200, "status of 4 KiB")
        equal(status_of(start + b"x" * (room + 1) + end), 414, "status of one more")
    with suite.case("a request line above 16 KiB: 414 where it is the target's, else 431"):
        equal(status_of(b"GET /" + b"x" * 20000), 414, "status")
        equal(status_of(b"M" * 20000), 431, "status")


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
    talker = a.connect()
    talker.send(POST.replace(b"application", b"text") + b"Content-Length: 600000\r\n\r\n")
    refused_at = time.monotonic()
    equal(talker.receive().status, 415, "status")
    trickle = a.connect()
    trickle.send(POST + b"Content-Length: 99\r\n\r\n")
    idle, silent, blank = a.connect(), a.connect(), a.connect()
    equal(idle.request("GET", CATALOG).status, 200, "status")
    blank.send(b"\r\n")  # no octet of a request yet
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
    for what, connection in (("behind its request", idle), ("without a request", silent),
                             ("with an empty line", blank)):
        with suite.case(f"an idle connection is closed: {what}"):
            expect(connection.ended(IDLE_SECONDS + 2), "it is still open")
            waited = time.monotonic() - started
            expect(waited > IDLE_SECONDS - 0.2, f"closed after {waited:.1f} s")
            connection.close()
    with suite.case("behind a refusal before the body the switch reads on, for 5 s"):
        for _ in range(2):  # the first send behind the end would still succeed
            talker.send(b"x" * 1000)
            time.sleep(0.1)
        expect(time.monotonic() - refused_at < LINGER_SECONDS, "too late to say")
        time.sleep(refused_at + LINGER_SECONDS + 0.5 - time.monotonic())
        try:
            for _ in range(2):
                talker.send(b"x" * 1000)
                time.sleep(0.1)
        except (ConnectionError, ssl.SSLError):
            pass
        else:
            raise AssertionError("the connection is still open")
        talker.close()


def wait_of(response, status):
    """Retry-After of a refusal, in seconds."""
    equal(response.status, status, "status")
    problem(response)
    wait = response.field("retry-after")
    expect(re.fullmatch("[1-9][0-9]*", wait or ""), f"Retry-After is {wait!r}")
    return int(wait)


BAD = b"<a/>"  # a message that costs one token
TOKENS = 20
REFILL = 1


def post(bank, octets, status=201):
    """One body of these messages."""
    response = bank.post(*wire.make_multipart(octets))
    equal(response.status, status, f"status of {len(octets)} messages")
    return response


def refused_below_zero(bank, started, level):
    """The bank's bucket was emptied to `level` since `started`: 429, with an honest Retry-After."""
    wait = wait_of(bank.post(bank.payments(transfers(1)[0])), 429)
    # Refused "while it is at or below zero", and tokens come back by fifths.
    most = (-level + 0.2) / REFILL
    least = most - (time.monotonic() - started)
    expect(least <= wait < most + 1, f"Retry-After {wait} is not within {least:.2f} and {most:.2f}")
    return wait


def rate(suite):
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off",
                "participants.rate_tokens": TOKENS, "participants.rate_refill": REFILL}
    with suite.environment_of(name="rate", participants=5, settings=settings) as environment:
        banks = [environment.bank(f"1000000{n}") for n in range(1, 6)]
        a, b, c, d, e = banks
        with suite.case("a message costs 1; the level may go below zero; then 429, none is taken"):
            started = time.monotonic()
            for count in (10, 9, 4):
                post(a, [BAD] * count)
            wait = refused_below_zero(a, started, TOKENS - 23)
        with suite.case("before Retry-After is over: 429 again; then 201"):
            refused_at = time.monotonic()
            time.sleep(max(0, wait - 1.2))
            if time.monotonic() - refused_at < wait - 1:
                wait_of(a.post(BAD), 429)
            time.sleep(max(0, refused_at + wait - time.monotonic()))
            equal(a.post(BAD).status, 201, "status behind Retry-After")
        with suite.case("another participant has its own bucket; what is refused costs nothing"):
            for _ in range(2 * TOKENS):
                equal(b.post(b"").status, 400, "status")
                equal(b.post(BAD, "text/xml").status, 415, "status")
                post(b, [BAD] * 11, 413)
            for count in (10, 9):
                post(b, [BAD] * count)
        with suite.case("a pacs.002 costs a fifth"):
            made = [[c.answers(message.verdict(message.unique("E"), "ACSP")) for _ in range(10)]
                    for _ in range(9)]
            started = time.monotonic()
            for octets in made:
                post(c, octets)  # 18 in all
            post(c, [BAD] * 10)
            refused_below_zero(c, started, TOKENS - 28)
        with suite.case("a pacs.002 that is refused costs 1, as any other message"):
            started = time.monotonic()
            spoiled = c.answers(message.verdict(message.unique("E"), "ACSP"))  # c's, not d's
            for count in (10, 9, 10):
                post(d, [spoiled] * count)
            refused_below_zero(d, started, TOKENS - 29)
        with suite.case("GETs cost nothing, and pass an empty bucket"):
            started = time.monotonic()
            for count in (10, 9, 10):
                post(e, [BAD] * count)
            for _ in range(50):
                equal(e.request("GET", f"/api/v1/in/{e.code}/catalog").status, 200, "status")
            refused_below_zero(e, started, TOKENS - 29)
        for bank in banks:
            bank.poll(until_empty=True)
            bank.events.clear()


def transfers(count):
    made = [message.transfer(A, B, priority="NORM") for _ in range(count)]
    return made, [re.search("EndToEndId>([^<]*)<", one)[1] for one in made]


def refused_whole(bank, status, *octets):
    wait_of(bank.post(*(wire.make_multipart(octets) if len(octets) > 1 else octets)), status)


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
