#!/bin/sh
# Disturbers: each is started beside its migration, which waits for it; the load queues behind; all of them are stopped.
. "$(dirname "$0")/lib.sh"

migration 000012_idle.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
migration 000013_dump.up.sql 'ALTER TABLE orders ADD COLUMN dumped text;'
migration 000014_query.up.sql 'ALTER TABLE orders ADD COLUMN queried text;'
migration 000015_vacuum.up.sql 'ALTER TABLE orders ADD COLUMN vacuumed text;'
migration 000016_index.up.sql 'CREATE INDEX CONCURRENTLY orders_status ON orders (status);'
migration 000017_ended.up.sql 'ALTER TABLE orders ADD COLUMN ended text; SELECT pg_sleep(2);'
printf 'SELECT count(*) FROM orders;\nSELECT pg_sleep(0.3);\n' >"$work/report.sql"
echo 'SELECT * FROM nowhere' >"$work/wrong.sql"
scenario 'prepare: [{sql: view.sql}]' 'migrations: {path: migrations}' 'rollback: false' 'disturb:' \
    '  - idle_in_transaction: {table: orders, for: 1500ms, migrations: [12]}' \
    '  - pg_dump: {for: 1500ms, migrations: [13]}' \
    '  - query: {table: orders, for: 1s, migrations: [14]}' \
    '  - autovacuum: {table: orders, for: 1500ms, migrations: [15]}' \
    '  - snapshot: {for: 1500ms, migrations: [16]}' \
    '  - idle_in_transaction: {table: customers, migrations: [17]}' \
    '  - query: {sql: report.sql, migrations: [17]}' \
    '  - query: {sql: wrong.sql, migrations: [17]}' \
    '  - autovacuum: {table: order_overview, migrations: [17]}'
echo 'CREATE VIEW order_overview AS SELECT 1' >"$work/view.sql"
fact 'a run with disturbers passes, and leaves no processes'
rehearse 0 --pass loaded --set 'staging.settings={idle_in_transaction_session_timeout: 1600ms}'
valid_report
nothing_left

beside() { # MIGRATION EXPRESSION of its disturbances b, the first one d, and the waits w
    report "b=[d for d in r.disturbances if d.migration == '$1']" 'd=b[0]' w=r.contention.waits "$2"
}

fact 'an idle transaction: the migration waits for it, and the load for the migration'
beside 000012 "len(b) == 1 and d['outcome'] == 'stopped' and d['name'] == 'idle transaction on public.orders' and len(d['pids']) == 1"
beside 000012 "d['migration_wait_s'] > 0 and d['to_s'] - d['from_s'] >= 1.49"
beside 000012 "d['blocked_sessions'][0]['session'] == 'migration 000012, statement 1' and d['blocked_sessions'][0]['mode'] == 'AccessExclusiveLock'"
beside 000012 "any('orders' in b['session'] and not b['is_migration'] for b in d['blocked_sessions'][1:])"
beside 000012 "any(x['waiter_is_migration'] and x['blocker'] == 'disturber: idle transaction on public.orders' for x in w)"

fact 'pg_dump: holds its locks on every table'
beside 000013 "d['outcome'] == 'stopped' and d['name'] == 'pg_dump' and d['migration_wait_s'] > 0"
# golang-migrate empties its history table: that waits already
beside 000013 "any(x['blocker'] == 'disturber: pg_dump' and x['relation'] == 'public.schema_migrations' for x in w)"
beside 000013 "d['blocked_sessions'][0]['session'] == 'migration 000013, the bookkeeping of its framework' and d['blocked_sessions'][0]['statement'] is None"

fact 'a long query'
beside 000014 "d['name'] == 'query on public.orders' and d['outcome'] == 'stopped' and d['migration_wait_s'] > 0"

fact 'an autovacuum that does not give way'
beside 000015 "d['outcome'] == 'stopped' and d['name'] == 'autovacuum of public.orders to prevent wraparound' and d['pids']"
beside 000015 "d['migration_wait_s'] > 0 and any(x['blocker'] == 'disturber: ' + d['name'] for x in w)"

fact 'a long snapshot: CREATE INDEX CONCURRENTLY waits for it'
beside 000016 "d['name'] == 'long snapshot' and d['outcome'] == 'stopped' and d['migration_wait_s'] > 0"

fact 'disturbers that the server ends, that end by themselves, fail, or cannot be started'
beside 000017 "[x['outcome'] for x in b] == ['ended', 'ended', 'ended', 'not_started']"
beside 000017 "'the server ended it after' in b[0]['detail'] and 'the query ended after' in b[1]['detail'] and 'nowhere' in b[2]['detail']"
beside 000017 "b[3]['from_s'] is None and 'is no table' in b[3]['detail'] and any('autovacuum' in s for s in (n['text'] for n in r['not_measured']))"

fact 'a table and a migration that do not exist are reported at their position'
rm "$work"/migrations/00001[3-7]*
scenario 'migrations: {path: migrations}' 'disturb:' '  - idle_in_transaction: {table: oders}'
rehearse 64
says "$work/err" 'scenario.yaml:[0-9]+:5: .*no table "oders"'
nothing_left
scenario 'migrations: {path: migrations}' 'disturb:' '  - pg_dump: {migrations: [000099]}'
rehearse 64
says "$work/err" 'scenario.yaml:[0-9]+:5: .*no migration "000099"'
"$program" plan "$work/scenario.yaml" >"$work/out" 2>"$work/err" && fail "plan takes a migration that does not exist"
says "$work/err" 'no migration "000099"'
