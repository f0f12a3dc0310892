#!/usr/bin/env python3
"""An auditor's own check of a ledger, written from ledger/README.md alone.

    ledger_chain.py LEDGERDIR      prints `ok entries=N blocks=N head=HEX` as `cauce verify` does

It links entries and blocks, rebuilds every root, follows each participant's own numbering and adds
up the money. What it prints must be what `cauce verify` prints. Exit 1 at the first thing wrong.
"""

import hashlib
import sqlite3
import struct
import sys

ZEROS = bytes(32)
FUNDED, RESERVED, SETTLED, REJECTED, EXPIRED = 4, 5, 6, 7, 8
NUMBERED = {FUNDED: (1,), RESERVED: (0, 1), SETTLED: (0, 1), REJECTED: (0, 1), EXPIRED: (0, 1), 9: (0,)}


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root(hashes):
    if len(hashes) == 1:
        return sha256(b"\0", hashes[0])
    half = 1
    while 2 * half < len(hashes):
        half *= 2
    return sha256(b"\1", root(hashes[:half]), root(hashes[half:]))


class Books:
    def __init__(self):
        self.accounts = {}  # code: [available, reserved]
        self.numbers = {}  # code: (number, seq)

    def take(self, public, private, seq):
        (kind,) = struct.unpack_from("<I", public, 4)
        parties = public[40:48], public[48:56]
        (amount,) = struct.unpack_from("<q", public, 56)
        payer, payee = (self.accounts.setdefault(code, [0, 0]) for code in parties)
        if kind == FUNDED:
            payee[0] += amount
        elif kind == RESERVED:
            payer[0] -= amount
            payer[1] += amount
        elif kind == SETTLED:
            payer[1] -= amount
            payee[0] += amount
        elif kind in (REJECTED, EXPIRED):
            payer[1] -= amount
            payer[0] += amount
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


def main(directory):
    db = sqlite3.connect(f"file:{directory}/segment-000001.db?mode=ro", uri=True)
    bodies, hashes, books, head = {}, [], Books(), ZEROS
    rows = db.execute("SELECT seq, public, private, hash, body, body_seq FROM entries ORDER BY seq")
    for at, (seq, public, private, stored, body, body_seq) in enumerate(rows, 1):
        assert seq == at == struct.unpack_from("<Q", public, 8)[0], f"entry {at} is missing"
        if body is not None:
            bodies[seq] = sha256(body)
        body_hash = bodies[body_seq or seq] if body is not None or body_seq else ZEROS
        head = sha256(head, public, sha256(private), body_hash)
        assert head == stored, f"entry {seq}: hash"
        hashes.append(head)
        books.take(public, private, seq)

    previous, blocks, until = ZEROS, 0, 0
    for number, header in db.execute("SELECT number, header FROM blocks ORDER BY number"):
        version, count, named, first, last = struct.unpack_from("<IIQQQ", header)
        blocks += 1
        assert (version, named, number) == (1, blocks, blocks), f"block {blocks} is missing"
        assert first == until + 1 and last == until + count, f"block {number}: range"
        assert header[40:72] == previous, f"block {number}: link"
        assert header[72:] == root(hashes[first - 1 : last]), f"block {number}: root"
        previous, until = sha256(header), last
    assert until == len(hashes), "entries stand in no block"
    print(f"ok entries={len(hashes)} blocks={blocks} head={head.hex()}")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except AssertionError as wrong:
        sys.exit(f"{wrong}")
