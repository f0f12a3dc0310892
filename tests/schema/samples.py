#!/usr/bin/env python3
"""Samples from the official XSDs, judged by xmllint and by our walker, which must agree.

usage: samples.py VERDICT [MESSAGE...]      VERDICT: the program built from verdict.c

For each type that a message reaches, placed where the shortest path from the root leads: each
optional element present, each required one absent, each one too often, each neighbour swapped, each
choice's alternatives, none and two; for each simple type values at, below and above each facet.  Each
sample also says whether it means to be valid, so a sample that tests nothing is found too.  The types
of the messages in COMPLETE are all sampled in each; of the others, those that none before had.
"""
import collections
import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree
from xml.sax.saxutils import escape

try:
    from re import _parser as regex
except ImportError:
    import sre_parse as regex

XS = "{http://www.w3.org/2001/XMLSchema}"
XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
MESSAGES = """
head.001.001.02 pacs.008.001.08 pacs.002.001.10 pacs.004.001.10 pacs.028.001.03 camt.056.001.08
camt.029.001.09 camt.060.001.05 camt.052.001.08 camt.053.001.08 camt.054.001.08 camt.050.001.05
camt.025.001.05 pain.013.001.07 pain.014.001.07 admi.002.001.01 admi.004.001.02 admi.011.001.01
""".split()
COMPLETE = ("head.001.001.02", "pacs.008.001.08", "pacs.002.001.10")
UNBOUNDED = 10 ** 9

# Form of the built-in types: value, whether it is one; None: only agreement is asked.
FORMS = {
    "xs:date": [("2024-02-29", True), ("2023-02-29", False), ("1900-02-29", False),
                ("2000-02-29", True), ("2026-11-31", False), ("2026-13-01", False),
                ("2026-00-01", False), ("2026-1-01", False), ("26-01-01", False),
                ("0000-01-01", False), ("12026-01-01", True), ("02026-01-01", False),
                ("-0044-03-15", True), ("2026-11-21Z", True), ("2026-11-21+14:00", True),
                ("2026-11-21-13:59", True), ("2026-11-21+14:01", False),
                ("2026-11-21+9:00", False), ("2026-11-21+09:60", False),
                ("2026-11-21T00:00:00", False), ("2026-11- 21", False),
                ("", False), ("2026-11-21z", False)],
    "xs:time": [("00:00:00", True), ("23:59:59.999999999Z", True), ("24:00:00", True),
                ("24:00:00.0", True), ("24:00:01", False), ("24:01:00", False), ("25:00:00", False),
                ("12:60:00", False), ("12:00:60", False), ("12:00", False), ("12:00:00.", False),
                ("1:00:00", False), ("12:00:00+05:30", True), ("", False)],
    "xs:gYearMonth": [("2026-11", True), ("2026-13", False), ("2026-00", False), ("2026", False),
                      ("2026-11Z", True), ("2026-11-01", False), ("0000-01", False), ("", False)],
    "xs:boolean": [("true", True), ("false", True), ("1", True), ("0", True), (" true\n", True),
                   ("TRUE", False), ("yes", False), ("", False), ("01", False), ("2", False)],
    "xs:decimal": [("0", True), ("+1", True), ("00001", True), ("1.0000000000", True), ("-0", True),
                   ("1.", None), (".5", None), (".", False), ("", False), ("+", False), ("-", False),
                   ("1,5", False), ("1e5", False), ("0x1", False), ("1 0", False), ("--1", False),
                   ("+-1", False), ("INF", False), ("NaN", False), (" 1 ", True), ("1.2.3", False)],
    "xs:base64Binary": [("AA==", True), ("AAA=", True), ("AAAA", True), (" AA ==\n", True),
                        ("A", False), ("AA", False), ("AA=", False), ("A===", False),
                        ("AB==", False), ("AAB=", False), ("AA==AA==", False), ("====", False)],
}
FORMS["xs:dateTime"] = ([(f"{day}T12:00:00Z", good) for day, good in FORMS["xs:date"][:13]]
                        + [(f"2026-11-21T{time}", good) for time, good in FORMS["xs:time"]]
                        + [("2026-11-21", False), ("2026-11-21 12:00:00", False),
                           ("2026-11-21t12:00:00Z", False), ("2026-11-21T12:00:00Z", True)])


