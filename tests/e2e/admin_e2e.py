#!/usr/bin/python3
"""WIRE section 8, as far as it is built: health, metrics, and the state of the system."""

import http.client
import json
import re
import ssl
import time

import wire
from harness import Suite, equal, expect, finish

A, B = "10000001", "10000002"
SYSTEM = "/admin/v1/system"
OPERATORS = ("maker", "checker", "auditor", "rtgs")
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})? (-?[0-9.e+-]+|NaN|\+Inf)')
METRICS_LEAST = 12  # "the first dozen metrics"


def plain(environment, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", environment.metrics_port, timeout=10)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, response.headers.get("Content-Type", ""), body.decode()


def operator(environment, name, path=SYSTEM, method="GET"):
    pair = name if "/" in name else f"operators/{name}"
    connection = wire.Connection(environment.admin_port, environment.context(pair))
    try:
        return connection.request(method, path)
    finally:
        connection.close()


def samples(environment):
    """{name with labels: value} of /metrics, its form checked."""
    status, kind, text = plain(environment, "/metrics")
    equal(status, 200, "status")
    expect(kind.startswith("text/plain"), f"Content-Type {kind}")
    expect(text.endswith("\n"), "no line feed at the end")
    found, typed = {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif line and not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            expect(match, f"a line {line!r}")
            base = re.sub("_(bucket|sum|count)$", "", match[1])
            expect(match[1] in typed or base in typed, f"{match[1]} has no TYPE")
            expect(line.split(" ")[0] not in found, f"{line.split(' ')[0]} stands twice")
            found[match[1] + (match[2] or "")] = float(match[3])
    expect(len(typed) >= METRICS_LEAST, f"{len(typed)} metrics")
    return found


def health(suite, environment):
    for path in ("/livez", "/readyz"):
        with suite.case(f"{path}: 200"):
            equal(plain(environment, path)[0], 200, "status")
    with suite.case("of the health port: other paths 404, other methods 405"):
        equal(plain(environment, "/nothing")[0], 404, "status")
        equal(plain(environment, "/livez", "POST")[0], 405, "status of POST")
        equal(plain(environment, SYSTEM)[0], 404, "status of the admin API without a certificate")
    with suite.case("/metrics is Prometheus text and counts what happens"):
        before = samples(environment)
        a, b = environment.bank(A), environment.bank(B)
        for _ in range(5):
            payment = a.pay(B, "1.00")
            b.forwarded(payment.e2e)
            b.answer(payment.e2e)
            a.result(payment.e2e, "ACSC"), b.result(payment.e2e, "ACCC")
        after = samples(environment)
        grown = {name for name in after if after[name] - before.get(name, 0) == 5}
        expect(any("settled" in name for name in grown), f"grown by 5: {grown}")
        expect(all(after[name] >= before[name] for name in before
                   if name.endswith("_total")), "a counter went back")


def system(suite, environment):
    for name in OPERATORS:
        with suite.case(f"{SYSTEM} for {name}"):
            response = operator(environment, name)
            equal(response.status, 200, "status")
            expect((response.field("content-type") or "").startswith("application/json"), "type")
            page = json.loads(response.body)
            equal(page["operator"], {"name": name, "role": name}, "operator")
    with suite.case("its figures are those of the ledger"):
        a = environment.bank(A)
        open_one = a.pay(B, "7.00", priority="NORM")
        page = json.loads(operator(environment, "auditor").body)
        equal(page["state"], "serving", "state")
        run = suite.cauce("verify", environment.folder / "ledger")
        match = re.fullmatch(r"ok entries=(\d+) blocks=\d+ head=([0-9a-f]{64})\n", run.stdout)
        expect(match, f"verify: {run.stdout} {run.stderr}")
        equal((page["ledger"]["head_seq"], page["ledger"]["head_hash"]),
              (int(match[1]), match[2]), "head")
        expect(page["invariants"] and all(one["holds"] for one in page["invariants"]),
               f"invariants {page['invariants']}")
        expect(isinstance(page["uptime_seconds"], int), "uptime_seconds")
        end = time.monotonic() + 5  # gauges are taken now and then, and the broker takes its time
        while (page["payments"]["open"], page["broker"]["lag"]) != (1, 0) and time.monotonic() < end:
            page = json.loads(operator(environment, "auditor").body)
        equal((page["payments"]["open"], page["broker"]["lag"]), (1, 0), "open payments, lag")
        equal(sorted(page["queues"]), ["commands_bytes", "deliveries", "transient_answers"], "queues")
        expect(page["queues"]["deliveries"] >= 1, "the payee's pacs.008 waits")
        b = environment.bank(B)
        b.forwarded(open_one.e2e)
        b.answer(open_one.e2e)
        a.result(open_one.e2e, "ACSC"), b.result(open_one.e2e, "ACCC")


def strangers(suite, environment):
    with suite.case("a participant's certificate is no operator's: 403"):
        equal(operator(environment, f"participants/{A}/channel").status, 403, "status")
    with suite.case("no certificate: no handshake"):
        try:
            connection = wire.Connection(environment.admin_port, environment.context())
            response = connection.request("GET", SYSTEM)
        except (ssl.SSLError, ConnectionError, wire.Closed):
            pass
        else:
            raise AssertionError(f"a request got {response.status}")
    with suite.case("other paths 404, other methods 405"):
        equal(operator(environment, "maker", "/admin/v1/nothing").status, 404, "status")
        equal(operator(environment, "maker", SYSTEM, "DELETE").status, 405, "status of DELETE")
        equal(operator(environment, "maker", f"/api/v1/in/{A}/catalog").status, 404,
              "status of the banks' API")


def restarted(suite, environment):
    environment.kill()
    environment.start()
    with suite.case("after a kill: ready, the same head, the invariants hold"):
        equal(plain(environment, "/readyz")[0], 200, "status")
        page = json.loads(operator(environment, "checker").body)
        run = suite.cauce("verify", environment.folder / "ledger")
        expect(page["ledger"]["head_hash"] in run.stdout, f"{page['ledger']} {run.stdout}")
        expect(all(one["holds"] for one in page["invariants"]), f"{page['invariants']}")


def main():
    suite = Suite("admin")
    settings = {"participants.poll_seconds": 1}
    with suite.environment_of(participants=2, settings=settings) as environment:
        health(suite, environment)
        system(suite, environment)
        strangers(suite, environment)
        restarted(suite, environment)
    finish(suite)


if __name__ == "__main__":
    main()
