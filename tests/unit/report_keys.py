"""report_keys.py SOURCE_DIRECTORY: what renders a report reads only keys that reports/report.schema.json has.

Each parameter named key, keys, path or dotted of a function that reads JSON is a key or a path of keys; what its callers pass as a
literal, and the tables named keys, must be properties of the schema, each below the one before it in the path."""
import glob, json, re, sys

source = sys.argv[1]
schema = json.load(open(source + "/reports/report.schema.json"))
children = {}  # property: all that any of its values may have


def resolve(node):
    while isinstance(node, dict) and "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node


def objects(node):
    """The objects that NODE, an array of them or one of its alternatives may be."""
    node = resolve(node)
    if "properties" in node:
        yield node
    for alternative in node.get("anyOf", []) + node.get("oneOf", []) + node.get("allOf", []):
        yield from objects(alternative)
    if isinstance(node.get("items"), dict):
        yield from objects(node["items"])


def collect(node, seen):
    for item in objects(node):
        if id(item) in seen:
            continue
        seen.add(id(item))
        for name, value in item["properties"].items():
            children.setdefault(name, set()).update(k for o in objects(value) for k in o["properties"])
            collect(value, seen)


def arguments(text, start):
    """The arguments of the call whose parenthesis opens before START, as texts."""
    parts, depth, begin, i = [], 0, start, start
    while True:
        if text[i] == '"':
            i = re.compile(r'"(\\.|[^"\\])*"').match(text, i).end()
            continue
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}" and depth == 0:
            return parts + [text[begin:i]]
        elif text[i] in ")]}":
            depth -= 1
        elif text[i] == "," and depth == 0:
            parts, begin = parts + [text[begin:i]], i + 1
        i += 1


def readers(text):
    """{name: position} of the functions with a parameter that is a key; one without JSON beside it reads no record."""
    found = {}
    for match in re.finditer(r"^[a-z][\w \*]*?\b(\w+)\((?=[^;{]*\bconst char \*(?:key|path|dotted)\b)", text, re.M):
        parameters = arguments(text, match.end())
        if not re.search(r"rh_json|rh_view|comparison|suite|rh_html|rh_canvas", " ".join(parameters)):
            continue
        for position, parameter in enumerate(parameters):
            if re.search(r"\bconst char \*(key|path|dotted)$", parameter.strip()):
                found[match.group(1)] = position
    return found


collect(schema, set())
files = sorted(path for room in ("view", "html", "text") for path in glob.glob(f"{source}/src/report/{room}/*.[ch]"))
texts = {path: re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), open(path).read(), flags=re.S) for path in files}
shared = readers(open(source + "/include/pgrehearse/adapters/json.h").read())
for path in files:
    if path.endswith(".h"):
        shared.update(readers(texts[path]))
failures, checked = [], 0
for path, text in texts.items():
    known = {**shared, **readers(text)}
    passed = [(m.start(), m.group(1)) for m in re.finditer(r"\bkeys\[\w*\] = \{([^}]*)\}", text)]
    for match in re.finditer(r"\b(\w+)\(", text):
        # A function that adds or formats reads nothing.
        if match.group(1) in known and not re.match(r"rh_json_(add|rename)|rh_html_|rh_canvas_", match.group(1)):
            call = arguments(text, match.end())
            if len(call) > known[match.group(1)]:
                passed.append((match.start(), call[known[match.group(1)]]))
    for at, argument in passed:
        for literal in re.findall(r'"((?:\\.|[^"\\])*)"', argument):
            checked += 1
            parts = literal.split(".")
            if "%" in literal:  # it is completed at run time
                right = any(re.fullmatch(literal.replace("%s", ".+"), key) for key in children)
            else:
                right = parts[0] in children and all(b in children.get(a, ()) for a, b in zip(parts, parts[1:]))
            if not right:
                failures.append(f"{path[len(source) + 1:]}:{text.count(chr(10), 0, at) + 1}: the schema has no {literal}")
print("\n".join(failures) or f"{checked} keys are in the schema")
sys.exit(1 if failures or checked < 300 else 0)
