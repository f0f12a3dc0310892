#!/usr/bin/python3
"""Leaving: a backup beside banks at work, restored elsewhere after a kill -9; an export imported; and
each time a switch that goes on with the same balances, streams and head."""

import json
import os
import re
import subprocess
import threading
import time

from harness import Suite, equal, expect, finish
from oracle import ROOT

A, B, C = "10000001", "10000002", "10000003"
OK = re.compile(r"ok entries=(\d+) blocks=(\d+) head=([0-9a-f]{64})\n")


def ok(run):
    equal(run.returncode, 0, f"exit code ({run.stdout} {run.stderr})")
    match = OK.fullmatch(run.stdout)
    expect(match, f"standard output {run.stdout!r}")
    return int(match[1]), int(match[2]), match[3]


def pay(payer, payee, amount="1.25"):
    payment = payer.pay(payee.code, amount=amount)
    payee.forwarded(payment.e2e)
    payee.answer(payment.e2e)
    payer.result(payment.e2e, "ACSC"), payee.result(payment.e2e, "ACCC")


def backup_beside_payments(suite, environment, dest):
    """Backups until the payments of another thread are done; how often there was something new."""
    a, b = environment.bank(A), environment.bank(B)
    errors, sizes = [], set()

    def work():
        try:
            for _ in range(40):
                pay(a, b)
        except Exception as error:  # told below, in the case's own thread
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        sizes.add(ok(suite.cauce("backup", environment.folder / "ledger", dest))[0])
    thread.join()
    if errors:
        raise errors[0]
    return len(sizes)


def go_on(environment, suite, ledger, known, balances, unconfirmed):
    """The switch on another ledger: what the banks had is there, and payments go on.  Ids that the banks
    `known` before come with the content that they had; ids of what a copy decides further are its own."""
    environment.settings["ledger.directory"] = ledger
    environment.oracle.known = dict(known)
    environment.bank(C).repeated.clear()
    environment.start()
    with suite.case(f"{ledger.name}: the balances"):
        equal({code: environment.bank(code).balances() for code in (A, B, C)}, balances, "balances")
    with suite.case(f"{ledger.name}: what was not confirmed comes, under its id, as it was"):
        c, end = environment.bank(C), time.monotonic() + 10
        while unconfirmed not in c.repeated:
            expect(time.monotonic() < end, f"{unconfirmed} did not come: {c.repeated}")
            c.poll()
    with suite.case(f"{ledger.name}: a further payment"):
        pay(environment.bank(A), environment.bank(B), "2.50")
    environment.stop()
    environment.settings["ledger.directory"] = environment.folder / "ledger"
    with suite.case(f"{ledger.name}: verify"):
        ok(suite.cauce("verify", ledger))


# ---- what the schema says, as far as the schemas here go ----

class Schema:
    def __init__(self):
        folder = ROOT / "proto" / "record" / "schema"
        self.known = {one["$id"]: one for one in map(
            lambda path: json.loads(path.read_text()), folder.glob("*.json"))}
        self.root = self.known["urn:cauce:schema:cauce.export.v1"]

    def check(self, line):
        definition = self.root["$defs"].get(line.get("record"))
        expect(definition, f"record {line.get('record')!r}")
        parts = [definition] + [self.known[one["$ref"]] for one in definition.get("allOf", ())]
        members = {name: rule for part in parts for name, rule in part["properties"].items()}
        for name in [one for part in parts for one in part.get("required", ())]:
            expect(name in line, f"{name} is missing in {line}")
        for name, value in line.items():
            expect(name in members, f"{name} is not in the schema")
            self.check_value(members[name], value, name)

    def check_value(self, rule, value, name):
        if "$ref" in rule:
            rule = self.root["$defs"][rule["$ref"].rsplit("/", 1)[1]]
        types = {"integer": int, "string": str, "array": list, "object": dict, "null": type(None)}
        if "type" in rule:
            names = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
            expect(isinstance(value, tuple(types[one] for one in names)), f"{name} is {value!r}")
        if isinstance(value, str) and "pattern" in rule:
            expect(re.search(rule["pattern"], value), f"{name} is {value!r}")
        if isinstance(value, int) and "minimum" in rule:
            expect(value >= rule["minimum"], f"{name} is {value!r}")
        equal(value, rule.get("const", value), name)
        expect(value in rule.get("enum", [value]), f"{name} is {value!r}")


