#!/usr/bin/python3
"""A disk that refuses: where the ledger cannot be trusted any more cauced stops, and the next start serves."""

import json
import os
import re
import subprocess

import message
from harness import Environment, Suite, equal, expect, finish, until

A, B = "10000001", "10000002"
SETTINGS = {"switch.loops": 1, "kafka.mode": "off", "participants.poll_seconds": 1}
END_SECONDS = 15.0  # of a process that stops by itself

# What is refused, and what the log must say of it.
FATAL = (
    ("sync segment-000001.db-wal", "commit failed after entry"),
    ("write segment-000001.db-wal", "commit failed after entry"),
)
# Files without which the switch goes on, and the words with which it says so.
BORNE = (
    ("sync marks.db", "marks are not stored"),
    ("sync signatures.db", "has no checkpoint"),
    ("write index.db", "the index is left for a second"),
)


class Disk:
    """The switch of libfail_disk.so."""

    def __init__(self, environment):
        self.control = environment.root / "fail"
        os.environ["CAUCE_FAIL_DISK"] = str(self.control)

    def refuse(self, what):
        new = self.control.with_suffix(".new")
        new.write_text(what)
        new.rename(self.control)

    def allow(self):
        self.control.unlink(missing_ok=True)


def log(environment):
    return [json.loads(line) for line in environment.logs[-1].read_text().splitlines()]


def settled(environment, amount="1.00"):
    a, b = environment.bank(A), environment.bank(B)
    payment = a.pay(B, amount)
    b.forwarded(payment.e2e)
    b.answer(payment.e2e)
    a.result(payment.e2e, "ACSC")
    b.result(payment.e2e, "ACCC")
    return payment


def verified(suite, environment):
    run = suite.cauce("verify", environment.folder / "ledger")
    expect(run.returncode == 0 and run.stdout.startswith("ok entries="), run.stdout + run.stderr)


def dies(suite, environment, disk, what, words):
    """The payment under way is told nothing; the process ends with 1; the next one has all."""
    settled(environment)
    a, b = environment.bank(A), environment.bank(B)
    octets = a.payments([message.transfer(A, B, "2.00")])
    disk.refuse(what)
    try:
        status = a.post(octets).status
    except Exception:  # the connection ends without an answer
        status = None
    expect(status != 201, "a payment was acknowledged whose commit had failed")
    process, environment.process = environment.process, None
    equal(process.wait(END_SECONDS), 1, "exit code")
    process.stdout.close()
    lines = log(environment)
    equal(lines[-1]["level"], "fatal", f"level of the last line ({lines[-1]['message']})")
    expect("stopped after a failure" in lines[-1]["message"], f"last line: {lines[-1]}")
    expect(any(words in line["message"] for line in lines), f"the log does not say {words!r}")

    disk.allow()
    for bank in (a, b):
        bank.disconnect()
    environment.start()
    environment.banks.clear()
    a, b = environment.bank(A), environment.bank(B)
    equal(a.post(octets).status, 201, "status of the same payment again")
    settled(environment)
    verified(suite, environment)


def bears(environment, disk, what, words):
    """Payments go on; the log says what is wrong; all comes back by itself."""
    disk.refuse(what)
    settled(environment)
    until(lambda: any(words in line["message"] for line in log(environment)))
    settled(environment)
    disk.allow()

    def caught_up():
        now = environment.metrics()
        return (now["cauce_index_lag_entries"] == now["cauce_follower_lag_entries"] == 0
                and now["cauce_checkpoint_seq"] == now["cauce_ledger_seq"])
    until(caught_up)


def preloaded(suite):
    """The disk's library; a sanitizer's own must come before it."""
    linked = subprocess.run(["ldd", suite.program("cauced")], capture_output=True, text=True,
                            check=True).stdout
    sanitizers = re.findall(r"=> (\S*/lib[at]san\S*)", linked)
    return " ".join([*sanitizers, str(suite.build / "libfail_disk.so")])


def main():
    suite = Suite("sync")
    os.environ["LD_PRELOAD"] = preloaded(suite)
    for what, words in FATAL:
        environment = Environment(suite, participants=2, settings=SETTINGS)
        disk = Disk(environment)
        try:
            environment.start()
            with suite.case(f"{what} fails: the process stops, the next start serves"):
                dies(suite, environment, disk, what, words)
                environment.stop()
        finally:
            environment.remove()
    environment = Environment(suite, participants=2, settings=SETTINGS)
    disk = Disk(environment)
    try:
        environment.start()
        for what, words in BORNE:
            with suite.case(f"{what} fails: payments go on"):
                bears(environment, disk, what, words)
        with suite.case("a clean stop"):
            environment.stop()
            verified(suite, environment)
    finally:
        environment.remove()
    finish(suite)


if __name__ == "__main__":
    main()
