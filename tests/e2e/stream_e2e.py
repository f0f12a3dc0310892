#!/usr/bin/python3
"""WIRE section 1, "Streams": each of its sentences."""

import threading
import time

import message
import wire
from harness import Stream, Suite, equal, expect, finish, together
from message import PACS008, Message

A, B, C, D, E, F, G, H, I, J, K, L, M, N = (f"100000{n:02d}" for n in range(1, 15))
POLL_SECONDS = 1
IDLE_SECONDS = 3
STREAMS_MAX = 6
BOTH = "multipart/mixed, application/xml"


def pay(environment, payee, count=1, amount="1.00"):
    """That many payments from A to this bank, in one body; their end-to-end ids in order."""
    a = environment.bank(A)
    transfers = [message.transfer(A, payee, amount, message.unique("E")) for _ in range(count)]
    a.send(*(a.payments([one]) for one in transfers))
    return [one.split("<EndToEndId>")[1].split("<")[0] for one in transfers]


def read(environment, bank, response):
    """[(end-to-end id, PI-ResourceId)] of an answer to a poll, every message of it judged."""
    expect(response.status in (200, 204), f"status {response.status}: {response.body[:200]!r}")
    found = []
    for name, octets in response.messages() if response.status == 200 else []:
        one = Message(name, octets)
        environment.oracle.judge(one, bank.code)
        equal(one.kind, PACS008, "kind")
        found += [(event[1], name) for event in one.events()]
    return found


def drain(environment, bank, stream):
    """What comes until a 204."""
    found = []
    while (response := stream.get()).status == 200:
        found += read(environment, bank, response)
    return found


class Waiting(threading.Thread):
    """A GET that waits in the background; join() gives what came, and after how long."""

    def __init__(self, stream, target=None, pause=0.15):
        super().__init__(daemon=True)
        self.stream = stream
        self.of = target
        self.response = self.seconds = self.error = None
        self.start()
        time.sleep(pause)  # the request is at the switch before the test goes on

    def run(self):
        started = time.monotonic()
        try:
            self.response = self.stream.get(self.of)
        except (OSError, wire.Closed, AssertionError) as error:
            self.error = error
        self.seconds = time.monotonic() - started

    def answer(self):
        self.join(15)
        if self.error:
            raise self.error
        expect(self.response is not None, "a poll was not answered")
        return self.response


def confirmation(suite, environment):
    bank = environment.bank(B)
    stream = Stream(bank)
    with suite.case("nothing there: 204 after poll_seconds, with PI-Pull-Next"):
        started = time.monotonic()
        response = stream.get()
        equal(response.status, 204, "status")
        waited = time.monotonic() - started
        expect(POLL_SECONDS - 0.1 < waited < POLL_SECONDS + 1, f"after {waited:.2f} s")
    with suite.case("a poll that waits is answered as soon as something comes"):
        waiting = Waiting(stream)
        (e2e,) = pay(environment, B)
        equal([one for one, _ in read(environment, bank, waiting.answer())], [e2e], "messages")
        expect(waiting.seconds < 0.8, f"after {waiting.seconds:.2f} s")
    with suite.case("the next GET confirms: it does not come again"):
        equal(drain(environment, bank, stream), [], "messages")
        stream.delete()
        again = Stream(bank)
        equal(drain(environment, bank, again), [], "messages of another stream")
        equal(again.delete().status, 200, "status of DELETE")
    with suite.case("DELETE confirms the batch that came with it, and closes"):
        stream = Stream(bank)
        (e2e,) = pay(environment, B)
        equal([one for one, _ in read(environment, bank, stream.get())], [e2e], "messages")
        equal(stream.delete().status, 200, "status")
        equal(stream.get().status, 410, "status of a GET behind it")
        equal(stream.delete().status, 410, "status of another DELETE")
        again = Stream(bank)
        equal(drain(environment, bank, again), [], "messages of another stream")
        again.delete()
    with suite.case("DELETE of a stream that has got nothing: 200"):
        stream = Stream(bank)
        stream.get()
        equal(stream.delete().status, 200, "status")


