#!/usr/bin/env python3
"""Writes tables.c and ids.h from the official ISO 20022 schemas.

usage: generate.py XSD_FOLDER [OUT_FOLDER]        (writes beside itself when no OUT_FOLDER is given)

The XSDs are ISO's and are not part of this repository: https://www.iso20022.org, "Catalogue of
messages", archive of 2019 and of the business application header.  The result depends on the XSDs
alone, so running it twice changes nothing.  Whatever a schema holds that the walker cannot judge
stops the generator: no facet is left out in silence.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as tree
from decimal import Decimal

XS = "{http://www.w3.org/2001/XMLSchema}"
XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"

# WIRE section 2, "Versions".
MESSAGES = """
head.001.001.02
pacs.008.001.08 pacs.002.001.10 pacs.004.001.10 pacs.028.001.03
camt.056.001.08 camt.029.001.09
camt.060.001.05 camt.052.001.08 camt.053.001.08 camt.054.001.08
camt.050.001.05 camt.025.001.05
pain.013.001.07 pain.014.001.07
admi.002.001.01 admi.004.001.02 admi.011.001.01
""".split()

BUILTINS = {
    "xs:string": "STRING",
    "xs:decimal": "DECIMAL",
    "xs:boolean": "BOOLEAN",
    "xs:date": "DATE",
    "xs:dateTime": "DATE_TIME",
    "xs:time": "TIME",
    "xs:gYearMonth": "YEAR_MONTH",
    "xs:base64Binary": "BASE64",
}
STATES_MAX = 64
DEAD = 255


def stop(words):
    sys.exit("generate.py: " + words)


# ---- patterns: the regular expressions of XML Schema, as far as ISO uses them, to automata ----

class Pattern:
    """A pattern as a tree, then as positions with follow sets, then as a deterministic automaton."""

    def __init__(self, source):
        self.source = source
        self.at = 0
        self.positions = []  # set of bytes of each position
        self.follow = []
        first, last, empty = self.build(self.alternatives())
        if self.at != len(source):
            stop("pattern not understood: " + source)
        self.determine(first, last, empty)

    def peek(self):
        return self.source[self.at] if self.at < len(self.source) else ""

    def take(self):
        character = self.peek()
        self.at += 1
        return character

    def alternatives(self):
        branches = [self.sequence()]
        while self.peek() == "|":
            self.take()
            branches.append(self.sequence())
        return ("or", branches)

    def sequence(self):
        pieces = []
        while self.peek() and self.peek() not in "|)":
            atom = self.atom()
            least, most = self.quantifier(atom)
            pieces.append((atom, least, most))
        return ("and", pieces)

    def quantifier(self, atom):
        character = self.peek()
        if character and character in "?*+":
            self.take()
            least, most = {"?": (0, 1), "*": (0, None), "+": (1, None)}[character]
        elif character == "{":
            end = self.source.index("}", self.at)
            bounds = self.source[self.at + 1:end].split(",")
            self.at = end + 1
            least = int(bounds[0])
            most = least if len(bounds) == 1 else int(bounds[1]) if bounds[1] else None
        else:
            least, most = 1, 1
        if atom == ("any",) and (least, most) != (0, None):
            stop("'.' is understood only as '.*', since it counts characters: " + self.source)
        return least, most

    def atom(self):
        character = self.take()
        if character == "(":
            inner = self.alternatives()
            if self.take() != ")":
                stop("unclosed group: " + self.source)
            return inner
        if character == ".":
            return ("any",)
        if character == "[":
            return ("set", self.members())
        if character == "\\":
            return ("set", {self.escaped()})
        if character in "?*+{}])^$" or ord(character) > 127:
            stop("pattern not understood: " + self.source)
        return ("set", {ord(character)})

    def escaped(self):
        character = self.take()
        if character not in "+-.()[]{}?*|\\^":
            stop("escape not understood: " + self.source)
        return ord(character)

    def members(self):
        members = set()
        if self.peek() == "^":
            stop("negated class: " + self.source)
        while self.peek() != "]":
            low = self.member()
            if self.peek() == "-" and self.source[self.at + 1:self.at + 2] != "]":
                self.take()
                members.update(range(low, self.member() + 1))
            else:
                members.add(low)
        self.take()
        return members

    def member(self):
        character = self.take()
        if character == "\\":
            return self.escaped()
        if not character or ord(character) > 127:
            stop("class not understood: " + self.source)
        return ord(character)

    def build(self, node):
        """First positions, last positions, whether it matches nothing at all (Glushkov)."""
        if node[0] in ("set", "any"):
            self.positions.append(node[1] if node[0] == "set" else set(range(256)) - {10, 13})
            self.follow.append(set())
            return {len(self.positions) - 1}, {len(self.positions) - 1}, False
        if node[0] == "or":
            first, last, empty = set(), set(), False
            for branch in node[1]:
                one_first, one_last, one_empty = self.build(branch)
                first, last, empty = first | one_first, last | one_last, empty or one_empty
            return first, last, empty
        first, last, empty = set(), set(), True
        for atom, least, most in node[1]:
            for turn in range(max(least, 1) if most is None else most):
                one_first, one_last, one_empty = self.build(atom)
                if most is None and turn == max(least, 1) - 1:
                    for position in one_last:
                        self.follow[position] |= one_first
                one_empty = one_empty or turn >= least
                for position in last:
                    self.follow[position] |= one_first
                first = first | one_first if empty else first
                last = last | one_last if one_empty else one_last
                empty = empty and one_empty
        return first, last, empty

    def determine(self, first, last, empty):
        start = frozenset([-1])
        numbers, queue, self.moves, accepting = {start: 0}, [start], [], set()
        while queue:
            state = queue.pop(0)
            if any(position in last or position == -1 and empty for position in state):
                accepting.add(numbers[state])
            row = []
            nexts = set()
            for position in state:
                nexts |= first if position == -1 else self.follow[position]
            for byte in range(256):
                target = frozenset(p for p in nexts if byte in self.positions[p])
                if not target:
                    row.append(DEAD)
                    continue
                if target not in numbers:
                    numbers[target] = len(numbers)
                    queue.append(target)
                row.append(numbers[target])
            self.moves.append(row)
        if len(self.moves) > STATES_MAX:
            stop("too many states: " + self.source)
        self.accepting = sum(1 << state for state in accepting)
        columns = [(DEAD,) * len(self.moves)]
        self.class_of = []
        for byte in range(256):
            column = tuple(row[byte] for row in self.moves)
            if column not in columns:
                columns.append(column)
            self.class_of.append(columns.index(column))
        self.classes = len(columns)
        self.table = [column[state] for state in range(len(self.moves)) for column in columns]


# ---- schemas ----

class Tables:
    def __init__(self):
        self.simples, self.simple_of = [], {}
        self.patterns, self.pattern_of = [], {}
        self.values, self.values_of = [], {}
        self.types, self.type_of, self.shape_of = [], {}, {}
        self.elements = [("", 0, 0, 0, "ID_none")]  # id 0 is no element
        self.attributes, self.attribute_of = [], {}
        self.messages = []

    def read(self, identifier, root):
        self.short = re.sub(r"[.]", "_", identifier[:8])
        self.named = {}
        for child in root:
            if child.tag in (XS + "simpleType", XS + "complexType"):
                self.named[child.get("name")] = child
        namespace = root.get("targetNamespace")
        if root.get("elementFormDefault") != "qualified":
            stop(identifier + ": elements are not qualified")
        (top,) = root.findall(XS + "element")
        number = len(self.elements)
        self.elements.append(None)
        kind = self.type(top.get("type"))
        self.elements[number] = (top.get("name"), kind, 1, 1, f"ID_{self.short}_{top.get('name')}")
        self.messages.append((identifier, namespace, number))

    def type(self, name):
        """The index of a type, which is read when it is new; one name is one type in all schemas."""
        definition = self.named[name]
        title = f"{self.short}_Document" if name == "Document" else name
        shape = shape_text(definition)
        if title in self.type_of:
            if self.shape_of[title] != shape:
                stop(f"{title} differs between schemas")
            self.agree(definition)
            return self.type_of[title]
        number = self.type_of[title] = len(self.types)
        self.shape_of[title] = shape
        self.types.append(None)
        if definition.tag == XS + "simpleType":
            self.types[number] = ("SIMPLE", 0, self.simple(name), 0, 0, title)
            return number
        (content,) = [child for child in definition if child.tag != XS + "annotation"]
        if content.tag == XS + "simpleContent":
            (extension,) = content
            attributes = list(extension)
            if extension.tag != XS + "extension" or len(attributes) != 1:
                stop(title + ": simple content with other than one attribute")
            self.types[number] = ("SIMPLE", 1 + self.attribute(attributes[0]),
                                  self.simple(extension.get("base")), 0, 0, title)
        elif [child.tag for child in content] == [XS + "any"]:
            self.types[number] = (self.wildcard(title, content[0]), 0, 0, 0, 0, title)
        else:
            self.types[number] = self.children(title, content)
        return number

    def agree(self, definition):
        """The types below a type that is known are known and the same too."""
        for part in definition.iter():
            for name in (part.get("type"), part.get("base")):
                if name in self.named and self.shape_of.get(name) != shape_text(self.named[name]):
                    if name in self.shape_of or self.named[name].tag == XS + "complexType":
                        stop(f"{name} differs between schemas")

    def children(self, title, content):
        if content.tag not in (XS + "sequence", XS + "choice") or content.attrib:
            stop(title + ": neither one sequence nor one choice")
        names = [child.get("name") for child in content]
        if len(set(names)) != len(names):
            stop(title + ": two children of one name")
        first = len(self.elements)
        self.elements += [None] * len(content)
        for index, child in enumerate(content):
            if child.tag != XS + "element" or set(child.attrib) - {"name", "type", "minOccurs",
                                                                    "maxOccurs"}:
                stop(title + ": a child that is not a plain element")
            least, most = int(child.get("minOccurs", 1)), child.get("maxOccurs", "1")
            if content.tag == XS + "choice" and least > 1:
                stop(title + ": a choice of elements that stand twice at least")
            self.elements[first + index] = (child.get("name"), self.type(child.get("type")), least,
                                            "SCHEMA_UNBOUNDED" if most == "unbounded" else int(most),
                                            f"ID_{title}_{child.get('name')}")
        kind = "SEQUENCE" if content.tag == XS + "sequence" else "CHOICE"
        return (kind, 0, 0, first, len(content), title)

    def wildcard(self, title, wildcard):
        rules = (wildcard.get("namespace"), wildcard.get("processContents"))
        if wildcard.get("minOccurs", "1") != "1" or wildcard.get("maxOccurs", "1") != "1":
            stop(title + ": a repeated wildcard")
        known = {("##any", "lax"): "LAX", ("##any", "skip"): "SKIP", (XMLDSIG, "lax"): "SIGNATURE"}
        if rules not in known:
            stop(f"{title}: wildcard {rules}")
        return known[rules]

    def attribute(self, attribute):
        key = (attribute.get("name"), attribute.get("type"), attribute.get("use") == "required")
        if key not in self.attribute_of:
            self.attribute_of[key] = len(self.attributes)
            self.attributes.append((key[0], self.simple(key[1]), key[2]))
        return self.attribute_of[key]

    def simple(self, name):
        if name in self.simple_of:
            return self.simple_of[name]
        (restriction,) = self.named[name]
        facets = {}
        for facet in restriction:
            facets.setdefault(facet.tag[len(XS):], []).append(facet.get("value"))
        unknown = set(facets) - {"enumeration", "pattern", "minLength", "maxLength", "length",
                                 "totalDigits", "fractionDigits", "minInclusive"}
        if unknown or restriction.get("base") not in BUILTINS:
            stop(f"{name}: {unknown or restriction.get('base')}")
        least = Decimal(facets.get("minInclusive", ["0"])[0])
        if len(facets.get("pattern", [])) > 1 or least != 0:
            stop(name + ": two patterns, or a minInclusive other than 0")
        if "length" in facets:
            facets["minLength"] = facets["maxLength"] = facets["length"]
        builtin = BUILTINS[restriction.get("base")]
        if builtin != "STRING" and "enumeration" in facets:
            stop(name + ": values of a type that is no string")
        if builtin not in ("STRING", "BASE64") and set(facets) & {"minLength", "maxLength"}:
            stop(name + ": lengths of a type that has none")
        pattern = 0
        if "pattern" in facets:
            source = facets["pattern"][0]
            if source not in self.pattern_of:
                self.pattern_of[source] = len(self.patterns)
                self.patterns.append(Pattern(source))
            pattern = 1 + self.pattern_of[source]
        values = tuple(sorted(facets.get("enumeration", []), key=lambda value: value.encode()))
        if values and values not in self.values_of:
            self.values_of[values] = len(self.values)
            self.values += values
        self.simple_of[name] = len(self.simples)
        self.simples.append((name, builtin, "minInclusive" in facets,
                             int(facets.get("totalDigits", [0])[0]),
                             int(facets["fractionDigits"][0]) if "fractionDigits" in facets
                             else "SCHEMA_ANY_DIGITS",
                             int(facets.get("minLength", [0])[0]),
                             int(facets["maxLength"][0]) if "maxLength" in facets
                             else "SCHEMA_ANY_LENGTH",
                             pattern, self.values_of.get(values, 0), len(values)))
        return self.simple_of[name]


def shape_text(definition):
    """A definition without its documentation, to compare."""
    parts = []
    for part in definition.iter():
        if not any(word in part.tag for word in ("annotation", "documentation")):
            parts.append((part.tag, sorted(part.attrib.items())))
    return repr(parts)


# ---- C ----

FIND = """
const struct schema_message *tables_find(struct span namespace)
{
    for (unsigned i = 0; i < tables_message_count; i++) {
        if (span_equal(tables_messages[i].namespace, namespace)) return &tables_messages[i];
    }
    return NULL;
}
"""

def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?") + '"'


def rows(numbers, width=24):
    lines = []
    for start in range(0, len(numbers), width):
        lines.append("    " + ", ".join(str(number) for number in numbers[start:start + width]) + ",")
    return "\n".join(lines)


def table(kind, name, lines):
    return f"const {kind} tables_{name}[] = {{\n" + "\n".join(lines) + "\n};\n\n"


def write_tables(tables):
    text = ("/* Generated by generate.py from the XSDs of ISO 20022; do not edit.\n"
            " * See tables.h for what each table means. */\n"
            "/* clang-format off */\n"
            '#include "proto/iso/schema/tables.h"\n\n')
    for index, pattern in enumerate(tables.patterns):
        text += f"static const uint8_t class_of_{index}[256] = {{\n{rows(pattern.class_of)}\n}};\n"
        text += f"static const uint8_t moves_{index}[] = {{\n{rows(pattern.table)}\n}};\n\n"
    text += table("struct schema_pattern", "patterns", [
        f"    {{{quoted(p.source)}, class_of_{i}, moves_{i}, UINT64_C({p.accepting}), {p.classes}}},"
        for i, p in enumerate(tables.patterns)])
    text += table("struct span", "values", [
        f"    {{{quoted(value)}, {len(value.encode())}}}," for value in tables.values])
    text += table("struct schema_simple", "simples", [
        f"    {{{quoted(s[0])}, SCHEMA_{s[1]}, {str(s[2]).lower()}, "
        + ", ".join(str(number) for number in s[3:]) + "}," for s in tables.simples])
    text += table("struct schema_attribute", "attributes", [
        f"    {{{{{quoted(a[0])}, {len(a[0])}}}, {a[1]}, {str(a[2]).lower()}}},"
        for a in tables.attributes])
    text += table("struct schema_type", "types", [
        f"    {{SCHEMA_{t[0]}, {t[1]}, {t[2]}, {t[3]}, {t[4]}}}, /* {i} {t[5]} */"
        for i, t in enumerate(tables.types)])
    text += table("struct schema_element", "elements", [
        f"    {{{{{quoted(e[0])}, {len(e[0])}}}, {e[1]}, {e[2]}, {e[3]}}}," for e in tables.elements])
    text += table("struct schema_message", "messages", [
        f"    {{{{{quoted(m[0])}, {len(m[0])}}}, {{{quoted(m[1])}, {len(m[1])}}}, {m[2]}}},"
        for m in tables.messages])
    return text + f"const unsigned tables_message_count = {len(tables.messages)};\n" + FIND


def write_ids(tables):
    lines = [f"    {re.sub('[^A-Za-z0-9_]', '_', element[4])} = {index},"
             for index, element in enumerate(tables.elements)]
    return ("/* Generated by generate.py from the XSDs of ISO 20022; do not edit.\n"
            " * ids: the id of each element that a schema knows: xml_node's `schema`. */\n"
            "/* clang-format off */\n"
            "#ifndef PROTO_ISO_SCHEMA_IDS_H\n#define PROTO_ISO_SCHEMA_IDS_H\n\nenum schema_id {\n"
            + "\n".join(lines) + "\n};\n\n#endif\n")


def main():
    if len(sys.argv) not in (2, 3):
        stop(__doc__.split("\n\n")[1])
    tables = Tables()
    for identifier in MESSAGES:
        tables.read(identifier, tree.parse(pathlib.Path(sys.argv[1], identifier + ".xsd")).getroot())
    names = [element[4] for element in tables.elements]
    if len(set(names)) != len(names) or len(names) > 65000:
        stop("ids are not distinct, or too many")
    here = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else pathlib.Path(__file__).parent)
    (here / "tables.c").write_text(write_tables(tables))
    (here / "ids.h").write_text(write_ids(tables))


main()
