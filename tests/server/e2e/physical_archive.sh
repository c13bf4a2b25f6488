#!/bin/sh
# Recovery from production's archive: restore_command runs outside of the confinement, the server waits for files.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../physical.sh"
mkdir "$work/archive"
chmod 777 "$work/archive"
production -c archive_mode=on
sql postgres "ALTER SYSTEM SET archive_command = 'cp %p $work/archive/%f'" 'SELECT pg_reload_conf()' >/dev/null
migration 000012_add.up.sql 'ALTER TABLE orders ADD COLUMN paid boolean;'
lsn() { sql postgres 'SELECT pg_current_wal_lsn()'; }
# archived: ends the segment, and waits until production has archived it.
archived() {
    name=$(sql postgres 'SELECT pg_walfile_name(pg_current_wal_lsn())')
    sql postgres 'SELECT pg_switch_wal()' >/dev/null
    eventually test -e "$work/archive/$name"
}
basebackup "$copies/base" -T "$given/space=$copies/space" --wal-method=none
rows_around before_release
archived
moment=$(sql postgres 'SELECT clock_timestamp()')
sql shop "INSERT INTO orders SELECT g, 'last' FROM generate_series(50001, 50010) g"
at=$(lsn)
sql shop "INSERT INTO orders SELECT g, 'end' FROM generate_series(60001, 60010) g"
archived
cp -r "$work/archive" "$work/whole"

# target KEYS: the base backup with the archive and more keys of backup.
target() {
    of base "restore_command: \"cp $work/archive/%f %p\"${1:+, $1}"
    verify_counts
}
# refuses EXIT PATTERN KEYS
refuses() {
    target "$3"
    rehearse "$1" --pass quiet
    says "$work/err" "$2"
    nothing_left
}