def repetition(suite, environment):
    bank = environment.bank(C)
    with suite.case("the last GET again gives the same batch, and confirms nothing more"):
        ids = pay(environment, C, 3)
        stream = Stream(bank)
        start = stream.get()
        first = read(environment, bank, start)
        used = stream.target
        pay_more = pay(environment, C)
        second = stream.get()
        batch = read(environment, bank, second)
        following = stream.target
        equal([one for one, _ in first + batch], ids + pay_more, "messages in ledger order")
        for _ in range(3):
            repeated = stream.get(used)
            equal(read(environment, bank, repeated), batch, "the batch again")
            equal(stream.target, following, "PI-Pull-Next again")
            contents = [Message(*one).content() for one in repeated.messages()]
            equal(contents, [Message(*one).content() for one in second.messages()], "contents")
    with suite.case("it comes again on the same URL from another connection too"):
        other = Stream(bank)
        equal(read(environment, bank, other.get(used)), batch, "the batch again")
        other.close()
    with suite.case("a 204 again waits again"):
        empty = stream.target
        equal(stream.get().status, 204, "status")
        started = time.monotonic()
        equal(stream.get(empty).status, 204, "status of it again")
        expect(time.monotonic() - started > POLL_SECONDS - 0.1, "it did not wait")
    with suite.case("an older URL, an unknown one: 410, nothing changes"):
        last = stream.target
        for target in (used, f"/api/v1/out/{C}/stream/nothing", f"/api/v1/out/{C}/stream/%20",
                       last + "x", last[:-1]):
            equal(stream.get(target).status, 410, f"status of {target}")
            equal(stream.connection.request("DELETE", target).status, 410, "status of DELETE")
        equal(stream.get(last).status, 204, "status of the last one")
        stream.delete()
    with suite.case("another participant's stream URL under one's own code: 410"):
        mine = Stream(environment.bank(K))
        mine.get()
        foreign = mine.target.replace(K, C)
        equal(stream.get(foreign).status, 410, "status")
        equal(mine.get().status, 204, "status for its owner")
        mine.delete()


def take_over(suite, environment):
    bank = environment.bank(D)
    stream = Stream(bank)
    stream.get()
    with suite.case("a newer request on the same URL takes over, the older gets 410"):
        target = stream.target
        older = Waiting(stream)
        newer_stream = Stream(bank)
        newer = Waiting(newer_stream, target)
        equal(older.answer().status, 410, "status of the older")
        expect(older.seconds < POLL_SECONDS - 0.2, f"the older waited {older.seconds:.2f} s")
        (e2e,) = pay(environment, D)
        equal([one for one, _ in read(environment, bank, newer.answer())], [e2e], "the newer's")
    with suite.case("a GET that waits when its stream is DELETEd: 410"):
        equal(newer_stream.get().status, 204, "status")
        waiting = Waiting(newer_stream)
        deleter = Stream(bank)
        deleter.target = newer_stream.target
        equal(deleter.delete().status, 200, "status of DELETE")
        equal(waiting.answer().status, 410, "status of the GET")
        expect(waiting.seconds < POLL_SECONDS - 0.2, f"it waited {waiting.seconds:.2f} s")
    with suite.case("a client that has gone while waiting: the message comes on the next GET"):
        stream = Stream(bank)
        stream.get()
        target = stream.target
        stream.connection.send(wire.make_request("GET", target, {"Accept": BOTH}))
        time.sleep(0.1)
        stream.close()
        time.sleep(0.2)
        (e2e,) = pay(environment, D)
        again = Stream(bank)
        equal([one for one, _ in read(environment, bank, again.get(target))], [e2e], "messages")
        again.delete()


FORMS = (  # Accept, messages there, multipart
    ("application/xml", 2, False), (None, 2, False), ("*/*", 2, False),
    ("application/*", 2, False), ("multipart/mixed", 1, True), ("multipart/*", 1, True),
    ("multipart/mixed", 2, True), ("multipart/mixed, application/xml", 1, False),
    ("multipart/mixed, application/xml", 2, True), ("multipart/*, */*", 3, True),
    ("application/xml;q=0.5, Multipart/Mixed;q=1", 2, True),
    ("multipart/mixed;q=0, application/xml", 2, False),
)


def forms(suite, environment, code, rows):
    bank = environment.bank(code)
    for accept, count, multipart in rows:
        with suite.case(f"Accept {accept}, {count} messages: multipart is {multipart}"):
            ids = pay(environment, code, count)
            stream = Stream(bank, accept=accept)
            response = stream.get()
            kind = (response.field("content-type") or "").split(";")[0]
            equal(kind, "multipart/mixed" if multipart else "application/xml", "Content-Type")
            found = read(environment, bank, response)
            equal(len(found), count if multipart else 1, "number of messages")
            found += drain(environment, bank, stream)
            equal([one for one, _ in found], ids, "messages in ledger order")
            expect(len({name for _, name in found}) == count, "PI-ResourceIds are not distinct")
            stream.delete()


def first_forms(suite, environment):
    forms(suite, environment, E, FORMS[::2])


def other_forms(suite, environment):
    forms(suite, environment, L, FORMS[1::2])
    bank = environment.bank(L)
    with suite.case("at most ten in an answer, all of them in ledger order"):
        ids = pay(environment, L, 10) + pay(environment, L, 10) + pay(environment, L, 5)
        stream = Stream(bank)
        found = []
        while (response := stream.get()).status == 200:
            batch = read(environment, bank, response)
            expect(len(batch) <= 10, f"{len(batch)} messages in an answer")
            found += batch
        equal([one for one, _ in found], ids, "messages")
        stream.delete()


