#!/usr/bin/python3
"""WIRE section 4: every reason for which a payment is refused, and the order of the reasons."""

import message
from harness import Suite, equal, expect, finish
from message import PACS008

A, B, LIMITED, SUSPENDED, BLOCKED, POOR = (f"1000000{n}" for n in range(1, 7))
NOBODY = "99999999"
INDIRECT = "10000101"             # settles through A
INDIRECT_SUSPENDED = "10000102"   # settles through A
BEHIND_SUSPENDED = "10000103"     # settles through SUSPENDED
BEHIND_BLOCKED = "10000104"       # settles through BLOCKED
TRANSIENT = {"RC09", "AGNT", "FF08", "DU04", "NOOR"}  # they take no id


def edit(genesis, _):
    participants = {one["code"]: one for one in genesis["participants"]}
    participants[LIMITED]["payment_limit"] = "50000.00"
    participants[SUSPENDED]["status"] = "suspended"
    participants[BLOCKED]["status"] = "debit-blocked"
    participants[POOR]["balance"] = "10.00"
    for code, through, status in (
        (INDIRECT_SUSPENDED, A, "suspended"), (BEHIND_SUSPENDED, SUSPENDED, "active"),
        (BEHIND_BLOCKED, BLOCKED, "active"),
    ):
        one = dict(participants[INDIRECT], code=code, settles_through=through, status=status)
        genesis["participants"].append(one)


# reason, who sends, what differs from a good payment of 1.00 from the sender to B
ROWS = (
    ("RC09", A, {"payer": NOBODY}),
    ("RC09", A, {"payer": "1000 001"}),
    ("RC09", A, {"payer": "10000001 "}),
    ("RC09", A, {"payer": message.SWITCH}),
    ("AGNT", A, {"payer": LIMITED}),
    ("AGNT", B, {"payer": INDIRECT, "payee": LIMITED}),
    ("FF08", A, {"e2e": "with space"}),
    ("FF08", A, {"e2e": " x"}),
    ("FF08", A, {"e2e": "ñ"}),
    ("FF08", A, {"e2e": "a_b*"}),
    ("FF08", A, {"e2e": "a'b"}),
    ("RC10", A, {"payee": NOBODY}),
    ("RC10", A, {"payee": "x"}),
    ("AG10", SUSPENDED, {}),
    ("AG10", BLOCKED, {}),
    ("AG10", A, {"payer": INDIRECT_SUSPENDED}),
    ("AG10", SUSPENDED, {"payer": BEHIND_SUSPENDED}),
    ("AG10", BLOCKED, {"payer": BEHIND_BLOCKED}),
    ("AG11", A, {"payee": SUSPENDED}),
    ("AG11", A, {"payee": BEHIND_SUSPENDED}),
    ("AG11", B, {"payee": INDIRECT_SUSPENDED}),
    ("AG12", A, {"payee": A}),
    ("AG12", A, {"payee": INDIRECT}),
    ("AG12", A, {"payer": INDIRECT, "payee": A}),
    ("AG12", A, {"payer": INDIRECT, "payee": INDIRECT}),
    ("AM03", A, {"currency": "USD"}),
    ("AM03", A, {"currency": "BRL"}),
    ("AM12", A, {"amount": "1.001"}),
    ("AM12", A, {"amount": "0.00001"}),
    ("AM12", A, {"amount": "12345678901234567"}),
    ("AM12", A, {"amount": "12345678901234567.1"}),
    ("AM01", A, {"amount": "0"}),
    ("AM01", A, {"amount": "0.00"}),
    ("AM01", A, {"amount": "0.00000"}),
    ("AM14", LIMITED, {"amount": "50000.01"}),
    ("DT02", A, {"age": 43260}),
    ("DT02", A, {"age": -75}),
    ("DT02", A, {"age": 43260, "priority": "NORM"}),
    ("AB03", A, {"age": 15}),
    ("AB03", A, {"age": 43100}),
    ("AM04", POOR, {"amount": "10.01"}),
    ("AM04", A, {"amount": "1234567890123456"}),
    ("AM04", A, {"amount": "1234567890123456.78"}),
    # Two faults each: the earlier of the table is told.
    ("RC09", A, {"payer": NOBODY, "e2e": "a b"}),
    ("AGNT", A, {"payer": LIMITED, "e2e": "a b"}),
    ("AGNT", A, {"payer": SUSPENDED, "payee": NOBODY}),
    ("FF08", A, {"e2e": "a b", "payee": NOBODY}),
    ("RC10", SUSPENDED, {"payee": NOBODY}),
    ("AG10", SUSPENDED, {"payee": BEHIND_SUSPENDED}),
    ("AG10", SUSPENDED, {"payee": SUSPENDED}),
    ("AG11", A, {"payee": INDIRECT_SUSPENDED}),
    ("AG12", A, {"payee": A, "currency": "USD"}),
    ("AM03", A, {"currency": "USD", "amount": "1.001"}),
    ("AM03", A, {"currency": "USD", "amount": "0"}),
    ("AM12", LIMITED, {"amount": "60000.001"}),
    ("AM01", A, {"amount": "0", "age": -75}),
    ("AM14", LIMITED, {"amount": "60000", "age": -75}),
    ("AM14", LIMITED, {"amount": "9000000"}),
    ("DT02", A, {"age": 43260, "amount": "9000000"}),
    ("AB03", A, {"age": 15, "amount": "9000000"}),
)

