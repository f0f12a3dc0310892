"""The frame of every e2e file: an environment with a running cauced, banks, cases and their count.

    X_e2e.py [--build DIR] [-v]      DIR: $CAUCE_BUILD, else build/release

A file opens one Suite, in it one or more Environments, in them cases. A case fails by any
exception. When cauced dies, the case during which it did fails, and cauced is started again.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request

import message
import oracle
import wire
from oracle import expect, problem  # noqa: F401  (every file takes them from here)

READY = re.compile(
    r"ready participants=https://127\.0\.0\.1:(\d+) admin=(?:https://127\.0\.0\.1:(\d+)|-)"
    r" metrics=(?:http://127\.0\.0\.1:(\d+)|-) kafka=(?:127\.0\.0\.1:(\d+)|-)\n"
)
DEFAULTS = {
    "participants.stream_idle_seconds": 300,  # a bank of a test rests while others are tried
    "participants.listen": "127.0.0.1:0",
    "admin.listen": "127.0.0.1:0",
    "admin.metrics_listen": "127.0.0.1:0",
    "payments.duplicate_capacity": 200000,  # its tables take 450 MiB by default
}
START_SECONDS = 30.0  # with a sanitizer on a busy machine
STOP_SECONDS = 5.0    # WIRE section 6


def equal(got, wanted, what="value"):
    if got != wanted:
        raise AssertionError(f"{what} is {got!r}, expected {wanted!r}")


class Suite:
    def __init__(self, name, options=()):
        """`options`: (name, type, default, help) of further ones; they stand in `arguments`."""
        parser = argparse.ArgumentParser()
        for option, kind, default, words in options:
            parser.add_argument(option, type=kind, default=default, help=words)
        parser.add_argument("--build", default=os.environ.get("CAUCE_BUILD", "build/release"))
        parser.add_argument("-v", "--verbose", action="store_true")
        self.arguments = arguments = parser.parse_args()
        self.name = name
        self.build = (oracle.ROOT / arguments.build).resolve()
        self.verbose = arguments.verbose
        self.passed = self.failed = self.skipped = 0
        self.environment = None
        self.sanitized = sanitized(self.build)
        if oracle.find_schemas() is None:
            self.skip("XSDs", "neither $ISO_XSD_DIR nor ../shared/iso/xsd has them; they are ISO's:"
                              " https://www.iso20022.org/iso-20022-message-definitions")

    def program(self, name):
        return str(self.build / name)

    def cauce(self, *arguments, timeout=30.0, stdin=None):
        """Runs `cauce ...` to its end."""
        return subprocess.run(
            [self.program("cauce"), *map(str, arguments)], input=stdin, timeout=timeout,
            capture_output=True, text=True, check=False,
        )

    def skip(self, name, why):
        self.skipped += 1
        print(f"SKIP {self.name}: {name}: {why}", flush=True)

    def fail(self, name, why):
        self.failed += 1
        print(f"FAIL {self.name}: {name}: {why}", flush=True)

    def case(self, name):
        return Case(self, name)

    @contextlib.contextmanager
    def environment_of(self, **options):
        """A started Environment, stopped cleanly behind the block (which is a case of its own)."""
        environment = Environment(self, **options)
        self.environment = environment
        try:
            environment.start()
            yield environment
            with self.case(f"{environment.name}: what was received, and the end"):
                environment.nothing_left()
                environment.stop()
        finally:
            self.environment = None
            environment.remove()

    def end(self):
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


class Case:
    """with suite.case("name"): ... ; an exception in it is a failed case and goes no further."""

    def __init__(self, suite, name):
        self.suite = suite
        self.name = name
        self.started = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        suite = self.suite
        why = None
        if error is not None:
            if not isinstance(error, Exception):
                return False
            place = traceback.extract_tb(trace)[0]
            why = f"{error} ({kind.__name__}, line {place.lineno})"
        environment = suite.environment
        if environment is not None and environment.died():
            why = f"cauced died: {environment.last_words()}; {why}"
            environment.start()
        if why is None:
            suite.passed += 1
            if suite.verbose:
                print(f"ok   {self.name} ({(time.monotonic() - self.started) * 1000:.0f} ms)",
                      flush=True)
        else:
            suite.fail(self.name, why[:2000])
        return True


def sanitized(build):
    cache = build / "CMakeCache.txt"
    return cache.exists() and re.search(r"^CAUCE_SANITIZE:\w+=\S", cache.read_text(), re.M)


def finish(suite):
    sys.exit(suite.end())


def until(condition, seconds=20.0):
    """What the condition says once it says something true; fails when that takes longer."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        expect(time.monotonic() < end, f"not within {seconds} s")
        time.sleep(0.02)
    return found


