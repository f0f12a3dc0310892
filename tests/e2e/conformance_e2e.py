#!/usr/bin/python3
"""`cauce conformance`: a connector that does all well passes, each wrong one fails where it is wrong."""

import concurrent.futures
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import connector
from harness import Suite, equal, expect, finish, read_line

CODE, OTHER = "10000001", "10000002"
LIMIT_SECONDS = 3
RUN_SECONDS = 150.0  # with a sanitizer on a busy machine
AT_ONCE, AT_ONCE_SANITIZED = 8, 2  # most of the time they wait
ASK = pathlib.Path(connector.__file__).resolve()

# What is wrong with it, the steps to be run, the one that must fail, what its words must hold.
# The long ones first.
WRONG = (
    ("forgets what it could not answer", "redeliver", "redeliver", "delivered again"),
    ("does not connect again", "crash", "redeliver", "delivered again"),
    ("pays again after AB03", "pay-expired", "pay-expired", "2 times for one order"),
    ("trusts any signature", "forged", "forged", "had not signed"),
    ("dies of a rejection", "silent", "silent", "no valid answer"),
    ("never answers", "accept", "accept", r"no valid answer within 3000 ms \(AB03\)"),
    ("forges its signature", "accept", "accept", r"refused a message .*: SIGNATURE "),
    ("forges a rejection", "reject", "reject", r"refused a message .*: SIGNATURE "),
    ("never confirms", "confirm", "confirm", "does not confirm"),
    ("pays anew after a lost 201", "pay-unheard", "pay-unheard", "2 times for one order"),
    ("writes anew after a lost 201", "pay-unheard", "pay-unheard",
     r'is settled .* says "(rejected|expired)"'),
    ("books at the 201", "pay-rejected", "pay-rejected", r'is rejected .* says "settled"'),
    ("answers twice", "burst", "burst", "10 answers more than payments"),
)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Proof:
    """One run of the kit on an environment of its own."""

    def __init__(self, suite, root, name):
        self.suite = suite
        self.folder = root / re.sub(r"\W", "-", name)
        self.port = free_port()
        shutil.copytree(root / "environment", self.folder)
        path = self.folder / "cauce.conf"
        settings = path.read_text()
        for old, new in (("#listen = 127.0.0.1:8443", f"listen = 127.0.0.1:{self.port}"),
                         ("#deadline_high_ms = 10000", f"deadline_high_ms = {LIMIT_SECONDS * 1000}"),
                         ("#duplicate_capacity = 10000000", "duplicate_capacity = 1000")):
            expect(old in settings, f"cauce.conf has no {old}")
            settings = settings.replace(old, new)
        path.write_text(settings)

    def run(self, fault, *options, pays=True):
        """(exit code, output, report as JSON)"""
        report = self.folder / "report.json"
        command = [self.suite.program("cauce"), "conformance", "-c", str(self.folder), "--as", CODE,
                   "--report", str(report), "--patience", "20", *options]
        if pays:
            command += ["--pay", f"{sys.executable} {ASK} {self.folder}/pay-{CODE}"]
        kit = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        proved = None
        try:
            first = read_line(kit.stdout, RUN_SECONDS)
            if first:
                proved = connector.Connector(self.folder, CODE, self.port, LIMIT_SECONDS, fault)
            output, errors = kit.communicate(timeout=RUN_SECONDS)
        except BaseException:
            kit.kill()
            kit.communicate()
            raise
        finally:
            if proved is not None:
                proved.end()
        output = first + output + errors
        expect(first, f"the kit did not begin: {errors}")
        return kit.returncode, output, json.loads(report.read_text())


def prove_good(suite, root):
    with suite.case("a good connector passes every step"):
        proof = Proof(suite, root, "good")
        code, output, report = proof.run(None)
        wrong = [step for step in report["steps"] if step["outcome"] != "ok"]
        equal(wrong, [], f"steps that are not ok ({output})")
        equal(code, 0, "exit code")
        listed = re.findall(r"^ +\d+  (\S+)", suite.cauce("conformance", "--list").stdout, re.M)
        equal([step["step"] for step in report["steps"]], listed, "steps")
        expect(len(listed) >= 12, f"only {len(listed)} steps")
        equal((report["connector"], report["passed"], report["failed"], report["not_run"]),
              (CODE, len(listed), 0, 0), "totals")
        expect(output.endswith(f"{CODE}: passed {len(listed)}, failed 0, not run 0\n"), output)
        run = suite.cauce("verify", proof.folder / "ledger")
        equal(run.returncode, 0, f"cauce verify ({run.stdout})")


def prove_ours(suite, root):
    """`cauce bank serve --by-amount` is a connector, too; nobody pays, so half of it is not asked."""
    with suite.case("cauce bank serve --by-amount passes what it can do"):
        proof = Proof(suite, root, "ours")
        command = [suite.program("cauce"), "bank", "-c", str(proof.folder), "--as", CODE, "serve",
                   "--by-amount"]
        serving = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            run = suite.cauce("conformance", "-c", proof.folder, "--as", CODE, "--patience", 20,
                              "--only", "text,burst,reject,silent,late,unheard,crash,forged,books",
                              timeout=RUN_SECONDS)
        finally:
            serving.terminate()
            serving.wait()
        equal(run.returncode, 0, f"exit code ({run.stdout} {run.stderr})")
        expect("passed 14, failed 0, not run 0" in run.stdout, run.stdout)


