#!/usr/bin/python3
"""Bounds of connections that take long to reach: a loop that is full, of strangers and of banks, and a
client that never reads. `tests/run --all` runs it."""

import resource
import time

import wire
from connection_e2e import (OPEN, OWNER_CONNECTIONS, REFUSED, STRANGERS_EACH, catalog, close, ends,
                            knock, metric)
from harness import Suite, equal, expect, finish, until

LOOP_CONNECTIONS = 4096
BANKS = LOOP_CONNECTIONS // OWNER_CONNECTIONS
STALL_SECONDS = 20


def code(number):
    return f"1{number:07d}"


def full_of_strangers(suite, environment):
    with suite.case("a loop full of silent connections of many addresses: banks come in all the same"):
        plain = []
        for address in range(LOOP_CONNECTIONS // STRANGERS_EACH):
            source = f"127.0.1.{address + 1}"
            plain += [knock(environment, source) for _ in range(STRANGERS_EACH)]
            until(lambda: metric(environment, OPEN) >= len(plain), 20.0)
        equal(metric(environment, REFUSED), 0.0, "refused")
        for number in range(1, 4):
            equal(catalog(environment.bank(code(number))), 200, "status of a bank")
        expect(metric(environment, REFUSED) >= 1, "nobody gave way")
        expect(ends(plain[0], 1.0), "the one that was silent longest is still open")
        expect(not ends(plain[-1], 0.05), "the newest was closed")
        close(plain)
        until(lambda: metric(environment, OPEN) < 5, 20.0)


def full_of_banks(suite, environment):
    held = []
    with suite.case("a loop full of banks: one more is closed, all others go on"):
        for number in range(1, BANKS + 1):
            bank = environment.bank(code(number))
            for _ in range(OWNER_CONNECTIONS):
                connection = bank.connect()
                held.append(connection)
                equal(connection.request("GET", f"/api/v1/in/{bank.code}/catalog").status, 200,
                      "status")
        refused = metric(environment, REFUSED)
        expect(ends(knock(environment), 2.0), "a connection more than there may be")
        equal(metric(environment, REFUSED), refused + 1, "refused")
        for place in (0, len(held) // 2, -1):
            target = f"/api/v1/in/{code(1 + (place % len(held)) // OWNER_CONNECTIONS)}/catalog"
            equal(held[place].request("GET", target).status, 200, "status of one that was there")
        held.pop().close()
        until(lambda: metric(environment, OPEN) < LOOP_CONNECTIONS)
        equal(catalog(environment.bank(code(BANKS))), 200, "status once one has left")
    close(held)


def never_reads(suite, environment):
    bank = environment.bank(code(1))
    request = wire.make_request("GET", f"/api/v1/in/{bank.code}/catalog") * 16
    with suite.case("a client that never reads its answers is cut after 20 s, not before"):
        connection = bank.connect()
        connection.socket.settimeout(1.0)
        until(lambda: metric(environment, OPEN) == 1, 20.0)
        end = time.monotonic() + 30
        try:
            while time.monotonic() < end:
                connection.send(request)
            expect(False, "the switch goes on reading")
        except TimeoutError:
            pass
        stalled = time.monotonic()  # but for what the kernel still takes in its probes
        until(lambda: metric(environment, OPEN) == 0, STALL_SECONDS + 20)
        waited = time.monotonic() - stalled
        expect(waited > STALL_SECONDS - 5, f"it was cut after {waited:.1f} s")
        connection.close()
        equal(catalog(bank), 200, "status")


def main():
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    suite = Suite("connection_slow")
    if files[1] < 2 * LOOP_CONNECTIONS:
        suite.skip("full loops", f"a process may have {files[1]} files here")
        finish(suite)
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off", "switch.loops": 1,
                "participants.request_timeout_seconds": 60}
    with suite.environment_of(name="full", participants=BANKS, settings=settings) as environment:
        full_of_strangers(suite, environment)
        full_of_banks(suite, environment)
        never_reads(suite, environment)
    finish(suite)


if __name__ == "__main__":
    main()