class Environment:
    """What `cauce dev` makes, in a folder of its own, and the cauced that runs on it.

    `genesis` edits the parsed genesis.json of the folder before the first start; `settings` become
    --set."""

    def __init__(self, suite, name="environment", participants=4, settings=None, genesis=None,
                 folder=None):
        self.suite = suite
        self.name = name
        self.settings = DEFAULTS | (settings or {})
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="cauce-e2e-"))
        self.folder = folder or self.root / "env"
        self.process = None
        self.banks = {}
        self.logs = []
        if folder is None:
            run = suite.cauce("dev", self.folder, "--participants", participants)
            expect(run.returncode == 0, f"cauce dev: {run.stderr}")
        if genesis is not None:
            path = self.folder / "genesis.json"
            content = json.loads(path.read_text())
            genesis(content, self.folder)
            path.write_text(json.dumps(content))
        self.oracle = oracle.Oracle(self.folder / "switch" / "signing.crt")

    # ---- the process ----

    def command(self, extra=None):
        command = [self.suite.program("cauced"), "-c", str(self.folder / "cauce.conf")]
        for key, value in (self.settings | (extra or {})).items():
            command += ["--set", f"{key}={value}"]
        return command

    def start(self, extra=None):
        log = self.root / f"stderr.{len(self.logs)}"
        self.logs.append(log)
        with open(log, "wb") as errors:
            self.process = subprocess.Popen(
                self.command(extra), stdout=subprocess.PIPE, stderr=errors, text=True
            )
        line = read_line(self.process.stdout, START_SECONDS)
        match = READY.fullmatch(line)
        if not match:
            self.kill()
            raise AssertionError(f"no ready line but {line!r}: {self.last_words()}")
        self.port, self.admin_port, self.metrics_port, self.kafka_port = (
            int(port) if port else None for port in match.groups()
        )
        for bank in self.banks.values():
            bank.disconnect()
        return self

    def died(self):
        return self.process is not None and self.process.poll() is not None

    def last_words(self):
        text = self.logs[-1].read_text(errors="replace")
        report = re.search(r"(ERROR: \w+Sanitizer.*|runtime error:.*|WARNING: ThreadSan.*)", text)
        return report[0] if report else text[-500:]

    def stop(self):
        """SIGTERM; fails when the end is not clean, within 5 s (15 with a sanitizer)."""
        process, self.process = self.process, None
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(3 * STOP_SECONDS if self.suite.sanitized else STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("cauced did not stop within 5 s of SIGTERM") from None
        finally:
            rest = process.stdout.read()
            process.stdout.close()
        equal(code, 0, "cauced's exit code after SIGTERM")
        equal(rest, "", "standard output behind the ready line")
        self.check_log()
        return time.monotonic() - started

    def kill(self):
        process, self.process = self.process, None
        process.kill()
        process.wait()
        process.stdout.close()
        self.check_log()

    def check_log(self):
        """Every line of standard error is JSON, none fatal, none a sanitizer's."""
        for line in self.logs[-1].read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                raise AssertionError(f"a line of the log: {self.last_words()}") from None
            expect(entry["level"] != "fatal", f"fatal: {line}")

    def metrics(self):
        """{name: value} of the metrics without labels."""
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as response:
            text = response.read().decode()
        return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", text, re.M)}

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024

    def remove(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        for bank in self.banks.values():
            bank.disconnect()
        shutil.rmtree(self.root, ignore_errors=True)

    # ---- who talks to it ----

    def bank(self, code):
        if code not in self.banks:
            self.banks[code] = Bank(self, code)
        return self.banks[code]

    def context(self, pair=None, protocols=("http/1.1",), **options):
        """A TLS client of this environment, with the certificate DIR/{pair}.crt unless None, that
        offers these protocols unless None."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        if protocols is not None:
            context.set_alpn_protocols(list(protocols))
        for name, value in options.items():
            setattr(context, name, value)
        if pair is not None:
            stem = str(self.folder / pair)
            context.load_cert_chain(stem + ".crt", stem + ".key")
        return context

    def decline(self, payer, payee, e2e):
        """The payment has come: the payee's bank declines it, so that no balance moves. Another of
        that id would be found at the end."""
        self.bank(payee).forwarded(e2e)
        self.bank(payee).answer(e2e, "RJCT", "AC03")
        self.bank(payer).result(e2e, "RJCT", "AC03")

    def nothing_left(self):
        """No bank got what no case had expected, nor gets it now."""
        listening = [bank for bank in self.banks.values() if bank.stream is not None]
        together(lambda bank: bank.poll(until_empty=True), listening)
        for bank in self.banks.values():
            expect(not bank.events, f"{bank.code} has also got {bank.events[:3]}")


def together(work, things):
    """work(thing) for all things at once; the first exception of any is raised here."""
    with concurrent.futures.ThreadPoolExecutor(max(1, len(things))) as pool:
        return list(pool.map(work, things))


def read_line(pipe, seconds):
    """One line of a pipe, or what came of it in that time."""
    lines = []
    thread = threading.Thread(target=lambda: lines.append(pipe.readline()), daemon=True)
    thread.start()
    thread.join(seconds)
    return lines[0] if lines else ""


def end_to_end_id(transfer):
    return re.search(r"<EndToEndId>([^<]*)<", transfer)[1]


class Payment:
    def __init__(self, payer, payee, transfer, octets, ids):
        self.payer = payer
        self.payee = payee
        self.transfer = transfer
        self.e2e = end_to_end_id(transfer)
        self.octets = octets
        self.ids = ids


class Bank:
    """A participant: one connection to send on, one stream to receive on, and what it received."""

    def __init__(self, environment, code, files=None):
        self.environment = environment
        self.code = code
        stem = environment.folder / "participants" / (files or code)
        self.pair = f"participants/{files or code}/channel"
        self.context = environment.context(self.pair)
        self.signer = message.Signer(stem / "signing.key", stem / "signing.crt")
        self.lock = threading.Lock()
        self.connection = None
        self.stream = None
        self.events = []    # what wait() has not taken yet
        self.repeated = []  # PI-ResourceIds that came again

    def connect(self, **options):
        """A new connection, the caller's to close."""
        return wire.Connection(self.environment.port, self.context, **options)

    def disconnect(self):
        for thing in (self.connection, self.stream):
            if thing is not None:
                thing.close()
        self.connection = self.stream = None

    # ---- sending ----

    def request(self, method, target, fields=None, body=None):
        """On the bank's own connection, which is made again when the last answer closed it. Any
        thread may call it."""
        with self.lock:
            if self.connection is None:
                self.connection = self.connect()
            response = self.connection.request(method, target, fields, body)
            if response.field("connection") == "close":
                self.connection.close()
                self.connection = None
            return response

    def post(self, body, kind="application/xml", fields=None, code=None):
        return self.request(
            "POST", f"/api/v1/in/{code or self.code}/msgs",
            {"Content-Type": kind} | (fields or {}), body,
        )

    def send(self, *octets):
        """Posts signed messages, one or several at once; gives their PI-ResourceIds."""
        if len(octets) == 1:
            response = self.post(octets[0])
        else:
            response = self.post(*wire.make_multipart(octets))
        equal(response.status, 201, f"status ({response.body[:300]!r})")
        ids = [one.strip() for one in response.field("pi-resourceid").split(",")]
        equal(len(ids), len(octets), "number of PI-ResourceIds")
        return ids

    def sign(self, text, **options):
        return message.sign(text, self.signer, **options)

    def payments(self, transfers, **header):
        """The signed bytes of a pacs.008 of these CdtTrfTxInf."""
        name = message.unique("M" + self.code)
        document = message.pacs008(name, transfers)
        return self.sign(message.envelope(document, message.PACS008, self.code, name, **header))

    def payment(self, to):
        """A good pacs.008 of one payment, signed and not sent, and its end-to-end id."""
        transfer = message.transfer(self.code, to)
        return self.payments([transfer]), end_to_end_id(transfer)

    def pay(self, to, amount="1.00", **options):
        payer = options.pop("payer", self.code)
        transfer = message.transfer(payer, to, amount, **options)
        octets = self.payments([transfer])
        return Payment(self.code, to, transfer, octets, self.send(octets))

    def answers(self, *verdicts):
        """The signed bytes of a pacs.002 of these TxInfAndSts."""
        name = message.unique("M" + self.code)
        document = message.pacs002(name, verdicts)
        return self.sign(message.envelope(document, message.PACS002, self.code, name))

    def answer(self, e2e, status="ACSP", reason=None):
        return self.send(self.answers(message.verdict(e2e, status, reason)))

    def balances(self):
        """(available, reserved) now, as text."""
        name = message.unique("M" + self.code)
        document = message.camt060(name, self.code, self.code)
        self.send(self.sign(message.envelope(document, message.CAMT060, self.code, name)))
        report = self.wait(message.CAMT052, name)
        return report["available"], report["reserved"]

    # ---- receiving ----

    def poll(self, until_empty=False):
        """One GET on the bank's stream; with `until_empty`, until a 204."""
        while True:
            if self.stream is None:
                self.stream = Stream(self)
            received = self.stream.next()
            for one in received:
                if self.environment.oracle.judge(one, self.code):
                    self.events += one.events()
                else:
                    self.repeated.append(one.resource_id)
            if not received or not until_empty:
                return

    def wait(self, kind, key, seconds=10.0):
        """Takes the first event of this kind about this key, polling until it comes."""
        end = time.monotonic() + seconds
        while True:
            for place, event in enumerate(self.events):
                if event[:2] == (kind, key):
                    return self.events.pop(place)[2]
            if time.monotonic() > end:
                also = [event[:2] for event in self.events]
                raise AssertionError(f"{self.code} got no {kind} about {key}; it has {also}")
            self.poll()

    def result(self, e2e, status=None, reason=None, **options):
        """The next pacs.002 about this payment; checks what is given."""
        found = self.wait(message.PACS002, e2e, **options)
        if status is not None:
            equal((found["status"], found["reason"]), (status, reason), f"result of {e2e}")
        return found

    def forwarded(self, e2e, **options):
        return self.wait(message.PACS008, e2e, **options)

    def refusal(self, reference, reason=None):
        """The next admi.002 with this Ref."""
        found = self.wait(message.ADMI002, reference)
        if reason is not None:
            equal(found["reason"], reason, f"RjctgPtyRsn ({found['location']}: {found['words']})")
        return found


class Stream:
    """One stream on one connection: next() confirms what the last one gave and asks for more."""

    def __init__(self, bank, accept="multipart/mixed, application/xml", code=None, connection=None):
        self.bank = bank
        self.accept = accept
        self.connection = connection or bank.connect()
        self.target = f"/api/v1/out/{code or bank.code}/stream/start"
        self.response = None

    def get(self, target=None):
        """One GET, of the URL that is next unless given; the raw answer."""
        self.response = self.connection.request(
            "GET", target or self.target, {"Accept": self.accept} if self.accept else {}
        )
        if self.response.status in (200, 204):
            self.target = self.response.field("pi-pull-next")
            expect(re.fullmatch(r"/api/v1/out/[0-9A-Z]{8}/stream/[^/]+", self.target or ""),
                   f"PI-Pull-Next is {self.target!r}")
        return self.response

    def next(self):
        response = self.get()
        expect(response.status in (200, 204), f"a poll got {response.status} {response.body[:300]!r}")
        if response.status == 204:
            return []
        return [message.Message(name, octets) for name, octets in response.messages()]

    def delete(self):
        return self.connection.request("DELETE", self.target)

    def close(self):
        self.connection.close()
