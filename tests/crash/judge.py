#!/usr/bin/python3
"""What banks were told against what the ledger's rows say, with nothing but ledger/README.md.

    judge.py LEDGERDIR LOG...        the switch is down; a log is named CODE.log, bank.py wrote it

Prints a line per fault, at most FAULTS_SHOWN of a kind, and `N passed, N failed, N skipped`.
"""

import collections
import json
import pathlib
import sqlite3
import struct
import sys

FAULTS_SHOWN = 5
KINDS = {1: "segment", 2: "joined", 3: "certificate", 4: "funded", 5: "reserved", 6: "settled",
         7: "rejected", 8: "expired", 9: "refused"}
ENDS = {"settled", "rejected", "expired"}
PAYER, PAYEE = 0, 1
PUBLIC = struct.Struct("<IIQq8s8s8s8sqB35s16s4sqQQ32sQQQQ")
ACCOUNTS = struct.Struct("<qq40x")

Entry = collections.namedtuple(
    "Entry", "kind seq payer payee minor e2e reason opened_by numbers previous accounts")


def text(octets):
    return octets.rstrip(b"\0").decode()


def decode(seq, public, private):
    (_, kind, own_seq, _, _, _, payer, payee, minor, size, e2e, reason, _, _, opened_by, _, _,
     number_1, previous_1, number_2, previous_2) = PUBLIC.unpack(public)
    if own_seq != seq:
        raise ValueError(f"the row of sequence {seq} holds {own_seq}")
    accounts = [ACCOUNTS.unpack_from(private, 16), ACCOUNTS.unpack_from(private, 72)]
    return Entry(KINDS[kind], seq, text(payer), text(payee), minor, e2e[:size].decode(),
                 text(reason), opened_by, (number_1, number_2), (previous_1, previous_2), accounts)


def read_ledger(folder):
    entries = []
    for path in sorted(pathlib.Path(folder).glob("segment-*.db")):
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        rows = database.execute("SELECT seq, public, private FROM entries ORDER BY seq")
        entries += [decode(*row) for row in rows]
        database.close()
    return entries