class Schema:
    def __init__(self, path):
        root = tree.parse(path).getroot()
        self.namespace = root.get("targetNamespace")
        self.types = {child.get("name"): child for child in root if child.tag.endswith("Type")}
        (self.root,) = root.findall(XS + "element")

    def content(self, name):
        """(kind, parts): sequence or choice of (name, type, min, max); any; simple (type, attribute)."""
        definition = self.types[name]
        if definition.tag == XS + "simpleType":
            return "simple", (name, None)
        inner = definition[0]
        if inner.tag == XS + "simpleContent":
            extension = inner[0]
            return "simple", (extension.get("base"), extension[0])
        if inner[0].tag == XS + "any":
            return "any", inner[0].get("namespace")
        parts = []
        for child in inner:
            most = child.get("maxOccurs", "1")
            parts.append((child.get("name"), child.get("type"), int(child.get("minOccurs", 1)),
                          UNBOUNDED if most == "unbounded" else int(most)))
        return inner.tag[len(XS):], parts

    def paths(self):
        """Of each type the shortest way from the root: a list of (type, index of the child)."""
        start = self.root.get("type")
        found, queue = {start: []}, collections.deque([start])
        while queue:
            name = queue.popleft()
            kind, parts = self.content(name)
            if kind not in ("sequence", "choice"):
                continue
            for index, (_, child, _, _) in enumerate(parts):
                if child not in found:
                    found[child] = found[name] + [(name, index)]
                    queue.append(child)
        return found


def shortest(parsed):
    """A shortest text that a parsed regular expression matches."""
    text = ""
    for operation, argument in parsed:
        operation = str(operation)
        if operation == "LITERAL":
            text += chr(argument)
        elif operation == "ANY":
            text += "x"
        elif operation == "IN":
            kind, value = argument[0]
            text += chr(value if str(kind) == "LITERAL" else value[0])
        elif operation == "MAX_REPEAT":
            text += shortest(argument[2]) * argument[0]
        elif operation == "SUBPATTERN":
            text += shortest(argument[3])
        elif operation == "BRANCH":
            text += shortest(argument[1][0])
        else:
            sys.exit(f"samples.py: regular expression {operation}")
    return text


def longest(parsed):
    """A text with every repetition at its upper bound, and the last of the alternatives."""
    text = ""
    for operation, argument in parsed:
        operation = str(operation)
        if operation == "MAX_REPEAT":
            text += longest(argument[2]) * min(argument[1], argument[0] + 40)
        elif operation == "SUBPATTERN":
            text += longest(argument[3])
        elif operation == "BRANCH":
            text += longest(argument[1][-1])
        elif operation == "IN":
            kind, value = argument[-1]
            text += chr(value if str(kind) == "LITERAL" else value[1])
        else:
            text += shortest([(operation, argument)])
    return text


