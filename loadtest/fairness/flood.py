"""What bank 10000003 floods the switch with, kind by kind, from a process of its own.

A flood is sent at a fixed rate over CONNECTIONS connections, each with a few requests under way, by a
process of low priority, as it shares the processors with the switch.  A stream of the same bank
fetches what it causes, so that the switch goes on answering."""

import collections
import multiprocessing
import os
import pathlib
import re
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "e2e"))
import harness  # noqa: E402
import message  # noqa: E402
import wire  # noqa: E402

FLOODER = "10000003"
CONNECTIONS = 8
UNDER_WAY = 8     # requests of one connection
FETCHERS = 2
NICE = 15         # above the switch's own
PAYEE = "10000001"
NOBODY = "99999999"


def post(octets):
    return wire.make_request("POST", f"/api/v1/in/{FLOODER}/msgs",
                             {"Content-Type": "application/xml"}, octets)


def bad_signature(bank):
    good = bank.payments([message.transfer(FLOODER, PAYEE, "1.00")])
    return post(good.replace(b">1.00<", b">2.00<"))


def bad_xml(bank):
    good = bank.payments([message.transfer(FLOODER, PAYEE)])
    return post(good[:-1])


def du04(bank):
    first = message.transfer(FLOODER, NOBODY, "1.00")  # RC10, but the id is taken
    bank.send(bank.payments([first]))
    return post(bank.payments([first.replace(">1.00<", ">2.00<")]))


def bad_bodies(bank):
    """Ten messages of a bad signature in one body."""
    good = bank.payments([message.transfer(FLOODER, PAYEE, "1.00")])
    body, kind = wire.make_multipart([good.replace(b">1.00<", b">2.00<")] * 10)
    return wire.make_request("POST", f"/api/v1/in/{FLOODER}/msgs", {"Content-Type": kind}, body)


def balance(bank):
    name = message.unique("M" + FLOODER)
    document = message.camt060(name, FLOODER, FLOODER)
    return post(bank.sign(message.envelope(document, message.CAMT060, FLOODER, name)))


def catalog(_bank):
    return wire.make_request("GET", f"/api/v1/in/{FLOODER}/catalog")


ACCEPT = {"Accept": "multipart/mixed"}


def stream(bank):
    """The same step of one stream from all connections: with nothing to deliver each request takes
    over, and the former one gets 410 and comes again."""
    response = bank.request("GET", f"/api/v1/out/{FLOODER}/stream/start", ACCEPT)
    return wire.make_request("GET", response.field("pi-pull-next"), ACCEPT)


def repeat(bank):
    """Likewise with ten messages behind the ones that come first: each request gets them again."""
    bank.post(*wire.make_multipart([b"<a/>"] * 10))
    bank.post(*wire.make_multipart([b"<a/>"] * 10))
    return stream(bank)


class Pace:
    """Instants at which a thread may send `count` more requests."""

    def __init__(self, rate):
        self.interval = CONNECTIONS / rate
        self.due = time.monotonic()

    def wait(self, count):
        self.due = max(self.due, time.monotonic() - 0.1) + count * self.interval
        time.sleep(max(0.0, self.due - time.monotonic()))


def request_again_and_again(bank, request, rate, under_way, ended, seen):
    pace = Pace(rate)
    while not ended.is_set():
        connection = bank.connect()
        try:
            while not ended.is_set():
                pace.wait(under_way)
                connection.send(request * under_way)
                for _ in range(under_way):
                    response = connection.receive()
                    seen[response.status] += 1
                if response.field("connection") == "close":
                    break
        except (wire.Closed, OSError):
            seen["closed"] += 1
        connection.close()


def shake_hands(bank, hello, rate, ended, seen):
    """A first flight, whose answer costs the switch a signature and the flooder nothing."""
    pace = Pace(rate)
    while not ended.is_set():
        pace.wait(1)
        try:
            plain = socket.create_connection(("127.0.0.1", bank.environment.port), 5)
            plain.sendall(hello)
            seen["answered" if plain.recv(65536) else "closed"] += 1
            plain.close()
        except OSError:
            seen["closed"] += 1


def first_flight(bank):
    outgoing = ssl.MemoryBIO()
    tls = bank.context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def fetch(bank, ended):
    """Takes what comes unread, as reading costs more than sending."""
    lane = harness.Stream(bank)
    while not ended.is_set():
        lane.get()
    lane.delete()
    lane.close()


def drain(bank):
    """All that an earlier flood has left; its streams are gone when they have idled."""
    lane = harness.Stream(bank)
    while lane.get().status != 204:
        if lane.response.status != 200:
            time.sleep(0.2)
    lane.delete()
    lane.close()


KINDS = {
    "bad signatures": bad_signature,
    "bad bodies": bad_bodies,
    "bad XML": bad_xml,
    "DU04": du04,
    "balances": balance,
    "catalogs": catalog,
    "streams": stream,
    "repeats": repeat,
    "handshakes": None,
}


def give_way():
    """The switch goes first, also where all of this runs with SCHED_FIFO."""
    if os.sched_getscheduler(0) == os.SCHED_FIFO:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    else:
        os.nice(NICE)


def run(bank, kind, rate, started, ended, result):
    give_way()
    seen = collections.Counter()
    stop = threading.Event()
    drain(bank)
    if kind == "handshakes":
        hello = first_flight(bank)
        threads = [threading.Thread(target=shake_hands, args=(bank, hello, rate, stop, seen))
                   for _ in range(CONNECTIONS)]
    else:
        request = KINDS[kind](bank)
        under_way = 1 if kind in ("streams", "repeats") else UNDER_WAY
        threads = [threading.Thread(target=request_again_and_again,
                                    args=(bank, request, rate, under_way, stop, seen))
                   for _ in range(CONNECTIONS)]
    if kind in ("bad signatures", "bad bodies", "bad XML", "DU04", "balances"):
        threads += [threading.Thread(target=fetch, args=(bank, stop)) for _ in range(FETCHERS)]
    begun = time.monotonic()
    for thread in threads:
        thread.daemon = True
        thread.start()
    started.set()
    ended.wait()
    seconds = time.monotonic() - begun
    counts = dict(seen)
    stop.set()
    result.send((counts, seconds))
    for thread in threads:
        thread.join(2)
    os._exit(0)


class Flood:
    """with Flood(bank, kind, rate) as flood: ...; then flood.counts and flood.per_second."""

    def __init__(self, bank, kind, rate):
        fork = multiprocessing.get_context("fork")
        self.started, self.ended = fork.Event(), fork.Event()
        self.pipe, other = fork.Pipe(False)
        bank.disconnect()
        self.process = fork.Process(
            target=run, args=(bank, kind, rate, self.started, self.ended, other))

    def __enter__(self):
        self.process.start()
        if not self.started.wait(30):
            raise AssertionError("the flood does not begin")
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.counts, seconds = self.pipe.recv() if self.pipe.poll(10) else ({}, 1.0)
        self.per_second = sum(self.counts.values()) / seconds
        self.process.join(5)
        self.process.kill()
        self.process.join()
