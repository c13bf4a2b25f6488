#!/bin/sh
# Migrations that fail, each in its own way: exit 2, the place in the user's file, and a report that tells the truth.
. "$(dirname "$0")/lib.sh"

fact 'a syntax error: its line, and the state after the failure'
migration 000012_good.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
migration 000013_bad.up.sql 'ALTER TABLE orders ADD COLUMN other text;

CREATE INDEXX orders_remark ON orders (remark);'
migration 000014_never.up.sql 'SELECT 1;'
scenario 'migrations: {path: migrations}'
rehearse 2
valid_report
says "$work/err" '000013_bad.up.sql:3'
report "[m['outcome'] for m in r['migrations'][1:]] == ['ok', 'failed', 'not_run']"
report "r['migrations'][2]['error']['line'] == 3 and r['verdict'] == 'fail'"
# those before it were put under load; the failed one was looked at: the server parses the file as a whole, so nothing stays
report "r['load']['windows'] and r['reason'] == 'migration 000013 failed in the quiet pass 1 of 1'"
report "[i['kind'] for i in r['migrations'][2]['interruptions']] == ['failed']"
left() { # EXPRESSION over what the failure left: i
    report "i=r.migrations[2].interruptions[0]" "$1"
}
left "i['state'] == 'as_before' and i['history'] == 'version 13, dirty t' and i['rerun'] == 'refused'"
left "i['rerun_after_repair'] == 'failed' and i['statement'] == 2"
says "$work/out" 'After its failure 000013: it left no changes; the history table says version 13, dirty'
nothing_left

fact 'rollback of those before it, and the state after one without a transaction'
migration 000012_good.down.sql 'ALTER TABLE orders DROP COLUMN remark;'
migration 000013_bad.up.sql 'BEGIN; CREATE TABLE stays (a int); INSERT INTO stays VALUES (1); COMMIT;
CREATE TABLE orders (id int);'
rehearse 2 --pass quiet
valid_report
report "r['migrations'][1]['rollback']['reversibility'] == 'reversible' and r['migrations'][2]['rollback']['reversibility'] is None"
left "i['state'] == 'partly_applied' and 'table public.stays' in [d['object'] for d in i['differences']]"
left "'stays' in i['error'] and i['rerun_after_repair'] == 'failed' and i['statement'] == 5"
says "$work/run/report.md" 'After its failure 000013: it is partly applied'
says "$work/run/report.html" 'table public.stays added'
nothing_left

fact 'a migration that fails on the data'
migration 000013_bad.up.sql 'ALTER TABLE orders ADD COLUMN other text;
ALTER TABLE customers ADD CONSTRAINT short CHECK (length(email) < 3);'
rehearse 2 --pass quiet
says "$work/err" '000013_bad.up.sql:2'
report "r['migrations'][2]['error']['sqlstate'] == '23514'"
nothing_left

fact 'one that never ends'
migration 000013_bad.up.sql 'SELECT pg_sleep(3600);'
scenario 'migrations: {path: migrations, statement_timeout: 500ms}'
rehearse 2 --pass quiet
says "$work/err" 'statement_timeout|500 ms|0.5 s'
report "r['migrations'][2]['outcome'] == 'failed' and r['migrations'][3]['outcome'] == 'not_run'"
nothing_left

fact 'one that cannot run inside a transaction'
migration 000013_bad.up.sql 'CREATE INDEX CONCURRENTLY a ON orders (remark); SELECT 1;'
rehearse 2 --pass quiet
says "$work/err" 'transaction block'
nothing_left

fact 'very many statements, of which one fails: its own line is reported, and the report stays small'
{
    echo "CREATE TABLE many (id int PRIMARY KEY);"
    i=0
    while [ $i -lt 3000 ]; do i=$((i + 1)); echo "INSERT INTO many VALUES ($i);"; done
    echo "INSERT INTO many VALUES (7);"
} | migration 000013_bad.up.sql
rehearse 2 --pass quiet
valid_report
says "$work/err" '000013_bad.up.sql:3002'
report "len(r['migrations'][2]['statements']) == 2 and '3,000 more' in r['migrations'][2]['statements'][1]['sql']"
nothing_left

fact 'one that reaches outside the database'
migration 000013_bad.up.sql "SELECT 1;
COPY orders TO PROGRAM 'cat';"
rehearse 4
says "$work/err" '000013_bad.up.sql:2'
report "r['verdict'] == 'refused'"
nothing_left

fact 'a verify step that returns rows'
migration 000013_bad.up.sql 'SELECT 1;'
echo 'SELECT id FROM orders LIMIT 2;' >"$work/checks.sql"
scenario 'migrations: {path: migrations}' 'verify: [{sql: checks.sql}]'
rehearse 2 --pass quiet
report "r['verdict'] == 'fail' and 'verify' in r['reason']"
nothing_left
