#!/usr/bin/python3
"""WIRE section 7: receipts, asked for the moment the confirmation is out, and proved offline by the
switch's certificate alone: by `cauce receipt verify`, and by tests/interop/receipt.py."""

import base64
import copy
import importlib.util
import json
import subprocess
import urllib.parse

import message
import oracle
from harness import Suite, equal, expect, finish, together

A, B, C, INDIRECT = "10000001", "10000002", "10000003", "10000101"
QUICK = {"participants.poll_seconds": 1}
VERIFIER = oracle.ROOT / "tests" / "interop" / "receipt.py"


def target(code, e2e):
    return f"/api/v1/receipts/{code}/{urllib.parse.quote(e2e, safe='')}"


def get(bank, e2e, fields=None):
    return bank.request("GET", target(bank.code, e2e), fields)


def receipt_of(bank, e2e):
    response = get(bank, e2e)
    equal(response.status, 200, f"status ({response.body[:300]!r})")
    equal(response.field("content-type"), "application/json", "Content-Type")
    return json.loads(response.body)


def unknown(bank, e2e):
    response = get(bank, e2e)
    oracle.problem(response)
    equal(response.status, 404, "status")


def settle(environment, payer, payee, amount="12.34", **options):
    payment = environment.bank(payer).pay(payee, amount, **options)
    environment.bank(payee).forwarded(payment.e2e)
    environment.bank(payee).answer(payment.e2e)
    environment.bank(payee).result(payment.e2e, "ACCC")
    return payment


class Judges:
    """The two verifiers, on the same bytes."""

    def __init__(self, suite, environment):
        self.suite = suite
        self.file = environment.root / "receipt.json"
        self.certificate = environment.folder / "switch" / "signing.crt"
        described = importlib.util.spec_from_file_location("receipt", VERIFIER)
        self.module = importlib.util.module_from_spec(described)
        described.loader.exec_module(self.module)

    def ask(self, text, certificate):
        return self.suite.cauce("receipt", "verify", "-", "--cert", certificate, stdin=text)

    def accept(self, receipt):
        self.file.write_text(json.dumps(receipt))
        ours = self.ask(json.dumps(receipt), self.certificate)
        theirs = subprocess.run(["/usr/bin/python3", VERIFIER, self.file, self.certificate],
                                timeout=30, capture_output=True, text=True, check=False)
        equal(ours.returncode, 0, f"cauce receipt verify ({ours.stderr!r})")
        equal(theirs.returncode, 0, f"receipt.py ({theirs.stderr!r})")
        equal(theirs.stdout, ours.stdout, "what receipt.py prints")
        return ours.stdout

    def refuse(self, text, what, certificate=None):
        certificate = certificate or self.certificate
        ours = self.ask(text, certificate)
        expect(ours.returncode == 1 and not ours.stdout and ours.stderr,
               f"{what}: cauce ends with {ours.returncode}: {ours.stdout}{ours.stderr}")
        try:
            raise AssertionError(f"{what}: receipt.py says {self.module.judge(text, certificate)}")
        except self.module.WRONG:
            pass


