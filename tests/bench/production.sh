# Sourced by the benchmarks of a "production" on another machine, after cluster.sh: the cluster's settings, CPU share and disk
# bandwidth (SHARE of a CPU, READ_MB a second; control groups of version 1), its tables at $production_scale, and the backup
# at $backup_scale. Defines psql, restart, original (keeps the database aside), fresh (a new copy of it), migrations.
share=${SHARE:-0.5}
read_mb=${READ_MB:-100}
groups=/sys/fs/cgroup
name=pgrehearse-bench-$$
[ "$(id -u)" = 0 ] && mkdir "$groups/cpu/$name" 2>/dev/null || { echo "$0: control groups cannot be written here"; exit 77; }
device=$(stat -c %Hd:%Ld "$cluster")
mkdir "$groups/blkio/$name" 2>/dev/null || echo "$0: no blkio group: production's disk is as fast as staging's"
end() {
    [ -z "${load:-}" ] || kill "$load" 2>/dev/null || true
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
# The postmaster and all that it starts have production's share.
slow() {
    head -1 "$cluster/data/postmaster.pid" >"$groups/cpu/$name/cgroup.procs"
    [ ! -d "$groups/blkio/$name" ] || head -1 "$cluster/data/postmaster.pid" >"$groups/blkio/$name/cgroup.procs"
}
restart() { as_server "$bindir/pg_ctl" -D "$cluster/data" -w -m fast -l "$cluster/log" -o "-k $cluster -c listen_addresses=''" restart >/dev/null; }

# With its settings; production has its share from here on.
make_production() {
    for setting in "shared_buffers = '40MB'" "maintenance_work_mem = '16MB'" "wal_compression = on" "full_page_writes = off" \
        "autovacuum = off" "max_wal_size = '2GB'"; do
        echo "$setting" >>"$cluster/data/postgresql.conf"
    done
    restart
    "$bindir/createdb" backup
    psql -v scale="$backup_scale" -d backup -f "$source/tests/bench/prediction/tables.sql"
    "$bindir/pg_dump" -Fc -Z1 -f "$work/backup.dump" backup
    "$bindir/dropdb" backup
    chmod 644 "$work/backup.dump"
    "$bindir/createdb" production
    psql -v scale="$production_scale" -d production -f "$source/tests/bench/prediction/tables.sql"
    psql -d production -c 'VACUUM (ANALYZE)' -c CHECKPOINT
    slow
}

original() { psql -d postgres -c 'ALTER DATABASE production RENAME TO original'; }
fresh() {
    psql -d postgres -c 'CREATE DATABASE production TEMPLATE original STRATEGY file_copy'
    restart
    slow
}

# Each migration by psql, timed by it, as "migration seconds" lines in $work/actual.
run_migrations() {
    for file in "$work"/migrations/*.sql; do
        "$bindir/psql" -X -d production -c '\timing on' -f "$file" | awk -v m="$(basename "$file" .sql)" '/^Time: /{print m, $2 / 1000}' |
            tail -1 >>"$work/actual"
    done
}
