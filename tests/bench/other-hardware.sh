#!/bin/sh
# From one machine to another: "production" is a cluster with twice the rows, another share of a CPU, another disk bandwidth and
# other settings; staging gets the backup of half the rows and production's profile, nothing else. Then the same statements run
# on production (each migration by psql, timed by the server's clock), and the predictions are held against them, beside staging's
# durations as they are and scaled by rows.
#   tests/bench/other-hardware.sh        needs root and control groups of version 1 that can be written (cpu, blkio)
# SHARE=0.5 of a CPU for production's backends; READ_MB=100 a second from the disk; PASSES=3 quiet passes.
. "$(dirname "$0")/cluster.sh"
. "$(dirname "$0")/production.sh"
passes=${PASSES:-3}
backup_scale=0.4 production_scale=0.8
make_production
"$program" profile --url "postgresql:///production?host=$cluster&user=postgres" --output "$work/production.json" >/dev/null
make_migrations
cat >"$work/scenario.yaml" <<YAML
name: other-hardware
backup: {path: backup.dump, jobs: 2}
staging: {directory: $work/clusters, settings: {shared_buffers: 24MB, maintenance_work_mem: 8MB, autovacuum: off, max_wal_size: 2GB}}
production: {profile: production.json}
migrations: {path: migrations, framework: sql}
rollback: false
repeat: $passes
YAML
"$program" run "$work/scenario.yaml" --pass scaled --pass quiet --output "$work/run" --quiet >/dev/null || [ $? = 3 ]

# Production, three times from the same copy; the median counts.
original
for round in 1 2 3; do
    fresh
    run_migrations
    psql -d postgres -c 'DROP DATABASE production'
done
[ -z "${RESULTS:-}" ] || { mkdir -p "$RESULTS"; cp "$work/run/report.json" "$work/actual" "$work/production.json" "$RESULTS/"; }
python3 "$source/tests/bench/prediction/production.py" "$work/run/report.json" "$work/actual" 2