def idle(suite, environment):
    bank = environment.bank(F)
    with suite.case("a stream without a waiting GET is gone, what it held comes on another, "
                    "one already waiting included; same id, same content"):
        ids = pay(environment, F, 2)
        holder = Stream(bank)
        held = read(environment, bank, holder.get())
        equal([one for one, _ in held], ids, "messages")
        waiter = Stream(bank)
        started = time.monotonic()
        found = []
        while not found and time.monotonic() - started < IDLE_SECONDS + 3:
            found = read(environment, bank, waiter.get())
        waited = time.monotonic() - started
        equal(found, held, "messages on the other stream")
        expect(IDLE_SECONDS - 0.5 < waited < IDLE_SECONDS + 1.5, f"after {waited:.2f} s")
        equal(holder.get().status, 410, "status of the one that is gone")
        waiter.delete()
    with suite.case("a message is on one stream at a time"):
        ids = pay(environment, F, 2)
        first, second = Stream(bank, accept="application/xml"), Stream(bank)
        one = read(environment, bank, first.get())
        other = read(environment, bank, second.get())
        equal([e2e for e2e, _ in one + other], ids, "messages, one on each")
        equal(second.get().status, 204, "status of a further GET")
        first.delete(), second.delete()
    with suite.case("a stream that polls all the time does not idle away"):
        stream = Stream(bank)
        stream.get()
        for _ in range(IDLE_SECONDS + 2):
            equal(stream.get().status, 204, "status")
        stream.delete()


def all_get(streams, status):
    """One GET on each at the same time."""
    for one in [Waiting(stream) for stream in streams]:
        equal(one.answer().status, status, "status")


def number(suite, environment):
    bank = environment.bank(G)
    with suite.case("the 7th stream gets 429 with Retry-After, and takes nothing from the six"):
        six = [Stream(bank) for _ in range(STREAMS_MAX)]
        for _ in range(2):  # the second GET uses the first PI-Pull-Next
            all_get(six, 204)
        seventh = Stream(bank)
        response = seventh.get()
        equal(response.status, 429, "status")
        expect((response.field("retry-after") or "").isdigit(), "no Retry-After")
        all_get(six, 204)
        equal(six[0].delete().status, 200, "status of DELETE")
        equal(seventh.get().status, 204, "status of the 7th behind it")
        for stream in six[1:] + [seventh]:
            stream.delete(), stream.close()
        six[0].close()


def reclaiming(suite, environment):
    bank = environment.bank(H)
    with suite.case("when the 7th comes, the oldest whose first PI-Pull-Next was never used is "
                    "reclaimed; what it held is offered"):
        ids = pay(environment, H, 1)
        used = Stream(bank)
        holder = Stream(bank)
        equal(used.get().status, 200, "status")
        waiting = Waiting(used)
        equal(waiting.answer().status, 204, "status")
        ids += pay(environment, H, 2)
        held = read(environment, bank, holder.get())
        equal([one for one, _ in held], ids[1:], "messages")
        others = [Stream(bank) for _ in range(STREAMS_MAX - 2)]
        all_get(others, 204)
        seventh = Stream(bank)
        equal(read(environment, bank, seventh.get()), held, "what the reclaimed one held")
        equal(holder.get().status, 410, "status of the reclaimed one")
        equal(used.get().status, 204, "status of an older one that was used")
        for stream in others + [seventh, used]:
            stream.delete(), stream.close()
        holder.close()
    bank = environment.bank(I)
    with suite.case("one that waits in its first GET is not reclaimed"):
        *six, seventh = [Stream(bank) for _ in range(STREAMS_MAX + 1)]
        waiting = [Waiting(stream, pause=0.05) for stream in six]
        equal(seventh.get().status, 429, "status of the 7th")
        for one in waiting:
            equal(one.answer().status, 204, "status of a waiting one")
            one.stream.delete(), one.stream.close()
        seventh.close()


def several(suite, environment):
    bank = environment.bank(J)
    with suite.case("six streams at once get every message exactly once"):
        streams = [Stream(bank) for _ in range(STREAMS_MAX)]
        found, lock, paid = [], threading.Lock(), threading.Event()

        def take(stream):
            last = False
            while not last:
                last = paid.is_set()  # then what comes until a 204 is all
                batch = drain(environment, bank, stream)
                with lock:
                    found.extend(batch)

        threads = [threading.Thread(target=take, args=(stream,)) for stream in streams]
        for thread in threads:
            thread.start()
        ids = [e2e for _ in range(12) for e2e in pay(environment, J, 10)]
        paid.set()
        for thread in threads:
            thread.join(30)
        equal(sorted(one for one, _ in found), sorted(ids), "messages")
        for stream in streams:
            stream.delete(), stream.close()


