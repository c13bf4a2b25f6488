#!/bin/sh
# Two releases on one database: the running one's statements on what the migrations make, the next one's on what was there before.
. "$(dirname "$0")/lib.sh"

cat >"$work/current.csv" <<'CSV'
query,calls,rows,total_exec_time,shared_blks_hit,shared_blks_read
"SELECT id, shipping_cents FROM orders WHERE id = $1",600,600,60,1800,0
"SELECT email FROM customers WHERE id = $1",300,300,30,900,0
"INSERT INTO customers (email, full_name) VALUES ($1, $2)",100,100,20,300,0
CSV
cat >"$work/next.csv" <<'CSV'
query,calls,rows,total_exec_time,shared_blks_hit,shared_blks_read
"SELECT id, amount_cents FROM orders WHERE id = $1",600,600,60,1800,0
"SELECT email FROM customers WHERE id = $1",300,300,30,900,0
"UPDATE customers SET region = $1 WHERE id = $2",100,100,20,300,0
CSV
migration 000012_harmless.up.sql 'CREATE INDEX ON orders (id, customer_id);'
migration 000013_rename.up.sql 'ALTER TABLE orders RENAME COLUMN shipping_cents TO amount_cents;'
migration 000014_region.up.sql "ALTER TABLE customers ADD COLUMN region text NOT NULL DEFAULT 'x'; ALTER TABLE customers ALTER COLUMN region DROP DEFAULT;"
migration 000015_mend.up.sql "ALTER TABLE customers ALTER COLUMN region SET DEFAULT 'x';"
scenario 'migrations: {path: migrations}' 'rollback: false'
sed -i 's/^workload: {/workload: {source: pg_stat_statements, path: current.csv, next: {source: pg_stat_statements, path: next.csv}, /' \
    "$work/scenario.yaml"
fact 'which migration breaks which release, and which fixes it'
rehearse 0 --pass quiet --pass loaded
valid_report
report "r['compatibility']['current_tried'] == 3 and r['compatibility']['next_tried'] == 3"
report "[(i['application'], i['broken_by'], i['fixed_by'], i['sqlstate']) for i in r['compatibility']['incompatibilities']] == [
    ('current', '000013', None, '42703'), ('current', '000014', '000015', '23502'),
    ('next', None, '000013', '42703'), ('next', None, '000014', '42703')]"
report "'amount_cents' in r['compatibility']['incompatibilities'][2]['message']"
report "abs(r['compatibility']['incompatibilities'][0]['share'] - 0.6) < 1e-6"
report "len(r['compatibility']['next_mix']['templates']) == 3"
report "any(e['sqlstate'] == '42703' for e in r['load']['errors'])"
nothing_left

fact 'compatible releases'
rm "$work"/migrations/00001[345]*
cp "$work/current.csv" "$work/next.csv"
rehearse 0 --pass quiet --pass loaded
report "r['compatibility']['incompatibilities'] == [] and r['compatibility']['next_tried'] == 3"

fact 'nothing to compare with'
rehearse 0 --pass quiet
report "r['compatibility'] is None and any('workload.next' in s for s in (n['text'] for n in r['not_measured']))"
nothing_left
