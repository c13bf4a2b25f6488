#!/bin/sh
# From one machine to another: "production" is a cluster with twice the rows, another share of a CPU, another disk bandwidth and
# other settings; staging gets the backup of half the rows and production's profile, nothing else. Then the same statements run
# on production (each migration by psql, timed by the server's clock), and the predictions are held against them, beside staging's
# durations as they are and scaled by rows.
#   tests/bench/other-hardware.sh        needs root and control groups of version 1 that can be written (cpu, blkio)
# SHARE=0.5 of a CPU for production's backends; READ_MB=100 a second from the disk; PASSES=3 quiet passes.
. "$(dirname "$0")/cluster.sh"
passes=${PASSES:-3}
share=${SHARE:-0.5}
read_mb=${READ_MB:-100}
groups=/sys/fs/cgroup
name=pgrehearse-bench-$$
[ "$(id -u)" = 0 ] && mkdir "$groups/cpu/$name" 2>/dev/null || { echo "other-hardware: control groups cannot be written here"; exit 77; }
device=$(stat -c %Hd:%Ld "$cluster")
mkdir "$groups/blkio/$name" 2>/dev/null || echo "other-hardware: no blkio group: production's disk is as fast as staging's"
end() {
    stop_cluster
    sleep 1
    rmdir "$groups/cpu/$name" "$groups/blkio/$name" 2>/dev/null || true
}
trap end EXIT
# A short period: a quarter of a second's probe must meet the same share as a minute's statement.
echo 10000 >"$groups/cpu/$name/cpu.cfs_period_us"
awk "BEGIN {printf \"%d\", $share * 10000}" >"$groups/cpu/$name/cpu.cfs_quota_us"
if [ -d "$groups/blkio/$name" ]; then
    echo "$device $((read_mb * 1048576))" >"$groups/blkio/$name/blkio.throttle.read_bps_device" || true
    echo "$device $((read_mb * 1048576))" >"$groups/blkio/$name/blkio.throttle.write_bps_device" || true
fi

psql() { "$bindir/psql" -q -X -v ON_ERROR_STOP=1 "$@"; }
for setting in "shared_buffers = '40MB'" "maintenance_work_mem = '16MB'" "wal_compression = on" "full_page_writes = off" \
    "autovacuum = off" "max_wal_size = '2GB'"; do
    echo "$setting" >>"$cluster/data/postgresql.conf"
done
restart() { as_server "$bindir/pg_ctl" -D "$cluster/data" -w -m fast -l "$cluster/log" -o "-k $cluster -c listen_addresses=''" restart >/dev/null; }
restart
"$bindir/createdb" half
psql -v scale=0.4 -d half -f "$source/tests/bench/prediction/tables.sql"
"$bindir/pg_dump" -Fc -Z1 -f "$work/half.dump" half
"$bindir/dropdb" half
chmod 644 "$work/half.dump"
"$bindir/createdb" production
psql -v scale=0.8 -d production -f "$source/tests/bench/prediction/tables.sql"
psql -d production -c 'VACUUM (ANALYZE)' -c CHECKPOINT

# From here on production has its share: the postmaster and all that it starts.
slow() { echo "$(head -1 "$cluster/data/postmaster.pid")" >"$groups/cpu/$name/cgroup.procs"; [ ! -d "$groups/blkio/$name" ] || echo "$(head -1 "$cluster/data/postmaster.pid")" >"$groups/blkio/$name/cgroup.procs"; }
slow
"$program" profile --url "postgresql:///production?host=$cluster&user=postgres" --output "$work/production.json" >/dev/null

mkdir "$work/migrations"
number=100
for table in narrow wide indexed; do
    while IFS= read -r statement; do
        case $statement in --* | '') continue ;; esac
        number=$((number + 1))
        echo "$statement" | sed "s/\\bT\\b/$table/g; s/\\bT_/${table}_/g" >"$work/migrations/${number}_$table.sql"
    done <"$source/tests/bench/prediction/statements.sql"
done
cat >"$work/scenario.yaml" <<YAML
name: other-hardware
backup: {path: half.dump, jobs: 2}
staging: {directory: $work/clusters, settings: {shared_buffers: 24MB, maintenance_work_mem: 8MB, autovacuum: off, max_wal_size: 2GB}}
production: {profile: production.json}
migrations: {path: migrations, framework: sql}
rollback: false
repeat: $passes
YAML
"$program" run "$work/scenario.yaml" --pass scaled --pass quiet --output "$work/run" --quiet >/dev/null || [ $? = 3 ]

# Production, three times from the same copy; the median counts.
"$bindir/psql" -q -X -d postgres -c 'ALTER DATABASE production RENAME TO original'
for round in 1 2 3; do
    psql -d postgres -c 'CREATE DATABASE production TEMPLATE original STRATEGY file_copy'
    restart
    slow
    for file in "$work"/migrations/*.sql; do
        "$bindir/psql" -X -d production -c '\timing on' -f "$file" | awk -v m="$(basename "$file" .sql)" '/^Time: /{print m, $2 / 1000}' |
            tail -1 >>"$work/actual"
    done
    psql -d postgres -c 'DROP DATABASE production'
done
[ -z "${RESULTS:-}" ] || { mkdir -p "$RESULTS"; cp "$work/run/report.json" "$work/actual" "$work/production.json" "$RESULTS/"; }
python3 "$source/tests/bench/prediction/production.py" "$work/run/report.json" "$work/actual"
