#!/usr/bin/python3
"""A receipt's check in another language, written from ledger/README.md ("Receipts") alone.

    receipt.py FILE CERTIFICATE     FILE - is standard input

Nothing is believed but the certificate. Exit 0 and what is proved, in the words of `cauce receipt
verify`; exit 1 and the first thing wrong. The signature itself is left to the program openssl.
"""

import base64
import datetime
import hashlib
import json
import ssl
import struct
import subprocess
import sys
import tempfile

MEMBERS = {"version", "entry", "public", "private_hash", "body_hash", "prev_hash", "hash", "path", "block", "signature"}
WRONG = (ValueError, LookupError, TypeError, AttributeError)  # all but the first: JSON of another shape


def need(condition, words):
    if not condition:
        raise ValueError(words)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def from_hex(text, what):
    need(isinstance(text, str) and len(text) == 64 and set(text) <= set("0123456789abcdef"), f"{what} is no hash")
    return bytes.fromhex(text)


def from_base64(text, what):
    try:
        octets = base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        raise ValueError(f"{what} is not base64") from None
    need(base64.b64encode(octets).decode() == text, f"{what} is not base64")
    return octets


def once(pairs):
    need(len({name for name, _ in pairs}) == len(pairs), "a member stands twice")
    return dict(pairs)


def instant(nanoseconds):
    moment = datetime.datetime.fromtimestamp(nanoseconds // 10**9, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds % 10**9:09}Z"


def same(said, stored, what):
    """Equal as JSON: also of the same types, 1 is not true, nor 1.0."""
    need(json.dumps(said, sort_keys=True) == json.dumps(stored, sort_keys=True), f"{what} is not what the bytes say")


def entry_of(public):
    """The readable entry, from the 208 hashed bytes."""
    need(len(public) == 208, "public is not 208 bytes long")
    version, kind, seq, time_ns = struct.unpack_from("<IIQq", public)
    need((version, kind) == (1, 6), "public is of another version, or not of a settled payment")
    text = lambda at, size: public[at : at + size].split(b"\0")[0].decode() or None
    (amount,) = struct.unpack_from("<q", public, 56)
    deadline_ns, opened_by, returned_seq = struct.unpack_from("<qQQ", public, 120)
    return {
        "seq": seq, "time": instant(time_ns), "kind": "settled", "payer": text(40, 8), "payee": text(48, 8),
        "payer_agent": text(24, 8), "payee_agent": text(32, 8), "amount_minor": amount, "currency": text(116, 4),
        "id": public[65 : 65 + public[64]].decode(), "reason": text(100, 16),
        "deadline": instant(deadline_ns) if deadline_ns else None,
        "opened_by": opened_by or None, "returned_seq": returned_seq or None,
    }


def climb(receipt, entry_hash, place, count):
    """The root to which the path leads from the entry at `place` among the `count` of its block."""
    reached, steps = sha256(b"\0", entry_hash), list(receipt["path"])
    while count > 1:
        if place % 2 == 1 or place + 1 < count:
            need(steps, "path is too short")
            step, side = steps.pop(0), ("right", "left")[place % 2]
            need(set(step) == {"side", "hash"} and step["side"] == side, "path goes another way")
            sibling = from_hex(step["hash"], "path's hash")
            pair = (sibling, reached) if place % 2 else (reached, sibling)
            reached = sha256(b"\1", *pair)
        place, count = place // 2, (count + 1) // 2
    need(not steps, "path is too long")
    return reached


def check_signature(said, header, certificate):
    need(set(said) == {"algorithm", "value", "certificate_sha256"}, "signature has other members")
    named = from_hex(said["certificate_sha256"], "signature.certificate_sha256")
    need(named == sha256(ssl.PEM_cert_to_DER_cert(open(certificate).read())), "another certificate has signed")
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], check=True, capture_output=True)
    kind = subprocess.run(["openssl", "pkey", "-pubin", "-text", "-noout"], input=key.stdout, capture_output=True)
    same(said["algorithm"], "ecdsa-sha256" if b"prime256v1" in kind.stdout else "rsa-sha256", "signature.algorithm")
    with tempfile.NamedTemporaryFile(buffering=0) as key_file, tempfile.NamedTemporaryFile(buffering=0) as signature:
        key_file.write(key.stdout)
        signature.write(from_base64(said["value"], "signature.value"))
        command = ["openssl", "dgst", "-sha256", "-verify", key_file.name, "-signature", signature.name]
        done = subprocess.run(command, input=header, capture_output=True, check=False)
    need(done.returncode == 0, "the signature is not the certificate's over block.header")


def check(receipt, certificate):
    need(isinstance(receipt, dict) and set(receipt) == MEMBERS, "members are missing, or others are there")
    same(receipt["version"], 1, "version")
    public = from_base64(receipt["public"], "public")
    same(receipt["entry"], entry_of(public), "entry")
    previous, *hidden = [from_hex(receipt[name], name) for name in ("prev_hash", "private_hash", "body_hash")]
    entry_hash = sha256(previous, public, *hidden)
    need(from_hex(receipt["hash"], "hash") == entry_hash, "hash is another")

    header = from_base64(receipt["block"]["header"], "block.header")
    need(len(header) == 104, "block.header is not 104 bytes long")
    version, count, number, first, last, time_ns = struct.unpack_from("<IIQQQq", header)
    need(version == 1 and 1 <= count <= 4096 and last - first == count - 1, "block.header cannot be")
    readable = {"header": receipt["block"]["header"], "number": number, "root": header[72:].hex(),
                "previous": header[40:72].hex(), "first": first, "last": last, "time": instant(time_ns)}
    same(receipt["block"], readable, "block")
    place = receipt["entry"]["seq"] - first
    need(0 <= place < count, "the block does not hold the entry")
    need(climb(receipt, entry_hash, place, count) == header[72:], "path does not lead to the root")
    check_signature(receipt["signature"], header, certificate)


def judge(text, certificate):
    """What the receipt proves; else an exception of WRONG."""
    check(receipt := json.loads(text, object_pairs_hook=once), certificate)
    entry = receipt["entry"]
    amount = "{}.{:02}".format(*divmod(entry["amount_minor"], 100))
    return (f"ok seq={entry['seq']} id={entry['id']} payer={entry['payer']} payee={entry['payee']} "
            f"amount={amount} {entry['currency']} time={entry['time']}")


if __name__ == "__main__":
    try:
        print(judge(sys.stdin.read() if sys.argv[1] == "-" else open(sys.argv[1]).read(), sys.argv[2]))
    except WRONG as error:
        sys.exit(f"{error}")
