#!/bin/sh
# Physical copies of a server that has what a rehearsal must not act on: restored, confined, harmless, and rehearsed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../physical.sh"
production
migration 000012_add.up.sql 'ALTER TABLE orders ADD COLUMN paid boolean;'
migration 000012_add.down.sql 'ALTER TABLE orders DROP COLUMN paid;'
touched=$given/touched

# quiet NAME [LINE ...]: the copy of that name, without load.
quiet() {
    backup=$copies/$1
    shift
    backup=$backup scenario "migrations: {path: $work/migrations}" "$@"
    sed -i 's/^workload:.*/workload: {source: none}/' "$work/scenario.yaml"
}

sql postgres "ALTER SYSTEM SET archive_command = 'touch $touched'" "ALTER SYSTEM SET recovery_end_command = 'touch $touched'" \
    "ALTER SYSTEM SET work_mem = '7MB'" "SELECT pg_create_physical_replication_slot('standby1', true)" >/dev/null
sql shop "CREATE PUBLICATION p FOR TABLE orders" \
    "CREATE SUBSCRIPTION feed CONNECTION 'host=$given port=$port dbname=shop user=admin' PUBLICATION p WITH (connect = false)" \
    "ALTER SUBSCRIPTION feed SET (slot_name = 'feed_slot')" \
    "CREATE UNLOGGED TABLE cold AS SELECT generate_series(1, 10) AS i" "ANALYZE cold" \
    "CREATE SCHEMA cron" "CREATE TABLE cron.job (jobid int, active boolean)" "INSERT INTO cron.job VALUES (1, true)" \
    "ALTER DATABASE shop SET session_preload_libraries = 'auto_explain'" \
    "ALTER ROLE postgres NOLOGIN"
as_owner "$bindir/psql" -qX -h "$given" -p "$port" -U admin -d shop \
    -c "BEGIN; LOCK TABLE elsewhere; PREPARE TRANSACTION 'stuck'" 2>/dev/null || fail 'PREPARE TRANSACTION'
basebackup "$copies/plain" -T "$given/space=$copies/plain.space"
basebackup "$copies/tar" --format=tar --gzip
basebackup "$copies/zstd" --format=tar --compress=zstd:1 --no-manifest
printf "archive_mode = on\nprimary_conninfo = 'host=%s'\nprimary_slot_name = 'standby1'\n" "$given" >>"$copies/plain/postgresql.auto.conf"
: >"$copies/plain/standby.signal"
listing "$copies/plain" >"$work/before"

quiet plain
rehearse 3 --pass quiet
fact 'a plain base backup is restored and rehearsed'
report "r['backup']['format'] == 'data_directory' and r['migrations'][-1]['outcome'] == 'ok'"
fact 'the report is valid'
valid_report
fact 'nothing is written to the copy'
listing "$copies/plain" >"$work/after"
cmp -s "$work/before" "$work/after" || fail 'the copy has changed'
fact 'its files are compared with the manifest'
report "r['backup']['physical']['files_verified'] > 800 and 'backup_manifest' in r['backup']['integrity_checked_by']"
fact 'rows are not counted'
report "r['backup']['rows'] is None and r['backup']['sha256'] is None and r['backup']['tables'] > 3"
fact 'no command of production runs'
[ ! -e "$touched" ] || fail 'archive_command or recovery_end_command ran'
fact 'commands and the connection of production are listed'
for name in archive_command recovery_end_command primary_conninfo primary_slot_name standby.signal; do
    report "any('$name' in n for n in r['staging']['neutralised'])"
done
fact 'a subscription is disabled, and listed'
report "any('subscription feed disabled' in n for n in r['staging']['neutralised'])"
fact 'scheduled jobs are switched off, and listed'
report "any('cron.job' in n for n in r['staging']['neutralised'])"
fact 'a prepared transaction is rolled back, and listed with its locks'
report "any('\"stuck\" of admin' in n and 'AccessExclusiveLock on elsewhere' in n for n in r['staging']['neutralised'])"
fact 'settings that load libraries are reset, and listed'
report "any('session_preload_libraries' in n for n in r['staging']['neutralised'])"
fact 'an unlogged table makes the run inconclusive'
report "'unlogged table cold' in r['reason']"
fact 'production settings come from its own files'
report "any(s['name'] == 'work_mem' and s['value'] == '7MB' for s in r['staging']['settings'])"
fact 'the isolation is proven'
report "r['staging']['isolation']['proven']"
fact 'a superuser that may not log in keeps nobody out'
report "r['roles']['migrations']['name'] == 'app'"
fact 'nothing is left'
nothing_left

fact 'a base backup in tar files with gzip is restored'
quiet tar
rehearse 3 --pass quiet
report "r['backup']['format'] == 'base_backup_tar' and r['backup']['compression'] == 'gzip'"
report "r['backup']['physical']['tablespaces'] == 1 and r['migrations'][-1]['outcome'] == 'ok'"
fact 'a base backup with zstd and without a manifest is restored, and said to be unchecked'
quiet zstd
rehearse 3 --pass quiet
report "r['migrations'][-1]['outcome'] == 'ok' and any(n['code'] == 'backup_checksum' for n in r['not_measured'])"

fact 'the directory of a stopped server is restored'
stop_server
as_owner cp -a "$given/data" "$copies/stopped"
space=$(basename "$(ls -d "$given"/data/pg_tblspc/*)")
as_owner rm "$copies/stopped/pg_tblspc/$space"
as_owner cp -a "$given/space" "$copies/stopped/pg_tblspc/$space"
quiet stopped
rehearse 3
report "r['backup']['physical']['server_state'] == 'shut down' and r['backup']['physical']['label'] is None"
fact 'its slots are removed, and listed'
report "any('slot standby1 removed' in n for n in r['staging']['neutralised'])"
fact 'scaled passes and the rollback run on it'
report "r['migrations'][-1]['rollback']['outcome'] == 'ok' and r['prediction'] is not None"

fact 'a transaction prepared long before makes the run inconclusive'
python3 - "$copies/stopped/global/pg_control" <<'PYTHON'
import struct, sys
b = bytearray(open(sys.argv[1], "rb").read())
struct.pack_into("<q", b, 24, struct.unpack_from("<q", b, 24)[0] + 40 * 86400)
crc = 0xFFFFFFFF
for byte in b[:288]:
    crc ^= byte
    for _ in range(8):
        crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
struct.pack_into("<I", b, 288, crc ^ 0xFFFFFFFF)
open(sys.argv[1], "wb").write(b)
PYTHON
quiet stopped
rehearse 3 --pass quiet
report "any('stuck' in n['text'] and '40 days' in n['text'] for n in r['not_measured'])"
nothing_left
