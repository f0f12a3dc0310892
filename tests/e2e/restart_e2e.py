#!/usr/bin/python3
"""What outlives a kill -9 and a clean stop: DESIGN's "everything answered 201 is in the ledger"."""

import re
import time

import message
from harness import Stream, Suite, equal, expect, finish, together
from message import PACS002, PACS008, Message

A, B, C, LATE = "10000001", "10000002", "10000003", "10000004"
DEADLINE_MS = 2500


def restart(environment, cleanly=False):
    if cleanly:
        environment.stop()
    else:
        environment.kill()
    environment.start()


def take(environment, bank, count, confirm=False):
    """At least `count` messages of a new stream, judged, and not confirmed unless asked."""
    stream = Stream(bank, accept="multipart/mixed, application/xml")
    found = {}
    end = time.monotonic() + 8
    while len(found) < count and time.monotonic() < end:
        response = stream.get()
        for name, octets in response.messages() if response.status == 200 else []:
            one = Message(name, octets)
            environment.oracle.judge(one, bank.code)
            found[name] = one
    if confirm:
        stream.delete()
    stream.close()
    return found


def offline_payee(suite, environment):
    a, b = environment.bank(A), environment.bank(B)
    payment = a.pay(B, "1.11", priority="NORM")
    environment.kill()
    environment.start()
    with suite.case("killed behind the 201 with the payee's bank offline: it gets the pacs.008"):
        first = take(environment, b, 1)
        equal([one.kind for one in first.values()], [PACS008], "kinds")
        equal([event[1] for one in first.values() for event in one.events()], [payment.e2e], "ids")
    for cleanly in (False, True):
        restart(environment, cleanly)
        with suite.case("not confirmed, then " + ("stopped" if cleanly else "killed")
                        + ": the same id with the same Document again"):
            again = take(environment, b, 1)
            equal(list(again), list(first), "PI-ResourceIds")
            for name, one in again.items():
                equal(one.document, first[name].document, "Document")
                equal(one.content(), first[name].content(), "all but the signature's value")
    with suite.case("answered behind it all: settled"):
        b.answer(payment.e2e)
        a.result(payment.e2e, "ACSC")
        result = b.result(payment.e2e, "ACCC")
        equal(a.balances()[1], "0.00", "reserved")
        expect(result["seq"], "no AcctSvcrRef")
    return payment


def results(suite, environment, settled):
    a, b = environment.bank(A), environment.bank(B)
    paid = [a.pay(B, priority="NORM") for _ in range(5)]
    for one in paid:
        b.forwarded(one.e2e)
        b.answer(one.e2e)
    environment.kill()
    environment.start()
    with suite.case("results not fetched before a kill are delivered behind it, to both banks"):
        for one in paid:
            a.result(one.e2e, "ACSC"), b.result(one.e2e, "ACCC")
    with suite.case("what stands, stands: repeats, balances, the duplicate window"):
        for octets in (settled.octets, a.payments([settled.transfer])):
            a.send(octets)
            a.result(settled.e2e, "ACSC")
        b.answer(settled.e2e, "RJCT", "AC03")
        b.result(settled.e2e, "ACCC")
        a.send(a.payments([message.transfer(A, B, "2.00", settled.e2e)]))
        a.result(settled.e2e, "RJCT", "DU04")
        equal(a.balances(), ("999993.89", "0.00"), "payer's balances")
        equal(b.balances(), ("1000006.11", "0.00"), "payee's balances")
    with suite.case("what was confirmed before a clean stop does not come again"):
        together(lambda bank: bank.poll(until_empty=True), (a, b))
        restart(environment, cleanly=True)
        before = list(a.repeated), list(b.repeated)
        together(lambda bank: bank.poll(until_empty=True), (a, b))
        equal((a.repeated, b.repeated), before, "repeated messages")
        equal((a.events, b.events), ([], []), "messages")


def expired(suite, environment):
    a, late = environment.bank(A), environment.bank(LATE)
    payment = a.pay(LATE)
    seen = a.pay(LATE)
    take(environment, late, 2)  # delivered, never confirmed
    before = late.environment.oracle.known.copy()
    environment.kill()
    time.sleep(DEADLINE_MS / 1000)
    environment.start()
    with suite.case("expired while the switch was down: AB03 to both, no pacs.008 any more"):
        for one in (payment, seen):
            a.result(one.e2e, "RJCT", "AB03"), late.result(one.e2e, "RJCT", "AB03")
        late.poll(until_empty=True)
        equal([event[:2] for event in late.events], [], "messages")
        known = [name for name in late.repeated if name in before]
        equal(known, [], "deliveries of pacs.008")
        equal(a.balances()[1], "0.00", "reserved")


def refused(suite, environment):
    a = environment.bank(A)
    name = message.unique("E")
    a.send(a.payments([message.transfer(A, "99999999", e2e=name)]))
    restart(environment)
    with suite.case("a refusal that is an entry is delivered behind a kill, and keeps its id"):
        a.result(name, "RJCT", "RC10")
        a.send(a.payments([message.transfer(A, B, e2e=name)]))
        a.result(name, "RJCT", "DU04")


def many(suite, environment):
    """Ten to a body and several to an answer: nothing is lost when regrouped."""
    a, c = environment.bank(A), environment.bank(C)
    transfers = [message.transfer(A, C, priority="NORM") for _ in range(30)]
    ids = [re.search("EndToEndId>([^<]*)<", one)[1] for one in transfers]
    for start in range(0, 30, 10):
        a.send(a.payments(transfers[start:start + 10]))
    first = take(environment, c, 30)
    restart(environment)
    with suite.case("thirty deliveries, none confirmed surely: all again under their ids"):
        again = take(environment, c, len(first) - 20)
        expect(set(again) <= set(first), "ids that were not there before")
        seen = {event[1] for one in list(first.values()) + list(again.values())
                for event in one.events()}
        equal(seen, set(ids), "payments")
    for start in range(0, 30, 10):
        c.send(c.answers(*[message.verdict(one, "ACSP") for one in ids[start:start + 10]]))
    restart(environment)
    with suite.case("grouped results behind a kill: each payment exactly one result"):
        for one in ids:
            a.result(one, "ACSC"), c.result(one, "ACCC")
        together(lambda bank: bank.poll(until_empty=True), (a, c))
        equal([event[:2] for event in a.events], [], "more at the payer's bank")
        equal([event for event in c.events if event[0] == PACS002], [], "more at the payee's bank")
        c.events.clear()  # pacs.008 that had not been confirmed


def proved(suite, environment):
    environment.stop()
    with suite.case("cauce verify of what is left"):
        run = suite.cauce("verify", environment.folder / "ledger")
        equal(run.returncode, 0, f"exit code ({run.stdout} {run.stderr})")
        expect(re.fullmatch(r"ok entries=\d+ blocks=\d+ head=[0-9a-f]{64}\n", run.stdout),
               f"output {run.stdout!r}")
    environment.start()


def main():
    suite = Suite("restart")
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off",
                "payments.deadline_high_ms": DEADLINE_MS}
    with suite.environment_of(participants=4, settings=settings) as environment:
        settled = offline_payee(suite, environment)
        results(suite, environment, settled)
        refused(suite, environment)
        many(suite, environment)
        expired(suite, environment)
        proved(suite, environment)
    finish(suite)


if __name__ == "__main__":
    main()
