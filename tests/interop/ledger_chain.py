#!/usr/bin/env python3
"""An auditor's own check of a ledger, written from ledger/README.md alone.

    ledger_chain.py LEDGERDIR      prints `ok entries=N blocks=N head=HEX` as `cauce verify` does

It links entries and blocks over all segments, rebuilds every root, follows each participant's own
numbering, adds up the money and the totals of days, and holds checkpoints and seals against the
blocks (whether their signatures are good is left to `openssl dgst`). What it prints must be what
`cauce verify` prints. Exit 1 at the first thing wrong.
"""

import hashlib
import pathlib
import sqlite3
import struct
import sys

ZEROS = bytes(32)
SEGMENT, FUNDED, RESERVED, SETTLED, REJECTED, EXPIRED, REFUSED, DAY = 1, 4, 5, 6, 7, 8, 9, 10
NUMBERED = {FUNDED: (1,), RESERVED: (0, 1), SETTLED: (0, 1), REJECTED: (0, 1), EXPIRED: (0, 1), REFUSED: (0,)}
COUNTED = (RESERVED, SETTLED, REJECTED, EXPIRED, REFUSED, FUNDED)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root(hashes):
    if len(hashes) == 1:
        return sha256(b"\0", hashes[0])
    half = 1
    while 2 * half < len(hashes):
        half *= 2
    return sha256(b"\1", root(hashes[:half]), root(hashes[half:]))


def fields(body):
    at, found = 2, {}
    while at < len(body):
        tag, size = struct.unpack_from("<HH", body, at)
        found[tag] = body[at + 4 : at + 4 + size]
        at += 4 + size
    return found


class Books:
    def __init__(self):
        self.accounts = {}  # code: [available, reserved]
        self.numbers = {}  # code: (number, seq)
        self.open = {}  # seq of reserved: amount
        self.funding, self.day, self.day_first = 0, b"", 1
        self.today = {kind: [0, 0] for kind in COUNTED}

    def take(self, public, private, body, seq):
        (kind,) = struct.unpack_from("<I", public, 4)
        parties = public[40:48], public[48:56]
        (amount,) = struct.unpack_from("<q", public, 56)
        (opened_by,) = struct.unpack_from("<Q", public, 128)
        payer, payee = (self.accounts.setdefault(code, [0, 0]) for code in parties)
        if kind == DAY:
            self.close_day(fields(body), seq)
        elif kind == FUNDED:
            payee[0] += amount
            self.funding += amount
        elif kind == RESERVED:
            payer[0] -= amount
            payer[1] += amount
            self.open[seq] = amount
        elif kind in (SETTLED, REJECTED, EXPIRED):
            assert self.open.pop(opened_by, None) == amount, f"entry {seq}: opened by {opened_by}"
            payer[1] -= amount
            (payee if kind == SETTLED else payer)[0] += amount
        if kind in COUNTED:
            self.today[kind] = [self.today[kind][0] + 1, self.today[kind][1] + amount]
        for side in (0, 1):
            link = struct.unpack_from("<QQ", public, 176 + 16 * side)
            balances = list(struct.unpack_from("<qq", private, 16 + 56 * side))
            if side not in NUMBERED.get(kind, ()):
                assert link == (0, 0) and balances == [0, 0], f"entry {seq}: side {side} of nobody"
                continue
            number, last = self.numbers.get(parties[side], (0, 0))
            assert link == (number + 1, last), f"entry {seq}: numbering of side {side}"
            assert balances == self.accounts[parties[side]], f"entry {seq}: balances of side {side}"
            assert min(balances) >= 0, f"entry {seq}: below zero"
            self.numbers[parties[side]] = link[0], seq

    def close_day(self, said, seq):
        assert said[17] > self.day, f"entry {seq}: day"
        counted = [number for kind in COUNTED for number in self.today[kind]]
        del counted[9]  # of refused only the count
        counted += [len(self.open), sum(self.open.values()), self.funding]
        counted += [sum(account[side] for account in self.accounts.values()) for side in (0, 1)]
        for tag, number in enumerate([self.day_first] + counted, 18):
            assert said[tag] == struct.pack("<Q", number % 2**64), f"entry {seq}: total {tag}"
        self.day, self.day_first = said[17], seq + 1
        self.today = {kind: [0, 0] for kind in COUNTED}


class Ledger:
    def __init__(self, directory):
        self.seq, self.block, self.head, self.previous = 0, 0, ZEROS, ZEROS
        self.ledger_id, self.books, self.statements, self.headers = None, Books(), {}, {}
        self.files = sorted(pathlib.Path(directory).glob("segment-??????.db"))
        for number, path in enumerate(self.files, 1):
            assert path.name == f"segment-{number:06}.db", f"segment {number} is missing"
            self.segment(number, sqlite3.connect(f"file:{path}?mode=ro", uri=True))
        signatures = pathlib.Path(directory) / "signatures.db"
        if signatures.exists():
            self.signed(sqlite3.connect(f"file:{signatures}?mode=ro", uri=True))

    def segment(self, number, db):
        first, first_block = self.seq + 1, self.block + 1
        bodies, hashes, leaves = {}, [], []
        tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if not tables or not db.execute("SELECT count(*) FROM entries").fetchone()[0]:
            assert number == len(self.files), f"segment {number} has no entries"
            return
        rows = db.execute("SELECT seq, public, private, hash, body, body_seq FROM entries ORDER BY seq")
        for seq, public, private, stored, body, body_seq in rows:
            self.seq += 1
            assert seq == self.seq == struct.unpack_from("<Q", public, 8)[0], f"entry {seq} is missing"
            bodies[seq] = body = body if body_seq is None else bodies[body_seq]
            if seq == first:
                opening = fields(body)
                self.ledger_id = self.ledger_id or opening[13]
                told = opening[13], opening[14], opening[15], opening[16]
                here = self.ledger_id, struct.pack("<Q", number), self.head, self.previous
                assert told == here, f"entry {seq}: opening"
            self.head = sha256(self.head, public, sha256(private), ZEROS if body is None else sha256(body))
            assert self.head == stored, f"entry {seq}: hash"
            hashes.append(self.head)
            self.books.take(public, private, body, seq)
        until = first - 1
        for block, header in db.execute("SELECT number, header FROM blocks ORDER BY number"):
            self.block += 1
            version, count, named, begin, last = struct.unpack_from("<IIQQQ", header)
            assert (version, named, block) == (1, self.block, self.block), f"block {block} is missing"
            assert begin == until + 1 and last == until + count, f"block {block}: range"
            assert header[40:72] == self.previous, f"block {block}: link"
            assert header[72:] == root(hashes[begin - first : last - first + 1]), f"block {block}: root"
            self.previous, until, self.headers[block] = sha256(header), last, header
            leaves.append(self.previous)
        assert until == self.seq, "entries stand in no block"
        bounds = struct.pack("<5Q", number, first, self.seq, first_block, self.block)
        self.statements[number] = b"".join(
            (struct.pack("<II", 1, 0), self.ledger_id, bounds, self.head, self.previous, root(leaves)))

    def signed(self, db):
        for block, header in db.execute("SELECT block, header FROM checkpoints"):
            assert self.headers.get(block) == header, f"checkpoint of block {block}"
        for number, statement in db.execute("SELECT segment, statement FROM seals"):
            assert self.statements.get(number) == statement, f"seal of segment {number}"


if __name__ == "__main__":
    try:
        ledger = Ledger(sys.argv[1])
    except AssertionError as wrong:
        sys.exit(f"{wrong}")
    print(f"ok entries={ledger.seq} blocks={ledger.block} head={ledger.head.hex()}")
