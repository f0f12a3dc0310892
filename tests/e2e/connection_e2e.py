#!/usr/bin/python3
"""Connections are bounded and nobody's flood shuts others out: silent, slow, foreign, too many, and
what a flooding bank's requests do to another's."""

import socket
import ssl
import time

import wire
from harness import Suite, equal, expect, finish, problem, until

A, B, C = "10000001", "10000002", "10000003"
CATALOG = f"/api/v1/in/{A}/catalog"
REQUEST_SECONDS = 2
STRANGERS_EACH = 512  # of one address, on one loop
OWNER_CONNECTIONS = 256
PIPELINED = 16
OPEN = "cauce_connections_open"
REFUSED = "cauce_connections_refused_total"


def knock(environment, source="127.0.0.1"):
    """A connection that says nothing."""
    return socket.create_connection(("127.0.0.1", environment.port), 5.0, (source, 0))


def ends(plain, seconds):
    """Whether the switch ends this silent connection within that time."""
    plain.settimeout(seconds)
    try:
        return plain.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def metric(environment, name):
    return environment.metrics()[name]


def close(connections):
    for one in connections:
        one.close()


def catalog(bank, **options):
    connection = bank.connect(**options)
    response = connection.request("GET", f"/api/v1/in/{bank.code}/catalog")
    connection.close()
    return response.status


def silent(suite, environment):
    a = environment.bank(A)
    standing = a.connect()
    equal(standing.request("GET", CATALOG).status, 200, "status")
    refused = metric(environment, REFUSED)
    with suite.case("of one address, the longest silent connection gives way; a bank comes in"):
        plain = [knock(environment) for _ in range(STRANGERS_EACH)]
        until(lambda: metric(environment, OPEN) >= STRANGERS_EACH + 1)
        equal(metric(environment, REFUSED), refused, "refused")
        equal(catalog(a), 200, "status of a new connection")
        expect(ends(plain[0], 1.0), "the first silent one is still open")
        expect(not ends(plain[-1], 0.05), "the last silent one was closed")
        equal(metric(environment, REFUSED), refused + 1, "refused")
        equal(standing.request("GET", CATALOG).status, 200, "status of a bank that was there")
        close(plain)
    with suite.case("the silent of one address do not count for another"):
        until(lambda: metric(environment, OPEN) < 5)
        plain = [knock(environment, "127.0.0.2") for _ in range(STRANGERS_EACH)]
        until(lambda: metric(environment, OPEN) >= STRANGERS_EACH + 1)
        equal(catalog(a), 200, "status of a new connection")
        expect(not ends(plain[0], 0.1), "a silent one gave way to another address")
        close(plain)
    standing.close()


def slow(suite, environment):
    with suite.case("a handshake has its time, silent or octet by octet"):
        trickle = wire.Records(environment.port, environment.bank(A).context)
        try:
            trickle.session.do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = trickle.leaving.read()
        quiet = knock(environment)
        started = time.monotonic()
        try:
            for place in range(20):
                trickle.plain.send(hello[place:place + 1])
                time.sleep(0.2)
            ended = False
        except (BrokenPipeError, ConnectionResetError):
            ended = True
        waited = time.monotonic() - started
        expect(ended, "octets were still taken")
        expect(REQUEST_SECONDS - 0.2 < waited < REQUEST_SECONDS + 1, f"after {waited:.1f} s")
        expect(ends(quiet, 0.5), "the silent one is still open")
        close([quiet, trickle])


def foreign(suite, environment):
    a = environment.bank(A)
    maker = environment.context("operators/maker")
    with suite.case("connections with a certificate that is nobody's give way as silent ones do"):
        strangers = []
        for _ in range(STRANGERS_EACH + 1):
            connection = wire.Connection(environment.port, maker)
            equal(connection.request("GET", CATALOG).status, 403, "status")
            strangers.append(connection)
        expect(strangers[0].ended(1.0), "the first is still open")
        equal(strangers[-1].request("GET", CATALOG).status, 403, "status of the last")
        equal(catalog(a), 200, "status of a bank")
        close(strangers)
    with suite.case("what a stranger pipelines is answered, in order"):
        connection = wire.Connection(environment.port, maker)
        connection.send(wire.make_request("GET", CATALOG) * 40)
        for _ in range(40):
            equal(connection.receive().status, 403, "status")
        connection.close()


