#!/usr/bin/python3
"""How much one bank's flood slows down two others that pay each other, in an interleaved comparison.

    loadtest/fairness/fairness.py [--build DIR] [--kinds TEXT] [--rate N] [--flood N] [--seconds N]
                                  [--rounds N] [--tokens N]

One switch; banks 10000001 and 10000002 pay each other (`cauce load`, open loop) in runs of --seconds,
during which bank 10000003 rests and floods in turn, so that whatever else the machine does hits both
alike. Each kind's line has p50 and p99 of settlement, resting and flooded, and their ratios: of all
rounds the lower quartile, as the upper ones are those in which the machine did something else. Exit 1
when the ratio of a p99 is above RATIO_MAX."""

import json
import pathlib
import statistics
import sys

import flood
from harness import Suite, expect, finish

RATIO_MAX = 2.0
OPTIONS = (
    ("--kinds", str, "", "only kinds whose name holds this text"),
    ("--rate", int, 200, "payments per second of the two banks"),
    ("--flood", int, 2000, "requests per second of the third"),
    ("--seconds", int, 4, "of one run, the first of which is not counted"),
    ("--rounds", int, 5, "pairs of runs per kind"),
    ("--tokens", int, 3750, "participants.rate_tokens of each bank (0: unlimited)"),
)


def measure(suite, environment):
    """p50 and p99 of one run, in milliseconds."""
    name = environment.root / "load"
    options = suite.arguments
    run = suite.cauce(
        "load", "-c", environment.folder, "--url", f"https://127.0.0.1:{environment.port}",
        "--metrics", f"http://127.0.0.1:{environment.metrics_port}", "--participants", 2,
        "--rate", options.rate, "--seconds", options.seconds, "--report", name, timeout=120)
    expect(run.returncode == 0, f"cauce load: {run.stdout}{run.stderr}")
    settlement = json.loads(pathlib.Path(f"{name}.json").read_text())["settlement"]
    return settlement["p50_ms"], settlement["p99_ms"]


def quartile(values):
    return sorted(values)[len(values) // 4]


def compare(suite, environment, kind):
    options = suite.arguments
    rest, flooded, counts, rates = [], [], {}, []
    for _ in range(options.rounds):
        rest.append(measure(suite, environment))
        with flood.Flood(environment.bank(flood.FLOODER), kind, options.flood) as one:
            flooded.append(measure(suite, environment))
        rates.append(one.per_second)
        for what, count in one.counts.items():
            counts[what] = counts.get(what, 0) + count
    (p50, p99), (p50_flooded, p99_flooded) = (
        [quartile(column) for column in zip(*runs)] for runs in (rest, flooded))
    ratio = p99_flooded / p99
    print(f"{kind:15} {statistics.median(rates):6.0f}/s  rest {p50:6.2f} / {p99:6.2f} ms  flooded "
          f"{p50_flooded:6.2f} / {p99_flooded:6.2f} ms  ratio {p50_flooded / p50:4.2f} / {ratio:4.2f}"
          f"  {counts}", flush=True)
    expect(ratio <= RATIO_MAX, f"the p99 is {ratio:.2f} times what it is at rest")


def main():
    suite = Suite("fairness", OPTIONS)
    settings = {"participants.rate_tokens": suite.arguments.tokens,
                "participants.poll_seconds": 1, "participants.stream_idle_seconds": 2,
                "kafka.mode": "off"}
    with suite.environment_of(name="fairness", settings=settings) as environment:
        measure(suite, environment)  # to warm up
        for kind in flood.KINDS:
            if suite.arguments.kinds not in kind:
                continue
            with suite.case(kind):
                compare(suite, environment, kind)
    finish(suite)


if __name__ == "__main__":
    sys.exit(main())
