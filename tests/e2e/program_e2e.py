#!/usr/bin/python3
"""WIRE section 6: the files of `cauce dev`, cauced's start and stop, `cauce bank`, `cauce message`,
`cauce verify`. `cauce demo` has demo_e2e.py."""

import json
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

import message
import wire
from harness import Stream, Suite, equal, expect, finish, problem, together
from message import PACS008

A, B, C, RTGS, INDIRECT = "10000001", "10000002", "10000003", "90000001", "10000101"
JSON_RESULT = {"e2e", "state", "reason", "seq", "ms"}


# ---- cauce dev ----


def pair_of(stem):
    octets = stem.with_suffix(".key").read_bytes()
    expect(octets.startswith(b"-----BEGIN PRIVATE KEY-----"), f"{stem}.key is not PKCS#8")
    key = serialization.load_pem_private_key(octets, None)
    certificate = x509.load_pem_x509_certificate(stem.with_suffix(".crt").read_bytes())
    public = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    equal(certificate.public_key().public_bytes(*public), key.public_key().public_bytes(*public),
          f"key of {stem}")
    certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return key, certificate


def files(suite, folder):
    authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    kinds = [("switch/channel", ec.EllipticCurvePrivateKey),
             ("switch/signing", ec.EllipticCurvePrivateKey)]
    for code in (A, B, C, RTGS):
        kinds += [(f"participants/{code}/channel", ec.EllipticCurvePrivateKey),
                  (f"participants/{code}/signing", rsa.RSAPrivateKey)]
    kinds += [(f"operators/{name}", object) for name in ("maker", "checker", "auditor", "rtgs")]
    for name, kind in kinds:
        with suite.case(f"dev: {name}.crt and .key"):
            key, certificate = pair_of(folder / name)
            expect(isinstance(key, kind), f"the key is a {type(key).__name__}")
            if isinstance(key, rsa.RSAPrivateKey):
                equal(key.key_size, 2048, "bits")
            if "signing" in name and "switch" in name:
                equal(key.curve.name, "secp256r1", "curve")
            equal(certificate.issuer, authority.subject, "issuer")
            authority.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes,
                                          ec.ECDSA(certificate.signature_hash_algorithm))
    with suite.case("dev: the switch's certificate names localhost and 127.0.0.1"):
        _, certificate = pair_of(folder / "switch/channel")
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        expect("localhost" in names.get_values_for_type(x509.DNSName), "no localhost")
        addresses = [str(one) for one in names.get_values_for_type(x509.IPAddress)]
        expect("127.0.0.1" in addresses, f"addresses {addresses}")
    with suite.case("dev: the operators' p12 open with the password cauce"):
        for name in ("maker", "checker", "auditor", "rtgs"):
            octets = (folder / f"operators/{name}.p12").read_bytes()
            key, certificate, _ = pkcs12.load_key_and_certificates(octets, b"cauce")
            expect(key is not None and certificate is not None, f"{name}.p12 is not whole")
    with suite.case("dev: genesis.json"):
        genesis = json.loads((folder / "genesis.json").read_text())
        equal((genesis["version"], set(genesis)), (1, {"version", "participants", "operators"}),
              "version and members")
        by_code = {one["code"]: one for one in genesis["participants"]}
        equal(sorted(by_code), sorted((A, B, C, INDIRECT, RTGS)), "codes")
        wanted = {"code", "name", "status", "balance", "payment_limit", "pacs008_max",
                  "settles_through", "role", "channel", "signing"}
        for one in genesis["participants"]:
            equal(set(one), wanted, "members")
        equal((by_code[A]["balance"], by_code[A]["pacs008_max"]), ("1000000.00", 1), A)
        equal((by_code[INDIRECT]["settles_through"], by_code[INDIRECT]["balance"],
               by_code[INDIRECT]["channel"]), (A, "0.00", []), INDIRECT)
        equal((by_code[RTGS]["role"], by_code[RTGS]["balance"]), ("rtgs", "0.00"), RTGS)
        expect(not (folder / "participants" / INDIRECT).exists(), f"{INDIRECT} has files")
        equal({one["role"] for one in genesis["operators"]},
              {"maker", "checker", "auditor", "rtgs"}, "roles")


# ---- cauced ----


