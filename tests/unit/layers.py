#!/usr/bin/env python3
"""Fails on what breaks the layout that CONTRIBUTING.md draws: layers.py SOURCE_DIRECTORY

Who may include whom is read from the drawing itself: a room includes the rooms that are drawn deeper than itself.
"""
import collections
import os
import re
import sys

os.chdir(sys.argv[1])
MOST_HEADERS = 60  # include/ has fewer
MOST_SHARE = 0.12  # of the lines of src/ and include/, in one room
THIRD_PARTY = re.compile(r"<(libpq|postgres|archive|csv|libfyaml|jansson|libxml|uv|openssl|seccomp|zlib|pg_query)")
problems = []


def complain(*words):
    problems.append(" ".join(words))


def drawing():
    """Depth of every room in the drawing, which is the first code block of CONTRIBUTING.md."""
    depths = {}
    block = open("CONTRIBUTING.md", encoding="utf-8").read().split("```")[1]
    for line in block.splitlines():
        match = re.match(r"([ │├└─]*)(main\.c|[a-z]+/)(\s|$)", line)
        if match:
            depths[match.group(2).rstrip("/")] = len(match.group(1))
    return depths


def room_of(path):
    parts = path.split("/")
    return parts[2] if path.startswith("include/") else parts[1]


depth = drawing()
text = {}
for top in ("src", "include"):
    for folder, _, names in os.walk(top):
        for name in names:
            if name.endswith((".c", ".h")):
                path = os.path.join(folder, name)
                text[path] = open(path, encoding="utf-8").read()
rooms = sorted({room_of(path) for path in text})
for room in rooms:
    if room not in depth:
        complain(f"CONTRIBUTING.md does not draw src/{room}")
for room in depth:
    if room not in rooms:
        complain(f"CONTRIBUTING.md draws {room}, which src/ does not have")


def resolve(path, included):
    """The file that PATH includes as INCLUDED; None for what the build generates."""
    room = room_of(path)
    if included.startswith("pgrehearse/"):
        return "include/" + included
    if included.startswith("embedded/"):
        if included != f"embedded/{room}.h":
            complain(f"{path}: SQL of another room: {included}")
        return None
    if included.startswith("texts/"):
        return None
    beside = os.path.join(os.path.dirname(path), included)
    return beside if "/" not in included else "src/" + included


includes = collections.defaultdict(list)
for path, content in text.items():
    room = room_of(path)
    for included in re.findall(r'^#include "([^"]+)"', content, re.M):
        target = resolve(path, included)
        if target is None:
            continue
        if target not in text:
            complain(f'{path}: "{included}" is neither beside it, nor below src/, nor in include/')
            continue
        includes[path].append(target)
        other = room_of(target)
        if other == room or (room == "main.c" and other == "cli"):
            continue
        if target.startswith("src/"):
            complain(f"{path}: {included} is private to {other}/")
        elif depth.get(other, 0) <= depth.get(room, 0):
            complain(f"{path}: {room}/ may not include {other}/")
    for found in re.findall(r"^#include (<[^>]+>)", content, re.M):
        if room != "adapters" and THIRD_PARTY.match(found):
            complain(f"{path}: a third-party header outside of adapters/: {found}")
    if room in ("predict", "report") or "wait_graph" in path:
        if "adapters/pg.h" in content:
            complain(f"{path}: needs no server, so may not include adapters/pg.h")
    if room not in ("cli", "main.c") and re.search(r"\b(printf|puts|fprintf\(std(out|err))\(", content):
        complain(f"{path}: only cli/ prints")
    if re.search(r"_(internal|private)\.h$", path):
        complain(f"{path}: a private header has a plain name")

# include/ holds what another room includes.
public = [path for path in text if path.startswith("include/")]
for header in public:
    readers = {room_of(path) for path, targets in includes.items() if header in targets}
    if not readers - {room_of(header)}:
        complain(f"{header}: only {room_of(header)}/ includes it: it belongs into src/{room_of(header)}/")
if len(public) >= MOST_HEADERS:
    complain(f"include/ has {len(public)} headers; fewer than {MOST_HEADERS} were agreed on")

# No room is more than its share of the house.
lines = collections.Counter()
for path, content in text.items():
    lines[room_of(path)] += content.count("\n")
for room, count in lines.most_common():
    if count > MOST_SHARE * sum(lines.values()):
        complain(f"{room}/ holds {100 * count / sum(lines.values()):.1f} % of the code: divide it")


def circle(path, above):
    if path in above:
        complain("headers include one another in a circle:", " → ".join(above[above.index(path) :] + [path]))
    elif path not in visited:
        for target in includes[path]:
            circle(target, above + [path])
        visited.add(path)


visited = set()
for path in sorted(text):
    circle(path, [])

# A tag has one definition: two types of one name compile silently where only one of them is seen.
tags = collections.defaultdict(list)
for path, content in text.items():
    for kind, tag in re.findall(r"^(?:typedef )?(struct|enum|union) (\w+)\s*\{", content, re.M):
        tags[tag].append(path)
for tag, paths in tags.items():
    if len(paths) > 1 and (tag.startswith("rh_") or any(path.endswith(".h") for path in paths)):
        complain(f"{tag} is defined in", " and in ".join(paths))

for problem in sorted(set(problems)):
    print(problem)
sys.exit(1 if problems else 0)
