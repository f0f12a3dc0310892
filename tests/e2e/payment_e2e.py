#!/usr/bin/python3
"""WIRE section 4: a payment's life, who hears what of it, and when."""

import re
import time
import uuid

import message
from harness import Suite, equal, expect, finish, together
from message import ACCEPTED, PACS002, PACS008

DEADLINE_MS = 3000
A, B, C, MANY, LATE, INDIRECT = "10000001", "10000002", "10000003", "10000004", "10000005", "10000101"
CENTS = 100


def edit(genesis, _):
    for participant in genesis["participants"]:
        if participant["code"] == MANY:
            participant["pacs008_max"] = 10


def cents(text):
    whole, _, rest = text.partition(".")
    return int(whole) * CENTS + int(rest)


def settle(payment, payer, payee, status="ACSP"):
    payee.forwarded(payment.e2e)
    payee.answer(payment.e2e, status)
    return payer.result(payment.e2e, "ACSC"), payee.result(payment.e2e, "ACCC")


def accepted_ways(suite, a, b):
    for status in ACCEPTED:
        with suite.case(f"answered {status}: ACSC to the payer's bank, ACCC to the payee's"):
            before = a.balances(), b.balances()
            payment = a.pay(B, "12.34")
            forwarded = b.forwarded(payment.e2e)
            inner = message.parse(
                f'<Document xmlns="{message.ISO}{PACS008}">{payment.transfer}</Document>'.encode()
            )[0]
            equal(forwarded["canonical"], message.canonical(inner), "the forwarded CdtTrfTxInf")
            expect(forwarded["message_id"] not in payment.octets.decode(), "MsgId is the payer's")
            equal(cents(a.balances()[1]) - cents(before[0][1]), 1234, "reserved while open")
            b.answer(payment.e2e, status)
            mine, theirs = a.result(payment.e2e, "ACSC"), b.result(payment.e2e, "ACCC")
            equal(mine["settled"], theirs["settled"], "instant of settlement")
            equal(mine["seq"], theirs["seq"], "AcctSvcrRef")
            expect(re.fullmatch("[1-9][0-9]*", mine["seq"] or ""), f"AcctSvcrRef {mine['seq']!r}")
            after = a.balances(), b.balances()
            equal(cents(after[0][0]) - cents(before[0][0]), -1234, "payer's available")
            equal(cents(after[1][0]) - cents(before[1][0]), 1234, "payee's available")
            equal((after[0][1], after[1][1]), (before[0][1], before[1][1]), "reserved")


def identifiers(suite, a, b):
    with suite.case("InstrId and UETR of the payment stand in both results"):
        name = str(uuid.uuid4())
        payment = a.pay(B, instruction="I-1/2", uetr=name)
        for result in settle(payment, a, b):
            equal((result["instruction"], result["uetr"]), ("I-1/2", name), "InstrId, UETR")
    with suite.case("without them neither stands there"):
        for result in settle(a.pay(B), a, b):
            equal((result["instruction"], result["uetr"]), (None, None), "InstrId, UETR")
    for name in ("A._/:+-z9", "x", "Z" * 35):
        with suite.case(f"EndToEndId {name!r} is lawful"):
            settle(a.pay(B, e2e=name), a, b)


