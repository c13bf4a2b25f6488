"""Runs each case of a file twice, as it is and as plan --safer prints it, and compares schema and rows.

safer_same.py PROGRAM BINDIR WORK CASES [NAME ...]: the server listens in WORK/given. CASES has sections:
  @schema NAME                       SQL that the cases behind it begin with
  @case NAME [WORD ...]              the migration; @file begins its next one; @check, @check2: queries on the safer copy,
                                     before a later release, that must return no row; @write: SQL that another session runs, before the original and,
                                     on the safer copy, once the first trigger is there
WORDs: golang, goose … (sql by default); changed, left, same: what must be printed; has=TEXT, lacks=TEXT of the printed SQL
(_ is a blank); ignore=COLUMN: its values differ from run to run; moved: a column's place may differ; fails: both must fail.
"""
import concurrent.futures, glob, json, os, re, subprocess, sys

program, bindir, work, cases_file = sys.argv[1:5]
only = sys.argv[5:]
given = os.path.join(work, "given")
port = [line for line in open(given + "/data/postmaster.pid")][3].strip()
environment = dict(os.environ, PGHOST=given, PGPORT=port, PGUSER="postgres", PGOPTIONS="-c client_min_messages=error")
environment.pop("PGDATABASE", None)


def call(*words, check=True, **more):
    done = subprocess.run(words, capture_output=True, text=True, env=environment, **more)
    if check and done.returncode:
        raise Exception("%s: %s" % (" ".join(words)[:300], done.stderr.strip()))
    return done


