#!/usr/bin/python3
"""A bank's connector to be proved by `cauce conformance`, and the ways in which one may be wrong.

    connector.py SOCKET        asks the connector that listens there to pay $CAUCE_AMOUNT to $CAUCE_TO,
                               prints what its books say in the end

One thread polls and answers, one per payment pays; each has a connection of its own, which it makes
again when it breaks. What got no 201 is sent again, the same bytes.
"""

import os
import socket
import ssl
import sys
import threading
import time

FAULTS = (
    "never answers", "answers twice", "forges its signature", "forges a rejection",
    "never confirms", "forgets what it could not answer", "does not connect again",
    "dies of a rejection", "pays again after AB03", "pays anew after a lost 201",
    "writes anew after a lost 201", "books at the 201", "trusts any signature",
)
PAUSE_SECONDS = 0.1
LATE_SECONDS = 0.7  # beyond the time limit


class Connector:
    def __init__(self, folder, code, port, limit_seconds, fault=None):
        import message  # not for `connector.py SOCKET`, which is to be quick
        import oracle

        assert fault is None or fault in FAULTS
        own = folder / "participants" / code
        self.code, self.port, self.fault = code, port, fault
        self.limit_seconds = limit_seconds
        self.context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        self.context.load_cert_chain(own / "channel.crt", own / "channel.key")
        self.signer = message.Signer(own / "signing.key", own / "signing.crt")
        self.oracle = oracle.Oracle(folder / "switch" / "signing.crt")
        self.ending = threading.Event()
        self.answered = set()   # PI-ResourceIds
        self.results = {}       # end-to-end id -> settled, rejected, expired
        self.results_changed = threading.Condition()
        self.post_line = Line(self)
        self.path = str(folder / f"pay-{code}")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.threads = [threading.Thread(target=work, daemon=True)
                        for work in (self.poll_for_ever, self.pay_for_ever)]
        for thread in self.threads:
            thread.start()

    def end(self):
        self.ending.set()
        self.listener.close()
        os.unlink(self.path)

    # ---- being paid ----

    def poll_for_ever(self):
        import message

        line = Line(self)
        start = target = f"/api/v1/out/{self.code}/stream/start"
        while not self.ending.is_set():
            try:
                response = line.request("GET", target, {"Accept": "application/xml, multipart/mixed"})
            except Broken:
                if self.fault == "does not connect again":
                    return
                time.sleep(PAUSE_SECONDS)
                continue
            if response.status == 410:
                target = start
            if response.status not in (200, 204):
                time.sleep(PAUSE_SECONDS)
                continue
            for name, octets in response.messages() if response.status == 200 else []:
                one = message.Message(name, octets)
                if not self.is_the_switchs(one):
                    continue
                for kind, e2e, fields in one.events():
                    if kind == message.PACS008 and name not in self.answered:
                        self.take_payment(name, e2e, fields["amount"])
                    elif kind == message.PACS002:
                        self.take_result(e2e, fields)
            if self.fault != "never confirms":
                target = response.field("pi-pull-next")

    def is_the_switchs(self, one):
        try:
            self.oracle.judge(one, self.code)
        except AssertionError:
            return self.fault == "trusts any signature"
        return True

    def take_payment(self, name, e2e, amount):
        if self.fault == "never answers" or amount == "66.99":
            return
        if self.fault == "forgets what it could not answer":
            self.answered.add(name)
        if amount == "66.45":
            timer = threading.Timer(self.limit_seconds + LATE_SECONDS, self.answer, (e2e, "ACSP"))
            timer.daemon = True
            timer.start()
        elif amount == "66.03":
            self.answer(e2e, "RJCT", "AC03")
        else:
            self.answer(e2e, "ACSP")
            if self.fault == "answers twice":
                self.answer(e2e, "RJCT", "AC03")
        if self.fault != "never confirms":
            self.answered.add(name)

    def answer(self, e2e, status, reason=None):
        import message

        octets = self.signed(message.PACS002, message.pacs002, [message.verdict(e2e, status, reason)])
        if self.fault == "forges its signature" or (
                self.fault == "forges a rejection" and status == "RJCT"):
            octets = octets.replace(b"ACSP", b"ACTC").replace(b"AC03", b"AC04")
        self.post(octets, gives_up=self.fault in ("forgets what it could not answer",
                                                  "does not connect again"))

    def take_result(self, e2e, fields):
        state = {"ACSC": "settled", "RJCT": "rejected"}.get(fields["status"])
        if self.fault == "dies of a rejection" and state == "rejected":
            self.ending.set()
        if state == "rejected" and fields["reason"] == "AB03":
            state = "expired"
        with self.results_changed:
            if state is not None:
                self.results.setdefault(e2e, state)  # the first result stands
            self.results_changed.notify_all()

    # ---- paying ----

    def pay_for_ever(self):
        while not self.ending.is_set():
            try:
                caller = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.pay_for, args=(caller,), daemon=True).start()

    def pay_for(self, caller):
        with caller:
            to, amount = caller.recv(100).decode().split()
            caller.sendall(self.pay(to, amount).encode())

    def pay(self, to, amount):
        import message

        e2e = message.unique("E" + self.code)

        def order():
            transfer = message.transfer(self.code, to, amount, e2e)
            return self.signed(message.PACS008, message.pacs008, [transfer])

        def order_again():
            nonlocal e2e
            if self.fault == "pays anew after a lost 201":
                e2e = message.unique("E" + self.code)
            return order()

        writes_again = self.fault in ("pays anew after a lost 201", "writes anew after a lost 201")
        self.post(order(), again=order_again if writes_again else None)
        if self.fault == "books at the 201":
            return "settled"
        with self.results_changed:
            self.results_changed.wait_for(lambda: e2e in self.results, 60)
            state = self.results.get(e2e, "unknown")
        if state == "expired" and self.fault == "pays again after AB03":
            e2e = message.unique("E" + self.code)
            self.post(order())
        return state

    # ---- sending ----

    def signed(self, kind, document, parts):
        import message

        name = message.unique("M" + self.code)
        return message.sign(message.envelope(document(name, parts), kind, self.code, name), self.signer)

    def post(self, octets, gives_up=False, again=None):
        """Until the 201."""
        while not self.ending.is_set():
            try:
                response = self.post_line.request(
                    "POST", f"/api/v1/in/{self.code}/msgs", {"Content-Type": "application/xml"}, octets)
                if response.status == 201:
                    return
            except Broken:
                octets = again() if again else octets
            if gives_up:
                return
            time.sleep(PAUSE_SECONDS)


class Broken(Exception):
    """No answer: the connection could not be made, or broke."""


class Line:
    """A connection to the switch that is made again when it broke. Any thread may use it."""

    def __init__(self, connector):
        self.connector = connector
        self.lock = threading.Lock()
        self.connection = None

    def request(self, method, target, fields, body=None):
        import wire

        with self.lock:
            try:
                if self.connection is None:
                    self.connection = wire.Connection(self.connector.port, self.connector.context)
                response = self.connection.request(method, target, fields, body)
            except (OSError, wire.Closed) as error:
                if self.connection is not None:
                    self.connection.close()
                self.connection = None
                raise Broken(str(error)) from error
            if response.field("connection") == "close":
                self.connection.close()
                self.connection = None
            return response


def ask(path):
    with socket.socket(socket.AF_UNIX) as connector:
        connector.connect(path)
        connector.sendall(f"{os.environ['CAUCE_TO']} {os.environ['CAUCE_AMOUNT']}".encode())
        print(connector.recv(100).decode())


if __name__ == "__main__":
    ask(sys.argv[1])
