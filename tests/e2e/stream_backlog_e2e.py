#!/usr/bin/python3
"""A bank that was away comes back to thousands of deliveries (WIRE section 1, "Streams").

    stream_backlog_e2e.py                                an ordinary test
    stream_backlog_e2e.py --behind 100000 --rate 200     the measurement in loadtest/README.md: two
                                                         other banks pay each other meanwhile

Every delivery must come exactly once, on each stream in the ledger's order, whether what is behind
are results or payments, and whether the switch was killed in between. Payments bear their number in
their end-to-end id; what comes is read with a regular expression, one answer in 50 in full.
"""

import collections
import json
import re
import subprocess
import threading
import time

import message
from harness import Stream, Suite, equal, expect, finish, until
from message import Message

C, D, A, B = (f"1000000{n}" for n in range(1, 5))  # the first two are those of `cauce load`
STREAMS = 6
DEADLINE_MS = 3000
AWAY_SECONDS = 600
COMEBACK_SECONDS = 120
JUDGED_EACH = 50
NUMBER = re.compile(rb"<(?:Orgnl)?EndToEndId>B[0-9a-f]{8}[0-9]{6}-([0-9]+)<")


class Pile:
    """Payments from A to B by number, posted by a hundred."""

    def __init__(self, environment, priority):
        self.environment = environment
        self.priority = priority
        self.tag = message.unique("B")
        self.count = 0

    def add(self, count):
        bank = self.environment.bank(A)
        for start in range(self.count, self.count + count, 100):
            bank.send(*(
                bank.payments([
                    message.transfer(A, B, "0.01", f"{self.tag}-{number}", priority=self.priority)
                    for number in range(ten, ten + 10)])
                for ten in range(start, start + 100, 10)))
        self.count += count


