#!/usr/bin/python3
"""A bank that never confirms, but polls for ever: it costs no signatures, no memory, and nobody else
anything; what it leaves unconfirmed is never lost (WIRE section 1, "Streams")."""

import re
import time

import message
import wire
from harness import Stream, Suite, equal, expect, finish, together
from message import PACS008, Message

A, HOLDER, C = "10000001", "10000002", "10000003"
PAYMENTS = 200
STREAMS_MAX = 6
REPEATS = 500      # of one GET
STREAMS = 300      # opened one after the other, each left with what it got
CUT = 80           # answers whose reader goes away in the middle
UNREAD = 40        # answers at once that nobody reads
RESIDENT_MIB = 24  # what all of that may add: buffers of the connections open at once
BOTH = "multipart/mixed, application/xml"


def others_pay(environment):
    """A payment between two others, and how long it took."""
    a, c = environment.bank(A), environment.bank(C)
    started = time.monotonic()
    payment = a.pay(C)
    c.forwarded(payment.e2e)
    c.answer(payment.e2e)
    together(lambda bank: bank.result(payment.e2e), (a, c))
    took = time.monotonic() - started
    for bank in (a, c):  # their streams would idle away until the next payment
        bank.stream.delete(), bank.stream.close()
        bank.stream = None
    return took


class Costs:
    """What the switch spent since: signatures, and memory beyond the warmed-up process."""

    def __init__(self, environment):
        self.environment = environment
        self.signed = environment.metrics()["cauce_messages_signed_total"]
        self.resident = environment.resident_mib()

    def check(self, signed):
        now = self.environment.metrics()
        equal(now["cauce_messages_signed_total"] - self.signed, signed, "signatures")
        grown = self.environment.resident_mib() - self.resident
        if not self.environment.suite.sanitized:  # which keeps what is freed
            expect(grown < RESIDENT_MIB, f"{grown} MiB more are resident")
        expect(now["cauce_streams_open"] <= STREAMS_MAX, "too many streams are open")


def ask(bank, target):
    """A GET whose answer is left to its connection."""
    connection = bank.connect()
    connection.send(wire.make_request("GET", target, {"Accept": BOTH}))
    return connection


def repeats(suite, environment):
    bank = environment.bank(HOLDER)
    stream = Stream(bank)
    first = stream.get().messages()
    used = stream.target
    batch = stream.get().messages()
    for name, octets in batch:
        environment.oracle.judge(Message(name, octets), HOLDER)
    costs = Costs(environment)
    with suite.case(f"{REPEATS} repeats of a GET: the same octets, not one signature"):
        for _ in range(REPEATS):
            equal(stream.get(used).messages(), batch, "the batch")
        costs.check(signed=0)
    with suite.case(f"{CUT} answers cut in the middle: the same octets, not one signature"):
        for _ in range(CUT):
            connection = ask(bank, used)
            connection.socket.recv(100)
            connection.close()
        equal(stream.get(used).messages(), batch, "the batch")
        costs.check(signed=0)
    with suite.case(f"{UNREAD} answers that nobody reads: others pay on, the batch stays"):
        connections = [ask(bank, used) for _ in range(UNREAD)]
        time.sleep(0.3)
        took = others_pay(environment)
        expect(took < 2, f"a payment of others took {took:.2f} s")
        for connection in connections:
            connection.close()
        equal(stream.get(used).messages(), batch, "the batch")
        costs.check(signed=3)  # the others' pacs.008, ACSC and ACCC
    stream.close()
    return len(first), dict(batch)


def dead_streams(suite, environment, signed):
    """Each takes what the one that is reclaimed for it gave back, and more as long as there is room.
    `signed`: what was delivered before, which is among it once its stream is idle."""
    bank = environment.bank(HOLDER)
    costs = Costs(environment)
    seen = dict(signed)
    with suite.case(f"{STREAMS} streams that die with what they hold: each message signed once"):
        connection = bank.connect()
        for _ in range(STREAMS):
            response = Stream(bank, connection=connection).get()
            if response.status == 204:
                continue
            equal(response.status, 200, "status")
            for name, octets in response.messages():
                equal(seen.setdefault(name, octets), octets, f"octets of {name}")
        connection.close()
        costs.check(signed=len(seen) - len(signed))
        expect(len(seen) <= 64, f"{len(seen)} messages are offered and not confirmed")
    with suite.case("others are not held up"):
        took = others_pay(environment)
        expect(took < 2, f"a payment of others took {took:.2f} s")


def confirmation(suite, environment, ids, confirmed):
    bank = environment.bank(HOLDER)
    with suite.case("once it confirms, it gets every message, each by one id"):
        found = {}
        stream = Stream(bank)
        end = time.monotonic() + 20
        while len(found) < PAYMENTS - confirmed and time.monotonic() < end:
            response = stream.get()
            for name, octets in response.messages() if response.status == 200 else []:
                one = Message(name, octets)
                environment.oracle.judge(one, HOLDER)
                equal(one.kind, PACS008, "kind")
                expect(name not in found, f"{name} has come twice")
                found[name] = one.events()[0][1]
        equal(stream.delete().status, 200, "status of DELETE")
        stream.close()
        equal(sorted(found.values()), sorted(ids[confirmed:]), "payments")


def main():
    suite = Suite("stream_hold")
    settings = {"participants.poll_seconds": 1, "participants.stream_idle_seconds": 4,
                "kafka.mode": "off", "payments.deadline_high_ms": 600000}
    with suite.environment_of(participants=3, settings=settings) as environment:
        a = environment.bank(A)
        ids = []
        for _ in range(0, PAYMENTS, 10):
            transfers = [message.transfer(A, HOLDER, "1.00", message.unique("E")) for _ in range(10)]
            a.send(*(a.payments([one]) for one in transfers))
            ids += [re.search("<EndToEndId>([^<]*)<", one)[1] for one in transfers]
        others_pay(environment)
        confirmed, held = repeats(suite, environment)
        dead_streams(suite, environment, held)
        confirmation(suite, environment, ids, confirmed)
    finish(suite)


if __name__ == "__main__":
    main()
