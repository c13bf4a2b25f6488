#!/bin/sh
# Barman itself as backup.command: a streaming backup, WAL by its get-wal.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../physical.sh"
command -v barman >/dev/null || skip 'barman is not installed'
production
mkdir "$work/barman" "$work/barman/conf"
cat >"$work/barman/barman.conf" <<CONF
[barman]
barman_user = $(id -un)
barman_home = $work/barman
configuration_files_directory = $work/barman/conf
log_file = $work/barman/log
log_level = WARNING
[main]
description = test
conninfo = host=$given port=$port user=admin dbname=postgres
streaming_conninfo = host=$given port=$port user=admin
backup_method = postgres
streaming_archiver = on
slot_name = barman
create_slot = auto
path_prefix = $bindir
CONF
barman="barman -c $work/barman/barman.conf"
$barman receive-wal --create-slot main >/dev/null 2>&1 || fail 'the slot'
$barman receive-wal main >"$work/barman/receive" 2>&1 &
receiver=$!
eventually sh -c "ls $work/barman/main/streaming | grep -q ."
# It makes no backup before the first segment has come.
checked() {
    sql postgres "SELECT pg_create_restore_point('x'), pg_switch_wal()"
    $barman archive-wal main
    $barman check main >"$work/out" 2>&1
}
eventually checked
$barman backup main >"$work/out" 2>&1 &
backup=$!
# What the backup waits for: that production ends a segment, and that Barman files it.
while kill -0 $backup 2>/dev/null; do
    sql postgres "SELECT pg_create_restore_point('x'), pg_switch_wal()" >/dev/null
    $barman archive-wal main >/dev/null 2>&1 || :
    sleep 0.2
done
wait $backup || fail 'barman backup'
rows_around release
segment=$(sql postgres 'SELECT pg_walfile_name(pg_current_wal_lsn())')
sql postgres 'SELECT pg_switch_wal()' >/dev/null
filed() { $barman archive-wal main >/dev/null 2>&1; find "$work/barman/main/wals" -name "$segment" | grep -q .; }
eventually filed
migration 000012_add.up.sql 'ALTER TABLE orders ADD COLUMN paid boolean;'

# of_tool [KEYS [OPTION ...]]
of_tool() {
    keys=${1:-}
    [ $# -eq 0 ] || shift
    by "[barman, -c, $work/barman/barman.conf, recover, --tablespace, \"space:\$PGREHEARSE_TABLESPACES/space\", $*
    main, latest, \$PGDATA]" "$keys"
    verify_counts
}

# The one that Barman writes goes by sudo.
wal="restore_command: 'barman -c $work/barman/barman.conf get-wal main %f >%p'"
fact 'a backup is restored to its end'
of_tool "$wal" --get-wal,
counts 20000
rehearse 0 --pass quiet
report "r['backup']['physical']['tablespaces'] == 1 and r['backup']['path'] == 'barman'"
nothing_left
fact 'and to a restore point'
of_tool "target: {name: release}, $wal" --get-wal,
counts 20010
rehearse 0 --pass quiet
nothing_left
fact 'WAL that Barman copied beside the data is used, too'
of_tool 'target: {name: release}' --target-name, release,
rehearse 0 --pass quiet
nothing_left
fact 'a server that Barman does not know'
sed -i 's/main, latest/other, latest/' "$work/scenario.yaml"
rehearse 5 --pass quiet
says "$work/err" 'barman ended with status'
nothing_left
kill $receiver 2>/dev/null || :
