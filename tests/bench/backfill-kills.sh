#!/bin/sh
# Kills of the native batches and of the printed procedure, each resumed: how many end with the digest of the undisturbed run, and how
# many rows were written twice at most, beside the rows of a batch. Wanted: all of KILLS (200), and at most a batch.
. "$(dirname "$0")/cluster.sh"
kills=${KILLS:-200}
make_dump
mkdir -p "$work/migrations"
echo 'ALTER TABLE orders ADD COLUMN total bigint;' >"$work/migrations/000100_total.up.sql"
for by in native procedure; do
    cat >"$work/$by.yaml" <<YAML
name: kills
backup: {path: $work/grown.dump, jobs: 2}
staging: {kind: embedded, directory: $work/clusters}
migrations: {path: migrations, pending: ["000100"]}
workload: {source: none}
rollback: false
backfills:
  - name: totals
    table: orders
    set: total = id * 2
    where: total IS NULL
    sweep: {batch: 200, pause: 0, limit: 1s}
    proof: {kills: $kills, races: false, twice: false, runners: 1, by: $by}
YAML
    "$program" run "$work/$by.yaml" --output "$work/run-$by" --pass backfill --quiet >/dev/null || :
    python3 - "$work/run-$by/report.json" "$by" <<'PYTHON'
import json, sys
for c in json.load(open(sys.argv[1]))["backfills"][0]["proof"]:
    if c["claim"] == "resumes":
        print(f"{sys.argv[2]}: {c['outcome']}: {c['why']}")
PYTHON
done
