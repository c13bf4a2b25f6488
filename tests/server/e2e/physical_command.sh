#!/bin/sh
# A physical copy that a program restores (backup.command): what it inherits, what it may leave, how it fails.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../physical.sh"
production
migration 000012_add.up.sql 'ALTER TABLE orders ADD COLUMN paid boolean;'
basebackup "$copies/base" -T "$given/space=$copies/space"

# fails EXIT PATTERN COMMAND [KEYS]
fails() {
    by "$3" "${4:-}"
    rehearse "$1" --pass quiet
    says "$work/err" "$2"
    nothing_left
}

fact 'pg_basebackup as the command reaches production by the variables of libpq, and the server does not'
by "[$bindir/pg_basebackup, -D, \$PGDATA, -c, fast, -T, $given/space=\$PGREHEARSE_TABLESPACES/space]"
export PGHOST="$given" PGPORT="$port" PGUSER=admin
rehearse 0 --pass quiet
unset PGHOST PGPORT PGUSER
report "r['migrations'][-1]['outcome'] == 'ok' and r['backup']['path'] == 'pg_basebackup'"
report "r['backup']['physical']['files_verified'] > 800 and r['backup']['physical']['tablespaces'] == 1"
fact 'the report is valid'
valid_report
fact 'nothing is left'
nothing_left
fact 'a shell fills $PGDATA from its environment'
by "[sh, -c, 'cp -a $copies/base/. \"\$PGDATA\"; cp -a $copies/space \"\$PGREHEARSE_TABLESPACES/1\"; cd \"\$PGDATA/pg_tblspc\"; for i in *; do ln -sfn \"\$PGREHEARSE_TABLESPACES/1\" \$i; done']"
rehearse 0 --pass quiet
report "r['backup']['physical']['tablespaces'] == 1"
fact 'plan needs no copy'
"$program" plan "$work/scenario.yaml" --set migrations.pending=all >"$work/out" 2>"$work/err" || fail 'plan failed'
says "$work/out" 'ADD COLUMN paid'
fact 'plan as JSON, too'
"$program" plan "$work/scenario.yaml" --format json --set migrations.pending=all >"$work/out" 2>"$work/err" || fail 'plan failed'
says "$work/out" '"format": null'
fact 'plan names the format of a physical copy'
of base
"$program" plan "$work/scenario.yaml" --format json --set migrations.pending=all >"$work/out" 2>"$work/err" || fail 'plan failed'
says "$work/out" '"format": "data_directory"'

fact 'a command that fails is named, with its last words'
fails 5 'scenario.yaml:2:[0-9]+: backup.command: sh ended with status 3: no such stanza' "[sh, -c, 'echo no such stanza >&2; exit 3']"
fact 'a password that it prints is not repeated'
fails 5 'sh ended with status 1' "[sh, -c, 'echo \"cannot connect: password=hunter2 host=x\" >&2; exit 1']"
! grep -rq hunter2 "$work/err" "$work/run" || fail 'the password is shown'
fact 'a command that leaves nothing'
fails 5 'left .PGDATA empty' '["true"]'
fact 'a command that leaves something else'
fails 5 'what sh restored cannot be used: .*without pg_dump' "[sh, -c, 'echo x >\$PGDATA/x']"
fact 'a command that leaves half a data directory'
fails 5 'what sh restored cannot be used: .*global/pg_control' "[sh, -c, 'cp -a $copies/base/. \$PGDATA; rm \$PGDATA/global/pg_control']"
fact 'a command that is killed'
fails 5 'sh ended with signal 9' "[sh, -c, 'kill -9 \$\$\$\$']"
fact 'a command that hangs is ended, with what it started'
fails 5 'sh did not end within 1.0 s, and was terminated' "[sh, -c, 'sleep 1000 & wait; echo $work/clusters']" 'timeout: 1s'
fact 'a command that does not exist'
fails 5 'cannot start nosuchprogram' '[nosuchprogram]'
fact 'a command beside a path is refused'
fails 64 'both a path and a command' '["true"]' "path: $copies/base"
fact 'a migration that cannot be read is found before the command runs'
by "[touch, $work/ran]"
sed -i "s|path: $work/migrations|path: $work/migrations, pending: [nosuch]|" "$work/scenario.yaml"
rehearse 64 --pass quiet
[ ! -e "$work/ran" ] || fail 'the command ran'

fact 'after kill -9 in the command nothing of it runs, and the next run removes what it left'
by "[sh, -c, 'cp -a $copies/base/. \$PGDATA; touch $work/copied; sleep 1000']"
start --pass quiet
eventually test -e "$work/copied"
kill -9 $run
wait "$run" 2>/dev/null || :
eventually no_clusters || fail "still runs: $(ours '' "$work/clusters")"
[ -n "$(ls -A "$work/clusters")" ] || fail 'nothing to remove was left: the test proves nothing'
fails 5 'left .PGDATA empty' '["true"]'
fact 'an interrupt ends the command'
by "[sh, -c, 'touch $work/waiting; sleep 1000']"
start --pass quiet
eventually test -e "$work/waiting"
kill -INT $run
ended 130
nothing_left