def many(suite, environment):
    a, b = environment.bank(A), environment.bank(B)
    with suite.case("a participant's 257th connection gets 429, Retry-After and its end"):
        held = [a.connect() for _ in range(OWNER_CONNECTIONS)]
        for one in held:
            equal(one.request("GET", CATALOG).status, 200, "status")
        extra = a.connect()
        response = extra.request("GET", CATALOG)
        equal(response.status, 429, "status")
        problem(response)
        equal(response.field("connection"), "close", "Connection")
        wait = int(response.field("retry-after"))
        expect(extra.ended(), "the connection goes on")
        extra.close()
        equal(catalog(b), 200, "status of another participant")
        equal(held[0].request("GET", CATALOG).status, 200, "status of one that was there")
        held.pop().close()
        time.sleep(wait)
        equal(catalog(a), 200, "status once another one was closed")
    with suite.case("all of them at once, with all that may be pipelined: another bank is served"):
        for one in held:
            one.send(wire.make_request("GET", CATALOG) * (4 * PIPELINED))
        started = time.monotonic()
        equal(catalog(b), 200, "status")
        waited = time.monotonic() - started
        for one in held:
            for _ in range(4 * PIPELINED):
                equal(one.receive().status, 200, "status")
        expect(waited < time.monotonic() - started, "it was served last")
        close(held)
    with suite.case("bodies that wait for their end take a share of the buffers"):
        head = (f"POST /api/v1/in/{A}/msgs HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n"
                f"Content-Length: {640 * 1024}\r\n\r\n").encode()
        held = []
        for _ in range(64):
            connection = a.connect()
            connection.send(head)
            held.append(connection)
        refused = held[-1].receive()
        equal(refused.status, 503, "status of the last")
        problem(refused)
        expect(refused.field("retry-after") == "1", "no Retry-After")
        octets = b" " * (640 * 1024)
        connection = b.connect()
        connection.send(head.replace(A.encode(), B.encode()) + octets)
        equal(connection.receive().status, 413, "status of another's message of 640 KiB")
        connection.close()
        close(held)


def ended_early(suite, environment):
    """A client that sends its requests and says at once that it sends no more."""
    a = environment.bank(A)
    with suite.case("requests in front of close_notify are answered, however many"):
        records = wire.Records(environment.port, a.context)
        records.send_last(wire.make_request("GET", CATALOG) * 40)
        equal(records.receive_all().count(b"HTTP/1.1 200 "), 40, "number of answers")
        records.close()
    for what, rest in (
            ("head", wire.make_request("GET", CATALOG)[:-1]),
            ("body", wire.make_request("POST", f"/api/v1/in/{A}/msgs", {
                "Content-Type": "application/xml", "Content-Length": "2"}, b"x"))):
        with suite.case(f"part of a {what} in front of close_notify is not waited for"):
            records = wire.Records(environment.port, a.context)
            records.send_last(wire.make_request("GET", CATALOG) * 20 + rest)
            started = time.monotonic()
            answers = records.receive_all()
            expect(time.monotonic() - started < REQUEST_SECONDS / 2, "it was waited for")
            equal(answers.count(b"HTTP/1.1 "), 20, "number of answers")
            records.close()
    equal(catalog(a), 200, "status")


def honest(suite):
    """Retry-After is as long as it takes, and no second longer."""
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off",
                "participants.rate_tokens": 5, "participants.rate_refill": 3}
    with suite.environment_of(name="honest", participants=2, settings=settings) as environment:
        a = environment.bank(A)
        with suite.case("Retry-After of 429 suffices, and a second less does not"):
            equal(a.post(*wire.make_multipart([b"<a/>"] * 10)).status, 201, "status")
            started = time.monotonic()
            response = a.post(b"<a/>")
            equal(response.status, 429, "status")
            wait = int(response.field("retry-after"))
            equal(wait, 2, "Retry-After, for five tokens below zero at three a second")
            time.sleep(wait - 1 - (time.monotonic() - started))
            equal(a.post(b"<a/>").status, 429, "status a second before")
            time.sleep(wait - (time.monotonic() - started))
            equal(a.post(b"<a/>").status, 201, "status behind Retry-After")
        a.poll(until_empty=True)
        a.events.clear()


def main():
    suite = Suite("connection")
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off", "switch.loops": 1,
                "participants.request_timeout_seconds": REQUEST_SECONDS}
    with suite.environment_of(name="slow", participants=1, settings=settings) as environment:
        slow(suite, environment)
        ended_early(suite, environment)
    settings["participants.request_timeout_seconds"] = 30
    with suite.environment_of(name="many", participants=2, settings=settings) as environment:
        silent(suite, environment)
        foreign(suite, environment)
        many(suite, environment)
    honest(suite)
    finish(suite)


if __name__ == "__main__":
    main()