def export_and_import(suite, environment, ledger, head):
    lines, imported = environment.root / "ledger.jsonl", environment.root / "imported"
    with suite.case("export: as many entries and blocks, the same head"):
        equal(ok(suite.cauce("export", ledger, lines)), head, "export")
    with suite.case("export: every line is as the schema says"):
        schema = Schema()
        for text in lines.read_text().splitlines():
            schema.check(json.loads(text))
    with suite.case("import: the same entries, blocks and head"):
        equal(ok(suite.cauce("import", lines, imported)), head, "import")
        equal(ok(suite.cauce("verify", imported)), head, "verify")
    with suite.case("export to import through a pipe"):
        with subprocess.Popen([suite.program("cauce"), "export", ledger, "-"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as export:
            run = subprocess.run([suite.program("cauce"), "import", "-", environment.root / "piped"],
                                 stdin=export.stdout, capture_output=True, text=True, timeout=60,
                                 check=False)
        equal(ok(run), head, "import")
    return imported


def runbook(suite, environment):
    """The commands of the runbook, in its order, by a shell as an operator has one."""
    page = (ROOT / "ops" / "runbook" / "ledger.md").read_text()
    root = environment.root
    names = os.environ | {"LEDGER": str(environment.folder / "ledger"), "BACKUP": str(root / "daily"),
                          "NEW": str(root / "new"), "PATH": f"{suite.build}:{os.environ['PATH']}"}
    printed = []
    for block in re.findall(r"```sh\n(.*?)```", page, re.S):
        with suite.case("runbook: " + block.splitlines()[0]):
            run = subprocess.run(["sh", "-e", "-c", block], env=names, capture_output=True, text=True,
                                 timeout=60, check=False)
            equal(run.returncode, 0, f"exit code ({run.stdout} {run.stderr})")
            printed += run.stdout.splitlines()
    with suite.case("runbook: all lines name the same head"):
        expect(len(printed) > 8, f"{printed}")
        equal(len({re.search(r"[0-9a-f]{64}", line)[0] for line in printed}), 1, f"heads of {printed}")


def refusals(suite, environment, dest):
    ledger, root = environment.folder / "ledger", environment.root
    nothing, full = root / "nothing", root / "full"
    full.mkdir()
    (full / "file").touch()
    with suite.case("what cannot be done: exit 1; wrong usage: exit 2"):
        for code, arguments in [
                (1, ("backup", nothing, root / "b")),
                (1, ("backup", ledger, ledger)),
                (1, ("restore", nothing, root / "b")),
                (1, ("restore", dest, full)),
                (1, ("restore", ledger, root / "b")),
                (1, ("export", nothing, root / "b.jsonl")),
                (1, ("export", ledger, full / "file")),
                (1, ("import", nothing, root / "b")),
                (1, ("import", full / "file", root / "b")),
                (2, ("backup", ledger)),
                (2, ("backup", ledger, "--now")),
                (2, ("restore", dest)),
                (2, ("export", ledger)),
                (2, ("import", "-")),
                (2, ("import", "--help", "me"))]:
            run = suite.cauce(*arguments)
            equal(run.returncode, code, f"exit code of {arguments} ({run.stderr})")
            expect(run.stderr and not run.stdout, f"output of {arguments}: {run}")
        for name in ("b", "b.jsonl"):
            expect(not (root / name).exists(), f"{name} was made")


def main():
    suite = Suite("leaving")
    with suite.environment_of() as environment:
        ledger, dest, restored = (environment.folder / "ledger", environment.root / "backup",
                                  environment.root / "restored")
        with suite.case("backups beside payments: each takes what is new"):
            expect(backup_beside_payments(suite, environment, dest) > 1, "nothing was new")
        runbook(suite, environment)
        waiting = environment.bank(A).pay(C, "3.75", priority="NORM").e2e
        waiting = environment.bank(C).forwarded(waiting)["message_id"]
        balances = {code: environment.bank(code).balances() for code in (A, B, C)}
        with suite.case("the last backup is what was there at the kill"):
            ok(suite.cauce("backup", ledger, dest))
            environment.kill()
            head = ok(suite.cauce("verify", ledger))
            equal(ok(suite.cauce("backup", ledger, dest)), head, "backup")
            equal(ok(suite.cauce("verify", dest)), head, "verify")
            equal((dest / "backup.txt").read_text(), "ok entries=%d blocks=%d head=%s\n" % head,
                  "backup.txt")
        refusals(suite, environment, dest)
        with suite.case("restore: the same entries, blocks and head"):
            equal(ok(suite.cauce("restore", dest, restored)), head, "restore")
        imported = export_and_import(suite, environment, dest, head)
        known = dict(environment.oracle.known)
        go_on(environment, suite, restored, known, balances, waiting)
        go_on(environment, suite, imported, known, balances, waiting)
        environment.oracle.known = dict(known)
        environment.start()
    finish(suite)


if __name__ == "__main__":
    main()