def ask(bank, target):
    """A GET whose answer is left to its connection."""
    connection = bank.connect()
    connection.send(wire.make_request("GET", target, {"Accept": BOTH}))
    return connection


def lost_answers(suite, environment):
    bank = environment.bank(M)
    start = f"/api/v1/out/{M}/stream/start"
    with suite.case("an answer lost in the middle: the same GET on another connection gives it"):
        stream = Stream(bank)
        equal(stream.get().status, 204, "status")
        ids = pay(environment, M, 3)
        broken = ask(bank, stream.target)
        while b"PI-ResourceId" not in broken.buffer:
            broken.buffer += broken.socket.recv(200)
        broken.close()
        found = read(environment, bank, stream.get())
        equal([one for one, _ in found], ids, "messages")
        equal(drain(environment, bank, stream), [], "further messages")
        stream.delete()
    with suite.case("a lost answer of stream/start: what it held comes on another stream, same ids"):
        ids = pay(environment, M, 2)
        broken = ask(bank, start)
        kept = read(environment, bank, broken.receive())  # by the network, not by the bank
        broken.close()
        equal([one for one, _ in kept], ids, "messages")
        again = Stream(bank)
        equal(again.get().status, 204, "status while it is not idle yet")
        found = []
        end = time.monotonic() + IDLE_SECONDS + 3
        while not found and time.monotonic() < end:
            found = read(environment, bank, again.get())
        equal(found, kept, "messages on another stream")
        again.delete()
    with suite.case("a stream/start whose client went before anything came leaves no stream"):
        for _ in range(STREAMS_MAX):
            ask(bank, start).close()
        time.sleep(0.3)
        streams = [Stream(bank) for _ in range(STREAMS_MAX)]
        all_get(streams, 204)
        all_get(streams, 204)
        for stream in streams:
            equal(stream.delete().status, 200, "status of DELETE"), stream.close()
    with suite.case("messages that come while nobody polls stay in order before later ones"):
        ids = pay(environment, M, 2)
        stream = Stream(bank, accept="application/xml")
        found = read(environment, bank, stream.get())
        ids += pay(environment, M, 2)
        found += drain(environment, bank, stream)
        equal([one for one, _ in found], ids, "messages")
        stream.delete()


def deletion(suite, environment):
    bank = environment.bank(N)
    with suite.case("DELETE of an older step, of the one just asked, of stream/start: nothing changes"):
        ids = pay(environment, N, 2)
        stream = Stream(bank)
        equal(stream.get().status, 200, "status")
        older = stream.target
        ids += pay(environment, N)
        batch = read(environment, bank, stream.get())
        asked = older
        equal(stream.connection.request("DELETE", asked).status, 410, "status for the one asked")
        start = f"/api/v1/out/{N}/stream/start"
        response = stream.connection.request("DELETE", start)
        equal(response.status, 405, "status for stream/start")
        expect("GET" in (response.field("allow") or ""), "Allow names no GET")
        equal(read(environment, bank, stream.get(asked)), batch, "the batch again")
        equal(stream.delete().status, 200, "status of DELETE")
    with suite.case("a GET that waits in its stream's first step is not ended by a DELETE of another"):
        first, second = Stream(bank), Stream(bank)
        equal(second.get().status, 204, "status")
        waiting = Waiting(first)
        equal(second.delete().status, 200, "status of DELETE")
        equal(waiting.answer().status, 204, "status of the GET")
        first.delete()
    with suite.case("an answer that took over has what came, the one before never gets it"):
        stream = Stream(bank)
        equal(stream.get().status, 204, "status")
        target = stream.target
        takers = [Waiting(Stream(bank), target) for _ in range(5)]
        ids = pay(environment, N, 2)
        answers = [taker.answer() for taker in takers]
        equal([answer.status for answer in answers], [410] * 4 + [200], "statuses")
        equal([one for one, _ in read(environment, bank, answers[-1])], ids, "messages")
        equal(takers[-1].stream.delete().status, 200, "status of DELETE")


def main():
    suite = Suite("stream")
    settings = {"participants.poll_seconds": POLL_SECONDS, "switch.loops": 2,
                "participants.stream_idle_seconds": IDLE_SECONDS,
                "payments.deadline_high_ms": 600000}
    with suite.environment_of(participants=14, settings=settings) as environment:
        # Each has banks of its own; all of them at once would wait for this program, not the switch.
        for parts in ((confirmation, repetition, take_over, idle, number, several),
                      (first_forms, other_forms, reclaiming, lost_answers, deletion)):
            together(lambda part: part(suite, environment), parts)
    finish(suite)


if __name__ == "__main__":
    main()
