"""documents.py SOURCE_DIRECTORY: every relative link of the documents leads somewhere, and docs/report.md is what the schema says."""
import glob, os, re, subprocess, sys

source = sys.argv[1]
failures = []


def anchors(text):
    """GitHub's anchors of the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


for path in sorted(glob.glob(source + "/*.md") + glob.glob(source + "/docs/**/*.md", recursive=True)):
    text = open(path).read()
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        other = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        if not os.path.exists(other):
            failures.append(f"{os.path.relpath(path, source)}: {target} does not exist")
        elif anchor and anchor not in anchors(open(other).read()):
            failures.append(f"{os.path.relpath(path, source)}: {target} is not a heading")
print("\n".join(failures))
reference = [sys.executable, source + "/packaging/report_reference.py", source + "/reports/report.schema.json"]
stale = subprocess.run(reference + ["--check", source + "/docs/report.md"]).returncode
sys.exit(1 if failures or stale else 0)
