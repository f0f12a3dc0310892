#!/usr/bin/python3
"""WIRE section 6, `cauce message check FILE [--canonical]` on every document of tests/xml (its
README says how they are written): what is refused is BADXML, what is not has lxml's canonical form.
The whole envelopes pass as messages."""

import concurrent.futures
import re
import subprocess
import tempfile

from lxml import etree

from harness import Suite, equal, expect, finish
from oracle import ROOT

CORPUS = ROOT / "tests/xml"
SIMPLE = {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\", "}": b"}"}


class Escaped:
    """A document or form as the tables write it."""

    def __init__(self, text):
        self.text = text
        self.at = 0

    def take(self, pattern):
        match = re.compile(pattern, re.S).match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def octets(self, turn=0):
        parts = []
        while self.at < len(self.text) and not (turn and self.text[self.at] == "}"):
            if (match := self.take(r"[^\\}]+|}")) is not None:
                parts.append(match[0].encode())
            elif (match := self.take(r"\\x(..)")) is not None:
                parts.append(bytes.fromhex(match[1]))
            elif (match := self.take(r"\\u{(\w+)}")) is not None:
                parts.append(chr(int(match[1], 16)).encode())
            elif self.take(r"\\i"):
                parts.append(str(turn).encode())
            elif (match := self.take(r"\\(\d+){")) is not None:
                body = self.at
                for each in range(1, int(match[1]) + 1):
                    self.at = body
                    parts.append(self.octets(each))
                    self.at += 1
            else:
                parts.append(SIMPLE[self.take(r"\\(.)")[1]])
        return b"".join(parts)


def rows(path):
    """(verdict, name, document, form or None) of each row."""
    found = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("= "):
            found[-1][3] = Escaped(line[2:]).octets()
        elif line and not line.startswith("#"):
            verdict, name, document = line.split("|", 2)
            found.append([verdict.split()[0], name.strip(),
                          Escaped(document.removeprefix(" ")).octets(), None])
    return found


def canonical(octets):
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.tostring(etree.fromstring(octets, parser), method="c14n", exclusive=True,
                          with_comments=False)


def check(suite, octets, *options):
    """Exit code and standard output of `cauce message check`."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        file.write(octets)
        file.flush()
        ended = subprocess.run([suite.program("cauce"), "message", "check", file.name, *options],
                               capture_output=True, timeout=30, check=False)
    return ended.returncode, ended.stdout


def documents(suite):
    for path in sorted(CORPUS.glob("*.txt")):
        found = rows(path)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda row: check(suite, row[2], "--canonical"), found)
        for (verdict, name, octets, form), (code, output) in zip(found, answers):
            with suite.case(f"{path.stem}: {name}"):
                if verdict == "ok":
                    equal((code, output), (0, form or canonical(octets)), "exit and form")
                else:
                    equal(code, 1, "exit")
                    expect(re.fullmatch(rb"BADXML /\S*: [^\n]+\n", output), f"output {output!r}")


def envelopes(suite):
    for path in sorted((CORPUS / "envelopes").glob("*.xml")):
        octets = path.read_bytes()
        kind = re.search(rb"MsgDefIdr[^>]*>([^<]+)<", octets)[1]
        with suite.case(f"envelope {path.name} is a message"):
            equal(check(suite, octets), (0, b"ok " + kind + b"\n"), "exit and output")
        with suite.case(f"envelope {path.name} has its canonical form"):
            equal(check(suite, octets, "--canonical"), (0, canonical(octets)), "exit and form")


def main():
    suite = Suite("xml")
    documents(suite)
    envelopes(suite)
    finish(suite)


if __name__ == "__main__":
    main()