def content(suite, a, b):
    extra = (
        "<CdtrAcct><Id><Othr><Id>  7 &amp; &#x20AC; &lt;8&gt;</Id></Othr></Id></CdtrAcct>"
        "<Purp><Cd>GDDS</Cd></Purp><RmtInf><Ustrd>línea\t1\n línea 2 &quot;x&quot;</Ustrd></RmtInf>"
    )
    with suite.case("what the XSD allows besides is passed on unchanged"):
        payment = a.pay(B, extra=extra)
        forwarded = b.forwarded(payment.e2e)
        inner = message.parse(
            f'<Document xmlns="{message.ISO}{PACS008}">{payment.transfer}</Document>'.encode()
        )[0]
        equal(forwarded["canonical"], message.canonical(inner), "the forwarded CdtTrfTxInf")
        b.answer(payment.e2e, "RJCT", "AC03")
        a.result(payment.e2e, "RJCT", "AC03")
    with suite.case("prefixes and namespaces declared outside are passed on in the same form"):
        name = message.unique("M")
        transfer = message.transfer(A, B)
        prefixed = re.sub(r"<(/?)([A-Z])", r"<\1p:\2", transfer)
        document = message.pacs008(name, [transfer]).replace(transfer, prefixed)
        document = document.replace("<Document ", f'<Document xmlns:p="{message.ISO}{PACS008}" ')
        inner = message.parse(document.encode()).findall(f".//{{{message.ISO}{PACS008}}}CdtTrfTxInf")
        a.send(a.sign(message.envelope(document, PACS008, A, name)))
        e2e = re.search("EndToEndId>([^<]*)<", transfer)[1]
        equal(b.forwarded(e2e)["canonical"], message.canonical(inner[0]), "the CdtTrfTxInf")
        b.answer(e2e)
        a.result(e2e, "ACSC"), b.result(e2e, "ACCC")
    for amount in ("1.000", "1", "1.00000", "1.0000000", "01.5"):
        with suite.case(f"an amount written {amount}"):
            settle(a.pay(B, amount), a, b)


def rejections(suite, a, b):
    for reason in ("AC03", "AM04", "X", "zz1"):
        with suite.case(f"answered RJCT {reason}: released, passed on to the payer's bank only"):
            before = a.balances(), b.balances()
            payment = a.pay(B, "5.00")
            b.forwarded(payment.e2e)
            b.answer(payment.e2e, "RJCT", reason)
            result = a.result(payment.e2e, "RJCT", reason)
            equal((result["settled"], result["seq"]), (None, None), "DtTm and AcctSvcrRef")
            equal((a.balances(), b.balances()), before, "balances")
            expect(not b.events, f"the payee's bank hears {b.events}")


def repeats(suite, a, b, c):
    with suite.case("an answer again, or another one: the standing result to who answered"):
        payment = a.pay(B)
        _, first = settle(payment, a, b)
        for status, reason in (("ACSP", None), ("ACTC", None), ("RJCT", "AC03")):
            b.answer(payment.e2e, status, reason)
            again = b.result(payment.e2e, "ACCC")
            equal((again["seq"], again["settled"]), (first["seq"], first["settled"]), "result")
            expect(again["id"] != first["id"], "an answer again is a new message")
    with suite.case("an answer again to a rejected payment: RJCT with its reason"):
        payment = a.pay(B)
        b.forwarded(payment.e2e)
        b.answer(payment.e2e, "RJCT", "AC04")
        a.result(payment.e2e, "RJCT", "AC04")
        b.answer(payment.e2e)
        b.result(payment.e2e, "RJCT", "AC04")
    with suite.case("an answer to an unknown id: NOOR"):
        name = message.unique("E")
        b.answer(name)
        b.result(name, "RJCT", "NOOR")
    with suite.case("an answer from who is not the payee's bank: NOOR, nothing changes"):
        payment = a.pay(B)
        for stranger in (c, a):
            stranger.answer(payment.e2e, "RJCT", "AC03")
            stranger.result(payment.e2e, "RJCT", "NOOR")
        settle(payment, a, b)
    with suite.case("the pacs.008 again: ACSP while reserved, then its result; nothing changes"):
        before = cents(a.balances()[0])
        payment = a.pay(B, "3.00")
        a.send(payment.octets)
        a.result(payment.e2e, "ACSP")
        mine, _ = settle(payment, a, b)
        for octets in (payment.octets, a.payments([payment.transfer])):
            a.send(octets)
            again = a.result(payment.e2e, "ACSC")
            equal((again["seq"], again["settled"]), (mine["seq"], mine["settled"]), "result")
        equal(cents(a.balances()[0]), before - 300, "available")
    with suite.case("the same content in other quotes and attribute order is the same content"):
        payment = a.pay(B)
        a.send(a.payments([payment.transfer.replace('Ccy="MXN"', "Ccy = 'M&#88;N'")]))
        a.result(payment.e2e, "ACSP")
        settle(payment, a, b)
    with suite.case("a rejected and a refused pacs.008 again: the reason again"):
        payment = a.pay(B)
        b.forwarded(payment.e2e)
        b.answer(payment.e2e, "RJCT", "AC03")
        a.result(payment.e2e, "RJCT", "AC03")
        a.send(payment.octets)
        a.result(payment.e2e, "RJCT", "AC03")
        payment = a.pay(B, "9999999999.00")
        a.result(payment.e2e, "RJCT", "AM04")
        a.send(payment.octets)
        a.result(payment.e2e, "RJCT", "AM04")
    for what, change in (
        ("another amount", lambda text: text.replace(">1.00<", ">2.00<")),
        ("white space inside", lambda text: text.replace("<PmtId>", "<PmtId> ")),
        ("the same amount written otherwise", lambda text: text.replace(">1.00<", ">1.0<")),
    ):
        with suite.case(f"the same id with {what}: DU04, and the payment goes on"):
            payment = a.pay(B)
            a.send(a.payments([change(payment.transfer)]))
            a.result(payment.e2e, "RJCT", "DU04")
            settle(payment, a, b)
    with suite.case("another bank's id: DU04"):
        payment = a.pay(B)
        c.send(c.payments([message.transfer(C, B, e2e=payment.e2e)]))
        c.result(payment.e2e, "RJCT", "DU04")
        settle(payment, a, b)


