#!/usr/bin/env python3
"""A stranger's look at cauce.ledger.v1, with nothing but the contract (WIRE sections 7 and 9).

    kcat -C -b HOST:PORT -t cauce.ledger.v1 -o beginning -e -q -J | ledger_topic.py

Drops repeats by sequence, then demands: no sequence missing, every hash made again from the bytes,
every entry linked to the one before, headers and readable fields that agree with the value.
Prints `ok entries=N repeats=N head=HEX` and ends with 0, or says what is wrong and ends with 1.
"""

import base64
import hashlib
import json
import re
import struct
import sys

FIELDS = {
    "seq": int, "time": str, "kind": str, "amount_minor": int, "balances": list,
    "prev_hash": str, "public": str, "private": str, "hash": str,
}
NULLABLE = ["payer", "payee", "payer_agent", "payee_agent", "currency", "id", "reason"]


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def entry_hash(entry):
    body = base64.b64decode(entry["body"], validate=True) if "body" in entry else b""
    return sha256(
        bytes.fromhex(entry["prev_hash"]),
        base64.b64decode(entry["public"], validate=True),
        sha256(base64.b64decode(entry["private"], validate=True)),
        sha256(body) if body else bytes(32),
    )


def check_headers(entry, pairs, ledger):
    headers = dict(zip(pairs[0::2], pairs[1::2]))
    wanted = {
        "ce_specversion": "1.0",
        "ce_id": f"{ledger}/{entry['seq']}",
        "ce_type": f"cauce.ledger.{entry['kind']}",
        "ce_time": entry["time"],
        "content-type": "application/json",
    }
    if entry["id"] is not None:
        wanted["ce_subject"] = entry["id"]
    for name, value in wanted.items():
        if headers.get(name) != value:
            raise ValueError(f"header {name} is {headers.get(name)!r}, expected {value!r}")
    if not headers.get("ce_source"):
        raise ValueError("header ce_source is missing")


def check_entry(entry, previous_hash, ledger, headers):
    for name, kind in FIELDS.items():
        if not isinstance(entry.get(name), kind):
            raise ValueError(f"{name} is {entry.get(name)!r}")
    for name in NULLABLE:
        if name not in entry:
            raise ValueError(f"{name} is missing")
    if entry["prev_hash"] != previous_hash:
        raise ValueError("prev_hash is not the hash of the entry before")
    if entry_hash(entry).hex() != entry["hash"]:
        raise ValueError("hash does not fit the bytes")
    # The sequence stands in the hashed bytes too: u32 version, u32 kind, u64 seq, little-endian.
    seq = struct.unpack_from("<IIQ", base64.b64decode(entry["public"]))[2]
    if seq != entry["seq"]:
        raise ValueError(f"the hashed sequence is {seq}")
    check_headers(entry, headers, ledger)


def main():
    expected, repeats, head, ledger = 1, 0, "0" * 64, None
    for line in sys.stdin:
        record = json.loads(line)
        entry = json.loads(record["payload"])
        if entry["seq"] < expected:
            repeats += 1
            continue
        try:
            if entry["seq"] > expected:
                raise ValueError(f"expected sequence {expected}")
            if record["partition"] != 0:
                raise ValueError(f"partition {record['partition']}")
            if ledger is None:
                names = dict(zip(record["headers"][0::2], record["headers"][1::2]))
                ledger = names.get("ce_id", "").split("/")[0]
                if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", ledger):
                    raise ValueError(f"ledger id {ledger!r} is no UUID")
            check_entry(entry, head, ledger, record["headers"])
        except ValueError as error:
            print(f"entry {entry.get('seq')}: {error}")
            return 1
        expected, head = expected + 1, entry["hash"]
    print(f"ok entries={expected - 1} repeats={repeats} head={head}")
    return 0 if expected > 1 else 1


if __name__ == "__main__":
    sys.exit(main())