# Right at the bound, the payment is good.
GOOD = (
    ("the payment limit itself", LIMITED, {"amount": "50000.00"}),
    ("a debit-blocked bank is paid", A, {"payee": BLOCKED}),
    ("a bank behind a debit-blocked one is paid", A, {"payee": BEHIND_BLOCKED}),
    ("all that is there", POOR, {"amount": "10.00"}),
    ("accepted nearly 10 s ago", A, {"age": 6}),
    ("accepted nearly 12 hours ago, NORM", A, {"age": 43190, "priority": "NORM"}),
    ("accepted 50 s from now", A, {"age": -50}),
)


def make(sender, options):
    options = dict(options)
    payer = options.pop("payer", sender)
    payee = options.pop("payee", B)
    amount = options.pop("amount", "1.00")
    if "age" in options:
        options["accepted"] = message.instant(-options.pop("age"))
    e2e = options.setdefault("e2e", message.unique("E"))
    return e2e, message.transfer(payer, payee, amount, **options)


def refused(suite, environment):
    for reason, sender, options in ROWS:
        with suite.case(f"{reason}: {sender} sends {options}"):
            bank = environment.bank(sender)
            e2e, transfer = make(sender, options)
            bank.send(bank.payments([transfer]))
            found = bank.result(e2e, "RJCT", reason)
            equal((found["settled"], found["seq"]), (None, None), "DtTm and AcctSvcrRef")
            bank.send(bank.payments([transfer]))
            bank.result(e2e, "RJCT", reason)


def taken_or_not(suite, environment):
    a, limited = environment.bank(A), environment.bank(LIMITED)
    for reason, options in (("RC10", {"payee": NOBODY}), ("AM04", {"amount": "9000000"})):
        with suite.case(f"{reason} is an entry: it takes the id"):
            e2e, transfer = make(A, options)
            a.send(a.payments([transfer]))
            a.result(e2e, "RJCT", reason)
            a.send(a.payments([make(A, {"e2e": e2e})[1]]))
            a.result(e2e, "RJCT", "DU04")
    for reason, options in (("RC09", {"payer": NOBODY}), ("AGNT", {"payer": LIMITED})):
        with suite.case(f"{reason} takes no id: the payer's own bank can still use it"):
            e2e, transfer = make(A, options)
            a.send(a.payments([transfer]))
            a.result(e2e, "RJCT", reason)
            limited.send(limited.payments([make(LIMITED, {"e2e": e2e})[1]]))
            environment.bank(B).forwarded(e2e)
            environment.bank(B).answer(e2e)
            limited.result(e2e, "ACSC")
            environment.bank(B).result(e2e, "ACCC")
    with suite.case("DU04 comes before RC10 and behind FF08"):
        e2e, transfer = make(A, {})
        a.send(a.payments([transfer]))
        a.send(a.payments([make(A, {"e2e": e2e, "payee": NOBODY})[1]]))
        a.result(e2e, "RJCT", "DU04")
        environment.bank(B).forwarded(e2e)
        environment.bank(B).answer(e2e, "RJCT", "AC03")
        a.result(e2e, "RJCT", "AC03")


def good(suite, environment):
    for what, sender, options in GOOD:
        with suite.case(f"good: {what}"):
            bank = environment.bank(sender)
            payee = environment.bank({BEHIND_BLOCKED: BLOCKED}.get(
                options.get("payee"), options.get("payee", B)))
            e2e, transfer = make(sender, options)
            bank.send(bank.payments([transfer]))
            payee.forwarded(e2e)
            payee.answer(e2e)
            bank.result(e2e, "ACSC"), payee.result(e2e, "ACCC")


def suspended(suite, environment):
    with suite.case("a suspended bank still connects, polls and asks"):
        equal(environment.bank(SUSPENDED).balances(), ("1000000.00", "0.00"), "balances")
    with suite.case("a suspended bank's answers are taken"):
        environment.bank(SUSPENDED).answer("unknown-id")
        environment.bank(SUSPENDED).result("unknown-id", "RJCT", "NOOR")