fact 'without an archive the missing segment is named'
of base
rehearse 5 --pass quiet
says "$work/err" 'lacks the WAL segment .*|backup.restore_command'
fact 'the end of the backup is the default'
target
counts 20000
rehearse 0 --pass quiet
report "r['backup']['physical']['recovery_target'] == 'end of the backup'"
report "r['backup']['physical']['recovery_stopped'] == 'recovery stopping after reaching consistency'"
report "r['backup']['physical']['wal_segments_brought'] > 0 and r['backup']['physical']['recovered_lsn']"
fact 'the report is valid'
valid_report
fact 'nothing is left'
nothing_left
fact 'a restore point'
target 'target: {name: before_release}'
counts 20010
rehearse 0 --pass quiet
report "r['backup']['physical']['recovery_target'] == 'restore point before_release' and 'before_release' in r['backup']['physical']['recovery_stopped']"
fact 'a time'
target "target: {time: \"$moment\"}"
counts 20020
rehearse 0 --pass quiet
report "'recovery stopping before commit' in r['backup']['physical']['recovery_stopped']"
fact 'an LSN'
target "target: {lsn: $at}"
counts 20030
rehearse 0 --pass quiet
fact 'an archive that ends before the target is an error with both positions, not a wait'
refuses 5 'archive ends at 0/[0-9A-F]+, before the target .restore point nosuch.: it does not have the WAL segment' 'target: {name: nosuch}'
fact 'a target before the end of the backup'
refuses 5 'target .*lies before the end of the backup' "target: {time: \"2020-01-01 00:00:00 UTC\"}"
fact 'a time without its zone'
refuses 64 'scenario.yaml:2:.*time with its time zone' 'target: {time: "2020-01-01 00:00:00"}'
fact 'a position that is none'
refuses 64 'position in the WAL' 'target: {lsn: 12}'
fact 'two targets'
refuses 64 'one of time, name and lsn' 'target: {lsn: 0/1, name: x}'
fact 'a target without an archive'
of base 'target: {name: before_release}'
rehearse 64 --pass quiet
says "$work/err" 'backup.target needs a restore_command'
fact 'a missing middle segment is named'
middle=$(ls "$work/archive" | grep -E '^[0-9A-F]{24}$' | tail -2 | head -1)
rm "$work/archive/$middle"
refuses 5 "archive lacks the WAL segment $middle, although it has the next one" "target: {lsn: $at}"
fact 'a segment of another place is refused'
cp "$work/whole/$(ls "$work/whole" | grep -E '^[0-9A-F]{24}$' | tail -1)" "$work/archive/$middle"
refuses 5 "$middle that restore_command brought is another one" "target: {lsn: $at}"
fact 'half a segment is refused'
head -c 1000000 "$work/whole/$middle" >"$work/archive/$middle"
refuses 5 "$middle that restore_command brought has 1000000 bytes" "target: {lsn: $at}"
fact 'a damaged segment is named'
cp "$work/whole/$middle" "$work/archive/$middle"
dd if=/dev/zero of="$work/archive/$middle" bs=8192 seek=1 count=2000 conv=notrunc 2>/dev/null
refuses 5 "recovery ended in the WAL segment $middle, before the target" "target: {lsn: $at}"
cp "$work/whole/$middle" "$work/archive/$middle"
fact 'a restore_command that is killed is an error, not an end'
of base "restore_command: \"kill -9 \$\$\$\$ # %f %p\""
rehearse 5 --pass quiet
says "$work/err" 'restore_command ended with signal 9'
nothing_left
fact 'what it prints is not shown with its secrets'
of base "restore_command: \"echo password=hunter2 >&2; exit 1 # %f %p\""
rehearse 5 --pass quiet
says "$work/err" 'the archive ends at'
! grep -rq hunter2 "$work/err" "$work/run" || fail 'the password is shown'
nothing_left
fact 'a restore_command of production in the copy does not run'
as_owner cp -a "$copies/base" "$copies/theirs"
printf "restore_command = 'touch $work/ran; cp $work/archive/%%f %%p'\n" >>"$copies/theirs/postgresql.auto.conf"
: >"$copies/theirs/recovery.signal"
of theirs
rehearse 5 --pass quiet
[ ! -e "$work/ran" ] || fail 'it ran'
fact 'that of the program which restored the copy does'
cat >"$work/restore.sh" <<SH
cp -a $copies/base/. "\$PGDATA"
echo "restore_command = 'cp $work/archive/%f \"%p\"'" >>"\$PGDATA/postgresql.auto.conf"
: >"\$PGDATA/recovery.signal"
SH
rm -r "$copies/base/pg_tblspc/"*
as_owner cp -a "$copies/space" "$copies/base/pg_tblspc/$(ls "$given/data/pg_tblspc")"
cat >"$work/scenario.yaml" <<YAML
name: test
backup: {command: [sh, $work/restore.sh], target: {name: before_release}}
staging: {kind: embedded, directory: $work/clusters}
migrations: {path: $work/migrations}
workload: {source: none}
verify: [{sql: $work/counts.sql}]
YAML
counts 20010
rehearse 0 --pass quiet
nothing_left
fact 'after kill -9 in the courier nothing runs, and the next run removes the cluster'
of base "restore_command: \"touch $work/courier; sleep 1000 # $work/clusters %f %p\""
start --pass quiet
eventually test -e "$work/courier"
kill -9 $run
wait "$run" 2>/dev/null || :
eventually no_clusters || fail "still runs: $(ours '' "$work/clusters")"
counts 20000
target
rehearse 0 --pass quiet
nothing_left
fact 'a tablespace that the WAL creates is not made in production'
as_owner mkdir "$given/late"
sql postgres "CREATE TABLESPACE late LOCATION '$given/late'"
sql postgres "SELECT pg_create_restore_point('after_tablespace')" >/dev/null
archived
before=$(ls -A "$given/late")
refuses 5 'tablespace was created after the backup began: .*late' 'target: {name: after_tablespace}'
[ "$(ls -A "$given/late")" = "$before" ] || fail 'the recovery wrote into it'
fact 'it is no obstacle to an earlier target'
counts 20010
target 'target: {name: before_release}'
rehearse 0 --pass quiet