class Simple:
    """A simple type: a good value, and values with what they mean to be."""

    def __init__(self, definition):
        restriction = definition[0]
        self.base = restriction.get("base")
        self.facets = collections.defaultdict(list)
        for facet in restriction:
            self.facets[facet.tag[len(XS):]].append(facet.get("value"))

    def one(self, name):
        return self.facets[name][0] if self.facets[name] else None

    def good(self):
        if self.one("pattern"):
            return shortest(regex.parse(self.one("pattern")))
        if self.one("enumeration"):
            return self.one("enumeration")
        if self.base == "xs:string":
            return "x" * int(self.one("length") or self.one("minLength") or 0)
        return {"xs:decimal": "1", "xs:boolean": "true", "xs:date": "2026-11-21",
                "xs:dateTime": "2026-11-21T12:00:00Z", "xs:time": "12:00:00",
                "xs:gYearMonth": "2026-11", "xs:base64Binary": "AAAA"}[self.base]

    def values(self):
        yield self.good(), True
        facets = self.facets
        if self.base in FORMS and not facets["pattern"]:
            yield from FORMS[self.base]
        if self.base == "xs:string" and not facets["pattern"] and not facets["enumeration"]:
            least = int(self.one("length") or self.one("minLength") or 0)
            most = int(self.one("length") or self.one("maxLength") or 60000)
            yield "x" * least, True
            if least > 0:
                yield "x" * (least - 1), False
            if most < 50000:
                yield "x" * most, True
                yield "x" * (most + 1), False
                yield "\u00f1" * most, True
                yield "\U0001f600" * (most + 1), False
                yield " " * most, True
                yield " " * (most + 1), False
                yield "x" * (most - 1) + "\n", True if most > 0 and most - 1 >= 0 else None
        for pattern in facets["pattern"]:
            expression = re.compile(f"(?:{pattern})")
            low, high = shortest(regex.parse(pattern)), longest(regex.parse(pattern))
            variants = {low, high, low[:-1], high + high[-1:], low.lower(), low.upper(), " " + low,
                        low + "\n", low + " ", "", "\u00f1" + low[1:], high[:-1] + "\u00f1",
                        high[:-1] + "\u0660"}
            variants |= {low[:at] + letter + low[at + 1:] for at in range(min(len(low), 40))
                         for letter in "aA0-z"}
            for text in sorted(variants):
                yield text, expression.fullmatch(text) is not None if self.base == "xs:string" else None
        for value in facets["enumeration"]:
            yield value, True
        if facets["enumeration"]:
            first = self.one("enumeration")
            for text in (first + "x", first[:-1], first.lower(), " " + first, first + "\n", "", "ZZZZ9"):
                yield text, text in facets["enumeration"]
        if facets["totalDigits"]:
            total, fraction = int(self.one("totalDigits")), int(self.one("fractionDigits") or 0)
            yield "9" * total, True
            yield "9" * (total + 1), False
            yield "0000" + "9" * total, True
            yield "9" * (total - fraction) + "." + "9" * fraction, True if fraction else None
            yield "9" * (total - fraction + 1) + "." + "9" * max(fraction, 1), False
            yield "0." + "9" * (fraction + 1), False
            yield "0." + "9" * fraction + "000", True if fraction else None
            yield "0." + "0" * fraction + "1", False
            yield "1." + "0" * 20, True
        if self.base == "xs:decimal":
            below = bool(facets["minInclusive"])
            whole = int(self.one("fractionDigits") or 0) == 0 and bool(facets["fractionDigits"])
            yield "-1", not below
            yield "-0.1", False if below or whole else True
            yield "-0.0", True


def in_no_namespace(name, text):
    return re.sub(rf"<{name}(?=[ >])", f'<{name} xmlns=""', text, count=1)


