#!/bin/sh
# pgBackRest itself as backup.command: an encrypted repository, a tablespace, WAL by its archive-get, a restore point.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../physical.sh"
command -v pgbackrest >/dev/null || skip 'pgbackrest is not installed'
production -c archive_mode=on
mkdir "$given/repo" "$given/log.d" "$given/lock"
[ "$(id -u)" != 0 ] || chown postgres "$given/repo" "$given/log.d" "$given/lock"
cat >"$work/pgbackrest.conf" <<CONF
[global]
repo1-path=$given/repo
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=hunter2hunter2
log-path=$given/log.d
lock-path=$given/lock
compress-type=zst
log-level-console=warn
[main]
pg1-path=$given/data
pg1-socket-path=$given
pg1-port=$port
pg1-user=admin
CONF
chmod 644 "$work/pgbackrest.conf"
tool="pgbackrest --config=$work/pgbackrest.conf --stanza=main"
sql postgres "ALTER SYSTEM SET archive_command = '$tool archive-push %p'" 'SELECT pg_reload_conf()' >/dev/null
as_owner $tool stanza-create || fail stanza-create
as_owner $tool backup --type=full --start-fast || fail backup
rows_around release
as_owner $tool backup --type=incr --start-fast || fail 'incremental backup'
migration 000012_add.up.sql 'ALTER TABLE orders ADD COLUMN paid boolean;'

# of_tool [KEYS [OPTION ...]]
of_tool() {
    keys=${1:-}
    [ $# -eq 0 ] || shift
    by "[pgbackrest, --config=$work/pgbackrest.conf, --stanza=main, restore, --pg1-path=\$PGDATA, --archive-mode=off,
    \"--tablespace-map-all=\$PGREHEARSE_TABLESPACES\", --lock-path=$work/lock${*:+, $*}]" "$keys"
    verify_counts
}

fact 'an incremental backup with a tablespace is restored to its end'
before=$(ls -A "$given/space")
of_tool
counts 20020
rehearse 0 --pass quiet
report "r['backup']['physical']['tablespaces'] == 1 and r['backup']['physical']['wal_segments_brought'] > 0"
report "any('restore_command' in n for n in r['staging']['neutralised'])"
fact 'the tablespace of production is as it was'
[ "$(ls -A "$given/space")" = "$before" ] || fail 'it has changed'
fact 'the passphrase is nowhere'
! grep -rq hunter2 "$work/err" "$work/run" || fail 'it is shown'
nothing_left
fact 'the full backup is restored to a restore point'
full=$(ls "$given/repo/backup/main" | grep -E 'F$')
of_tool 'target: {name: release}' "--set=$full"
counts 20010
rehearse 0 --pass quiet
report "'release' in r['backup']['physical']['recovery_stopped']"
nothing_left
fact 'a wrong passphrase is the end, and is not shown'
sed -i 's/hunter2hunter2/wrongsecret/' "$work/pgbackrest.conf"
of_tool
rehearse 5 --pass quiet
says "$work/err" 'pgbackrest ended with status'
! grep -rq wrongsecret "$work/err" "$work/run" || fail 'it is shown'
nothing_left
fact 'nothing was written into production by the copies'
sql postgres 'SELECT 1' >/dev/null || fail 'production is down'
