#!/bin/sh
# What production sees under its load: "production" is a cluster with eight times the rows, another share of a CPU, another disk
# bandwidth, other settings and an application (pgbench, LOAD transactions a second) that never stops; staging gets the backup
# of an eighth of the rows, production's profile and the same scripts as load. Then the same statements run on production beside the application,
# and the predictions under load are held against them, beside the predictions alone and staging's loaded durations by rows.
#   tests/bench/under-load.sh        needs root and control groups of version 1 that can be written (cpu, blkio)
# SHARE=1 CPU for production's backends; READ_MB=100 a second from the disk; LOAD=200; PASSES=3 quiet passes; ROUNDS=3 on production.
share=${SHARE:-1}
SHARE=$share
. "$(dirname "$0")/cluster.sh"
. "$(dirname "$0")/production.sh"
passes=${PASSES:-3} rate=${LOAD:-200}
backup_scale=${BACKUP_SCALE:-0.2}
production_scale=$(awk "BEGIN {print 8 * $backup_scale}")
# Keys that both have.
rows() { awk "BEGIN {printf \"%d\", $1 * $backup_scale}"; }
cat >"$work/read.sql" <<SQL
\set id random(1, $(rows 400000))
SELECT amount, ratio FROM narrow WHERE id = :id;
\set id random(1, $(rows 150000))
SELECT note FROM indexed WHERE id = :id;
SQL
cat >"$work/write.sql" <<SQL
\set id random(1, $(rows 400000))
\set wide random(1, $(rows 40000))
\set indexed random(1, $(rows 150000))
BEGIN;
UPDATE narrow SET ratio = ratio + 1 WHERE id = :id;
UPDATE wide SET title = title WHERE id = :wide;
UPDATE indexed SET note = note WHERE id = :indexed;
COMMIT;
SQL
make_production
start_load() {
    "$bindir/pgbench" -n -d production -f "$work/read.sql@2" -f "$work/write.sql@1" -c 10 -j 2 -R "$rate" -T 100000 >"$work/load.log" 2>&1 &
    load=$!
}
stop_load() {
    kill "$load" 2>/dev/null || true
    wait "$load" 2>/dev/null || true
    load=
}
start_load
"$program" profile --url "postgresql:///production?host=$cluster&user=postgres" --watch 20s --output "$work/production.json" >/dev/null
stop_load
make_migrations
cat >"$work/scenario.yaml" <<YAML
name: under-load
backup: {path: backup.dump, jobs: 2}
staging: {directory: $work/clusters, settings: {shared_buffers: 24MB, maintenance_work_mem: 8MB, autovacuum: off, max_wal_size: 2GB}}
production: {profile: production.json}
workload: {source: pgbench, path: [read.sql@2, write.sql@1], rate: $rate, connections: 10, before: 5s, after: 5s}
migrations: {path: migrations, framework: sql}
rollback: false
repeat: $passes
YAML
"$program" run "$work/scenario.yaml" --pass scaled --pass quiet --pass loaded --output "$work/run" --quiet >/dev/null || [ $? = 3 ]

# Production, from the same copy each time; the median counts.
original
for round in $(seq "${ROUNDS:-3}"); do
    fresh
    start_load
    sleep 3
    run_migrations
    stop_load
    psql -d postgres -c 'DROP DATABASE production'
done
[ -z "${RESULTS:-}" ] || { mkdir -p "$RESULTS"; cp -R "$work/run/." "$work/actual" "$work/production.json" "$RESULTS/"; }
python3 "$source/tests/bench/prediction/production.py" "$work/run/report.json" "$work/actual" 8
