#!/usr/bin/python3
"""`cauce dev` and `cauce demo` as WIRE section 6 has them, and the demo's events (section 9)."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from harness import Suite, equal, expect, finish, read_line

TOPIC_SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "interop" / "ledger_topic.py"
SUMMARY = re.compile(r"settled=(\d+) rejected=(\d+) expired=(\d+) p50=[\d.]+ms p99=[\d.]+ms")
MINUTE = 60.0


def refused(suite, name, arguments, code, words):
    with suite.case(name):
        run = suite.cauce(*arguments)
        equal(run.returncode, code, "exit code")
        equal(run.stdout, "", "standard output")
        expect(words in run.stderr, f"standard error is {run.stderr!r}")


def dev(suite, root):
    with suite.case("dev: makes the environment, and not twice"):
        run = suite.cauce("dev", root / "a/b", "--participants", 1, "--balance", "7.50")
        equal(run.returncode, 0, "exit code")
        before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
        for name in ("cauce.conf", "genesis.json", "ca.crt", "participants/10000001/signing.key"):
            expect((root / "a/b" / name).is_file(), f"{name} is missing")
        again = suite.cauce("dev", root / "a/b")
        equal(again.returncode, 1, "exit code of the second")
        equal({path: path.stat().st_mtime_ns for path in root.rglob("*")}, before, "what is there")
    bad = root / "bad"
    refused(suite, "dev: no folder", ["dev"], 2, "expected one folder")
    refused(suite, "dev: profile spi", ["dev", bad, "--profile", "spi"], 2, "iso only")
    refused(suite, "dev: no participants", ["dev", bad, "--participants", 0], 2, "from 1 to 4094")
    refused(suite, "dev: a bad balance", ["dev", bad, "--balance", "1.001"], 2, "an amount such as")
    refused(suite, "dev: unknown option", ["dev", bad, "--colour", "red"], 2, "unknown option")
    refused(suite, "dev: a folder under a file", ["dev", root / "a/b/ca.crt/c"], 1, "ca.crt")
    refused(suite, "cauce: no subcommand of that name", ["colour"], 2, "no subcommand colour")


def summed_up(run, least):
    """The demo's last line, which must tell of at least so many payments."""
    lines = run.stdout.splitlines()
    match = SUMMARY.fullmatch(lines[-1]) if lines else None
    expect(match is not None, f"the end of standard output is {lines[-3:]}; {run.stderr}")
    expect(int(match[1]) >= least, f"only {match[1]} settled")
    equal(int(match[3]), 0, "expired")


def demo(suite, root):
    with suite.case("demo: ends by itself and leaves nothing behind"):
        made_before = set(pathlib.Path("/tmp").glob("cauce-demo-*"))
        run = suite.cauce("demo", "--seconds", 3, "--port", 0, timeout=MINUTE)
        equal(run.returncode, 0, f"exit code ({run.stderr})")
        summed_up(run, 50)
        expect("the ledger on disk verifies" in run.stdout, run.stdout)
        equal(set(pathlib.Path("/tmp").glob("cauce-demo-*")) - made_before, set(), "folders")

    with suite.case("demo: on a folder that is there, until SIGINT, with events for strangers"):
        command = [suite.program("cauce"), "demo", str(root / "kept"), "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            read_line(process.stdout, MINUTE)
            ready = re.search(r"events (\S+)", read_line(process.stdout, MINUTE))
            expect(ready is not None, "no ready switch")
            read_line(process.stdout, MINUTE)
            if shutil.which("kcat"):
                prove_events(ready[1])
        finally:
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=MINUTE)
        equal(process.returncode, 0, f"exit code ({errors})")
        summed_up(subprocess.CompletedProcess(command, 0, output, errors), 1)
        expect((root / "kept/cauce.conf").is_file(), "the folder is gone")
    if not shutil.which("kcat"):
        suite.skip("demo: events for strangers", "kcat is not installed")

    with suite.case("demo: once more on the same ledger"):
        run = suite.cauce("demo", root / "kept", "--seconds", 1, "--port", 0, timeout=MINUTE)
        equal(run.returncode, 0, f"exit code ({run.stderr})")
        summed_up(run, 1)

    with suite.case("demo: the switch dies under it"):
        command = [suite.program("cauce"), "demo", str(root / "kept"), "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            read_line(process.stdout, MINUTE)
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            os.kill(int(children.split()[0]), signal.SIGKILL)
        finally:
            output, errors = process.communicate(timeout=MINUTE)
        equal(process.returncode, 1, "exit code")
        expect("the switch ended by itself with exit code 137" in errors, errors)

    refused(suite, "demo: bad seconds", ["demo", "--seconds", "0"], 2, "from 1 to 86400")
    refused(suite, "demo: bad port", ["demo", "--port", "65536"], 2, "from 0 to 65535")
    refused(suite, "demo: two folders", ["demo", "a", "b"], 2, "one folder at most")


def prove_events(address):
    kcat = subprocess.run(
        ["kcat", "-C", "-b", address, "-t", "cauce.ledger.v1", "-o", "beginning", "-e", "-q", "-J"],
        capture_output=True, timeout=MINUTE, check=True,
    )
    run = subprocess.run([sys.executable, TOPIC_SCRIPT], input=kcat.stdout, timeout=MINUTE,
                         capture_output=True, check=False)
    expect(run.stdout.startswith(b"ok entries="), f"{run.stdout!r} {run.stderr!r}")


def main():
    suite = Suite("demo")
    with tempfile.TemporaryDirectory(prefix="cauce-e2e-") as root:
        dev(suite, pathlib.Path(root))
        demo(suite, pathlib.Path(root))
    finish(suite)


if __name__ == "__main__":
    main()
