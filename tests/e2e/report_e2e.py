#!/usr/bin/python3
"""WIRE section 5, as far as it is built: camt.060 asks for the balances now, camt.052 tells them."""

import datetime

import message
from harness import Suite, equal, expect, finish
from message import CAMT052, CAMT060

A, B, RTGS, INDIRECT, SUSPENDED = "10000001", "10000002", "90000001", "10000101", "10000003"


def edit(genesis, _):
    by_code = {one["code"]: one for one in genesis["participants"]}
    by_code[A]["balance"] = "12345678901234.56"
    by_code[B]["balance"] = "0.00"
    by_code[SUSPENDED]["status"] = "suspended"


def ask(bank, change=lambda document: document, account=None, owner=None, name=CAMT052):
    """Sends a camt.060; gives its MsgId."""
    own = message.unique("M")
    document = change(message.camt060(own, account or bank.code, owner or bank.code, name))
    bank.send(bank.sign(message.envelope(document, CAMT060, bank.code, own)))
    return own


def shape(suite, a):
    with suite.case("one Rpt, two Bal: ITAV and BLCK, CRDT, the instant"):
        before = datetime.datetime.now(datetime.timezone.utc)
        report = a.wait(CAMT052, ask(a))["report"]
        after = datetime.datetime.now(datetime.timezone.utc)
        equal(len(report.findall("Rpt")), 1, "number of Rpt")
        equal(report.findtext("Rpt/Acct/Id/Othr/Id"), A, "Acct/Id/Othr/Id")
        balances = report.findall("Rpt/Bal")
        equal([one.findtext("Tp/CdOrPrtry/Cd") for one in balances], ["ITAV", "BLCK"], "Bal")
        for one in balances:
            equal(one.find("Amt").get("Ccy"), "MXN", "Ccy")
            equal(one.findtext("CdtDbtInd"), "CRDT", "CdtDbtInd")
            when = datetime.datetime.fromisoformat(one.findtext("Dt/DtTm").replace("Z", "+00:00"))
            slack = datetime.timedelta(seconds=0.1)
            expect(before - slack <= when <= after + slack, f"Dt/DtTm {when}, not {before}")
        equal([one.findtext("Amt") for one in balances], ["12345678901234.56", "0.00"], "Amt")


def amounts(suite, environment):
    for code, wanted in ((B, ("0.00", "0.00")), (RTGS, ("0.00", "0.00")),
                         (SUSPENDED, ("1000000.00", "0.00"))):
        with suite.case(f"balances of {code}"):
            equal(environment.bank(code).balances(), wanted, "balances")
    a, b = environment.bank(A), environment.bank(B)
    with suite.case("what is reserved, settled and released shows at once"):
        payment = a.pay(B, "0.56")
        equal(a.balances(), ("12345678901234.00", "0.56"), "balances while open")
        equal(b.balances(), ("0.00", "0.00"), "the payee's while open")
        b.forwarded(payment.e2e)
        b.answer(payment.e2e)
        a.result(payment.e2e, "ACSC"), b.result(payment.e2e, "ACCC")
        equal(a.balances(), ("12345678901234.00", "0.00"), "balances once settled")
        equal(b.balances(), ("0.56", "0.00"), "the payee's once settled")
    with suite.case("a question in the same body behind a payment sees it"):
        transfer = message.transfer(A, B, "4.00")
        own = message.unique("M")
        document = message.camt060(own, A, A)
        a.send(a.payments([transfer]), a.sign(message.envelope(document, CAMT060, A, own)))
        equal(a.wait(CAMT052, own)["reserved"], "4.00", "reserved")
        e2e = transfer.split("<EndToEndId>")[1].split("<")[0]
        b.forwarded(e2e)
        b.answer(e2e, "RJCT", "AC03")
        a.result(e2e, "RJCT", "AC03")
        equal(a.balances(), ("12345678901234.00", "0.00"), "balances")


def refused(suite, a):
    rows = (
        ("SENDER", "another's account", {"account": B}),
        ("SENDER", "another owner", {"owner": B}),
        ("SENDER", "an unknown account", {"account": "99999999"}),
        ("SENDER", "the account of an indirect participant", {"account": INDIRECT}),
        ("SCHEMA", "another ReqdMsgNmId", {"name": "camt.052"}),
        ("SCHEMA", "another version", {"name": "camt.052.001.09"}),
        ("SCHEMA", "ReqdMsgNmId pacs.008.001.08", {"name": "pacs.008.001.08"}),
        ("SCHEMA", "two RptgReq", {"change": lambda document: document.replace(
            "</AcctRptgReq>", document[document.index("<RptgReq>"):document.index("</AcctRptgReq>")]
            + "</AcctRptgReq>")}),
        ("SCHEMA", "no Acct", {"change": lambda document: (
            document[:document.index("<Acct>")] + document[document.index("<AcctOwnr>"):])}),
        ("SCHEMA", "an owner that is no agent", {"change": lambda document: (
            document[:document.index("<AcctOwnr>")] + "<AcctOwnr><Pty><Nm>x</Nm></Pty></AcctOwnr>"
            + document[document.index("</AcctOwnr>") + 11:])}),
    )
    for reason, what, options in rows:
        with suite.case(f"{reason}: {what}"):
            a.refusal(ask(a, **options), reason)


def main():
    suite = Suite("report")
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off"}
    with suite.environment_of(participants=3, settings=settings, genesis=edit) as environment:
        a = environment.bank(A)
        shape(suite, a)
        amounts(suite, environment)
        refused(suite, a)
    finish(suite)


if __name__ == "__main__":
    main()
