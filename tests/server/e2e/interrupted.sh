#!/bin/sh
# ^C, kill -9, a server that dies and a full disk, in the middle: nothing stays running, the report tells what was reached.
. "$(dirname "$0")/lib.sh"

migration 000012_first.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
migration 000013_slow.up.sql 'SELECT pg_sleep(60);'
scenario 'migrations: {path: migrations}'

stop_at() { # MOMENT [ARGUMENT ...]
    moment=$1
    shift
    start "$@"
    wait_for "$moment"
    kill -INT "$run"
    ended 130
    report "r.verdict == 'error' and r.exit_code == 130"
    nothing_left
}
sleeps="SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND wait_event = 'PgSleep'"

fact '^C as the backup is read'
stop_at 'begin backup'
fact '^C as the server starts'
stop_at 'begin staging'
fact '^C in the restore'
stop_at 'begin restore'
fact '^C in the snapshot'
stop_at 'begin snapshot'
fact '^C in a scaled pass'
stop_at 'begin scaled pass 1/64'
fact '^C in the loaded pass'
stop_at 'begin loaded pass' --pass loaded

fact '^C in the middle of a statement'
start --pass quiet
wait_until "$sleeps"
kill -INT "$run"
ended 130
report "r.verdict == 'error' and r.migrations[2].outcome == 'not_run'"
nothing_left

fact 'the server dies in the middle of a migration'
start --pass quiet
wait_until "$sleeps"
kill -9 "$(ours '' "-D $work/clusters" | sed -n '1s/ .*//p')"
ended 5
says "$work/err" 'staging|server'
report "r.verdict == 'error' and r.exit_code == 5"
nothing_left

fact 'kill -9 of the process that does the work: the one that keeps it removes the cluster'
start --pass quiet
wait_until "$sleeps"
kill -9 "$(pgrep -P "$run")"
ended 137
nothing_left

cat >"$work/leave.sh" <<'SH'
#!/bin/sh
setsid sleep "$1" </dev/null >/dev/null 2>&1 &
until pgrep -f "^sleep $1" >/dev/null; do sleep 0.05; done
SH
chmod 755 "$work/leave.sh"
scenario 'prepare:' "  - command: [./leave.sh, '9$$']" 'migrations: {path: migrations}'
left() { pgrep -f "^sleep 9$$"; }
not_left() { ! left; }
die() { # PROCESS: once the prepare command has left its process, and a migration runs
    wait_until "$sleeps"
    left >/dev/null || fail "the prepare command left no process to end"
    kill -9 "$1"
    wait "$run" 2>/dev/null || true
    eventually not_left || fail "a process that a program left outlives the run"
}
fact "kill -9 of its child: programs' processes end with it"
start --pass quiet
eventually pgrep -P "$run"
die "$(pgrep -P "$run")"
fact "kill -9: the server and programs' processes end with it"
start --pass quiet
die "$run"
eventually no_clusters || ours '' "$work/clusters"
fact 'the next run removes what a killed one left'
[ -n "$(ls -A "$work/clusters")" ] || fail "expected the killed run to leave its directory"
[ -e "$work/run/INCOMPLETE" ] || fail "the killed run's directory does not say that it is incomplete"
rm "$work"/migrations/*
scenario
rehearse 0
nothing_left
