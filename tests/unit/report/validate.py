"""validate.py SCHEMA [--older] FILE...: every file fits the schema; and the schema leaves nothing open.

--older: of the records of an earlier version, which may lack keys.
"""
import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)


def objects(node, where):
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield where, node
        for key, value in node.items():
            yield from objects(value, f"{where}/{key}")


status = 0
for where, node in objects(schema, "#"):
    if node.get("additionalProperties") is not False or sorted(node["required"]) != sorted(node["properties"]):
        print(f"{where}: an open object")
        status = 1
paths = sys.argv[2:]
if paths[0] == "--older":
    del paths[0]
    for _, node in objects(schema, "#"):
        del node["required"]
validator = jsonschema.Draft202012Validator(schema)
for path in paths:
    with open(path, encoding="utf-8") as file:
        record = json.load(file)
    for error in validator.iter_errors(record):
        error = jsonschema.exceptions.best_match([error])
        print(f"{path}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
        status = 1
sys.exit(status)