def several(suite, a, b, many):
    with suite.case("ten transactions in a message are decided one by one, in order"):
        amounts = ["1.00", "0.00", "2.00", "99999999.00", "3.00", "1.00", "1.00", "1.00", "1.00"]
        transfers = [message.transfer(A, B, amount) for amount in amounts]
        transfers.append(transfers[0])
        ids = [re.search("EndToEndId>([^<]*)<", one)[1] for one in transfers]
        equal(len(a.send(a.payments(transfers))), 1, "PI-ResourceIds")
        a.result(ids[1], "RJCT", "AM01")
        a.result(ids[3], "RJCT", "AM04")
        a.result(ids[0], "ACSP")
        good = [ids[place] for place in (0, 2, 4, 5, 6, 7, 8)]
        messages = [b.forwarded(one)["message_id"] for one in good]
        equal(len(set(messages)), len(good), "messages, as pacs008_max is 1")
        b.send(b.answers(*[message.verdict(one, "ACSP") for one in good]))
        for one in good:
            a.result(one, "ACSC"), b.result(one, "ACCC")
    with suite.case("answers in one pacs.002 are independent of one another"):
        first, second = a.pay(B), a.pay(B)
        b.forwarded(first.e2e), b.forwarded(second.e2e)
        unknown = message.unique("E")
        b.send(b.answers(
            message.verdict(unknown, "ACSP"), message.verdict(first.e2e, "RJCT", "AC03"),
            message.verdict(second.e2e, "ACSP"), message.verdict(second.e2e, "ACSP"),
        ))
        b.result(unknown, "RJCT", "NOOR")
        a.result(first.e2e, "RJCT", "AC03")
        a.result(second.e2e, "ACSC")
        b.result(second.e2e, "ACCC"), b.result(second.e2e, "ACCC")
    with suite.case("parts of a body are processed in order: a payment, itself again, its answer"):
        transfer = message.transfer(A, B)
        octets = a.payments([transfer])
        e2e = re.search("EndToEndId>([^<]*)<", transfer)[1]
        equal(len(set(a.send(octets, octets, a.payments([transfer])))), 3, "different ids")
        a.result(e2e, "ACSP"), a.result(e2e, "ACSP")
        b.forwarded(e2e)
        b.answer(e2e)
        a.result(e2e, "ACSC"), b.result(e2e, "ACCC")
    with suite.case("pacs008_max 10: at most ten in a message, each exactly once"):
        transfers = [message.transfer(A, MANY) for _ in range(20)]
        ids = [re.search("EndToEndId>([^<]*)<", one)[1] for one in transfers]
        a.send(a.payments(transfers[:10]), a.payments(transfers[10:]))
        groups = {}
        for one in ids:
            groups.setdefault(many.forwarded(one)["message_id"], []).append(one)
        expect(all(len(group) <= 10 for group in groups.values()), f"groups {groups}")
        many.send(many.answers(*[message.verdict(one, "ACSP") for one in ids[:10]]),
                  many.answers(*[message.verdict(one, "ACSP") for one in ids[10:]]))
        for one in ids:
            a.result(one, "ACSC"), many.result(one, "ACCC")


