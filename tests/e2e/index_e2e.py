#!/usr/bin/python3
"""cauce reindex and cauce statement on the ledger of a switch that has worked, and beside one that
works: the statements of all banks add up to what the banks were told.  And how verify shows its work."""

import json
import os
import pty
import shutil
import subprocess

from harness import Suite, equal, expect, finish

A, B, C = "10000001", "10000002", "10000003"


def traffic(environment):
    a, b, c = (environment.bank(code) for code in (A, B, C))
    for number, (payer, payee, status) in enumerate(
            [(a, b, "ACSP"), (b, c, "ACSP"), (a, c, "RJCT"), (c, a, "ACSP"), (a, b, "ACSP")]):
        payment = payer.pay(payee.code, amount=f"{10 + number}.25")
        payee.forwarded(payment.e2e)
        if status == "ACSP":
            payee.answer(payment.e2e)
            payer.result(payment.e2e, "ACSC"), payee.result(payment.e2e, "ACCC")
        else:
            payee.answer(payment.e2e, "RJCT", "AC03")
            payer.result(payment.e2e, "RJCT", "AC03")
    poor = a.pay(B, amount="9999999999.00")
    a.result(poor.e2e, "RJCT", "AM04")
    return {code: environment.bank(code).balances() for code in (A, B, C)}


def statement(suite, ledger, code, *options):
    run = suite.cauce("statement", ledger, code, "open", *options)
    equal(run.returncode, 0, f"exit code ({run.stderr})")
    return run.stdout


def minor(text):
    return int(text.replace(".", ""))


def check(suite, ledger, balances):
    debits = credits = 0
    for code, (available, reserved) in balances.items():
        day = json.loads(statement(suite, ledger, code, "--json"))
        equal(day["participant"], code, "participant")
        equal([day["closing"]["available_minor"], day["closing"]["reserved_minor"]],
              [minor(available), minor(reserved)], f"closing of {code}")
        equal([entry["number"] for entry in day["entries"]],
              list(range(1, day["closing"]["number"] + 1)), "numbers")
        equal(day["opening"]["available_minor"] + day["credits"]["sum_minor"]
              - day["debits"]["sum_minor"], minor(available) + minor(reserved), "sum")
        debits += day["debits"]["sum_minor"]
        credits += sum(total["sum_minor"] for total in day["by_kind"]
                       if (total["kind"], total["side"]) == ("settled", "payee"))
        lines = statement(suite, ledger, code).splitlines()
        expect(lines[0].startswith("opening number=0 "), lines[0])
        expect(f"closing number={day['closing']['number']} seq={day['closing']['seq']}"
               f" available={available} reserved={reserved}" in lines, f"closing: {lines[-12:]}")
    equal(debits, credits, "what left accounts and what came to accounts")


def verify_on_terminal(suite, ledger):
    """What it writes to its standard error where that is a terminal."""
    ours, theirs = pty.openpty()
    run = subprocess.run([suite.program("cauce"), "verify", ledger], stdout=subprocess.DEVNULL,
                         stderr=theirs, timeout=30, check=False)
    os.close(theirs)
    equal(run.returncode, 0, "exit code")
    seen = os.read(ours, 65536).decode()
    os.close(ours)
    return seen


def main():
    suite = Suite("index")
    with suite.environment_of() as environment:
        with suite.case("payments of several kinds"):
            balances = traffic(environment)
        environment.stop()
        ledger = environment.root / "copy"
        shutil.copytree(environment.folder / "ledger", ledger)
        for path in ledger.glob("index*"):
            path.unlink()
        with suite.case("statement without an index: exit 1, and what makes one"):
            run = suite.cauce("statement", ledger, A, "open")
            equal(run.returncode, 1, "exit code")
            expect("cauce reindex" in run.stderr, run.stderr)
        with suite.case("reindex, twice"):
            first, second = (suite.cauce("reindex", ledger) for _ in range(2))
            equal([first.returncode, second.returncode], [0, 0], f"exit ({first.stderr})")
            expect(first.stdout.startswith("ok entries="), first.stdout)
            equal(first.stdout, second.stdout, "what is said")
        with suite.case("statements of the open day are the banks' balances"):
            check(suite, ledger, balances)
        with suite.case("the index is nothing to verify, whatever is in it"):
            (ledger / "index.db").write_bytes(b"nonsense")
            run = suite.cauce("verify", ledger)
            equal(run.returncode, 0, f"exit code ({run.stdout} {run.stderr})")
            equal(suite.cauce("reindex", ledger).returncode, 0, "reindex")
            check(suite, ledger, balances)
        with suite.case("verify shows its progress on a terminal, and there only"):
            seen = verify_on_terminal(suite, ledger)
            expect("\rsegment 1 of " in seen, seen)
            expect("segment 1 of" not in suite.cauce("verify", ledger).stderr, "without one")
        with suite.case("what there is not: exit 1; wrong usage: exit 2"):
            for code, arguments in [
                    (1, ("statement", ledger, "99999999", "open")),
                    (1, ("statement", ledger, A, "2001-01-01")),
                    (1, ("statement", environment.root / "nothing", A, "open")),
                    (1, ("reindex", environment.root / "nothing")),
                    (2, ("statement", ledger, A)),
                    (2, ("statement", ledger, "a", "open")),
                    (2, ("statement", ledger, A, "yesterday")),
                    (2, ("statement", ledger, A, "open", "--xml")),
                    (2, ("reindex",)),
                    (2, ("reindex", ledger, "now"))]:
                run = suite.cauce(*arguments)
                equal(run.returncode, code, f"exit code of {arguments}")
                expect(run.stderr and not run.stdout, f"output of {arguments}: {run}")
        environment.start()
    finish(suite)


if __name__ == "__main__":
    main()
