#!/usr/bin/env python3
"""Writes docs/report.md from reports/report.schema.json.

    packaging/report_reference.py reports/report.schema.json > docs/report.md
    packaging/report_reference.py reports/report.schema.json --check docs/report.md     exits with 1 if it differs
"""
import difflib
import json
import re
import sys

UNITS = {"_s": "seconds", "_ms": "milliseconds", "_bytes": "bytes", "_per_s": "per second"}
INTRO = """# report.json

`report.json` is the record of one rehearsal. Every other page of the run directory is rendered from it. The contract is the
JSON Schema [`reports/report.schema.json`](../reports/report.schema.json), installed beside the program's data; this page is generated from it.
What may change in which version: [compatibility](compatibility.md).

- All keys are always present, except those marked *optional*.
- `null` means not measured or not known, unless the table says otherwise. A figure that was not measured is never 0.
- A key's suffix is its unit: `_s` seconds, `_ms` milliseconds, `_bytes` bytes, `_per_s` per second. Times are UTC.
- Statements are shown with their literals replaced. No value of the data and no password is in the file.
"""


def anchor(name):
    return f"[{name}](#{name.lower()})"


def kind(node):
    """The type of a value in words."""
    for union in ("anyOf", "oneOf"):
        if union in node:
            return " or ".join(dict.fromkeys(kind(one) for one in sorted(node[union], key=lambda n: n.get("type") == "null")))
    if "$ref" in node:
        return anchor(node["$ref"].rsplit("/", 1)[1])
    if "const" in node:
        return f"`{json.dumps(node['const'])}`"
    if "enum" in node:
        return ", ".join(f"`{one}`" if isinstance(one, str) else f"`{json.dumps(one)}`" for one in node["enum"])
    if node.get("type") == "array":
        return f"array of {kind(node.get('items', {}))}"
    types = node.get("type", "any")
    return " or ".join(types) if isinstance(types, list) else types


def with_unit(name, text):
    for suffix in ("_per_s", "_ms", "_bytes", "_s"):
        if name.endswith(suffix):
            return re.sub(r"^(number|integer)", rf"\1 ({UNITS[suffix]})", text)
    return text


def sentence(text):
    """A description of the schema as a table cell."""
    text = re.sub(r"\s+", " ", text).strip().rstrip(".").replace("|", "\\|")
    text = re.sub(r"(?<![`\w])null(?=:)", "`null`", text)
    word = re.split(r"[ ,:;]", text)[0]
    return text[:1].upper() + text[1:] if word.isalpha() else text


def members(node):
    """The objects that a value consists of, with what to append to its name."""
    for union in ("anyOf", "oneOf"):
        for one in node.get(union, []):
            yield from members(one)
    if node.get("type") == "array":
        for suffix, one in members(node.get("items", {})):
            yield "[]" + suffix, one
    elif "properties" in node:
        yield "", node


def rows(node, prefix, out):
    required = node.get("required", [])
    for name, value in node.get("properties", {}).items():
        text = with_unit(name, kind(value)).replace("array of object", "array of objects")
        if name not in required:
            text += ", optional"
        out.append(f"| `{prefix}{name}` | {text} | {sentence(value.get('description', ''))} |")
        for suffix, inner in members(value):
            rows(inner, f"{prefix}{name}{suffix}.", out)


def order(schema):
    """The definitions in the order in which they are first referred to."""
    found = []

    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                name = node["$ref"].rsplit("/", 1)[1]
                if name not in found:
                    found.append(name)
                    walk(schema["$defs"][name])
            for key, value in node.items():
                if key != "$defs":
                    walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema)
    return found


def table(out, node):
    if node.get("description"):
        out += [sentence(node["description"]) + ".", ""]
    if "properties" in node:
        out += ["| key | value | meaning |", "| --- | --- | --- |"]
        rows(node, "", out)
    else:
        out.append(kind(node))
    out.append("")


def page(schema):
    out = INTRO.splitlines() + ["", "## The document", ""]
    table(out, {key: value for key, value in schema.items() if key != "description"})
    for name in order(schema):
        out += [f"## {name}", ""]
        table(out, schema["$defs"][name])
    return "\n".join(out).rstrip() + "\n"


def main():
    with open(sys.argv[1]) as file:
        text = page(json.load(file))
    if "--check" not in sys.argv:
        sys.stdout.write(text)
        return 0
    committed = open(sys.argv[3]).read()
    sys.stdout.writelines(difflib.unified_diff(committed.splitlines(True), text.splitlines(True), sys.argv[3], "generated", n=1))
    if text != committed:
        print("run: packaging/report_reference.py reports/report.schema.json > docs/report.md")
    return int(text != committed)


sys.exit(main())
