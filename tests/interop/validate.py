#!/usr/bin/env python3
"""Validates messages with xmllint against the official XSDs: whole Envelopes, their AppHdr and
Document in one go, signature included, or bare Documents and AppHdrs.

    validate.py FILE|FOLDER...     exit 0: all are valid; 1: some are not, and why; 77: skipped

The XSDs are ISO's and not part of the project: they are looked for in $ISO_XSD_DIR, then in
../shared/iso/xsd beside the repository.  A wrapper schema ties them together; that is all that is
ours in the verdict.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
ENVELOPE = "urn:cauce:envelope:1"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
HEADER = "head.001.001.02"
DOCUMENTS = (
    "pacs.008.001.08 pacs.002.001.10 pacs.004.001.10 pacs.028.001.03 camt.056.001.08 "
    "camt.029.001.09 camt.060.001.05 camt.052.001.08 camt.053.001.08 camt.054.001.08 "
    "camt.050.001.05 camt.025.001.05 pain.013.001.07 pain.014.001.07 admi.002.001.01 "
    "admi.004.001.02 admi.011.001.01"
).split()
SKIPPED = 77
FILES_PER_RUN = 500  # a command line has a bound


def find_schemas():
    """The folder of the XSDs, or None."""
    root = pathlib.Path(__file__).resolve().parents[2]
    for folder in (os.environ.get("ISO_XSD_DIR"), root.parent / "shared" / "iso" / "xsd"):
        if folder and (pathlib.Path(folder) / f"{HEADER}.xsd").is_file():
            return pathlib.Path(folder).resolve()
    return None


def wrapper(schemas, documents):
    """A schema of Envelope that imports the header's and these documents' schemas."""
    lines = [
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{ENVELOPE}"',
        f'    xmlns:h="{NAMESPACE}{HEADER}"',
    ]
    lines += [f'    xmlns:d{i}="{NAMESPACE}{name}"' for i, name in enumerate(documents)]
    lines += ['    elementFormDefault="qualified">']
    for name in [HEADER] + documents:
        location = (schemas / f"{name}.xsd").as_uri()
        lines.append(f'<xs:import namespace="{NAMESPACE}{name}" schemaLocation="{location}"/>')
    signature = schemas / "xmldsig-core-schema.xsd"
    if signature.is_file():
        lines.append(
            f'<xs:import namespace="{SIGNATURE}" schemaLocation="{signature.as_uri()}"/>'
        )
    lines += ['<xs:element name="Envelope"><xs:complexType><xs:sequence>']
    lines += ['<xs:element ref="h:AppHdr"/><xs:choice>']
    lines += [f'<xs:element ref="d{i}:Document"/>' for i in range(len(documents))]
    lines += ["</xs:choice></xs:sequence></xs:complexType></xs:element></xs:schema>"]
    return "\n".join(lines)


def collect(arguments):
    files = []
    for argument in map(pathlib.Path, arguments):
        files += sorted(argument.rglob("*.xml")) if argument.is_dir() else [argument]
    return files


def used_documents(files):
    """Only the schemas whose namespace the files name: compiling all takes seconds."""
    text = b"".join(path.read_bytes() for path in files)
    return [name for name in DOCUMENTS if f"{NAMESPACE}{name}".encode() in text]


def main(arguments):
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    schemas = find_schemas()
    if shutil.which("xmllint") is None:
        print("skipped: there is no xmllint (Debian: apt-get install libxml2-utils)")
        return SKIPPED
    if schemas is None:
        print(
            "skipped: the official XSDs are neither in $ISO_XSD_DIR nor in ../shared/iso/xsd; "
            "get them from https://www.iso20022.org/iso-20022-message-definitions"
        )
        return SKIPPED
    files = collect(arguments)
    if not files:
        print("no message to validate")
        return 1
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        schema = pathlib.Path(folder) / "envelope.xsd"
        schema.write_text(wrapper(schemas, used_documents(files)), encoding="utf-8")
        for start in range(0, len(files), FILES_PER_RUN):
            part = [str(path) for path in files[start : start + FILES_PER_RUN]]
            run = subprocess.run(
                ["xmllint", "--noout", "--nonet", "--schema", str(schema)] + part,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if run.returncode != 0:
                failed = True
                print("\n".join(l for l in run.stdout.splitlines() if not l.endswith("validates")))
    print(f"{'not all of ' if failed else ''}{len(files)} messages validate")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
