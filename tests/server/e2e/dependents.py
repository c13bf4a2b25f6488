"""Holds the rule blocked-by-dependents against a server: dependents.py PROGRAM BINDIR WORK SCHEMA STATEMENTS

Each line of STATEMENTS runs on the database of SCHEMA, in a transaction that is rolled back, and is planned. The rule must be reported
exactly where the server refuses a statement because of what depends on its object (2BP01, or 0A000 for a type)."""
import json, os, re, subprocess, sys

program, bindir, work, schema, statements = sys.argv[1:]
given = work + "/given"
port = [line for line in open(given + "/data/postmaster.pid")][3].strip()
environment = dict(os.environ, PGHOST=given, PGPORT=port, PGUSER="postgres", PGDATABASE="dependents", PGOPTIONS="-c client_min_messages=error")


def call(*words, check=True, **more):
    return subprocess.run(words, capture_output=True, text=True, env=environment, check=check, **more)


def refusal(sql):
    done = call(bindir + "/psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=sqlstate", "-f", "-", check=False, input="BEGIN;\n%s\n" % sql)
    found = re.search(r"ERROR:\s+(\w+)", done.stderr)
    return found.group(1) if found else None


def is_reported(sql):
    open(work + "/migrations/1_x.sql", "w").write(sql)
    plan = json.loads(call(program, "plan", work + "/dependents.yaml", "--format", "json").stdout)
    return [h["message"] for m in plan["migrations"] for s in m["statements"] for h in s["hazards"] if h["rule"] == "blocked-by-dependents"]


call(bindir + "/createdb", "dependents")
call(bindir + "/psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-f", schema)
call(bindir + "/pg_dump", "-Ft", "-f", work + "/dependents.dump")
for name in os.listdir(work + "/migrations"):
    os.remove(work + "/migrations/" + name)
open(work + "/dependents.yaml", "w").write("name: t\nbackup: {path: dependents.dump}\nmigrations: {path: migrations, framework: sql, pending: all}\n")
bad = count = 0
for sql in open(statements):
    if sql.startswith("#") or not sql.strip():
        continue
    count += 1
    state, reported = refusal(sql), is_reported(sql)
    if state not in (None, "2BP01", "0A000"):
        print("%s: %s" % (sql.strip(), state))
    elif bool(state) == bool(reported):
        continue
    else:
        print("%s: the server says %s, the rule: %s" % (sql.strip(), state, reported))
    bad += 1
print("%d of %d statements as on the server" % (count - bad, count))
sys.exit(1 if bad else 0)
