#!/bin/sh
# A whole rehearsal on a real custom-format dump: every pass, every file of the run directory, nothing left.
. "$(dirname "$0")/lib.sh"

migration 000012_note.up.sql 'ALTER TABLE orders ADD COLUMN remark text;
CREATE INDEX orders_remark ON orders (remark);'
migration 000012_note.down.sql 'ALTER TABLE orders DROP COLUMN remark;'
migration 000013_concurrently.up.sql 'CREATE INDEX CONCURRENTLY events_kind_extra ON events (id, customer_id);'
migration 000013_concurrently.down.sql 'DROP INDEX CONCURRENTLY events_kind_extra;'
migration 000014_no_way_back.up.sql "UPDATE customers SET email = email WHERE id % 2 = 0;"
echo 'SELECT 1 WHERE false;' >"$work/checks.sql"
repeat=2 scenario 'migrations: {path: migrations}' 'verify: [{sql: checks.sql}, {command: ["true"]}]' \
    'gates: {load_errors: 0, reads_blocked: 1min}'
fact 'every pass runs, and no processes or files are left'
rehearse 0
valid_report
nothing_left
report "r['verdict'] == 'pass' and r['exit_code'] == 0"
report "r['backup']['tables'] == 11 and r['backup']['rows'] > 60000"
report "[m['outcome'] for m in r['migrations'][1:]] == ['ok'] * 3"
report "[len(m['statements']) for m in r['migrations'][1:]] == [2, 1, 1]"
report "sorted({run['pass'] for run in r['migrations'][1]['statements'][0]['runs']}) == ['loaded', 'quiet']"
report "'scaled' in {row['pass'] for row in samples('statements')}"
report "all(run['elapsed_s'] > 0 for m in r['migrations'] for s in m['statements'] for run in s['runs'])"
report "any(l['relation'] == 'public.orders' and l['mode'] == 'AccessExclusiveLock' for l in r['migrations'][1]['statements'][0]['locks'])"
report "r['migrations'][1]['rollback']['schema_restored'] is True and r['migrations'][1]['rollback']['outcome'] == 'ok'"
report "r['migrations'][3]['rollback']['outcome'] == 'not_run'"
fact 'every file of the run directory is there, and the summary fits a screen'
for file in report.json report.html report.md junit.xml predictions.log log/pgrehearse.log log/server.log samples/load.csv samples/waits.csv; do
    [ -s "$work/run/$file" ] || fail "$file is missing or empty"
done
[ ! -e "$work/run/INCOMPLETE" ] || fail "the run directory says that it is not complete"
[ "$(wc -l <"$work/out")" -le 56 ] || fail "the summary is longer than a screen"
[ "$(grep -v '^Report: ' "$work/out" | wc -L)" -le 80 ] || fail "the summary is wider than 80 columns"

fact 'verify runs on the full database where only samples were rehearsed'
echo "SELECT 'not migrated' WHERE to_regclass('orders_remark') IS NULL
UNION ALL SELECT 'a sample' FROM customers HAVING count(*) < 2000;" >"$work/checks.sql"
scenario 'migrations: {path: migrations}' 'verify: [{sql: checks.sql}]'
rehearse 0 --pass scaled
report "r['verify_outcome'] == 'ok'"
fact 'verify runs where the load has no template'
rm "$work"/migrations/*
migration 1_first.up.sql 'CREATE TABLE first (id int PRIMARY KEY);'
echo "SELECT 'not migrated' WHERE to_regclass('first') IS NULL;" >"$work/checks.sql"
echo 'CREATE SCHEMA nothing;' >"$work/nothing.sql"
backup=$work/nothing.sql scenario 'migrations: {path: migrations}' 'verify: [{sql: checks.sql}]'
rehearse 0
report "r['verify_outcome'] == 'ok' and any('the loaded pass did not run' in s for s in (n['text'] for n in r['not_measured']))"
nothing_left