def psql(database, *words, **more):
    return call(bindir + "/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, *words, **more)


def read_cases():
    schemas, cases, target, key = {}, [], {}, None
    for line in open(cases_file):
        if line.startswith("@schema "):
            target, key = schemas, line.split()[1]
            target[key] = ""
            schema = key
        elif line.startswith("@case "):
            words = line.split()
            target, key = {"name": words[1], "words": words[2:], "schema": schema, "files": [""]}, "files"
            cases.append(target)
        elif line.startswith("@file"):
            target["files"].append("")
        elif line.startswith(("@check", "@write")):
            key = line[1:].strip()
            target[key] = ""
        elif key == "files":
            target["files"][-1] += line
        elif key:
            target[key] += line
    return schemas, cases


NAMES = {"sql": "%d_x.sql", "golang": "%d_x.up.sql", "goose": "%d_x.sql", "dbmate": "%d_x.sql"}
TOOLS = {"golang": "golang-migrate"}


def beside(text, write, database):
    """TEXT with a call of another session that runs the file WRITE, behind the transaction that creates a trigger."""
    triggers = re.search(r"CREATE TRIGGER.*?^COMMIT;\n", text, re.S | re.M)
    if not triggers:
        return text
    return text[:triggers.end()] + "\\! %s/psql -Xq -v ON_ERROR_STOP=1 -d %s -f %s\n" % (bindir, database, write) + text[triggers.end():]


def run_files(tool, database, folder, files):
    """As the tool would: a session a file for plain SQL, else one for all; a file is one query unless it says otherwise."""
    words = []
    for i, text in enumerate(files):
        path = "%s/%s-%d.sql" % (folder, database, i)
        open(path, "w").write(text)
        if tool == "sql":
            psql(database, "-f", path)
        else:
            words += ["-c", text]
    if words:
        psql(database, *words)


def schema_of(database, moved):
    text = call(bindir + "/pg_dump", "-d", database, "--schema-only").stdout
    lines = [l for l in text.splitlines() if l and not l.startswith("--") and not l.startswith("\\")]
    if moved:
        lines = sorted(l.rstrip(",") for l in lines)
    return lines


ROWS = """SELECT format('SELECT %L, count(*), md5(string_agg(h, '''' ORDER BY h)) FROM (SELECT md5((to_jsonb(t.*) - %L::text[])::text) AS h
FROM %s AS t) AS d', c.oid::regclass, '{IGNORE}', c.oid::regclass) FROM pg_class AS c
WHERE relkind IN ('r', 'm') AND relispopulated AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)' AND relpersistence <> 't' ORDER BY 1 \\gexec
SELECT format('SELECT %L, last_value, is_called FROM %s', oid::regclass, oid::regclass) FROM pg_class WHERE relkind = 'S' ORDER BY 1 \\gexec
SELECT 'invalid', indexrelid::regclass FROM pg_index WHERE NOT indisvalid ORDER BY 2;
"""


def rows_of(database, ignore):
    return psql(database, "-f", "-", input=ROWS.replace("IGNORE", ",".join(ignore))).stdout.splitlines()


def copy(database, template):
    if only:
        psql("postgres", "-c", 'DROP DATABASE IF EXISTS "%s" WITH (FORCE)' % database)
    psql("postgres", "-c", 'CREATE DATABASE "%s" TEMPLATE "%s"' % (database, template))


def try_case(case):
    name, words = case["name"], case["words"]
    tool = next((w for w in words if w in NAMES), "sql")
    folder = "%s/same/%s" % (work, name)
    os.makedirs(folder + "/migrations")
    for i, text in enumerate(case["files"], 1):
        open("%s/migrations/%s" % (folder, NAMES[tool] % i), "w").write(text)
    open(folder + "/scenario.yaml", "w").write("name: t\nbackup: {path: %s/same/%s.dump}\nmigrations: {path: migrations, framework: %s, pending: all}\n"
                                              % (work, case["schema"], TOOLS.get(tool, tool)))
    plan = call(program, "plan", folder + "/scenario.yaml", "--safer", "--format", "json", check=False)
    if plan.returncode:
        return ["plan: " + plan.stderr]
    migrations = json.loads(plan.stdout)["migrations"]
    printed = call(program, "plan", folder + "/scenario.yaml", "--safer").stdout
    if only:
        print(printed)
    bad = []
    changed, left = any(m["changed"] for m in migrations), [l for m in migrations for l in m["left"]]
    if "changed" in words and not changed or "same" in words and changed or "left" in words and not left:
        bad.append("changed: %s, left: %s" % (changed, left))
    for word in words:
        kind, _, text = word.partition("=")
        text = text.replace("_", " ").replace("~", "_")
        sql = " ".join(" ".join(line for line in printed.splitlines() if not line.startswith("--")).split())
        if kind == "has" and text not in sql or kind == "lacks" and text in sql:
            bad.append("%s %s:\n%s" % (kind, text, printed))
    if not changed:
        return bad  # it is the original
    ignore = [w[7:] for w in words if w.startswith("ignore=")]
    safer, later = [], []
    for m, original in zip(migrations, case["files"]):
        if not m["changed"]:
            safer.append(original)
        for f in m["migrations"] if m["changed"] else []:
            (later if f["later_release"] else safer).append("".join(s["sql"] + ";\n" for s in f["statements"]))
    a, b, template = "a_" + name, "b_" + name, "t_" + case["schema"]
    copy(a, template)
    copy(b, template)
    if "write" in case:
        write = folder + "/write.sql"
        open(write, "w").write(case["write"])
        psql(a, "-f", write)
        safer = [beside(text, write, b) for text in safer]
    try:
        run_files(tool, a, folder, case["files"])
    except Exception as error:
        if "fails" not in words:
            return ["the original fails: %s" % error]
    try:
        run_files(tool, b, folder, safer)
        for query in [case[k] for k in ("check", "check2") if k in case]:
            bad += ["check: " + line for line in psql(b, "-c", query).stdout.splitlines()]
        run_files(tool, b, folder, later)
        if "fails" in words:
            bad.append("it does not fail")
    except Exception as error:
        if "fails" not in words:
            return bad + ["the safer one fails: %s\n%s" % (error, printed)]
    for what, x, y in (("schema", schema_of(a, "moved" in words), schema_of(b, "moved" in words)), ("rows", rows_of(a, ignore), rows_of(b, ignore))):
        if x != y:
            bad.append("%s: only the original: %s; only the safer one: %s\n%s" %
                       (what, [l for l in x if l not in y] or "order", [l for l in y if l not in x] or "order", printed))
    return bad


schemas, cases = read_cases()
os.makedirs(work + "/same", exist_ok=True)
used = {c["schema"] for c in cases if not only or c["name"] in only}
for name, sql in schemas.items():
    if name not in used:
        continue
    copy("t_" + name, "template1")
    psql("t_" + name, "-f", "-", input=sql)
    # a tar archive does not tell the sizes of tables, so that small ones count like large ones
    call(bindir + "/pg_dump", "-d", "t_" + name, "-Ft", "-f", "%s/same/%s.dump" % (work, name))
bad = 0
chosen = [c for c in cases if not only or c["name"] in only]
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for case, problems in zip(chosen, pool.map(lambda c: try_case(c), chosen)):
        for problem in problems:
            print("%s: %s" % (case["name"], problem))
        bad += bool(problems)
print("%d of %d cases ended alike" % (len(chosen) - bad, len(chosen)))
sys.exit(1 if bad else 0)
