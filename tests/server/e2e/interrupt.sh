#!/bin/sh
# A migration that is killed half-way: what it leaves, and whether it runs again.
. "$(dirname "$0")/lib.sh"

cut() { # NUMBER EXPRESSION over all its interruptions i
    report "all($2 for i in r['migrations'][$1]['interruptions']) and r['migrations'][$1]['interruptions'] != []"
}

# golang-migrate: dirty is refused. The index is slow enough to be met in its middle on any machine.
migration 000012_slow.up.sql "CREATE TABLE few AS SELECT generate_series(1, 300) AS id;
CREATE FUNCTION slow(id int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
'BEGIN PERFORM pg_sleep(0.001); RETURN id; END'; SELECT pg_sleep(0.2);"
migration 000013_index.up.sql 'CREATE INDEX CONCURRENTLY few_slow ON few (slow(id));'
migration 000014_again.up.sql 'CREATE INDEX CONCURRENTLY IF NOT EXISTS few_again ON few (slow(id));'
migration 000015_block.up.sql 'ALTER TABLE orders ADD COLUMN more int; UPDATE orders SET more = 1 WHERE id < 100;
SELECT pg_sleep(1); CREATE TABLE last (a int);'
scenario 'migrations: {path: migrations}' 'interrupt: true' 'rollback: false'
fact 'golang-migrate: each is interrupted half-way, and refused as dirty'
rehearse 0 --pass quiet
valid_report
nothing_left
report "sum(len(m['interruptions']) for m in r['migrations']) == 5"
report "sum(i['kind'] == 'server_restarted' for m in r['migrations'] for i in m['interruptions']) == 1"
for m in 1 2 3 4; do
    cut $m "i['in_statement'] and i['rerun'] == 'refused' and i['history'] == 'version 1%d, dirty t' % ($m + 1)"
done
fact 'an index that CONCURRENTLY left invalid: IF NOT EXISTS skips it'
cut 2 "i['state'] == 'partly_applied' and i['invalid_indexes'] == ['public.few_slow']"
cut 2 "i['rerun_after_repair'] == 'failed' and 'already exists' in i['error'] and i['invalid_after_rerun'] == i['invalid_indexes']"
cut 3 "i['rerun_after_repair'] == 'ok' and i['invalid_after_rerun'] == ['public.few_again']"
fact 'a file in one transaction leaves no changes, and runs after the repair'
cut 4 "i['state'] == 'as_before' and i['differences'] == [] and i['data']['tables_different'] == 0"
cut 4 "i['rerun_after_repair'] == 'ok' and i['statement'] == 3"
report "all(m['outcome'] == 'ok' for m in r['migrations'][1:])"
says "$work/run/report.html" 'Interrupted'
says "$work/out" 'Interrupted: 5 refused'

fact 'plain SQL: completed statements stay'
rm "$work"/migrations/*
migration 01_each.sql "CREATE TABLE kept (a int); UPDATE orders SET note = 'x' WHERE id < 100; DO 'BEGIN PERFORM pg_sleep(0.5); END';
CREATE TABLE never (a int);"
migration 02_again.sql "DELETE FROM order_items WHERE id <= 10; DO 'BEGIN PERFORM pg_sleep(0.2); END';"
scenario 'migrations: {path: migrations, framework: sql}' 'interrupt: true' 'rollback: false'
rehearse 0 --pass quiet
valid_report
cut 0 "i['state'] == 'partly_applied' and [d['object'] for d in i['differences'] if d['object'].startswith('table')] == ['table public.kept']"
cut 0 "[(t['table'], [c['column'] for c in t['columns']]) for t in i['data']['tables']] == [('public.orders', ['note'])]"
cut 0 "i['history'] is None and i['rerun'] == 'failed' and 'kept' in i['error'] and i['rerun_after_repair'] is None"
cut 1 "i['rerun'] == 'ok' and i['data']['tables_different'] == 1"
nothing_left
