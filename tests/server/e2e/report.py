#!/usr/bin/env python3
"""report.py REPORT.json [NAME=EXPRESSION ...] EXPRESSION: is EXPRESSION true of the report r?

A key of an object is also its attribute: r.migrations[0].outcome. samples('statements') are the rows of
samples/statements.csv beside the report, with strings as values. Each NAME is bound before EXPRESSION is evaluated.
Each part of `A and B` is judged by itself; of a part that is not true the values are printed.
"""
import ast
import csv
import json
import os
import sys


class Record(dict):
    """An object of the report. Keys that dict has as methods (items, keys, values) need the brackets."""

    def __getattr__(self, key):
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"no key {key!r} among {', '.join(self)}") from None


def shown(value):
    text = json.dumps(value, default=repr, ensure_ascii=False)
    return text if len(text) <= 600 else text[:600] + " …"


def operands(node):
    """What to show of a part that is not true."""
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.UnaryOp):
        return operands(node.operand)
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.GeneratorExp):
        return [node.args[0].generators[0].iter]
    return [node]


def judge(expression, names):
    tree = ast.parse(expression.strip(), mode="eval").body
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    for part in parts:
        def value(node):
            return eval(compile(ast.Expression(node), "<expression>", "eval"), names)
        try:
            if value(part):
                continue
            print("not true:", ast.unparse(part))
            for node in operands(part):
                if not isinstance(node, ast.Constant):
                    print("   ", ast.unparse(node), "=", shown(value(node)))
        except Exception as problem:  # a report that lacks what the check is about
            print(f"cannot be judged: {ast.unparse(part)}: {type(problem).__name__}: {problem}")
        return False
    return True


def main():
    path, *bindings, expression = sys.argv[1:]

    def samples(name):
        with open(os.path.join(os.path.dirname(path), "samples", name + ".csv"), encoding="utf-8", newline="") as file:
            return [Record(row) for row in csv.DictReader(file)]

    with open(path, encoding="utf-8") as file:
        names = {"r": json.load(file, object_hook=Record), "samples": samples}
    try:
        for binding in bindings:
            name, _, value = binding.partition("=")
            names[name] = eval(value, names)
    except Exception as problem:
        print(f"cannot be judged: {binding}: {type(problem).__name__}: {problem}")
        return 1
    if judge(expression, names):
        return 0
    r = names["r"]
    print("verdict:", r.get("verdict"), "exit:", r.get("exit_code"), "reason:", r.get("reason"))
    return 1


sys.exit(main())
