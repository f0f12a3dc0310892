#!/usr/bin/python3
"""WIRE section 9: the topics of the ledger and of the payments, read by kcat, hashed again here."""

import base64
import hashlib
import json
import shutil
import sqlite3
import subprocess
import time

from harness import Suite, equal, expect, finish

A, B, C = "10000001", "10000002", "10000003"
LEDGER, PAYMENTS = "cauce.ledger.v1", "cauce.payments.v1"
STATES = {"reserved", "settled", "rejected", "expired", "refused"}
READABLE = ("seq", "time", "kind", "payer", "payee", "amount_minor", "currency", "id", "reason")


def sha256(octets):
    return hashlib.sha256(octets).digest()


def consume(environment, topic):
    """[{key, headers, value}] of all that the topic holds, by partition and offset."""
    run = subprocess.run(
        ["kcat", "-C", "-b", f"127.0.0.1:{environment.kafka_port}", "-t", topic, "-o", "beginning",
         "-e", "-q", "-J"], capture_output=True, text=True, timeout=60, check=False)
    equal(run.returncode, 0, f"kcat's exit code ({run.stderr})")
    records = []
    for line in run.stdout.splitlines():
        one = json.loads(line)
        headers = one.get("headers") or []
        records.append({"partition": one["partition"], "offset": one["offset"], "key": one["key"],
                        "headers": dict(zip(headers[0::2], headers[1::2])),
                        "value": json.loads(one["payload"])})
    return records


def rows(environment):
    """[(seq, public, private, hash, body)] as SQLite has them."""
    found = []
    for path in sorted((environment.folder / "ledger").glob("segment-*.db")):
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        found += database.execute(
            "SELECT e.seq, e.public, e.private, e.hash, coalesce(e.body, shared.body) FROM entries e"
            " LEFT JOIN entries shared ON shared.seq = e.body_seq ORDER BY e.seq").fetchall()
        database.close()
    return found


def complete(environment):
    """Waits until the topic holds the ledger's last entry; all of its records."""
    last = rows(environment)[-1][0]
    end = time.monotonic() + 15
    while True:
        records = consume(environment, LEDGER)
        if records and records[-1]["value"]["seq"] >= last or time.monotonic() > end:
            return records
        time.sleep(0.2)


def traffic(environment):
    """Payments of every fate; {id: [kinds]} in order."""
    a, b = environment.bank(A), environment.bank(B)
    fates = {}
    silent = a.pay(B, "1.00")
    b.forwarded(silent.e2e)
    for _ in range(10):
        settled, rejected = a.pay(B, "2.00", instruction="I1"), a.pay(B, "3.00")
        b.forwarded(settled.e2e), b.forwarded(rejected.e2e)
        b.answer(settled.e2e), b.answer(rejected.e2e, "RJCT", "AC03")
        a.result(settled.e2e, "ACSC"), b.result(settled.e2e, "ACCC")
        a.result(rejected.e2e, "RJCT", "AC03")
        fates[settled.e2e] = ["reserved", "settled"]
        fates[rejected.e2e] = ["reserved", "rejected"]
    refused = a.pay(B, "99999999.00")
    a.result(refused.e2e, "RJCT", "AM04")
    fates[refused.e2e] = ["refused"]
    transient = a.pay(B, payer="99999999")
    a.result(transient.e2e, "RJCT", "RC09")
    a.result(silent.e2e, "RJCT", "AB03"), b.result(silent.e2e, "RJCT", "AB03")
    fates[silent.e2e] = ["reserved", "expired"]
    return fates