def start_fails(suite, environment):
    conf = environment.folder / "cauce.conf"
    spoiled = environment.folder / "spoiled.conf"
    lines = conf.read_text().count("\n") + 1

    def fails(what, code, words, arguments, absent="stopped cleanly"):
        with suite.case(f"cauced: exit {code} with {what}"):
            run = subprocess.run([suite.program("cauced"), *map(str, arguments)],
                                 capture_output=True, text=True, timeout=30, check=False)
            expect(absent not in run.stderr, f"{absent!r} is in {run.stderr[-500:]!r}")
            equal(run.returncode, code, f"exit code ({run.stderr[-300:]})")
            equal(run.stdout, "", "standard output")
            for word in words:
                expect(word in run.stderr, f"{word!r} is not in {run.stderr[-500:]!r}")

    fails("no arguments", 2, ["-c"], [])
    fails("a file that is not there", 2, ["nothing.conf"], ["-c", environment.folder / "nothing.conf"])
    for setting in ("switch.nothing=1", "nothing.code=1", "switch=1", "switch.code=123",
                    "participants.poll_seconds=x", "participants.poll_seconds=-1",
                    "participants.listen=here", "switch.currency=mxn", "switch.profile=nothing",
                    "kafka.mode=nothing", "kafka.rdkafka.=1", "switch.timezone=Mars/Phobos"):
        fails(f"--set {setting}", 2, ["--set", setting.split("=")[0].split(".")[0]],
              ["-c", conf, "--set", setting])
    for line in ("nothing = 1", "[nothing]\nx = 1", "poll_seconds", "[switch]\nloops = many"):
        spoiled.write_text(conf.read_text() + "\n" + line + "\n")
        fails(f"{line!r} in the file", 2, [f"spoiled.conf:{lines + 1 + line.count(chr(10))}"],
              ["-c", spoiled])
    free = [option for key, value in environment.settings.items()
            for option in ("--set", f"{key}={value}")]
    fails("a second cauced on the same ledger", 1, ["ledger"], ["-c", conf, *free])
    for key in ("participants.listen", "admin.listen", "admin.metrics_listen"):
        other = environment.root / "elsewhere"
        fails(f"the port of {key} in use", 1, [str(environment.port)],
              ["-c", conf, *free, "--set", f"ledger.directory={other}",
               "--set", f"{key}=127.0.0.1:{environment.port}"],
              absent="embedded broker")  # which would take seconds to leave
        shutil.rmtree(other, ignore_errors=True)
    genesis = json.loads((environment.folder / "genesis.json").read_text())
    genesis["participants"][1]["channel"] = genesis["participants"][0]["channel"]
    twin = environment.folder / "twin"
    twin.mkdir()
    for one in ("switch", "participants", "operators", "ca.crt"):
        (twin / one).symlink_to(environment.folder / one)
    (twin / "cauce.conf").write_text(conf.read_text())
    (twin / "genesis.json").write_text(json.dumps(genesis))
    with suite.case("cauced: one certificate of two participants in genesis.json does not start"):
        run = subprocess.run([suite.program("cauced"), "-c", str(twin / "cauce.conf"), *free],
                             capture_output=True, text=True, timeout=30, check=False)
        expect(run.returncode in (1, 2) and B in run.stderr, f"{run.returncode}: {run.stderr}")