class Judge:
    def __init__(self, entries, logs):
        self.entries = entries
        self.logs = logs  # code -> [line]
        self.opened = {}  # end-to-end id -> its reserved entry
        self.refused = {}
        self.ended = {}   # sequence of the reserved entry -> its end
        self.faults = collections.defaultdict(list)
        self.cases = []

    def fault(self, case, words):
        self.faults[case].append(words)

    def case(self, name):
        self.cases.append(name)
        return lambda truth, words: truth or self.fault(name, words)

    # ---- the ledger alone ----

    def sequences(self):
        check = self.case("sequences are gapless, and each side's own numbers too")
        last = {}
        for place, entry in enumerate(self.entries, 1):
            check(entry.seq == place, f"sequence {entry.seq} in place {place}")
            for side, code in ((PAYER, entry.payer), (PAYEE, entry.payee)):
                if entry.numbers[side] != 0:
                    before = last.get(code, (0, 0))
                    check((entry.numbers[side] - 1, entry.previous[side]) == before,
                          f"{entry.seq}: {code} has number {entry.numbers[side]} behind {before}")
                    last[code] = (entry.numbers[side], entry.seq)

    def lives(self):
        check = self.case("a payment is reserved once and ends at most once")
        for entry in self.entries:
            if entry.kind == "reserved":
                check(entry.e2e not in self.opened and entry.e2e not in self.refused,
                      f"{entry.e2e} stands in the ledger twice")
                self.opened[entry.e2e] = entry
            elif entry.kind == "refused":
                check(entry.e2e not in self.opened and entry.e2e not in self.refused,
                      f"{entry.e2e} stands in the ledger twice")
                self.refused[entry.e2e] = entry
            elif entry.kind in ENDS:
                start = self.opened.get(entry.e2e)
                check(start is not None and start.seq == entry.opened_by,
                      f"{entry.e2e} ends what was not opened")
                check(entry.opened_by not in self.ended, f"{entry.e2e} ends twice")
                check(start is None or (start.payer, start.payee, start.minor)
                      == (entry.payer, entry.payee, entry.minor), f"{entry.e2e} ends otherwise")
                self.ended[entry.opened_by] = entry
        open_ones = [e2e for e2e, entry in self.opened.items() if entry.seq not in self.ended]
        self.case("no payment is left open")(not open_ones, f"open: {open_ones[:5]}")

    def balances(self):
        check = self.case("every balance is the sum of the entries")
        books = collections.defaultdict(lambda: [0, 0])  # available, reserved
        for entry in self.entries:
            payer, payee, minor = books[entry.payer], books[entry.payee], entry.minor
            if entry.kind == "funded":
                payee[0] += minor
            elif entry.kind == "reserved":
                payer[0] -= minor
                payer[1] += minor
            elif entry.kind == "settled":
                payer[1] -= minor
                payee[0] += minor
            elif entry.kind in ("rejected", "expired"):
                payer[1] -= minor
                payer[0] += minor
            for side, code in ((PAYER, entry.payer), (PAYEE, entry.payee)):
                if entry.numbers[side] != 0:
                    check(list(entry.accounts[side]) == books[code],
                          f"{entry.seq}: {code} has {entry.accounts[side]}, not {books[code]}")
                    check(min(books[code]) >= 0, f"{entry.seq}: {code} is below zero")
        funding = sum(entry.minor for entry in self.entries if entry.kind == "funded")
        check(sum(sum(one) for one in books.values()) == funding, "money was made or lost")
        check(all(one[1] == 0 for one in books.values()), "something is still reserved")

    # ---- the banks' logs ----

    def lines(self, what):
        for code, lines in self.logs.items():
            for line in lines:
                if line["what"] == what:
                    yield code, line

    def promises(self):
        check = self.case("everything answered 201 is in the ledger as it was sent")
        sent = {line["e2e"]: (code, line) for code, line in self.lines("sent")}
        for code, line in self.lines("201"):
            for e2e in line["e2e"]:
                entry = self.opened.get(e2e) or self.refused.get(e2e)
                check(entry is not None, f"{code}: {e2e} got its 201 and is not there")
                payer, wanted = sent[e2e]
                check(entry is None or (entry.payer, entry.payee, entry.minor)
                      == (payer, wanted["to"], wanted["minor"]), f"{e2e} is there otherwise")
        check = self.case("nothing is in the ledger that nobody sent")
        for e2e in [*self.opened, *self.refused]:
            check(e2e in sent, f"{e2e}")

    def truth(self, e2e, code):
        """(status, reason, seq) that this bank must have been told, None: nothing."""
        if e2e in self.refused:
            return ("RJCT", self.refused[e2e].reason, None)
        start = self.opened[e2e]
        end = self.ended.get(start.seq)
        if end is None:
            return None
        if end.kind == "settled":
            return ("ACSC" if code == start.payer else "ACCC", None, str(end.seq))
        if end.kind == "rejected" and code == start.payee:
            return None
        return ("RJCT", end.reason, None)

    def told(self):
        check = self.case("what a bank was told of a payment is what the ledger says")
        heard = collections.defaultdict(set)
        for code, line in self.lines("pacs.002"):
            heard[code, line["e2e"]].add((line["status"], line["reason"], line["seq"]))
        for (code, e2e), results in heard.items():
            if e2e not in self.opened and e2e not in self.refused:
                check(False, f"{code} was told {results} of {e2e}, which is not in the ledger")
                continue
            start = self.opened.get(e2e)
            lawful = {self.truth(e2e, code)}
            if start is not None and code == start.payer:
                lawful.add(("ACSP", None, None))  # to a body sent again while it was open
            if start is not None and code == start.payee and start.seq in self.ended \
                    and self.ended[start.seq].kind == "rejected":
                lawful.add(("RJCT", self.ended[start.seq].reason, None))  # to an answer sent again
            check(results <= lawful, f"{code} was told {results} of {e2e}, lawful is {lawful}")
        check = self.case("each bank has the result of each of its payments")
        for e2e, entry in [*self.opened.items(), *self.refused.items()]:
            for code in {entry.payer, entry.payee} if e2e in self.opened else {entry.payer}:
                wanted = self.truth(e2e, code)
                check(wanted is None or wanted in heard[code, e2e],
                      f"{code} was told {heard[code, e2e]} of {e2e}, and never {wanted}")

    def deliveries(self):
        check = self.case("every payment that did not expire was delivered to its payee's bank")
        seen = {(code, line["e2e"]) for code, line in self.lines("pacs.008")}
        for e2e, entry in self.opened.items():
            end = self.ended.get(entry.seq)
            if end is None or end.kind != "expired":
                check((entry.payee, e2e) in seen, f"{e2e} was not delivered to {entry.payee}")
        for code, e2e in seen:
            check(e2e in self.opened and self.opened[e2e].payee == code,
                  f"{code} got {e2e}, which is not for it or not in the ledger")
        check = self.case("the same PI-ResourceId always has the same content and receiver")
        known = {}
        for code, line in self.lines("message"):
            first = known.setdefault(line["id"], (code, line["content"]))
            check(first == (code, line["content"]), f"{line['id']} differs at {code}")

    def verdict(self):
        self.sequences()
        self.lives()
        self.balances()
        self.promises()
        self.told()
        self.deliveries()
        ends = collections.Counter(entry.kind for entry in self.ended.values())
        received = [line["id"] for _, line in self.lines("message")]
        print(f"reserved={len(self.opened)} refused={len(self.refused)} "
              + " ".join(f"{kind}={ends[kind]}" for kind in sorted(ENDS))
              + f" messages={len(set(received))} redelivered={len(received) - len(set(received))}")
        check = self.case("there was enough to judge")
        check(ends["settled"] > 100 and ends["rejected"] > 10 and ends["expired"] > 0, f"{ends}")
        for case in self.cases:
            faults = self.faults.get(case, [])
            for words in faults[:FAULTS_SHOWN]:
                print(f"FAIL crash: {case}: {words}")
            if len(faults) > FAULTS_SHOWN:
                print(f"FAIL crash: {case}: and {len(faults) - FAULTS_SHOWN} more")
        failed = sum(case in self.faults for case in self.cases)
        print(f"judge: {len(self.cases) - failed} passed, {failed} failed, 0 skipped")
        return 1 if failed else 0


def main():
    logs = {}
    for path in map(pathlib.Path, sys.argv[2:]):
        logs[path.stem] = [json.loads(line) for line in path.read_text().splitlines()]
    return Judge(read_ledger(sys.argv[1]), logs).verdict()


if __name__ == "__main__":
    sys.exit(main())