class Samples:
    def __init__(self, schema):
        self.schema = schema
        self.simples, self.least = {}, {}
        self.list = []  # (text, label, means to be valid)

    def simple(self, name):
        if name not in self.simples:
            self.simples[name] = Simple(self.schema.types[name])
        return self.simples[name]

    def element(self, name, kind, inner=None, attributes=None):
        if inner is None:
            inner, attributes = self.minimal(kind)
        return f"<{name}{attributes or ''}>{inner}</{name}>"

    def minimal(self, kind):
        """Inner XML and attributes of the least valid content of a type."""
        if kind not in self.least:
            self.least[kind] = self.make_minimal(kind)
        return self.least[kind]

    def make_minimal(self, kind):
        content, parts = self.schema.content(kind)
        if content == "simple":
            base, attribute = parts
            return escape(self.simple(base).good()), self.attributes(attribute)
        if content == "any":
            return f'<s:any xmlns:s="{XMLDSIG}"/>', ""
        if content == "choice":
            name, child, _, _ = parts[0]
            return self.element(name, child), ""
        return "".join(self.element(name, child) * least for name, child, least, _ in parts), ""

    def attributes(self, attribute):
        if attribute is None:
            return ""
        return f' {attribute.get("name")}="{escape(self.simple(attribute.get("type")).good())}"'

    def document(self, path, inner, attributes=""):
        """The whole document with `inner` as the content of the type that `path` leads to."""
        for kind, index in reversed(path):
            content, parts = self.schema.content(kind)
            name, child, _, _ = parts[index]
            target = self.element(name, child, inner, attributes)
            attributes = ""
            if content == "choice":
                inner = target
            else:
                inner = "".join(target + self.element(one, of) * (least - 1) if at == index
                                else self.element(one, of) * least
                                for at, (one, of, least, _) in enumerate(parts))
        root = self.schema.root.get("name")
        return f'<{root} xmlns="{self.schema.namespace}"{attributes}>{inner}</{root}>'

    def add(self, path, label, good, inner, attributes=""):
        self.list.append((self.document(path, inner, attributes), label, good))

    def add_type(self, kind, path):
        content, parts = self.schema.content(kind)
        inner, attributes = self.minimal(kind)
        add = lambda label, good, inner, given=attributes: self.add(path, f"{kind}: {label}", good, inner, given)
        add("minimal", True, inner)
        add("unknown attribute", False, inner, attributes + ' unknown="1"')
        if content == "simple":
            self.add_simple(add, *parts)
            return
        if content == "any" and parts == XMLDSIG:
            return  # what is inside is proto/signature's
        add("text", False, "x" + inner)
        add("white space", True, "\n\t" + inner + "&#13; ")
        if content == "any":
            for label, good, text in (("none", False, ""), ("two", False, inner + inner),
                                      ("no namespace", True, '<a xmlns="">t<b/>t</a>'),
                                      ("own root, wrong inside", None, "<Document/>"),
                                      ("own root, deep", None, '<a xmlns=""><Document xmlns="'
                                       + self.schema.namespace + '"/></a>'),
                                      ("own root, right inside", True, self.document([], *self.minimal(
                                          self.schema.root.get("type"))))):
                add(label, good, text)
            return
        each = [self.element(name, child) for name, child, _, _ in parts]
        add("unknown element", False, inner + "<Unknown/>")
        if content == "choice":
            self.add_choice(add, parts, each)
        else:
            self.add_sequence(add, parts, each)

    def add_choice(self, add, parts, each):
        add("none", any(least == 0 for _, _, least, _ in parts), "")
        for (name, _, _, most), one in zip(parts, each):
            add(name, True, one)
            add(name + " twice", most > 1, one * 2)
            add(name + " in no namespace", False, in_no_namespace(name, one))
        for one, other in itertools.pairwise(each):
            add("two alternatives", False, one + other)

    def add_sequence(self, add, parts, each):
        least = [one * low for one, (_, _, low, _) in zip(each, parts)]
        add("all", True, "".join(each))
        for at, (name, _, low, most) in enumerate(parts):
            others = lambda count: "".join(least[:at]) + each[at] * count + "".join(least[at + 1:])
            add(name, True, others(max(low, 1)))
            if low > 0:
                add("no " + name, False, others(low - 1))
            if most < UNBOUNDED:
                add(f"{name} {most} times", True, others(most))
                add(f"{name} {most + 1} times", False, others(most + 1))
            else:
                add(name + " often", True, others(12))
            add(name + " in no namespace", False,
                in_no_namespace(name, others(max(low, 1))))
            add(name + " after the last", at == len(parts) - 1 and most > 1,
                "".join(each) + each[at])
        for at in range(len(each) - 1):
            swapped = each[:at] + [each[at + 1], each[at]] + each[at + 2:]
            add("swapped " + parts[at][0], False, "".join(swapped))

    def add_simple(self, add, base, attribute):
        add("element inside", False, "<Unknown/>")
        if attribute is not None:
            name, kind = attribute.get("name"), attribute.get("type")
            good = escape(self.simple(base).good())
            add("no attribute", attribute.get("use") != "required", good, "")
            for value, means in self.simple(kind).values():
                if "\n" not in value:
                    add(f"{name} {value!r}", means, good,
                        f' {name}="{escape(value, {chr(34): "&quot;"})}"')
        for value, means in self.simple(base).values():
            add(repr(value), means, escape(value).replace("\r", "&#13;"))


