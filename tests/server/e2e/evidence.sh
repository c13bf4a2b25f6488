#!/bin/sh
# What a verdict rests on: gates count whoever was in the way, the load breaks no constraint that the migrations add,
# masked rows are reported, and a look that a migration shuts out is said to be missing.
. "$(dirname "$0")/lib.sh"

fact 'a table closed by a prepared transaction, and constraints that the load keeps to'
cat >"$work/mask.sql" <<'SQL'
UPDATE customers SET email = id || '@example.org';
SQL
migration 0001_closed.sql "BEGIN;
LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;
PREPARE TRANSACTION 'held';
SELECT pg_sleep(1);
ROLLBACK PREPARED 'held';"
migration 0002_keys.sql "SET lock_timeout = '2s';
DO \$\$ BEGIN
  ALTER TABLE customers ADD CONSTRAINT has_at CHECK (email LIKE '%@%');
  ALTER TABLE customers ADD CONSTRAINT has_name CHECK (full_name <> '');
  ALTER TABLE reviews ADD CONSTRAINT one EXCLUDE USING btree (id WITH =);
END \$\$;
TRUNCATE carts CASCADE;"
scenario 'migrations: {path: migrations, framework: sql, pending: all}' 'rollback: false' 'prepare: [{sql: mask.sql}]' \
    'gates: {reads_blocked: 500ms, writes_blocked: 500ms, load_errors: 0}'
sed -i 's|clusters}|clusters, settings: {max_prepared_transactions: 5}}|' "$work/scenario.yaml"
rehearse 1 --pass quiet --pass loaded
valid_report
report "[g['outcome'] for g in r['gates']] == ['failed', 'failed', 'held']"
report "r['gates'][0]['measured'] > 0.5 and r['gates'][0]['measured'] >= r['contention']['longest_wait_s'] - 0.001"
report "any('exclusion constraint' in s and 'reviews' in s for s in r['load']['mix']['omitted'])"
report "any('schema_migrations' in s and 'belongs to a migration tool' in s for s in r['load']['mix']['omitted'])"
report "any('CHECK on public.customers (email)' in s and 'prepare' in s for s in (n['text'] for n in r['not_measured']))"
report "not any('(full_name)' in n['text'] for n in r['not_measured'])" # of a column that prepare left alone
report "not any(h['rule'] == 'missing-lock-timeout' for s in r['migrations'][1]['statements'] for h in s['hazards'])"
report "r['migrations'][1]['statements'][2]['class'] == 'data_change'"
nothing_left

fact 'a migration that locks what the observer reads'
rm "$work"/migrations/*
migration 0001_catalog.sql "BEGIN;
LOCK TABLE pg_catalog.pg_class IN ACCESS EXCLUSIVE MODE;
SELECT 1;
COMMIT;"
scenario 'migrations: {path: migrations, framework: sql, pending: all}' 'rollback: false' 'gates: {reads_blocked: 500ms}'
rehearse 3 --pass quiet
valid_report
report "r['gates'][0]['outcome'] == 'not_measured' and any('0001_catalog' in s and 'could not be read' in s for s in (n['text'] for n in r['not_measured']))"
nothing_left

fact 'a new constraint on rows that prepare replaced or removed is reported'
rm "$work"/migrations/*
cat >"$work/mask.sql" <<'SQL'
CREATE TABLE copied AS SELECT * FROM reviews;
TRUNCATE reviews;
INSERT INTO reviews SELECT id, product_id, customer_id, rating, 'masked', created_at FROM copied;
CREATE TABLE payments_kept AS SELECT * FROM payments;
DELETE FROM payments;
INSERT INTO payments SELECT * FROM payments_kept;
DELETE FROM carts WHERE id = (SELECT min(id) FROM carts);
ALTER TABLE addresses ALTER COLUMN line1 TYPE text USING md5(line1);
INSERT INTO customers (email, full_name) VALUES ('new@example.org', 'New');
SQL
migration 0001_keys.sql "SET lock_timeout = '2s';
ALTER TABLE reviews ADD CONSTRAINT short CHECK (length(body) < 100);
ALTER TABLE payments ADD CONSTRAINT method_known CHECK (method <> '');
ALTER TABLE carts ADD CONSTRAINT few CHECK (quantity < 100000);
ALTER TABLE addresses ADD CONSTRAINT line CHECK (line1 <> '');
ALTER TABLE customers ADD CONSTRAINT named CHECK (full_name <> '');"
scenario 'migrations: {path: migrations, framework: sql, pending: all}' 'rollback: false' 'prepare: [{sql: mask.sql}]'
rehearse 0 --pass quiet
masked() { report t="[n['text'] for n in r['not_measured'] if n['code'] == 'masked_constraints']" "$1"; }
masked "any('CHECK on public.reviews (body)' in s and 'replaced the table' in s for s in t)"
masked "any('CHECK on public.payments (method)' in s and 'deletes)' in s for s in t)"
masked "any('CHECK on public.carts (quantity)' in s and '(1 delete)' in s for s in t)"
masked "any('CHECK on public.addresses (line1)' in s for s in t)"
masked "not any('customers' in s for s in t)" # rows that it added hide nothing
nothing_left