class Comeback:
    """B's streams, all at once until everything has come and then nothing more."""

    def __init__(self, environment, wanted):
        self.environment = environment
        self.wanted = wanted
        self.end = time.monotonic() + COMEBACK_SECONDS
        self.bank = environment.bank(B)
        self.lock = threading.Lock()
        self.numbers = []   # of each stream, in the order of their coming
        self.messages = {}  # PI-ResourceId: numbers
        self.transactions = self.answers = self.last = 0
        self.failed = None

    def take(self, response, numbers):
        found = response.messages()
        for name, octets in found:
            inside = [int(number) for number in NUMBER.findall(octets)]
            expect(inside, f"no number in {octets[:3000]!r}")
            numbers += inside
            with self.lock:
                expect(self.messages.setdefault(name, inside) == inside, f"{name} has changed")
                self.transactions += len(inside)
        with self.lock:
            self.answers += 1
            judged = self.answers % JUDGED_EACH == 1
        if judged:
            self.environment.oracle.judge(Message(*found[0]), B)

    def follow(self):
        numbers = []
        self.numbers.append(numbers)
        stream = Stream(self.bank)
        try:
            while True:
                is_all = self.transactions >= len(self.wanted) or time.monotonic() > self.end
                response = stream.get()
                if response.status == 200:
                    self.take(response, numbers)
                    self.last = time.monotonic()
                    continue
                equal(response.status, 204, "status")
                if is_all:
                    break
            equal(stream.delete().status, 200, "status of DELETE")
        except (AssertionError, OSError) as error:
            self.failed = self.failed or error
        stream.close()

    def run(self):
        """Seconds from the first GET to the last message."""
        started = time.monotonic()
        threads = [threading.Thread(target=self.follow) for _ in range(STREAMS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failed:
            raise self.failed
        return max(self.last - started, 0.001)

    def judge(self):
        for numbers in self.numbers:
            expect(numbers == sorted(set(numbers)), "a stream's deliveries are out of order")
        found = collections.Counter(number for numbers in self.numbers for number in numbers)
        missing = [number for number in self.wanted if number not in found]
        more = [number for number, times in found.items() if times > 1]
        expect(not missing, f"{len(missing)} are missing, as {missing[:5]}")
        expect(not more, f"{len(more)} came more than once, as {more[:5]}")
        equal(len(found), len(self.wanted), "number of what was delivered")


class Others:
    """C and D pay each other with `cauce load`, for so long."""

    def __init__(self, suite, environment, seconds):
        self.name = str(environment.root / "others")
        rate = suite.arguments.rate
        self.process = rate and subprocess.Popen(
            [suite.program("cauce"), "load", "-c", str(environment.folder), "--participants", "2",
             "--url", f"https://127.0.0.1:{environment.port}", "--rate", str(rate),
             "--metrics", f"http://127.0.0.1:{environment.metrics_port}",
             "--seconds", str(seconds), "--report", self.name],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while self.process and "running" not in self.process.stderr.readline():
            expect(self.process.poll() is None, "cauce load has ended early")

    def figures(self):
        if not self.process:
            return ""
        self.process.communicate(timeout=120)
        with open(self.name + ".json") as report:
            found = json.load(report)
        expect(found["clear"], "not every payment of the others is accounted for")
        times = found["settlement"]
        return (f"; others' settlement p50 {times['p50_ms']:.1f} p99 {times['p99_ms']:.1f} "
                f"max {times['max_ms']:.0f} ms")


def come_back(suite, environment, wanted, what, seconds):
    """Fetches what is behind, judges it and says how fast it came."""
    comeback = Comeback(environment, wanted)
    others = Others(suite, environment, seconds)
    before = environment.metrics()
    seconds = comeback.run()
    after = environment.metrics()
    comeback.judge()
    used = {name: after[name] - before[name] for name in after}
    signed = used["cauce_messages_signed_total"]
    if suite.arguments.behind > 10000:
        print(f"{what}: {len(wanted)} in {len(comeback.messages)} messages and {comeback.answers} "
              f"answers, {seconds:.1f} s: {len(wanted) / seconds:.0f} transactions and "
              f"{len(comeback.messages) / seconds:.0f} messages a second, switch CPU "
              f"{used['process_cpu_seconds_total']:.1f} s, signed {signed:.0f}, "
              f"{environment.resident_mib()} MiB{others.figures()}", flush=True)
    elif not suite.arguments.rate:
        equal(signed, len(comeback.messages), "signatures")
    return comeback


def results(suite, environment, behind, load_seconds):
    """Payments expire: B, which has not polled, is owed an AB03 for each."""
    with suite.case(f"{behind} results behind: each once, in order on each stream"):
        if suite.arguments.rate:
            print("alone" + Others(suite, environment, load_seconds).figures(), flush=True)
        others = Others(suite, environment, load_seconds)
        pile = Pile(environment, "HIGH")
        before = environment.metrics()["cauce_payments_expired_total"]
        started = time.monotonic()
        pile.add(behind)
        if suite.arguments.rate:
            print(f"piled up in {time.monotonic() - started:.1f} s{others.figures()}", flush=True)
        until(lambda: environment.metrics()["cauce_payments_expired_total"] >= before + behind, 60)
        back = come_back(suite, environment, range(behind), "results", load_seconds)
        expect(len(back.messages) <= behind // 5, f"{len(back.messages)} messages: one each?")
    with suite.case(f"{behind} results behind a kill: each once, in order on each stream"):
        pile = Pile(environment, "HIGH")
        before = environment.metrics()["cauce_payments_expired_total"]
        pile.add(behind)
        until(lambda: environment.metrics()["cauce_payments_expired_total"] >= before + behind, 60)
        environment.kill()
        started = time.monotonic()
        environment.start()
        if suite.arguments.rate:
            print(f"started again in {time.monotonic() - started:.1f} s", flush=True)
        come_back(suite, environment, range(behind), "results behind a kill", load_seconds)


def payments(suite, environment, behind, load_seconds):
    """What B has held and not confirmed when the switch is killed comes under the same ids."""
    pile = Pile(environment, "NORM")
    pile.add(behind)
    with suite.case(f"{behind} payments behind, some of them held at a kill: all, under their ids"):
        holders = [Stream(environment.bank(B)) for _ in range(2)]
        held = {}
        for stream in holders:
            for name, octets in stream.get().messages():
                expect(name not in held, f"{name} is on two streams")
                held[name] = [int(number) for number in NUMBER.findall(octets)]
            stream.close()
        time.sleep(0.5)  # the marks say so then
        environment.kill()
        environment.start()
        after = Stream(environment.bank(B))
        for stream in holders:
            equal(after.get(stream.target).status, 410, "status of a stream from before")
            equal(after.connection.request("DELETE", stream.target).status, 410, "its DELETE's")
        after.close()
        back = come_back(suite, environment, range(behind), "payments behind a kill", load_seconds)
        for name, numbers in held.items():
            equal(back.messages.get(name), numbers, f"numbers in {name} when it comes again")


def main():
    suite = Suite("stream_backlog", [
        ("--behind", int, 2000, "deliveries that wait for the bank"),
        ("--rate", int, 0, "payments a second between two other banks; figures are printed"),
        ("--load-seconds", int, 12, "how long these pay each other each time"),
    ])
    behind, load_seconds = suite.arguments.behind, suite.arguments.load_seconds
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off",
                "participants.stream_idle_seconds": AWAY_SECONDS,
                "payments.deadline_high_ms": DEADLINE_MS,
                "payments.duplicate_capacity": 200000 + 4 * behind}
    with suite.environment_of(participants=4, settings=settings) as environment:
        results(suite, environment, behind, load_seconds)
        payments(suite, environment, behind // 2, load_seconds)
    finish(suite)


if __name__ == "__main__":
    main()