def xmllint(schema, names, folder):
    """The names that xmllint finds valid."""
    good = set()
    for start in range(0, len(names), 1500):
        run = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", str(schema)]
                             + names[start:start + 1500], cwd=folder, capture_output=True)
        lines = run.stderr.decode("utf-8", "replace").splitlines()
        good |= {line[:-len(" validates")] for line in lines if line.endswith(" validates")}
        judged = {line.split(" ")[0] for line in lines if line.endswith((" validates", " validate"))}
        if judged != set(names[start:start + 1500]):
            sys.exit(f"samples.py: xmllint did not judge {set(names[start:start + 1500]) ^ judged}")
    return good


def verdicts(program, names, folder):
    run = subprocess.run([program], input="\n".join(names) + "\n", cwd=folder, capture_output=True,
                         text=True, check=True)
    return dict(line.split(" ", 1) for line in run.stdout.splitlines())


def check(program, xsd, seen):
    schema = Schema(xsd)
    samples = Samples(schema)
    for kind, path in schema.paths().items():
        if kind not in seen or kind == "Document" or xsd.stem in COMPLETE:
            samples.add_type(kind, path)
    seen.update(schema.paths())
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number, (text, _, _) in enumerate(samples.list):
            names.append(f"{number}.xml")
            pathlib.Path(folder, names[-1]).write_bytes(text.encode())
        theirs, ours = xmllint(xsd, names, folder), verdicts(program, names, folder)
    wrong = 0
    for name, (text, label, means) in zip(names, samples.list):
        valid = name in theirs
        if valid == (ours[name] == "ok") and means in (None, valid):
            continue
        wrong += 1
        if wrong <= 20:
            print(f"{xsd.stem} {label}: meant {means}, xmllint {valid}, ours {ours[name]}\n    {text[:3000]}")
    print(f"{xsd.stem}: {len(names)} samples, {len(theirs)} valid, {wrong} wrong")
    return wrong


def check_generated(folder):
    """The committed tables are what the generator makes of these XSDs."""
    schema = pathlib.Path(__file__).resolve().parent.parent.parent / "proto" / "iso" / "schema"
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([sys.executable, schema / "generate.py", folder, out], check=True)
        stale = [name for name in ("tables.c", "ids.h")
                 if pathlib.Path(out, name).read_bytes() != (schema / name).read_bytes()]
    for name in stale:
        print(f"{name} is not what generate.py makes of {folder}")
    return len(stale)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    here = pathlib.Path(__file__).resolve().parent
    folders = [os.environ.get("ISO_XSD_DIR"), here.parent.parent.parent / "shared" / "iso" / "xsd"]
    folder = next((pathlib.Path(one) for one in folders if one and pathlib.Path(one).is_dir()), None)
    if folder is None:
        print("skipped: the XSDs of ISO 20022 are not here; get them from https://www.iso20022.org "
              "(Catalogue of messages) and name their folder in ISO_XSD_DIR")
        return
    program = str(pathlib.Path(sys.argv[1]).resolve())
    seen = set()
    wrong = check_generated(folder)
    wrong += sum(check(program, (folder / f"{message}.xsd").resolve(), seen) for message in sys.argv[2:] or MESSAGES)
    sys.exit(1 if wrong else 0)


main()