def stop(suite, environment):
    a, b = environment.bank(A), environment.bank(B)
    with suite.case("SIGTERM: waiting polls get 204, exit 0 within 5 s"):
        streams = [Stream(bank) for bank in (a, a, b)]
        statuses = []

        def wait(stream):
            statuses.append(stream.get().status)

        threads = [threading.Thread(target=wait, args=(one,), daemon=True) for one in streams]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        started = time.monotonic()
        environment.stop()
        for thread in threads:
            thread.join(5)
        equal(statuses, [204] * 3, "statuses of the polls")
        expect(time.monotonic() - started < 5, "it took longer than 5 s")
        for one in streams:
            expect(one.connection.ended(), "a connection stayed open")
            one.close()
    environment.start()
    with suite.case("SIGTERM: the log's last line says so; a request that began before it gets 503"):
        octets = a.payments([message.transfer(A, B)])
        head = {"Content-Type": "application/xml", "Content-Length": str(len(octets))}
        request = wire.make_request("POST", f"/api/v1/in/{A}/msgs", head) + octets
        connection = a.connect()
        connection.send(request[:10])
        a.balances()  # by now the ten octets have been read
        environment.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.send(request[10:])
        response = connection.receive()
        equal((response.status, response.field("connection")), (503, "close"), "answer")
        problem(response)
        expect(re.fullmatch("[1-9][0-9]*", response.field("retry-after") or ""), "no Retry-After")
        expect(connection.ended(), "the connection goes on")
        connection.close()
        environment.stop()
        last = json.loads(environment.logs[-1].read_text().splitlines()[-1])
        equal((last["level"], last["message"]), ("info", "stopped cleanly"), "the last line")
    environment.start()
    with suite.case("SIGTERM with a payment under way: its 201, and it is there after the start"):
        payment = a.pay(B, priority="NORM")
        idle = a.connect()
        idle.send(b"GET /api/v1/in/" + A.encode())  # half a request
        environment.stop()
        idle.close()
        environment.start()
        b.forwarded(payment.e2e)
        b.answer(payment.e2e)
        a.result(payment.e2e, "ACSC"), b.result(payment.e2e, "ACCC")
    with suite.case("SIGINT stops it as cleanly"):
        environment.process.send_signal(signal.SIGINT)
        equal(environment.process.wait(15), 0, "exit code")
        environment.process.stdout.close()
        environment.start()
    with suite.case("genesis.json is read only into an empty ledger"):
        before = a.balances()
        path = environment.folder / "genesis.json"
        genesis = json.loads(path.read_text())
        genesis["participants"][0]["balance"] = "5.00"
        genesis["participants"][0]["status"] = "suspended"
        path.write_text(json.dumps(genesis))
        environment.stop()
        environment.start()
        equal(a.balances(), before, "balances")
        a.pay(B, "0.00")
        a.poll()
        equal(a.events.pop()[2]["reason"], "AM01", "not AG10")
    with suite.case("off: admin, metrics and Kafka are - in the ready line"):
        environment.stop()
        environment.start({"admin.listen": "off", "admin.metrics_listen": "off", "kafka.mode": "off"})
        equal((environment.admin_port, environment.metrics_port, environment.kafka_port),
              (None, None, None), "ports")
        a.balances()
        environment.stop()
        environment.start()


# ---- cauce bank ----


