#!/bin/sh
# Disturbers end with what they disturb: with a migration that gives up, and with a run that is interrupted.
. "$(dirname "$0")/lib.sh"

fact "the migration's own lock_timeout expires, as it would on production"
migration 000012_remark.up.sql "SET lock_timeout = '200ms'; ALTER TABLE orders ADD COLUMN remark text;"
scenario 'migrations: {path: migrations}' 'rollback: false' 'disturb:' '  - idle_in_transaction: {table: orders}'
rehearse 2 --pass loaded
valid_report
report "r['failure']['sqlstate'] == '55P03' and [d['outcome'] for d in r['disturbances']] == ['stopped']"
nothing_left

fact 'an interrupt while the migration waits'
migration 000012_remark.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
scenario 'migrations: {path: migrations}' 'disturb:' '  - pg_dump: {for: 60s}' '  - idle_in_transaction: {table: orders, for: 60s}'
start --pass loaded
wait_until "SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
kill -INT "$run"
ended 130
valid_report
report "len(r['disturbances']) == 2 and all(d['outcome'] == 'stopped' for d in r['disturbances'])"
nothing_left
[ -z "$(ours)" ] || fail "still running: $(ours)"
