#!/usr/bin/python3
"""A bank of the crash test: pays, answers, and logs with a sync each thing that it was told.

    bank.py FOLDER CODE LOG PEER...

It finds the switch by FOLDER/port, which is rewritten at each start of the switch. A body without a
201 is sent again, the same bytes, until it has one, as WIRE section 1 promises that this is safe.
It pays until FOLDER/stop is there, and listens until nothing has come for QUIET polls.

An end-to-end id says what the payee's bank does with it: A accepts, R rejects, S stays silent.
One log line is one JSON object; a line is on disk before the bank acts on it.
"""

import hashlib
import json
import os
import pathlib
import random
import re
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import message  # noqa: E402
import wire  # noqa: E402

QUIET = 6            # polls of a second: longer than the time limit of the payments
MESSAGES_MAX = 4     # in a body
TRANSFERS_MAX = 3    # in a message
RETRY_SECONDS = 0.05
FATES = "A" * 15 + "RRR" + "SS"
REJECTION = "AC03"


class Log:
    def __init__(self, path):
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.lock = threading.Lock()

    def write(self, *lines):
        octets = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        with self.lock:
            os.write(self.descriptor, octets)
            os.fsync(self.descriptor)


class Line:
    """A connection that is made again, for as long as it takes."""

    def __init__(self, bank):
        self.bank = bank
        self.connection = None

    def request(self, *request):
        """The answer, or None when it is not known what became of the request."""
        try:
            if self.connection is None:
                port = int((self.bank.folder / "port").read_text())
                self.connection = wire.Connection(port, self.bank.context, timeout=15)
            response = self.connection.request(*request)
        except (OSError, ssl.SSLError, wire.Closed, ValueError):
            self.drop()
            time.sleep(RETRY_SECONDS)
            return None
        if response.field("connection") == "close":
            self.drop()
        return response

    def drop(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Bank:
    def __init__(self, folder, code, log, peers):
        self.folder = folder
        self.code = code
        self.log = Log(log)
        self.peers = peers
        stem = folder / "participants" / code
        self.signer = message.Signer(stem / "signing.key", stem / "signing.crt")
        self.context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        self.context.load_cert_chain(f"{stem}/channel.crt", f"{stem}/channel.key")
        self.answered = set()

    def stopping(self):
        return (self.folder / "stop").exists()

    def signed(self, document, kind, name):
        return message.sign(message.envelope(document, kind, self.code, name), self.signer)

    def post(self, line, body, kind="application/xml"):
        """Until there is a 201."""
        while True:
            response = line.request("POST", f"/api/v1/in/{self.code}/msgs",
                                    {"Content-Type": kind}, body)
            if response is not None and response.status == 201:
                return
            if response is not None and response.status not in (429, 503):
                raise AssertionError(f"status {response.status} {response.body[:300]!r}")
            time.sleep(RETRY_SECONDS)

    # ---- paying ----

    def pay(self):
        line, chance = Line(self), random.Random(os.urandom(8))
        while not self.stopping():
            parts, sent = [], []
            for _ in range(chance.randint(1, MESSAGES_MAX)):
                transfers = []
                for _ in range(chance.randint(1, TRANSFERS_MAX)):
                    fate = chance.choice(FATES)
                    one = {"e2e": message.unique(fate + self.code), "to": chance.choice(self.peers),
                           "minor": chance.randint(1, 5000)}
                    priority = "NORM" if fate != "S" and chance.random() < 0.3 else None
                    transfers.append(message.transfer(
                        self.code, one["to"], f"{one['minor'] // 100}.{one['minor'] % 100:02d}",
                        one["e2e"], priority=priority))
                    sent.append(one)
                name = message.unique("M" + self.code)
                parts.append(self.signed(message.pacs008(name, transfers), message.PACS008, name))
            self.log.write(*({"what": "sent"} | one for one in sent))
            self.post(line, *wire.make_multipart(parts))
            self.log.write({"what": "201", "e2e": [one["e2e"] for one in sent]})

    # ---- listening ----

    def listen(self):
        line, answers = Line(self), Line(self)
        start = f"/api/v1/out/{self.code}/stream/start"
        target, quiet = start, 0
        while not (self.stopping() and quiet >= QUIET):
            response = line.request("GET", target,
                                    {"Accept": "multipart/mixed, application/xml"})
            if response is None or response.status in (410, 429, 503):
                target, quiet = start, 0
                if response is not None:
                    time.sleep(RETRY_SECONDS)
                continue
            if response.status not in (200, 204):
                raise AssertionError(f"a poll got {response.status} {response.body[:300]!r}")
            target = response.field("pi-pull-next")
            quiet = quiet + 1 if response.status == 204 else 0
            if response.status == 200:
                self.read(response.messages(), answers)

    def read(self, messages, answers):
        lines, asked = [], []
        for name, octets in messages:
            one = message.Message(name, octets)
            lines.append({"what": "message", "id": name,
                          "content": hashlib.sha256(one.content()).hexdigest()})
            for kind, key, fields in one.events():
                if kind == message.PACS008:
                    lines.append({"what": "pacs.008", "e2e": key, "id": name})
                    asked.append(key)
                elif kind == message.PACS002:
                    lines.append({"what": "pacs.002", "e2e": key, "id": name,
                                  "status": fields["status"], "reason": fields["reason"],
                                  "seq": fields["seq"]})
                else:
                    raise AssertionError(f"{kind}: {fields}")
        self.log.write(*lines)
        verdicts = []
        for e2e in asked:
            if e2e not in self.answered and e2e[0] != "S":
                self.answered.add(e2e)
                rejects = e2e[0] == "R"
                verdicts.append(message.verdict(e2e, "RJCT" if rejects else "ACSP",
                                                REJECTION if rejects else None))
        for first in range(0, len(verdicts), 10):
            name = message.unique("M" + self.code)
            document = message.pacs002(name, verdicts[first:first + 10])
            self.post(answers, self.signed(document, message.PACS002, name))


def main():
    folder, code, log, *peers = sys.argv[1:]
    expected = re.fullmatch("[0-9A-Z]{8}", code)
    if not expected:
        sys.exit(2)
    bank = Bank(pathlib.Path(folder), code, log, peers)
    failures = []

    def guarded(work):
        try:
            work()
        except BaseException as error:
            failures.append(error)
            raise

    payer = threading.Thread(target=guarded, args=(bank.pay,), daemon=True)
    payer.start()
    guarded(bank.listen)
    payer.join(30)
    sys.exit(1 if failures or payer.is_alive() else 0)


if __name__ == "__main__":
    main()