def indirect(suite, a, b):
    with suite.case("an indirect participant pays through the one it settles through"):
        before = a.balances()
        settle(a.pay(B, "7.00", payer=INDIRECT), a, b)
        equal(cents(before[0]) - cents(a.balances()[0]), 700, "debit of 10000001")
    with suite.case("and is paid there: forwarded to 10000001, which answers for it"):
        before = a.balances()
        settle(b.pay(INDIRECT, "8.00"), b, a)
        equal(cents(a.balances()[0]) - cents(before[0]), 800, "credit of 10000001")


def bad_answers(suite, a, b):
    rows = (
        ("TxSts outside the table", ["<TxSts>ACSP<", "<TxSts>PDNG<"]),
        ("TxSts ACSC", ["<TxSts>ACSP<", "<TxSts>ACSC<"]),
        ("RJCT without a reason", ["<TxSts>ACSP<", "<TxSts>RJCT<"]),
        ("no TxSts", ["<TxSts>ACSP</TxSts>", ""]),
    )
    for what, (old, new) in rows:
        with suite.case(f"{what}: admi.002 SCHEMA for the whole message"):
            first, second = a.pay(B), a.pay(B)
            b.forwarded(first.e2e), b.forwarded(second.e2e)
            name = message.unique("M")
            document = message.pacs002(name, [
                message.verdict(first.e2e, "ACTC"), message.verdict(second.e2e, "ACSP"),
            ]).replace(old, new)
            b.send(b.sign(message.envelope(document, PACS002, B, name)))
            b.refusal(name, "SCHEMA")
            a.send(first.octets)
            a.result(first.e2e, "ACSP")
            for payment in (first, second):
                b.answer(payment.e2e)
                a.result(payment.e2e, "ACSC"), b.result(payment.e2e, "ACCC")
    with suite.case("OrgnlEndToEndId missing, eleven TxInfAndSts: SCHEMA"):
        name = message.unique("M")
        one = message.verdict("X", "ACSP")
        document = message.pacs002(name, [one.replace("<OrgnlEndToEndId>X</OrgnlEndToEndId>", "")])
        b.send(b.sign(message.envelope(document, PACS002, B, name)))
        b.refusal(name, "SCHEMA")
        name = message.unique("M")
        document = message.pacs002(name, [one] * 11)
        b.send(b.sign(message.envelope(document, PACS002, B, name)))
        b.refusal(name, "SCHEMA")
    with suite.case("GrpHdr, OrgnlGrpInfAndSts, OrgnlInstrId in an answer: as the XSD allows"):
        payment = a.pay(B)
        b.forwarded(payment.e2e)
        name = message.unique("M")
        group = ("<OrgnlGrpInfAndSts><OrgnlMsgId>x</OrgnlMsgId><OrgnlMsgNmId>pacs.008.001.08"
                 "</OrgnlMsgNmId></OrgnlGrpInfAndSts>")
        document = message.pacs002(name, [message.verdict(payment.e2e, "ACSP")])
        document = document.replace("</GrpHdr>", "</GrpHdr>" + group)
        document = document.replace("<OrgnlEnd", "<OrgnlInstrId>q</OrgnlInstrId><OrgnlEnd")
        b.send(b.sign(message.envelope(document, PACS002, B, name)))
        a.result(payment.e2e, "ACSC"), b.result(payment.e2e, "ACCC")