def demands(suite, environment):
    """What section 4 demands of a pacs.008: admi.002 SCHEMA, nothing is decided."""
    a = environment.bank(A)
    tx = message.transfer(A, B)
    rows = (
        ("no AccptncDtTm", r"<AccptncDtTm>", "</AccptncDtTm>", ""),
        ("ChrgBr DEBT", "<ChrgBr>", "</ChrgBr>", "<ChrgBr>DEBT</ChrgBr>"),
        ("no ChrgBr", "<ChrgBr>", "</ChrgBr>", ""),
        ("DbtrAgt by BICFI", "<DbtrAgt>", "</DbtrAgt>",
         "<DbtrAgt><FinInstnId><BICFI>BANKMXMMXXX</BICFI></FinInstnId></DbtrAgt>"),
        ("CdtrAgt by name", "<CdtrAgt>", "</CdtrAgt>",
         "<CdtrAgt><FinInstnId><Nm>x</Nm></FinInstnId></CdtrAgt>"),
        ("no Dbtr", "<Dbtr>", "</Dbtr>", ""),
        ("no EndToEndId", "<EndToEndId>", "</EndToEndId>", ""),
        ("SttlmMtd INDA", "<SttlmMtd>", "</SttlmMtd>", "<SttlmMtd>INDA</SttlmMtd>"),
        ("NbOfTxs is not the number", "<NbOfTxs>", "</NbOfTxs>", "<NbOfTxs>2</NbOfTxs>"),
        ("more in GrpHdr", "</NbOfTxs>", "<SttlmInf>",
         '</NbOfTxs><TtlIntrBkSttlmAmt Ccy="MXN">1.00</TtlIntrBkSttlmAmt><SttlmInf>'),
        ("BtchBookg in GrpHdr", "<NbOfTxs>", "</NbOfTxs>",
         "<BtchBookg>true</BtchBookg><NbOfTxs>1</NbOfTxs>"),
        ("AccptncDtTm without a zone", "<AccptncDtTm>", "</AccptncDtTm>",
         "<AccptncDtTm>2026-01-01T00:00:00.000</AccptncDtTm>"),
        ("AccptncDtTm of the year 1969", "<AccptncDtTm>", "</AccptncDtTm>",
         "<AccptncDtTm>1969-12-31T23:59:59Z</AccptncDtTm>"),
        ("AccptncDtTm with ten digits", "<AccptncDtTm>", "</AccptncDtTm>",
         "<AccptncDtTm>2026-01-01T00:00:00.0000000001Z</AccptncDtTm>"),
        ("an amount with six decimals", "<IntrBkSttlmAmt", "</IntrBkSttlmAmt>",
         '<IntrBkSttlmAmt Ccy="MXN">1.000001</IntrBkSttlmAmt>'),
        ("a negative amount", "<IntrBkSttlmAmt", "</IntrBkSttlmAmt>",
         '<IntrBkSttlmAmt Ccy="MXN">-1.00</IntrBkSttlmAmt>'),
        ("a currency in small letters", "<IntrBkSttlmAmt", "</IntrBkSttlmAmt>",
         '<IntrBkSttlmAmt Ccy="mxn">1.00</IntrBkSttlmAmt>'),
        ("EndToEndId of 36 characters", "<EndToEndId>", "</EndToEndId>",
         f"<EndToEndId>{'e' * 36}</EndToEndId>"),
    )
    for what, start, end, new in rows:
        with suite.case(f"pacs.008 with {what}: SCHEMA"):
            name = message.unique("M")
            document = message.pacs008(name, [tx])
            first = document.index(start)
            last = document.index(end, first) + len(end)
            document = document[:first] + new + document[last:]
            a.send(a.sign(message.envelope(document, PACS008, A, name)))
            found = a.refusal(name, "SCHEMA")
            expect(found["location"].startswith("/Envelope/Document/FIToFICstmrCdtTrf"),
                   f"ErrLctn {found['location']}")
    with suite.case("eleven transactions: SCHEMA, and none of them is decided"):
        name = message.unique("M")
        document = message.pacs008(name, [message.transfer(A, B) for _ in range(11)])
        a.send(a.sign(message.envelope(document, PACS008, A, name)))
        a.refusal(name, "SCHEMA")


def main():
    suite = Suite("refusal")
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off"}
    with suite.environment_of(participants=6, settings=settings, genesis=edit) as environment:
        refused(suite, environment)
        taken_or_not(suite, environment)
        good(suite, environment)
        suspended(suite, environment)
        demands(suite, environment)
    finish(suite)


if __name__ == "__main__":
    main()