def leaves(value, path=()):
    """(path, value) of everything in a receipt that is no object and no list."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield path, value
        return
    for key, one in inner:
        yield from leaves(one, path + (key,))


def changed(value):
    """Other values that could stand there, of the same type and of another."""
    if isinstance(value, int):
        return [value + 1, str(value), None]
    if value is None:
        return ["AB03", 1, ""]
    other = "0" if value[0] != "0" else "1"
    return [other + value[1:], value[:-1], value + " ", None, ""]


def variants(receipt):
    for path, value in leaves(receipt):
        for other in changed(value):
            copied = copy.deepcopy(receipt)
            holder = copied
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = other
            yield ".".join(map(str, path)) + f" = {other!r}", copied


def shape(receipt):
    """Receipts with something missing, too much, or in another order."""
    for name in receipt:
        yield f"without {name}", {key: one for key, one in receipt.items() if key != name}
    for name in ("entry", "block", "signature"):
        for inner in receipt[name]:
            copied = copy.deepcopy(receipt)
            del copied[name][inner]
            yield f"without {name}.{inner}", copied
        yield f"{name} with more", receipt | {name: receipt[name] | {"note": "x"}}
    yield "with more", receipt | {"note": "x"}
    yield "a longer path", receipt | {"path": receipt["path"] + [{"side": "left", "hash": "0" * 64}]}
    if receipt["path"]:
        yield "a shorter path", receipt | {"path": receipt["path"][1:]}
        yield "the path turned round", receipt | {"path": receipt["path"][::-1] + receipt["path"]}
    yield "no object", [receipt]


def statuses(environment):
    suite, a = environment.suite, environment.bank(A)
    payment = settle(environment, A, B)
    good = target(A, payment.e2e)
    other = target(B, payment.e2e)
    table = (  # what, method, target, fields, status
        ("its receipt", "GET", good, {}, 200),
        ("a query string is ignored", "GET", good + "?x=/", {}, 200),
        ("Accept that admits JSON", "GET", good, {"Accept": "application/*;q=0.1"}, 200),
        ("an id that nobody used", "GET", target(A, "NOBODY"), {}, 404),
        ("no id", "GET", target(A, ""), {}, 404),
        ("an id of 36", "GET", target(A, "x" * 36), {}, 404),
        ("an id with a space", "GET", target(A, "a b"), {}, 404),
        ("a broken escape", "GET", target(A, "x") + "%4", {}, 404),
        ("a code that is none", "GET", "/api/v1/receipts/1000001/x", {}, 404),
        ("another's code comes before the method", "DELETE", other, {}, 403),
        ("the method comes before Accept", "POST", good, {"Accept": "text/html"}, 405),
        ("Accept comes before the id", "GET", target(A, "a b"), {"Accept": "application/xml"}, 406),
    )
    for what, method, path, fields, status in table:
        with suite.case(f"receipts: {what}: {status}"):
            response = a.request(method, path, fields, b"" if method == "POST" else None)
            equal(response.status, status, f"status ({response.body[:200]!r})")
            if status == 405:
                equal(response.field("allow"), "GET", "Allow")
    with suite.case("receipts: HEAD: 405"):
        equal(a.request("HEAD", good).status, 405, "status")
    a.result(payment.e2e, "ACSC")


def whose(environment, judges):
    suite, a, b, c = environment.suite, *map(environment.bank, (A, B, C))
    odd = "E/1:a+b-c_d." + message.unique("")[-10:]
    with suite.case("payer and payee get the same receipt, nobody else; the id is percent-encoded"):
        payment = settle(environment, A, B, "0.01", e2e=odd)
        receipt = receipt_of(a, odd)
        line = judges.accept(receipt)
        expect(f" payer={A} payee={B} amount=0.01 MXN " in line and f" id={odd} " in line, line)
        theirs = receipt_of(b, odd)
        del receipt["signature"], theirs["signature"]
        equal(theirs, receipt, "the payee's receipt, its signature aside")
        unknown(c, odd)
        result = a.result(payment.e2e, "ACSC")
        equal(receipt["entry"]["seq"], int(result["seq"]), "seq and AcctSvcrRef")
    with suite.case("neither names nor balances, in what is readable and in what is hashed"):
        text = json.dumps(receipt) + base64.b64decode(receipt["public"]).decode("latin-1")
        for word in ("Ana", "Luis", "available", "reserved", "balance"):
            expect(word not in text, f"{word} stands in {text}")
    with suite.case("an indirect participant's is its settlement participant's"):
        payment = a.pay(B, "3.00", payer=INDIRECT)
        b.forwarded(payment.e2e)
        b.answer(payment.e2e)
        b.result(payment.e2e, "ACCC")
        a.result(payment.e2e, "ACSC")
        entry = receipt_of(a, payment.e2e)["entry"]
        equal((entry["payer_agent"], entry["payer"]), (INDIRECT, A), "payer")


def not_settled(environment):
    suite, a, b = environment.suite, environment.bank(A), environment.bank(B)
    with suite.case("reserved: 404, the moment it is settled: 200"):
        payment = a.pay(B, "5.00")
        unknown(a, payment.e2e)
        b.forwarded(payment.e2e)
        unknown(b, payment.e2e)
        b.answer(payment.e2e)  # its 201 comes when the entry is on disk
        receipt_of(b, payment.e2e)
        receipt_of(a, payment.e2e)
        a.result(payment.e2e, "ACSC")
        b.result(payment.e2e, "ACCC")
    with suite.case("rejected, and refused: 404"):
        payment = a.pay(B, "5.00")
        b.forwarded(payment.e2e)
        b.answer(payment.e2e, "RJCT", "AC03")
        a.result(payment.e2e, "RJCT", "AC03")
        unknown(a, payment.e2e)
        refused = a.pay("99999999", "5.00")
        a.result(refused.e2e, "RJCT", "RC10")
        unknown(a, refused.e2e)


def many(environment, judges):
    """Ten of one message in one block, asked for in one burst on one connection."""
    suite, a, b = environment.suite, environment.bank(A), environment.bank(B)
    transfers = [message.transfer(A, B, f"{i + 1}.00") for i in range(10)]
    names = [one.partition("<EndToEndId>")[2].partition("<")[0] for one in transfers]
    with suite.case("ten of one block, pipelined: answers in order, each with its own path"):
        a.send(a.payments(transfers))
        for name in names:
            b.forwarded(name)
        b.send(b.answers(*[message.verdict(name, "ACSP") for name in names]))
        connection = b.connect()
        try:
            head = "GET {} HTTP/1.1\r\nHost: x\r\n\r\n"
            connection.send("".join(head.format(target(B, name)) for name in names).encode())
            receipts = [json.loads(connection.receive().body) for _ in names]
        finally:
            connection.close()
        for i, (name, receipt) in enumerate(zip(names, receipts)):
            equal((receipt["entry"]["id"], receipt["entry"]["amount_minor"]), (name, 100 * (i + 1)), "receipt")
            expect(receipt["path"], "there is no path")
            judges.accept(receipt)
        for bank, status in ((a, "ACSC"), (b, "ACCC")):
            for name in names:
                bank.result(name, status)
    return receipts[4]


def tampered(suite, environment, judges, receipt):
    for what, other in [*variants(receipt), *shape(receipt)]:
        with suite.case(f"refused by both: {what[:60]}"):
            judges.refuse(json.dumps(other), what)
    text = json.dumps(receipt)
    with suite.case("refused by both: another certificate, no JSON, a member twice"):
        judges.refuse(text, "another certificate", environment.folder / "participants" / A / "signing.crt")
        judges.refuse(text[:-1], "cut")
        judges.refuse(text[:-1] + ', "version": 1}', "a member twice")
    with suite.case("refused by both: a bit flipped in each 16th byte of public, of the header"):
        for holder, name in ((receipt, "public"), (receipt["block"], "header")):
            octets = base64.b64decode(holder[name])
            for at in range(0, len(octets), 16):
                other = octets[:at] + bytes((octets[at] ^ 1,)) + octets[at + 1:]
                copied = copy.deepcopy(receipt)
                (copied if holder is receipt else copied["block"])[name] = base64.b64encode(other).decode()
                judges.refuse(json.dumps(copied), f"{name} at {at}")
    with suite.case("usage: exit 2"):
        for arguments in ((), ("verify",), ("verify", "x"), ("verify", "x", "--cert", "/nonexistent"),
                          ("check", "x", "--cert", judges.certificate)):
            equal(suite.cauce("receipt", *arguments).returncode, 2, f"exit code of {arguments}")
        judges.file.write_text(text)
        run = suite.cauce("receipt", "verify", "--cert", judges.certificate, judges.file)
        equal((run.returncode, run.stdout[:3]), (0, "ok "), "from a file")


def later(suite, environment, judges):
    """What a restart and a burst of others' requests leave of it."""
    a, b = environment.bank(A), environment.bank(B)
    payment = settle(environment, A, B, "7.77")
    a.result(payment.e2e, "ACSC")
    before = receipt_of(a, payment.e2e)
    for cleanly in (False, True):
        with suite.case("the same behind a " + ("stop" if cleanly else "kill")):
            if cleanly:
                environment.stop()
            else:
                environment.kill()
            environment.start()
            after = receipt_of(a, payment.e2e)
            judges.accept(after)
            equal(after | {"signature": None}, before | {"signature": None}, "receipt")
    with suite.case("clients that go without their answer leave nothing behind"):
        for _ in range(20):
            connection = a.connect()
            connection.send(f"GET {target(A, payment.e2e)} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 3)
            connection.close()
        together(lambda bank: [receipt_of(bank, payment.e2e) for _ in range(50)], [a, b])


def rsa(suite):
    """A switch that signs with RSA-2048."""
    with suite.environment_of(name="RSA", settings=QUICK) as environment:
        environment.stop()
        folder = environment.folder / "switch"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=switch", "-keyout", folder / "signing.key", "-out", folder / "signing.crt"],
                       check=True, capture_output=True)
        environment.oracle = oracle.Oracle(folder / "signing.crt")
        environment.start()
        judges = Judges(suite, environment)
        with suite.case("a switch with RSA-2048: accepted by both, and not as ECDSA"):
            payment = settle(environment, A, B)
            environment.bank(A).result(payment.e2e, "ACSC")
            receipt = receipt_of(environment.bank(A), payment.e2e)
            equal(receipt["signature"]["algorithm"], "rsa-sha256", "algorithm")
            judges.accept(receipt)
            receipt["signature"]["algorithm"] = "ecdsa-sha256"
            judges.refuse(json.dumps(receipt), "the other algorithm")


def main():
    suite = Suite("receipt_e2e")
    with suite.environment_of(settings=QUICK) as environment:
        judges = Judges(suite, environment)
        statuses(environment)
        whose(environment, judges)
        not_settled(environment)
        receipt = many(environment, judges)
        tampered(suite, environment, judges, receipt)
        later(suite, environment, judges)
    rsa(suite)
    finish(suite)


if __name__ == "__main__":
    main()
