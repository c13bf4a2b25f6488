#!/bin/sh
# Disturbers end with what they disturb: with a migration that gives up, and with a run that is interrupted.
. "$(dirname "$0")/lib.sh"

echo "-- the migration's own lock_timeout gives up, as it would on production"
migration 000012_remark.up.sql "SET lock_timeout = '200ms'; ALTER TABLE orders ADD COLUMN remark text;"
scenario 'migrations: {path: migrations}' 'rollback: false' 'disturb:' '  - idle_in_transaction: {table: orders}'
rehearse 2 --pass loaded
valid_report
report "r['failure']['sqlstate'] == '55P03' and [d['outcome'] for d in r['disturbances']] == ['stopped']"
nothing_left

echo "-- an interrupt while the migration waits"
migration 000012_remark.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
scenario 'migrations: {path: migrations}' 'disturb:' '  - pg_dump: {for: 60s}' '  - idle_in_transaction: {table: orders, for: 60s}'
rm -rf "$work/run"
: >"$work/err"
"$program" run "$work/scenario.yaml" --output "$work/run" --pass loaded >"$work/out" 2>"$work/err" </dev/null &
run=$!
wait_for 'begin loaded pass' && sleep 4
kill -INT "$run"
status=0
wait "$run" || status=$?
[ "$status" = 130 ] || fail "exit $status, expected 130"
valid_report
report "len(r['disturbances']) == 2 and all(d['outcome'] == 'stopped' for d in r['disturbances'])"
nothing_left
[ -z "$(pgrep -f "pg_dump .*$work" || true)" ] || fail "pg_dump still runs"
