#!/bin/sh
# Physical copies of a standby, of a server that crashed, and with their WAL elsewhere.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../physical.sh"
production
migration 000012_add.up.sql 'ALTER TABLE orders ADD COLUMN paid boolean;'

# local_space NAME: the tablespace of that copy becomes a directory of it.
local_space() {
    oid=$(ls "$copies/$1/pg_tblspc")
    real=$(readlink "$copies/$1/pg_tblspc/$oid")
    as_owner rm "$copies/$1/pg_tblspc/$oid"
    as_owner cp -a "$real" "$copies/$1/pg_tblspc/$oid"
}

standby_has_caught_up() {
    as_owner "$bindir/psql" -qXAt -h "$work" -p "$port" -U admin -d shop -c 'SELECT count(*) FROM later' | grep -qx 500
}

sql postgres "SELECT pg_create_physical_replication_slot('standby1')" >/dev/null
basebackup "$given/standby" --write-recovery-conf --slot=standby1 -T "$given/space=$given/standby.space"
chmod 1777 "$work"
as_owner "$bindir/pg_ctl" -D "$given/standby" -w -l "$given/standby.log" \
    -o "-k $work -p $port -c listen_addresses= -c fsync=off -c max_prepared_transactions=5" start >/dev/null
sql shop "CREATE TABLE later AS SELECT generate_series(1, 500) AS i" "ALTER TABLE later OWNER TO app"
eventually standby_has_caught_up

fact 'a base backup that was taken from a standby is restored'
as_owner "$bindir/pg_basebackup" -h "$work" -p "$port" -U admin -c fast -D "$copies/from" -T "$given/standby.space=$copies/from.space" ||
    fail 'pg_basebackup of the standby'
of from
rehearse 0 --pass quiet
report "r['backup']['physical']['from_standby'] and r['migrations'][-1]['outcome'] == 'ok'"

fact 'the directory of a stopped standby is restored, and follows nobody'
as_owner "$bindir/pg_ctl" -D "$given/standby" -w -m fast stop >/dev/null
as_owner cp -a "$given/standby" "$copies/standby"
local_space standby
of standby
rehearse 0 --pass quiet
report "r['backup']['physical']['server_state'] == 'shut down in recovery' and r['migrations'][-1]['outcome'] == 'ok'"
for name in standby.signal primary_conninfo primary_slot_name; do
    report "any('$name' in n for n in r['staging']['neutralised'])"
done
fact 'the slot of the standby is not used'
[ "$(sql postgres "SELECT active FROM pg_replication_slots WHERE slot_name = 'standby1'")" = f ] || fail 'the slot is active'

fact 'the directory of a standby whose last WAL is missing is refused'
as_owner cp -a "$copies/standby" "$copies/short"
python3 - "$copies/short" <<'PYTHON'
import os, struct, sys
control = open(sys.argv[1] + "/global/pg_control", "rb").read()
redo, minimum = struct.unpack_from("<Q", control, 40)[0], struct.unpack_from("<Q", control, 136)[0]
assert minimum > redo, (hex(redo), hex(minimum))
wal = sys.argv[1] + "/pg_wal/"
first = "00000001%08X%08X" % (redo >> 32, (redo >> 24) & 255)
for name in os.listdir(wal):
    if len(name) == 24 and name > first:
        os.unlink(wal + name)
# From the middle between where the recovery begins and where the files fit together on, there is nothing.
middle = (redo + minimum) // 2 if minimum >> 24 == redo >> 24 else None
if middle:
    with open(wal + first, "r+b") as segment:
        segment.seek(middle & 0xFFFFFF)
        segment.write(bytes(0x1000000 - (middle & 0xFFFFFF)))
PYTHON
of short
rehearse 5 --pass quiet
says "$work/err" 'its WAL ends at'

fact 'WAL behind a link is copied, and the directory it points to is not written to'
as_owner mv "$copies/standby/pg_wal" "$copies/wal"
as_owner ln -s "$copies/wal" "$copies/standby/pg_wal"
listing "$copies/wal" >"$work/before"
of standby
rehearse 0 --pass quiet
listing "$copies/wal" >"$work/after"
cmp -s "$work/before" "$work/after" || fail 'the WAL of the copy has changed'

fact 'a crashed server needs the word that its copy is atomic'
as_owner "$bindir/pg_ctl" -D "$given/data" -w -m immediate stop >/dev/null
as_owner cp -a "$given/data" "$copies/crashed"
local_space crashed
of crashed
rehearse 5 --pass quiet
says "$work/err" 'atomic_snapshot: true'
fact 'an atomic snapshot is recovered from its WAL'
of crashed 'atomic_snapshot: true'
rehearse 0 --pass quiet
report "r['backup']['physical']['server_state'] == 'in production' and r['migrations'][-1]['outcome'] == 'ok'"
nothing_left
fact 'a cluster that is kept has a configuration of its own'
rehearse 0 --pass quiet --keep-staging
grep -q "^listen_addresses = ''" "$work"/clusters/*/data/postgresql.conf || fail 'it has none'
