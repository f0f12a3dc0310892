#!/usr/bin/python3
"""The messages of one payment in proto/iso/README.md are what the page says: whole, valid, signed by
whom they should be, and of one payment."""

import pathlib
import re
import subprocess
import tempfile

import xmlsec

import message
from draft import stands
from harness import Suite, equal, expect, finish
from message import ACCEPTED, PACS002, PACS008, SWITCH
from oracle import ROOT

A, B = "10000001", "10000002"
# (Fr, To, MsgDefIdr) of each.
MESSAGES = ((A, SWITCH, PACS008), (SWITCH, B, PACS008), (B, SWITCH, PACS002),
            (SWITCH, A, PACS002), (SWITCH, B, PACS002))
PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


def read_page():
    page = (ROOT / "proto" / "iso" / "README.md").read_text(encoding="utf-8")
    return [re.sub(r"\n\s*", "", block) for block in re.findall(r"```xml\n(.*?)```", page, re.S)]


def main():
    suite = Suite("readme")
    texts = read_page()
    with suite.case("there are five messages"):
        equal(len(texts), len(MESSAGES), "messages")
    read = [message.Message(None, text.encode()) for text in texts]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for number, (one, (sender, receiver, kind)) in enumerate(zip(read, MESSAGES), 1):
            path, certificate = folder / f"{number}.xml", folder / f"{number}.crt"
            path.write_bytes(one.octets)
            certificate.write_text(PEM.format(re.search(
                b"X509Certificate>([^<]*)<", one.octets)[1].decode()))
            with suite.case(f"message {number}: from whom, to whom"):
                code = "AppHdr/{}/FIId/FinInstnId/ClrSysMmbId/MmbId".format
                equal((one.text(code("Fr")), one.text(code("To")), one.kind),
                      (sender, receiver, kind))
            with suite.case(f"message {number}: xmlsec verifies its signature"):
                stands(one.octets, xmlsec.Key.from_file(str(certificate),
                                                        xmlsec.KeyFormat.CERT_PEM))
            if receiver != SWITCH:
                continue
            with suite.case(f"message {number}: the switch takes it"):
                run = suite.cauce("message", "check", path, "--cert", certificate)
                equal(run.stdout, f"ok {kind}\n", "verdict")
            with suite.case(f"message {number}: changed, it does not"):
                changed = path.with_suffix(".changed")
                changed.write_bytes(one.octets.replace(b"<TxInfAndSts>", b"<TxInfAndSts> ")
                                    .replace(b"<PmtId>", b"<PmtId> "))
                run = suite.cauce("message", "check", changed, "--cert", certificate)
                expect(run.stdout.startswith("SIGNATURE "), run.stdout)
        run = subprocess.run(["/usr/bin/python3", str(ROOT / "tests/interop/validate.py"), name],
                             capture_output=True, text=True, check=False)
        if run.returncode == 77:
            suite.skip("by the XSDs", run.stdout.strip())
        else:
            with suite.case("all are valid by the XSDs"):
                equal(run.returncode, 0, run.stdout)

    paid, offered, answered, told_payer, told_payee = (one.events()[0] for one in read)
    with suite.case("all are about one payment"):
        equal({event[1] for event in (paid, offered, answered, told_payer, told_payee)}, {paid[1]})
    with suite.case("the payee gets the CdtTrfTxInf as the payer wrote it"):
        equal(offered[2]["canonical"], paid[2]["canonical"])
    with suite.case("it is accepted, and settled by one entry"):
        expect(answered[2]["status"] in ACCEPTED, answered[2]["status"])
        equal((told_payer[2]["status"], told_payee[2]["status"]), ("ACSC", "ACCC"))
        equal(told_payer[2]["seq"], told_payee[2]["seq"], "AcctSvcrRef")
    with suite.case("the switch has one certificate"):
        found = {re.search(b"X509Certificate>([^<]*)<", read[place].octets)[1]
                 for place in (1, 3, 4)}
        equal(len(found), 1, "certificates")
    finish(suite)


if __name__ == "__main__":
    main()