def prove_person(suite, root):
    """Without --pay the screen says what to do; SIGINT ends all."""
    proof = Proof(suite, root, "person")
    command = [suite.program("cauce"), "conformance", "-c", str(proof.folder), "--as", CODE]
    with suite.case("a person pays when the screen says so"):
        kit = subprocess.Popen([*command, "--only", "pay"], stdout=subprocess.PIPE, text=True)
        read_line(kit.stdout, RUN_SECONDS)
        proved = connector.Connector(proof.folder, CODE, proof.port, LIMIT_SECONDS)
        try:
            asked = [read_line(kit.stdout, RUN_SECONDS) for _ in range(3)]
            expect(f"-> pay 12.01 to {OTHER}\n" in asked[2], f"lines {asked}")
            equal(proved.pay(OTHER, "12.01"), "settled", "the connector's books")
            output = kit.communicate(timeout=RUN_SECONDS)[0]
        finally:
            kit.kill()
            proved.end()
        equal(kit.returncode, 0, f"exit code ({output})")
        expect("-> your books must say: settled\n" in output, output)
    with suite.case("SIGINT ends the kit and its switch"):
        kit = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        read_line(kit.stdout, RUN_SECONDS)
        read_line(kit.stdout, RUN_SECONDS)
        switch = int(pathlib.Path(f"/proc/{kit.pid}/task/{kit.pid}/children").read_text().split()[0])
        kit.send_signal(signal.SIGINT)
        output = kit.communicate(timeout=RUN_SECONDS)[0]
        equal(kit.returncode, 1, "exit code")
        expect("not run  1 connect" in output and "interrupted" in output, output)
        expect(not pathlib.Path(f"/proc/{switch}").exists(), "the switch runs on")


def prove_wrong(suite, root, fault, only, failing, words):
    with suite.case(f"a connector that {fault} fails {failing} alone"):
        code, output, report = Proof(suite, root, fault).run(fault, "--only", only + ",books")
        failed = [step["step"] for step in report["steps"] if step["outcome"] == "failed"]
        equal(failed, [failing], f"failed steps ({output})")
        equal(code, 1, "exit code")
        why = next(step["why"] for step in report["steps"] if step["step"] == failing)
        expect(re.search(words, why), f"the words are {why!r}")
        expect(re.search(rf"^FAILED +\d+ {failing} ", output, re.M), output)


def prove_refusals(suite, root):
    for name, arguments, code, words in (
            ("no folder", ["--as", CODE], 2, "-c: expected"),
            ("no code", ["-c", root], 2, "--as: expected"),
            ("a bad code", ["-c", root, "--as", "1"], 2, "--as: expected"),
            ("an unknown step", ["-c", root, "--as", CODE, "--only", "nap"], 2, "there is no step nap"),
            ("no patience", ["-c", root, "--as", CODE, "--patience", "0"], 2, "from 1 to 3600"),
            ("no environment", ["-c", root / "none", "--as", CODE], 1, "cauce.conf")):
        with suite.case(f"refused: {name}"):
            run = suite.cauce("conformance", *arguments)
            equal(run.returncode, code, f"exit code ({run.stderr})")
            expect(words in run.stderr, f"standard error is {run.stderr!r}")
    proof = Proof(suite, root, "refusals")
    with suite.case("refused: a stranger's code"):
        run = suite.cauce("conformance", "-c", proof.folder, "--as", "99999999")
        equal(run.returncode, 1, "exit code")
        expect("there is no participant 99999999" in run.stderr, run.stderr)
    with suite.case("refused: the port is taken"), socket.socket() as taken:
        taken.bind(("127.0.0.1", proof.port))
        taken.listen()
        run = suite.cauce("conformance", "-c", proof.folder, "--as", CODE)
        equal(run.returncode, 1, "exit code")
        expect("is taken: end the switch that runs there" in run.stderr, run.stderr)
    with suite.case("nobody connects"):
        run = suite.cauce("conformance", "-c", proof.folder, "--as", CODE, "--patience", 1)
        equal(run.returncode, 1, "exit code")
        expect(re.search(r"FAILED +1 connect .*nobody has connected", run.stdout), run.stdout)
        expect("passed 1, failed 1, not run 17" in run.stdout, run.stdout)
    with suite.case("the command of --pay fails"):
        code, output, _ = proof.run(None, "--only", "pay", "--pay", "exit 7", pays=False)
        equal(code, 1, "exit code")
        expect("ended with exit code 7" in output, output)


def main():
    suite = Suite("conformance")
    with tempfile.TemporaryDirectory(prefix="cauce-e2e-") as root:
        root = pathlib.Path(root)
        run = suite.cauce("dev", root / "environment", "--participants", 2)
        expect(run.returncode == 0, f"cauce dev: {run.stderr}")
        at_once = AT_ONCE_SANITIZED if suite.sanitized else AT_ONCE
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            works = [pool.submit(prove_good, suite, root), pool.submit(prove_ours, suite, root)]
            works += [pool.submit(prove_wrong, suite, root, *row) for row in WRONG]
            works.append(pool.submit(prove_refusals, suite, root))
            works.append(pool.submit(prove_person, suite, root))
            for work in works:
                work.result()
    finish(suite)


if __name__ == "__main__":
    main()
