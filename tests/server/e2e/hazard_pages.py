"""hazard_pages.py PROGRAM DOCS WORK: holds each page of docs/hazards against the program and a server (of libpq's environment).

The example of a page is reported under its rule, and not when it is silenced as the page says. The SQL of "Safer way" runs, block
by block as migrations of their own, and none is reported under the rule. The database of each page is a copy of `shop`.
"""
import json, os, re, subprocess, sys

program, docs, work = sys.argv[1:]
FLYWAY = "concurrently-behind-tool-lock"  # a rule of one framework, whose remedy is a setting of it
MEASURED = ("row-security-hides-rows", "scan-access-exclusive")  # only a run shows them
failures = []
dumped = set()  # databases whose dump is that of now


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def section(page, title):
    found = re.search(r"^## %s\n(.*?)(?=^## |\Z)" % re.escape(title), page, re.M | re.S)
    return found.group(1) if found else ""


def blocks(page, title):
    return re.findall(r"^```sql\n(.*?)^```", section(page, title), re.M | re.S)


def scenario(rule, sql, database, toml=""):
    """Writes a scenario of one pending migration on the database as it is now."""
    folder = os.path.join(work, "page")
    subprocess.run(["rm", "-rf", folder + "/migrations", folder + "/run"], check=True)
    os.makedirs(os.path.join(folder, "migrations"))
    if database not in dumped:
        subprocess.run(["pg_dump", "-Fc", "-Z1", "-f", os.path.join(folder, database + ".dump"), database], check=True)
        dumped.add(database)
    name = "V1__one.sql" if rule == FLYWAY else "1.sql"
    framework = "flyway" if rule == FLYWAY else "sql"
    files = {
        "scenario.yaml": f"""name: page
backup: {{path: {database}.dump}}
staging: {{kind: embedded, directory: {work}/clusters, isolation: weak}}
migrations: {{path: migrations, framework: {framework}, pending: all}}
workload: {{source: none}}
repeat: 1
""",
        f"migrations/{name}": sql,
    }
    if toml:
        files["migrations/flyway.toml"] = toml
    for path, text in files.items():
        with open(os.path.join(folder, path), "w") as file:
            file.write(text)
    return os.path.join(folder, "scenario.yaml")


def report_of(path, measured):
    if not measured:
        return run(program, "plan", "--format", "json", path)
    out = os.path.join(work, "page", "run")
    done = run(program, "run", path, "--quiet", "--output", out, "--pass", "quiet", cwd=work)
    if done.returncode in (0, 1, 3) and os.path.exists(out + "/report.json"):
        done.stdout = open(out + "/report.json").read()
        done.returncode = 0
    return done


def hazards(rule, sql, database, toml="", measured=False):
    """(line, silencing reason) of each hazard under the rule, planned or MEASURED by a run."""
    done = report_of(scenario(rule, sql, database, toml), measured)
    if done.returncode != 0:
        failures.append(f"{rule}: exit {done.returncode}: {done.stderr}")
        return []
    found = []
    for migration in json.loads(done.stdout)["migrations"]:
        for statement in migration["statements"]:
            for hazard in statement["hazards"]:
                if hazard["rule"] == rule:
                    found.append((statement["line"], hazard.get("silenced_reason")))
    return found


def check(rule, page):
    run("dropdb", "--if-exists", "page")
    subprocess.run(["createdb", "-T", "shop", "page"], check=True)
    dumped.discard("page")
    examples = blocks(page, "Example")
    if len(examples) != 1:
        failures.append(f"{rule}: {len(examples)} blocks of SQL in Example")
        return
    measured = rule in MEASURED
    # Only in a transaction are the locks of a DO block read before they are released; otherwise a sample may miss a short one.
    found = hazards(rule, f"BEGIN; {examples[0]}COMMIT;" if measured else examples[0], "shop", measured=measured)
    if not found:
        failures.append(f"{rule}: its example is not reported")
        return
    silence = re.findall(r"^-- pgrehearse: ignore .*$", section(page, "To silence it"), re.M)
    lines = examples[0].split("\n")
    lines.insert(found[0][0] - 1, silence[0] if silence else "")
    if [silenced for _, silenced in hazards(rule, "\n".join(lines), "shop") if not silenced]:
        failures.append(f"{rule}: its comment does not silence it")
    if rule == FLYWAY:
        toml = re.search(r"^```\n(.*?)^```", section(page, "Safer way"), re.M | re.S).group(1)
        if hazards(rule, examples[0], "shop", toml):
            failures.append(f"{rule}: its remedy is reported")
    for number, sql in enumerate(blocks(page, "Safer way"), 1):
        left = [line for line, silenced in hazards(rule, sql, "page") if not silenced]
        if left:
            failures.append(f"{rule}: block {number} of its safer way is reported, line {left[0]}")
        dumped.discard("page")
        done = run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "page", input=sql)
        if done.returncode != 0:
            failures.append(f"{rule}: block {number} of its safer way fails: {done.stderr}")
            return


only = os.environ.get("RULE")
names = sorted(name[:-3] for name in os.listdir(docs) if name.endswith(".md") and name != "README.md")
for name in names:
    if only in (None, name):
        with open(os.path.join(docs, name + ".md")) as file:
            check(name, file.read())
print("\n".join(failures) or f"checked {only or len(names)}")
sys.exit(1 if failures else 0)