def ledger_topic(suite, environment, when):
    records = complete(environment)
    stored = rows(environment)
    with suite.case(f"{when}: {LEDGER} holds every entry once, in order, in one partition"):
        equal([one["value"]["seq"] for one in records], [row[0] for row in stored], "sequences")
        equal({one["partition"] for one in records}, {0}, "partitions")
    with suite.case(f"{when}: every hash made again from the event's bytes, linked to the one before"):
        previous = bytes(32)
        for one in (record["value"] for record in records):
            equal(one["prev_hash"], previous.hex(), f"prev_hash of {one['seq']}")
            body = base64.b64decode(one["body"], validate=True) if "body" in one else None
            previous = sha256(
                previous + base64.b64decode(one["public"], validate=True)
                + sha256(base64.b64decode(one["private"], validate=True))
                + (sha256(body) if body else bytes(32)))
            equal(one["hash"], previous.hex(), f"hash of {one['seq']}")
    with suite.case(f"{when}: the bytes are those of the SQLite rows"):
        for record, (seq, public, private, digest, body) in zip(records, stored):
            one = record["value"]
            equal((base64.b64decode(one["public"]), base64.b64decode(one["private"]),
                   bytes.fromhex(one["hash"])), (public, private, digest), f"bytes of {seq}")
            equal(base64.b64decode(one["body"]) if "body" in one else None, body, f"body of {seq}")
    with suite.case(f"{when}: the readable fields"):
        for one in (record["value"] for record in records):
            expect(set(READABLE) <= set(one), f"{set(READABLE) - set(one)} is missing")
            expect(isinstance(one["amount_minor"], int), "amount_minor is no integer")
        settled = [record["value"] for record in records if record["value"]["kind"] == "settled"]
        for one in settled:
            equal((one["payer"], one["payee"], one["amount_minor"], one["currency"], one["reason"]),
                  (A, B, 200, "MXN", None), f"fields of {one['seq']}")
    return records


def cloud_events(suite, records):
    with suite.case("CloudEvents 1.0 in binary mode"):
        ledger = {record["headers"]["ce_id"].split("/")[0] for record in records}
        equal(len(ledger), 1, "ledger ids")
        for record in records:
            headers, value = record["headers"], record["value"]
            equal((headers["ce_specversion"], headers["ce_type"], headers["content-type"]),
                  ("1.0", f"cauce.ledger.{value['kind']}", "application/json"), "headers")
            equal(headers["ce_id"], f"{list(ledger)[0]}/{value['seq']}", "ce_id")
            equal(headers["ce_time"], value["time"], "ce_time")
            expect(headers.get("ce_source"), "no ce_source")
            if value["id"]:
                equal(headers.get("ce_subject"), value["id"], "ce_subject")


def payments_topic(suite, environment, fates, when):
    with suite.case(f"{when}: {PAYMENTS} holds every change of every payment, keyed by its id"):
        records = consume(environment, PAYMENTS)
        found = {}
        for record in sorted(records, key=lambda one: (one["partition"], one["offset"])):
            equal(record["key"], record["value"]["id"], "key")
            expect(record["value"]["kind"] in STATES, f"kind {record['value']['kind']}")
            found.setdefault(record["key"], []).append(record["value"]["kind"])
        equal(found, fates, "changes by payment")


def reads_as_before(suite, before, after):
    with suite.case("after a restart the events are the same as before, and some more"):
        old = [one["value"] for one in before]
        equal([one["value"] for one in after][:len(old)], old, "events")


def main():
    suite = Suite("events")
    if shutil.which("kcat") is None:
        suite.skip("all", "there is no kcat (Debian: apt-get install kcat)")
        finish(suite)
    settings = {"participants.poll_seconds": 1, "payments.deadline_high_ms": 1500}
    with suite.environment_of(participants=3, settings=settings) as environment:
        fates = traffic(environment)
        before = ledger_topic(suite, environment, "first")
        cloud_events(suite, before)
        payments_topic(suite, environment, fates, "first")
        environment.kill()
        environment.start()  # the embedded broker has forgotten everything
        fates |= traffic(environment)
        after = ledger_topic(suite, environment, "after a kill")
        reads_as_before(suite, before, after)
        payments_topic(suite, environment, fates, "after a kill")
    finish(suite)


if __name__ == "__main__":
    main()
