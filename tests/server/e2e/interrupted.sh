#!/bin/sh
# ^C, kill -9, a server that dies and a full disk, in the middle: nothing stays running, the report tells what was reached.
. "$(dirname "$0")/lib.sh"

start() { # [ARGUMENT ...]: in the background; pid in $run
    rm -rf "$work/run"
    : >"$work/err"
    "$program" run "$work/scenario.yaml" --output "$work/run" "$@" >"$work/out" 2>"$work/err" </dev/null &
    run=$!
}

ended() { # EXPECTED_EXIT
    status=0
    wait "$run" || status=$?
    [ "$status" = "$1" ] || fail "exit $status, expected $1"
}

migration 000012_first.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
migration 000013_slow.up.sql 'SELECT pg_sleep(60);'
scenario 'migrations: {path: migrations}'

stop_at() { # MOMENT [ARGUMENT ...]
    echo "-- ^C at: $1"
    moment=$1
    shift
    start "$@"
    wait_for "$moment" && sleep 0.2 && kill -INT "$run"
    ended 130
    report "r['verdict'] == 'error' and r['exit_code'] == 130"
    nothing_left
}
for moment in 'begin backup' 'begin staging' 'begin restore' 'begin snapshot' 'begin scaled pass 1/64'; do
    stop_at "$moment"
done
stop_at 'begin loaded pass' --pass loaded

echo "-- the server dies in the middle of a migration"
start
wait_for 'begin scaled pass 1/64' && sleep 1.5
kill -9 $(pgrep -of "postgres.*$work/clusters")
ended 5
says "$work/err" 'staging|server'
report "r['verdict'] == 'error' and r['exit_code'] == 5"
nothing_left

echo "-- kill -9: the server and what programs left go with it, the next run clears what it left"
cat >"$work/leave.sh" <<'SH'
#!/bin/sh
setsid sleep "$1" </dev/null >/dev/null 2>&1 &
until pgrep -f "^sleep $1" >/dev/null; do sleep 0.05; done
SH
chmod 755 "$work/leave.sh"
scenario 'prepare:' "  - command: [./leave.sh, '9$$']" 'migrations: {path: migrations}'
for victim in child itself; do
    start
    wait_for 'begin scaled pass 1/64' && sleep 1
    pgrep -f "^sleep 9$$" >/dev/null || fail "the prepare command left no process to end"
    [ $victim = itself ] && kill -9 "$run" || kill -9 "$(pgrep -P "$run")"
    wait "$run" 2>/dev/null || true
    i=0
    while pgrep -f "^sleep 9$$" >/dev/null && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
    pgrep -f "^sleep 9$$" >/dev/null && fail "a process that a program left outlives the run ($victim)"
done
i=0
while pgrep -f "$work/clusters" >/dev/null && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
pgrep -f "$work/clusters" >/dev/null && fail "still running: $(pgrep -af "$work/clusters")"
[ -n "$(ls -A "$work/clusters")" ] || fail "expected the killed run to leave its directory"
[ -e "$work/run/INCOMPLETE" ] || fail "the killed run's directory does not say that it is incomplete"
rm "$work"/migrations/*
scenario
rehearse 0
nothing_left
