#!/bin/sh
# staging.snapshot: programs of the scenario take the snapshot and bring it back; what they leave is checked.
. "$(dirname "$0")/lib.sh"
volume=$work/volume
mkdir -m 755 "$volume"
migration 000012_update.up.sql "UPDATE orders SET note = 'x' WHERE id % 10 = 0;"

take="cp -a \$PGDATA $work/snap"
reset="rm -rf \$PGDATA && cp -a $work/snap \$PGDATA"

# by TAKE RESET [KEYS]: shells' lines; two quiet passes.
by() {
    cat >"$work/scenario.yaml" <<YAML
name: test
backup: {path: $source/scenarios/quickstart/backup.dump}
staging:
  directory: $work/clusters
  snapshot: {take: [sh, -c, '$1'], reset: [sh, -c, '$2'], remove: [sh, -c, 'rm -rf $work/snap; echo removed >>$work/removed'], directory: $volume${3:+, $3}}
migrations: {path: $work/migrations}
workload: {source: none}
repeat: 2
YAML
    rm -rf "$work/snap" "$work/removed"
}

gone() {
    nothing_left
    [ -z "$(ls -A "$volume")" ] || fail "left on the volume: $(ls "$volume")"
}

# fails PATTERN: exit 5 at the line of staging.snapshot, and nothing is left.
fails() {
    rehearse 5 --pass quiet
    says "$work/err" "scenario.yaml:5:3: the (reset to|snapshot of) the restored state failed: $1"
    gone
}

fact 'every pass begins with the snapshot that the programs took'
by "$take" "env >$work/env; $reset"
PGHOST=nowhere rehearse 0 --pass quiet
report "r['staging']['reset_method'] == 'staging.snapshot' and r['staging']['resets'] >= 3"
report "r['migrations'][-1]['outcome'] == 'ok'"
fact 'what they add to the timed passes is not known'
report "r['staging']['copy_on_write'] is None and r['staging']['reset_bytes'] is None"
report "any('copy-on-write' in n['text'] for n in r['not_measured'])"
fact 'the data directory lies in the directory that is named, the rest does not'
report "r['staging']['location'].startswith('$volume/pgrehearse-')"
fact 'they get the data directory and an identifier, and no variable of libpq'
grep -q "^PGDATA=$volume/pgrehearse-.*/data" "$work/env" && grep -Eq '^PGREHEARSE_ID=[0-9a-f]{8}$' "$work/env" || fail "$(cat "$work/env")"
! grep -q '^PGHOST' "$work/env" || fail 'PGHOST is there'
fact 'the snapshot is removed at the end, and nothing is left'
[ "$(cat "$work/removed")" = removed ] && [ ! -e "$work/snap" ] || fail 'it was not removed once'
gone
fact 'the report is valid'
valid_report

fact 'a reset that does nothing'
by "$take" true
fails 'staging.snapshot.reset did not bring the data directory of the snapshot back: what was written since the snapshot is still there'
fact 'the snapshot of a run that fails is removed, too'
[ "$(cat "$work/removed")" = removed ] || fail 'it was not removed'
fact 'a reset that loses the times of the files'
by "$take" "rm -rf \$PGDATA && cp -r $work/snap \$PGDATA && chmod -R u=rwX,go= \$PGDATA && chown -R --reference=$work/snap \$PGDATA"
fails 'staging.snapshot.reset did not .*: [^ ]* has another modification time'
fact 'a reset that leaves new files'
by "$take" "cp -a $work/snap/. \$PGDATA; touch \$PGDATA/base/new"
fails 'staging.snapshot.reset did not .* is new'
fact 'a reset that brings back a part'
by "$take" "$reset; rm -r \$PGDATA/pg_xact"
fails 'staging.snapshot.reset did not .*: pg_xact is missing'
fact 'a reset whose pg_control is another'
by "$take" "$reset; c=\$PGDATA/global/pg_control; touch -r \$c $work/when; printf x | dd of=\$c conv=notrunc status=none; touch -r $work/when \$c"
fails 'staging.snapshot.reset did not .*: global/pg_control has other bytes'
fact 'a reset that removes the data directory'
by "$take" "rm -rf \$PGDATA"
fails 'after staging.snapshot.reset: cannot read .*/data'
fact 'a link in place of the data directory'
by "$take" "rm -rf \$PGDATA; ln -s $work/snap \$PGDATA"
fails 'staging.snapshot.reset did not .*: it is no directory'
fact 'a reset that fails is named, with its last words'
by "$take" 'echo dataset is busy, password=hunter2 >&2; exit 3'
fails 'staging.snapshot.reset: sh ended with status 3: dataset is busy'
fact 'a password that it prints is not repeated'
! grep -rq hunter2 "$work/err" "$work/run" || fail 'the password is shown'
fact 'a reset that hangs is ended'
by true "sleep 1000; true $work/clusters" 'timeout: 2s'
fails 'staging.snapshot.reset: sh did not end within 2.0 s, and was ended'
fact 'a snapshot that fails'
by 'exit 4' true
fails 'staging.snapshot.take: sh ended with status 4: it said nothing'
fact 'a snapshot that changes the data directory'
by 'touch $PGDATA/PG_VERSION' true
fails 'staging.snapshot.take changed the data directory: PG_VERSION has another modification time'
fact 'a program that does not exist'
by "$take" true
sed -i 's/reset: \[sh, -c, /reset: [nosuchprogram, /' "$work/scenario.yaml"
fails 'cannot start nosuchprogram'
fact 'after kill -9 the next run removes the data directory from the volume'
by "$take" "touch $work/waiting; sleep 1000; true $work/clusters"
start --pass quiet
eventually test -e "$work/waiting"
kill -9 $run
wait "$run" 2>/dev/null || :
eventually no_clusters || fail "still runs: $(ours '' "$work/clusters")"
[ -n "$(ls -A "$volume")" ] || fail 'nothing to remove was left: the test proves nothing'
by "$take" "$reset"
rehearse 0 --pass quiet --set repeat=1
gone

fact 'snapshots of a btrfs subvolume'
[ "$(id -u)" = 0 ] || skip 'loop devices need root'
. "$(dirname "$0")/../loop.sh"
loop btrfs
btrfs subvolume create "$work/btrfs/volume" >/dev/null
volume=$work/btrfs/volume
by "btrfs subvolume snapshot -r $volume $work/btrfs/snap" \
    "btrfs subvolume delete $volume && btrfs subvolume snapshot $work/btrfs/snap $volume"
sed -i "s|rm -rf $work/snap;|btrfs subvolume delete $work/btrfs/snap;|" "$work/scenario.yaml"
rehearse 0 --pass quiet
report "r['staging']['reset_method'] == 'staging.snapshot' and r['migrations'][-1]['outcome'] == 'ok'"
[ ! -e "$work/btrfs/snap" ] || fail 'the snapshot is left'
gone
