# Sourced by e2e/physical_archive_N.sh, after e2e/lib.sh, with $version: the recovery from an archive on that PostgreSQL.
. "$(dirname "$0")/../physical.sh"
. "$(dirname "$0")/../npm_server.sh"
clients=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
mkdir "$work/archive"
chmod 777 "$work/archive"
production -c archive_mode=on
sql postgres "ALTER SYSTEM SET archive_command = 'cp %p $work/archive/%f'" 'SELECT pg_reload_conf()' >/dev/null
copy_by_sql "$copies/copy"
sql shop "INSERT INTO orders SELECT g, 'late' FROM generate_series(30001, 30010) g"
sql postgres "SELECT pg_create_restore_point('release')" >/dev/null
sql shop "INSERT INTO orders SELECT g, 'later' FROM generate_series(40001, 40010) g"
segment=$(sql postgres 'SELECT pg_walfile_name(pg_current_wal_lsn())')
sql postgres 'SELECT pg_switch_wal()' >/dev/null
eventually test -e "$work/archive/$segment"
migration 000012_add.up.sql 'ALTER TABLE orders ADD COLUMN paid boolean;'
# with TARGET ROWS
with() {
    echo "SELECT count(*) FROM orders HAVING count(*) <> $2;" >"$work/counts.sql"
    of copy "restore_command: \"cp $work/archive/%f %p\"$1" "{kind: embedded, directory: $work/clusters, bindir: $PG_BINDIR}"
    echo "verify: [{sql: $work/counts.sql}]" >>"$work/scenario.yaml"
}
fact 'the recovery ends with the backup'
with '' 20000
rehearse 0 --pass quiet
report "r['staging']['server_version_num'] // 10000 == $version and r['backup']['physical']['recovery_stopped'].endswith('consistency')"
fact 'and at a restore point'
with ', target: {name: release}' 20010
rehearse 0 --pass quiet
report "'release' in r['backup']['physical']['recovery_stopped']"
fact 'an archive that ends before is an error'
with ', target: {name: nosuch}' 20010
rehearse 5 --pass quiet
says "$work/err" 'archive ends at 0/[0-9A-F]+, before the target'
nothing_left