class Tool:
    def __init__(self, suite, environment):
        self.suite = suite
        self.environment = environment

    def command(self, code, *arguments):
        return ["bank", "-c", str(self.environment.folder), "--as", code, "--url",
                f"https://127.0.0.1:{self.environment.port}", "--json", *map(str, arguments)]

    def run(self, code, *arguments, timeout=40.0):
        run = self.suite.cauce(*self.command(code, *arguments), timeout=timeout)
        return run.returncode, [json.loads(line) for line in run.stdout.splitlines()], run.stderr

    def serve(self, code, *arguments):
        process = subprocess.Popen(
            [self.suite.program("cauce"), *self.command(code, "serve", *arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.3)
        return process


def pays(suite, tool, what, serving, amount, count, states, reason):
    with suite.case(f"bank pay and serve: {what}"):
        server = tool.serve(C, *serving) if serving is not None else None
        try:
            code, lines, errors = tool.run(A, "pay", "--to", C, "--amount", amount,
                                           "--count", count)
            *payments, total = lines
            equal(len(payments), count, f"lines of payments ({errors})")
            for one in payments:
                equal(set(one), JSON_RESULT, "members")
                equal((one["state"], one["reason"]), (states, reason), f"result of {one['e2e']}")
                expect((one["seq"] > 0) == (states == "settled"), f"seq {one['seq']}")
                expect(isinstance(one["ms"], (int, float)), "ms is no number")
            wanted = dict.fromkeys(("paid", "settled", "rejected", "expired", "unknown"), 0)
            wanted |= {"paid": count, states: count}
            equal(total, wanted, "last line")
            equal(code, 0, "exit code")
            if server is not None:
                output, errors = server.communicate(timeout=20)
                equal(server.returncode, 0, f"serve's exit code ({errors})")
                served = [json.loads(line) for line in output.splitlines()]
                equal({one["e2e"] for one in served}, {one["e2e"] for one in payments}, "served")
                for one in served:
                    equal((set(one), one["from"], one["amount"]),
                          ({"e2e", "from", "amount", "answer"}, A, amount), "line of serve")
        finally:
            if server is not None and server.poll() is None:
                server.kill()
                server.communicate()


def bank(suite, environment):
    tool = Tool(suite, environment)
    pays(suite, tool, "accept", ["--count", 20], "1.25", 20, "settled", None)
    pays(suite, tool, "reject", ["--reject", "AC03", "--count", 3], "1.00", 3, "rejected", "AC03")
    pays(suite, tool, "delay", ["--accept", "--delay", 300, "--count", 2], "1.00", 2, "settled", None)
    pays(suite, tool, "refused at once", None, "99999999.00", 2, "rejected", "AM04")
    with suite.case("bank serve --silent: the payment expires"):
        server = tool.serve(C, "--silent")
        code, lines, _ = tool.run(A, "pay", "--to", C, "--amount", "1.00")
        equal((code, lines[0]["state"], lines[0]["seq"], lines[-1]["expired"]), (0, "expired", 0, 1),
              "exit code and result")
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=10)
        equal(server.returncode, 0, "serve's exit code")
    with suite.case("bank balance"):
        code, lines, errors = tool.run(C, "balance")
        equal(code, 0, f"exit code ({errors})")
        equal(lines, [{"available": "1000027.00", "reserved": "0.00"}], "balance")
    with suite.case("bank in words for people"):
        run = suite.cauce("bank", "-c", environment.folder, "--as", C, "--url",
                          f"https://127.0.0.1:{environment.port}", "balance")
        equal(run.returncode, 0, "exit code")
        expect("1000027.00" in run.stdout, f"{run.stdout!r}")


def nobody_listens(suite, environment):
    """Starts `bank balance` against a dead port; it tries for a while, so it is asked about later."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{unused.getsockname()[1]}"
    return subprocess.Popen(
        [suite.program("cauce"), "bank", "-c", str(environment.folder), "--as", C, "--url", url,
         "balance"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# ---- cauce message, cauce verify ----


def messages(suite, environment):
    a = environment.bank(A)
    folder = environment.root
    path = folder / "message.xml"
    certificate = environment.folder / "participants" / A / "signing.crt"
    key = certificate.with_suffix(".key")
    name = message.unique("M")
    document = message.pacs008(name, [message.transfer(A, B)])
    text = message.envelope(document, PACS008, A, name)
    signed = a.sign(text)
    other = environment.folder / "participants" / B / "signing.crt"
    rows = (  # what, bytes, more arguments, exit, output
        ("a signed Envelope", signed, [], 0, r"ok pacs\.008\.001\.08"),
        ("with its certificate", signed, ["--cert", certificate], 0, r"ok pacs\.008\.001\.08"),
        ("with another certificate", signed, ["--cert", other], 1,
         r"SIGNATURE /Envelope/AppHdr/Sgntr\S*: .+"),
        ("changed, with its certificate", signed.replace(b">1.00<", b">1.01<"),
         ["--cert", certificate], 1, r"SIGNATURE \S+: .+"),
        ("changed, without", signed.replace(b">1.00<", b">1.01<"), [], 0, r"ok pacs\.008\.001\.08"),
        ("unsigned", text.replace(message.SIGNATURE, "").encode(), [], 0, r"ok pacs\.008\.001\.08"),
        ("a bare Document", document.encode(), [], 0, r"ok pacs\.008\.001\.08"),
        ("a bare AppHdr", re.search("<AppHdr.*</AppHdr>", signed.decode())[0].encode(), [], 0,
         r"ok head\.001\.001\.02"),
        ("of the past and of nobody", signed.replace(f">{A}<".encode(), b">ZZZZZZZZ<", 1), [], 0,
         r"ok pacs\.008\.001\.08"),
        ("not well-formed", signed[:-3], [], 1, r"BADXML \S+: .+"),
        ("white space", b" \n", [], 1, r"BADXML \S+: .+"),
        ("against its XSD", signed.replace(b"<ChrgBr>SLEV", b"<ChrgBr>XXXX"), [], 1,
         r"SCHEMA /Envelope/Document/FIToFICstmrCdtTrf/CdtTrfTxInf/ChrgBr: .+"),
        ("against section 4", document.replace("<ChrgBr>SLEV", "<ChrgBr>DEBT").encode(), [], 1,
         r"SCHEMA /Document/FIToFICstmrCdtTrf/CdtTrfTxInf/ChrgBr: .+"),
        ("of a type that is not taken", signed.replace(b"pacs.008.001.08<", b"pacs.009.001.08<"), [],
         1, r"VERSION /Envelope/AppHdr/MsgDefIdr: .+"),
        ("another BizMsgIdr", signed.replace(b"<MsgId>", b"<MsgId>x"), [], 1,
         r"HEADER /Envelope/AppHdr/BizMsgIdr: .+"),
    )
    for what, octets, more, code, output in rows:
        with suite.case(f"message check: {what}"):
            path.write_bytes(octets)
            run = suite.cauce("message", "check", path, *more)
            equal(run.returncode, code, f"exit code ({run.stdout!r} {run.stderr!r})")
            expect(re.fullmatch(output + r"\n", run.stdout), f"output {run.stdout!r}")
    with suite.case("message check --canonical is lxml's exclusive C14N"):
        spelled = signed.decode().replace("Ana", "&#65;n&#xE1;").replace('Ccy="MXN"', "Ccy='MXN' ")
        path.write_text('<?xml version="1.0"?>\n' + spelled)
        run = subprocess.run([suite.program("cauce"), "message", "check", str(path), "--canonical"],
                             capture_output=True, timeout=20, check=False)
        equal(run.returncode, 0, f"exit code ({run.stderr})")
        equal(run.stdout, message.canonical(message.parse(path.read_bytes())), "canonical form")
    with suite.case("message sign: the switch takes it, and pays"):
        path.write_text(text.replace(message.SIGNATURE, ""))
        run = subprocess.run([suite.program("cauce"), "message", "sign", str(path), "--key",
                              str(key), "--cert", str(certificate)],
                             capture_output=True, timeout=20, check=False)
        equal(run.returncode, 0, f"exit code ({run.stderr})")
        a.send(run.stdout)
        e2e = re.search("EndToEndId>([^<]*)<", document)[1]
        b = environment.bank(B)
        b.forwarded(e2e)
        b.answer(e2e)
        a.result(e2e, "ACSC"), b.result(e2e, "ACCC")


def verify(suite, environment):
    ledger = environment.folder / "ledger"
    with suite.case("verify beside a running cauced, while banks pay"):
        a, b = environment.bank(A), environment.bank(B)

        def traffic(_):
            for _ in range(30):
                payment = a.pay(B)
                b.forwarded(payment.e2e)
                b.answer(payment.e2e)
                a.result(payment.e2e, "ACSC"), b.result(payment.e2e, "ACCC")

        def check(_):
            return [suite.cauce("verify", ledger) for _ in range(5)]

        for run in together(lambda work: work(None), [traffic, check])[1]:
            equal(run.returncode, 0, f"exit code ({run.stdout} {run.stderr})")
            expect(re.fullmatch(r"ok entries=\d+ blocks=\d+ head=[0-9a-f]{64}\n", run.stdout),
                   f"output {run.stdout!r}")
    environment.stop()
    with suite.case("verify of a ledger with one byte changed: exit 1, and its sequence"):
        copy = environment.root / "copy"
        shutil.copytree(ledger, copy)
        for path in copy.glob("segment-*.db"):
            octets = bytearray(path.read_bytes())
            place = octets.rfind(A.encode())
            octets[place] ^= 1
            path.write_bytes(octets)
        run = suite.cauce("verify", copy)
        equal(run.returncode, 1, f"exit code ({run.stdout} {run.stderr})")
        expect(re.search(r"\d", run.stdout), f"output {run.stdout!r}")
    with suite.case("verify of nothing: exit 1 or 2"):
        run = suite.cauce("verify", environment.root / "nothing")
        expect(run.returncode in (1, 2), f"exit {run.returncode}")
    environment.start()


def main():
    suite = Suite("program")
    settings = {"participants.poll_seconds": 2, "payments.deadline_high_ms": 3000}
    with suite.environment_of(participants=3, settings=settings) as environment:
        lonely = nobody_listens(suite, environment)
        files(suite, environment.folder)
        start_fails(suite, environment)
        stop(suite, environment)
        bank(suite, environment)
        messages(suite, environment)
        verify(suite, environment)
        with suite.case("bank: nobody listens: not exit 0, and why"):
            _, errors = lonely.communicate(timeout=40)
            expect(lonely.returncode != 0 and errors, f"exit {lonely.returncode}")
    finish(suite)


if __name__ == "__main__":
    main()