def deadlines(suite, environment):
    """All that expires does so in the same seconds, so that they are waited for once."""
    a, b, late = environment.bank(A), environment.bank(B), environment.bank(LATE)
    before = a.balances(), b.balances(), late.balances()
    rows = (  # priority, settlement priority, seconds since acceptance, expires
        (None, None, 0, True),
        ("HIGH", None, 0, True),
        ("NORM", None, 0, False),
        (None, "NORM", 0, False),
        ("NORM", "URGT", 0, True),
        ("HIGH", "NORM", 0, False),
        (None, "HIGH", 1.5, True),
        ("NORM", None, 600, False),
    )
    started = time.monotonic()
    paid = []
    for priority, settlement, age, expires in rows:
        options = {"priority": priority, "settlement_priority": settlement,
                   "accepted": message.instant(-age)}
        paid.append((a.pay(B, **options), priority, settlement, age, expires))
    for payment, *_ in paid:
        b.forwarded(payment.e2e)
    never = a.pay(LATE)  # LATE does not poll before it has expired
    ahead = a.pay(B, accepted=message.instant(30))
    b.forwarded(ahead.e2e)
    limit = DEADLINE_MS / 1000
    expired = sorted((row for row in paid if row[4]), key=lambda row: -row[3])
    for payment, priority, settlement, age, _ in expired:
        with suite.case(f"InstrPrty {priority}, SttlmPrty {settlement}, accepted {age} s ago: "
                        "AB03 to both at the deadline"):
            a.result(payment.e2e, "RJCT", "AB03"), b.result(payment.e2e, "RJCT", "AB03")
            waited = time.monotonic() - started
            if age:
                expect(waited < limit - 0.2, f"expired only after {waited:.2f} s")
            else:
                expect(limit - 0.1 < waited < limit + 1.5, f"expired after {waited:.2f} s")
    with suite.case("a pacs.008 not delivered in time is not delivered any more: AB03 only"):
        a.result(never.e2e, "RJCT", "AB03")
        late.result(never.e2e, "RJCT", "AB03")
    with suite.case("AccptncDtTm ahead: the limit counts from receipt"):
        a.result(ahead.e2e, "RJCT", "AB03"), b.result(ahead.e2e, "RJCT", "AB03")
    with suite.case("a late answer: the standing RJCT AB03 again, nothing changes"):
        for status, reason in (("ACSP", None), ("RJCT", "AC03")):
            b.answer(paid[0][0].e2e, status, reason)
            b.result(paid[0][0].e2e, "RJCT", "AB03")
    with suite.case("an expired pacs.008 again: RJCT AB03"):
        a.send(paid[0][0].octets)
        a.result(paid[0][0].e2e, "RJCT", "AB03")
    for payment, priority, settlement, age, expires in paid:
        if not expires:
            with suite.case(f"InstrPrty {priority}, SttlmPrty {settlement}, accepted {age} s ago: "
                            "settles behind the HIGH limit"):
                b.answer(payment.e2e)
                a.result(payment.e2e, "ACSC"), b.result(payment.e2e, "ACCC")
    with suite.case("balances: only what settled has moved"):
        settled = sum(not expires for *_, expires in paid) * CENTS
        after = a.balances(), b.balances(), late.balances()
        equal(cents(after[0][0]), cents(before[0][0]) - settled, "payer's available")
        equal(cents(after[1][0]), cents(before[1][0]) + settled, "payee's available")
        equal(after[2], before[2], "the late bank's balances")
        equal([one[1] for one in after], [one[1] for one in before], "reserved")


def conserved(suite, environment):
    with suite.case("the sum of all balances is the opening funding"):
        banks = [environment.bank(code) for code in (A, B, C, MANY, LATE)]
        balances = together(lambda bank: bank.balances(), banks)
        equal(sum(cents(one) for one, _ in balances), 5 * 1000000 * CENTS, "available")
        equal({one for _, one in balances}, {"0.00"}, "reserved")


def main():
    suite = Suite("payment")
    settings = {"participants.poll_seconds": 1, "payments.deadline_high_ms": DEADLINE_MS,
                "switch.loops": 2}
    with suite.environment_of(participants=5, settings=settings, genesis=edit) as environment:
        a, b, c, many = (environment.bank(code) for code in (A, B, C, MANY))
        accepted_ways(suite, a, b)
        identifiers(suite, a, b)
        content(suite, a, b)
        rejections(suite, a, b)
        repeats(suite, a, b, c)
        several(suite, a, b, many)
        indirect(suite, a, b)
        bad_answers(suite, a, b)
        deadlines(suite, environment)
        conserved(suite, environment)
    finish(suite)


if __name__ == "__main__":
    main()
