#!/usr/bin/python3
"""Days, segments, seals and snapshots of a running switch, and what a start makes of them."""

import contextlib
import datetime
import json
import re
import sqlite3
import stat

from harness import Suite, equal, expect, finish, until

A, B, C = "10000001", "10000002", "10000003"
SETTINGS = {
    "switch.timezone": "UTC",
    "ledger.segment_entries": 40,
    "ledger.snapshot_entries": 25,
    "kafka.mode": "off",
}


def trade(environment, count):
    """`count` payments, settled; and the balances of all three behind them."""
    a, b, c = (environment.bank(code) for code in (A, B, C))
    for number in range(count):
        payer, payee = ((a, b), (b, c), (c, a))[number % 3]
        payment = payer.pay(payee.code, amount=f"{1 + number}.00")
        payee.forwarded(payment.e2e)
        payee.answer(payment.e2e)
        payer.result(payment.e2e, "ACSC"), payee.result(payment.e2e, "ACCC")
    return balances(environment)


def balances(environment):
    return {code: environment.bank(code).balances() for code in (A, B, C)}


def caught_up(environment):
    """Everything behind settlement has come as far as settlement."""
    def done():
        now = environment.metrics()
        return (now["cauce_follower_lag_entries"] == now["cauce_index_lag_entries"] == 0
                and now["cauce_checkpoint_seq"] == now["cauce_ledger_seq"] and now)
    return until(done)


def log(environment, number=-1):
    return [json.loads(line) for line in environment.logs[number].read_text().splitlines()]


def said(environment, words):
    return [one["message"] for one in log(environment) if words in one["message"]]


def rows(path, question):
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return database.execute(question).fetchall()
    finally:
        database.close()


def seals(ledger):
    return [number for number, in rows(ledger / "signatures.db", "SELECT segment FROM seals")]


def first_entries(ledger):
    """Of each segment; the newest file may be one that is being prepared."""
    found = []
    for path in ledger.glob("segment-??????.db"):
        with contextlib.suppress(sqlite3.OperationalError):
            found.append(rows(path, "SELECT min(seq) FROM entries")[0][0])
    return found


def heads(ledger):
    """The entries of which the snapshots are."""
    return [int.from_bytes(path.read_bytes()[32:40], "little")
            for path in ledger.glob("snapshot-*.bin")]


def verify(suite, ledger):
    run = suite.cauce("verify", ledger)
    equal(run.returncode, 0, f"verify ({run.stdout[-300:]}{run.stderr[-300:]})")
    expect(run.stdout.splitlines()[-1].startswith("ok entries="), run.stdout)


def segments(suite, environment):
    ledger = environment.folder / "ledger"
    with suite.case("a long segment is followed by others; those before are sealed"):
        trade(environment, 30)
        caught_up(environment)
        until(lambda: seals(ledger))
        files = sorted(ledger.glob("segment-??????.db"))
        expect(len(files) >= 3, f"{files}")
        sealed = seals(ledger)
        equal(sealed, list(range(1, len(sealed) + 1)), "seals")
        for number in sealed:
            path = ledger / f"segment-{number:06}.db"
            equal(stat.S_IMODE(path.stat().st_mode), 0o444, "mode")
            expect(not path.with_name(path.name + "-wal").exists(), "a -wal is left")
        expect(rows(ledger / "signatures.db", "SELECT count(*) FROM checkpoints")[0][0] >= 1,
               "no checkpoint")
        verify(suite, ledger)


def snapshots(suite, environment):
    ledger = environment.folder / "ledger"
    before = trade(environment, 3)
    now = until(lambda: (all_ := environment.metrics())["cauce_snapshot_seq"] > 0 and all_)
    offered = environment.bank(A).pay(B)
    environment.kill()
    environment.start()
    with suite.case("killed: the start is from a snapshot, and nothing is missing"):
        words = said(environment, "is that of a snapshot")
        equal(len(words), 1, "lines")
        expect(int(re.search(r"entry (\d+)", words[0])[1]) >= now["cauce_snapshot_seq"], words[0])
        b = environment.bank(B)
        b.forwarded(offered.e2e), b.answer(offered.e2e)
        environment.bank(A).result(offered.e2e, "ACSC"), b.result(offered.e2e, "ACCC")
        equal(environment.bank(C).balances(), before[C], "balances")
        verify(suite, ledger)
    with suite.case("a bank that left messages before the snapshot gets them, under their ids"):
        a, c = environment.bank(A), environment.bank(C)
        left = [a.pay(C, priority="NORM") for _ in range(3)]
        until(lambda: environment.metrics()["cauce_follower_lag_entries"] == 0)
        environment.stop()
        environment.start()
        for payment in left:
            c.forwarded(payment.e2e), c.answer(payment.e2e)
            a.result(payment.e2e, "ACSC"), c.result(payment.e2e, "ACCC")
    after = balances(environment)
    environment.stop()
    for path in ledger.glob("snapshot-*.bin"):
        with path.open("r+b") as file:
            file.seek(-10, 2)
            file.write(b"\x55" * 10)
    environment.start()
    with suite.case("damaged snapshots cost time only"):
        expect(said(environment, "does not hold what was signed"), "nothing is said")
        equal(said(environment, "is that of a snapshot"), [], "lines")
        equal(balances(environment), after, "balances")
    with suite.case("new ones take their place"):
        damaged = heads(ledger)
        while set(damaged) & set(heads(ledger)):
            trade(environment, 5)
            caught_up(environment)
        environment.kill()
        environment.start()
        equal(len(said(environment, "is that of a snapshot")), 1, "lines")


def day(suite, environment):
    """The end of the day is the next minute that begins."""
    ledger = environment.folder / "ledger"
    with suite.case("a day ends: totals, a new segment, a seal; what came after goes on"):
        environment.stop()
        close = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=63)
        environment.start({"switch.day_close": close.strftime("%H:%M")})
        before = trade(environment, 3)
        sealed = seals(ledger)
        words = until(lambda: said(environment, "is closed by entry"), 75)
        equal(len(words), 1, "lines")
        seq = int(re.search(r"entry (\d+)", words[0])[1])
        until(lambda: seq + 1 in first_entries(ledger))
        equal(balances(environment), before, "balances")
        trade(environment, 2)
        caught_up(environment)
        until(lambda: len(seals(ledger)) > len(sealed))
        verify(suite, ledger)


def main():
    suite = Suite("follower")
    with suite.environment_of(settings=SETTINGS) as environment:
        segments(suite, environment)
        snapshots(suite, environment)
        day(suite, environment)
    finish(suite)


main()
