#!/usr/bin/python3
"""The ledger's disk fills up: new payments get 503, those in flight settle, and all comes back by itself."""

import contextlib
import json
import os
import subprocess
import tempfile
import time

import message
from harness import Environment, Suite, equal, expect, finish, problem

A, B = "10000001", "10000002"
MIB = 1024 * 1024
DISK_MIB = 700   # sparse: what is filled up below takes no room of the machine
LOW_MIB = 200    # below LIMIT_DISK_LOW_BYTES
LAST_MIB = 30    # below LIMIT_DISK_LAST_BYTES
RESERVE_MIB = 64
DEADLINE_MS = 5000
GAUGES = {"low": "cauce_ledger_disk_low", "reserve": "cauce_ledger_disk_reserve_bytes"}
SETTINGS = {"switch.loops": 1, "kafka.mode": "off", "participants.poll_seconds": 1,
            "ledger.reserve_mib": RESERVE_MIB, "payments.deadline_high_ms": DEADLINE_MS}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{command[0]}: {done.stderr.strip()[-200:]}")


class Disk:
    """An ext4 of its own, in a file, or OSError with the reason why there can be none."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="cauce-disk-")
        self.image = self.folder + "/image"
        self.mount = self.folder + "/mount"
        os.mkdir(self.mount)
        with open(self.image, "wb") as image:
            image.truncate(DISK_MIB * MIB)
        run("mkfs.ext4", "-q", "-F", self.image)
        run("mount", "-o", "loop", self.image, self.mount)

    def left(self):
        facts = os.statvfs(self.mount)
        return facts.f_bavail * facts.f_frsize

    def fill(self, left_mib):
        """Leaves so much, of what is free now."""
        name = f"{self.mount}/fill-{left_mib}"
        with open(name, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, self.left() - left_mib * MIB)

    def empty(self):
        for name in os.listdir(self.mount):
            if name.startswith("fill"):
                os.unlink(f"{self.mount}/{name}")

    def remove(self):
        with contextlib.suppress(OSError):
            run("umount", self.mount)
        with contextlib.suppress(OSError):
            os.unlink(self.image)
            os.rmdir(self.mount)
            os.rmdir(self.folder)


def until(environment, seconds=20, **wanted):
    """Until the gauges of the disk have these values."""
    end = time.monotonic() + seconds
    while True:
        now = environment.metrics()
        found = {name: now[GAUGES[name]] for name in wanted}
        if found == wanted:
            return
        expect(time.monotonic() < end, f"{found} and not {wanted} within {seconds} s")
        time.sleep(0.05)


def said(environment, level, words):
    lines = [json.loads(line) for line in environment.logs[-1].read_text().splitlines()]
    found = [one for one in lines if words in one["message"]]
    expect(found and all(one["level"] == level for one in found), f"no {level} with {words!r}")


def refused(environment):
    a = environment.bank(A)
    response = a.post(a.payments([message.transfer(A, B, "1.00")]))
    equal(response.status, 503, f"status of a new payment ({response.body[:200]!r})")
    problem(response)
    equal(response.field("retry-after"), "10", "Retry-After")


def settle(environment, payment):
    a, b = environment.bank(A), environment.bank(B)
    b.forwarded(payment.e2e)
    b.answer(payment.e2e)
    a.result(payment.e2e, "ACSC")
    b.result(payment.e2e, "ACCC")


def play(suite, environment, disk):
    a, b = environment.bank(A), environment.bank(B)
    file = f"{disk.mount}/ledger/reserve"
    with suite.case("there is room: the reserve is held back, payments settle"):
        until(environment, low=0, reserve=RESERVE_MIB * MIB)
        expect(os.stat(file).st_blocks * 512 >= RESERVE_MIB * MIB, "the file holds nothing back")
        settle(environment, a.pay(B))
    with suite.case("below the first mark: 503 to new payments, those in flight settle or expire"):
        answered, silent = a.pay(B, "2.00"), a.pay(B, "3.00")
        disk.fill(LOW_MIB)
        until(environment, low=1, reserve=RESERVE_MIB * MIB)
        refused(environment)
        settle(environment, answered)
        a.balances()
        b.forwarded(silent.e2e)
        equal(a.result(silent.e2e, seconds=3 * DEADLINE_MS / 1000)["status"], "RJCT", "status")
        said(environment, "warning", "no new payments are taken")
        disk.empty()
        until(environment, low=0, reserve=RESERVE_MIB * MIB)
        said(environment, "info", "payments are taken again")
        settle(environment, a.pay(B))
    with suite.case("below the last mark: the reserve is freed, what is in flight settles"):
        answered = a.pay(B, "4.00")
        disk.fill(LAST_MIB)
        until(environment, low=1, reserve=0)
        expect(not os.path.exists(file), "the file is still there")
        expect(disk.left() > (LAST_MIB + RESERVE_MIB // 2) * MIB, "nothing was freed")
        refused(environment)
        settle(environment, answered)
        said(environment, "error", f"the reserve of {RESERVE_MIB} MiB is freed")
    with suite.case("there is room again: payments are taken, the reserve is held back, by itself"):
        disk.empty()
        until(environment, low=0, reserve=RESERVE_MIB * MIB)
        settle(environment, a.pay(B))
        expect(os.path.exists(file), "no reserve")
    with suite.case("a start on a disk that is low: ready, no payments until there is room"):
        environment.stop()
        disk.fill(LOW_MIB)
        environment.start()
        for bank in (a, b):
            bank.disconnect()
        refused(environment)
        disk.empty()
        until(environment, low=0, reserve=RESERVE_MIB * MIB)
        settle(environment, a.pay(B))
    with suite.case("a clean stop, and the ledger is whole"):
        environment.stop()
        done = suite.cauce("verify", f"{disk.mount}/ledger")
        expect(done.returncode == 0 and done.stdout.startswith("ok entries="),
               done.stdout + done.stderr)


def main():
    suite = Suite("disk")
    try:
        disk = Disk()
    except OSError as error:
        suite.skip("all", f"no disk of its own can be made here: {error}")
        finish(suite)
    environment = None
    try:
        settings = SETTINGS | {"ledger.directory": f"{disk.mount}/ledger"}
        environment = Environment(suite, participants=2, settings=settings)
        environment.start()
        play(suite, environment, disk)
    finally:
        if environment is not None:
            environment.remove()
        disk.remove()
    finish(suite)


if __name__ == "__main__":
    main()
