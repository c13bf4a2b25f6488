#!/bin/sh
# plan --safer: each rewrite reaches the same end, and what is read or written while others are locked out is less.
# Compared is work under locks (pages, rows, modes), never time.
. "$(dirname "$0")/lib.sh"
cat >"$work/grow.sql" <<SQL
ALTER TABLE orders ADD COLUMN pad text;
UPDATE orders SET pad = repeat('x', 1500);
INSERT INTO plain SELECT id, channel FROM orders;
INSERT INTO named SELECT id FROM orders LIMIT 10;
SQL
backup=$work/backup.sql
pg_restore -f "$work/shop.sql" "$source/scenarios/quickstart/backup.dump"
sed -i '/^CREATE TRIGGER carts_touch /d' "$work/shop.sql" # batches would fire it
awk '/^-- PostgreSQL database dump complete/ { print "\nCREATE TABLE public.plain (id integer, channel text);\n\nCREATE INDEX plain_channel ON public.plain USING btree (channel);\n\nCREATE TABLE public.named (id integer);\n\n--" }
    { print }' "$work/shop.sql" >"$backup"
migration 000012_volatile.up.sql 'ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();'
migration 000013_serial.up.sql 'ALTER TABLE orders ADD COLUMN number serial;'
migration 000014_index.up.sql 'CREATE INDEX orders_token ON orders (token);'
migration 000015_drop.up.sql 'DROP INDEX plain_channel; SELECT 1;'
migration 000016_null.up.sql 'ALTER TABLE plain ALTER COLUMN channel SET NOT NULL;'
migration 000017_check.up.sql "ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0), ADD CHECK (channel <> 'a, b');"
migration 000018_foreign.up.sql 'ALTER TABLE plain ADD FOREIGN KEY (id) REFERENCES orders;'
migration 000019_unique.up.sql 'ALTER TABLE orders ADD CONSTRAINT token_key UNIQUE (token);'
migration 000020_primary.up.sql 'ALTER TABLE plain ADD PRIMARY KEY (id);'
migration 000021_update.up.sql "UPDATE orders SET channel = 'Web' WHERE channel IS NOT NULL OR channel IS NULL;
UPDATE orders SET channel = 'All';"
migration 000022_long.up.sql 'ALTER TABLE plain ADD COLUMN extra int; CREATE INDEX plain_channel ON plain (channel);'
migration 000023_column.up.sql 'ALTER TABLE plain ADD COLUMN parent bigint REFERENCES orders CHECK (parent <> 1);'
migration 000024_reindex.up.sql 'REINDEX INDEX plain_channel;'
migration 000025_rename.up.sql 'ALTER TABLE named RENAME TO renamed;'
migration 000026_retry.up.sql 'CREATE INDEX CONCURRENTLY IF NOT EXISTS plain_extra ON plain (extra);'
migration 000027_type.up.sql 'ALTER TABLE carts ALTER COLUMN quantity DROP DEFAULT, ALTER COLUMN quantity TYPE bigint,
    ALTER COLUMN quantity SET DEFAULT 2, ALTER COLUMN customer_id TYPE bigint;'
migration 000028_join.up.sql 'UPDATE order_items AS i SET product_id = o.id FROM orders o WHERE o.id = i.order_id;'
migration 000029_column_name.up.sql 'ALTER TABLE order_items RENAME COLUMN discount_cents TO rebate_cents;'

# ends SCENARIO LINES: what is there in the end, whichever way it came about; a row of the view is what differs.
cat >"$work/same.sql" <<'SQL'
SELECT 'a constraint is missing, or not validated' WHERE (SELECT count(*) FROM pg_constraint WHERE convalidated AND (
    conname IN ('positive', 'orders_check', 'plain_id_fkey', 'token_key', 'plain_pkey', 'plain_parent_fkey', 'plain_parent_check')
    OR conname = 'orders_channel_check')) <> 7
UNION ALL SELECT 'a column is nullable' WHERE EXISTS (SELECT FROM pg_attribute WHERE NOT attnotnull AND (attrelid, attname) IN
    (('orders'::regclass, 'token'), ('orders'::regclass, 'number'), ('plain'::regclass, 'channel'), ('plain'::regclass, 'id')))
UNION ALL SELECT 'an index is missing or invalid' WHERE (SELECT count(*) FROM pg_index JOIN pg_class ON oid = indexrelid
    WHERE indisvalid AND relname IN ('orders_token', 'token_key', 'plain_pkey', 'plain_channel', 'plain_extra')) <> 5
UNION ALL SELECT 'another type or default' WHERE (SELECT string_agg(format('%s %s %s %s', attname, atttypid::regtype, attnotnull,
    pg_get_expr(adbin, adrelid)), ',' ORDER BY attname) FROM pg_attribute LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
    WHERE attrelid = 'carts'::regclass AND attnum > 1 AND NOT attisdropped AND attname <> 'updated_at')
    <> 'customer_id bigint t ,product_id integer t ,quantity bigint t 2'
UNION ALL SELECT 'what belongs to a column is gone' WHERE (SELECT count(*) FROM pg_constraint WHERE convalidated
    AND conname IN ('carts_quantity_check', 'carts_customer_id_fkey')) <> 2 OR to_regclass('carts_customer_id_idx') IS NULL
UNION ALL SELECT 'a product is wrong' WHERE EXISTS (SELECT FROM order_items WHERE product_id IS DISTINCT FROM order_id)
UNION ALL SELECT 'a row was left out' WHERE EXISTS (SELECT FROM orders WHERE token IS NULL OR number IS NULL OR channel <> 'All')
UNION ALL SELECT 'a helper is left over' WHERE EXISTS (SELECT FROM pg_constraint WHERE conname LIKE '%not_null')
SQL
cp "$work/same.sql" "$work/safe.sql"
cat >>"$work/safe.sql" <<'SQL'
UNION ALL SELECT 'all rows in one transaction' WHERE (SELECT count(DISTINCT xmin::text) FROM orders) < 2
UNION ALL SELECT 'the joined rows in one transaction' WHERE (SELECT count(DISTINCT xmin::text) FROM order_items) < 2
UNION ALL SELECT 'the old name is gone' WHERE to_regclass('named') IS NULL
UNION ALL SELECT 'a column has not both its names' WHERE (SELECT count(*) FROM pg_attribute WHERE NOT attisdropped
    AND attrelid = 'order_items'::regclass AND attname IN ('discount_cents', 'rebate_cents')) <> 2
UNION ALL SELECT 'its names do not hold the same' WHERE EXISTS (SELECT FROM order_items WHERE rebate_cents IS DISTINCT FROM discount_cents)
UNION ALL SELECT 'what one release writes the other does not read' WHERE
    (SELECT string_agg(a || ' ' || b, ',' ORDER BY a) FROM written) <> '11 11,13 13,21 21'
SQL
scenario 'migrations: {path: migrations}' 'prepare: [{sql: grow.sql}]' 'rollback: false' 'verify: [{sql: same.sql}]'
fact 'the original set ends as expected'
rehearse 0 --pass quiet
valid_report
cp "$work/run/report.json" "$work/before.json"
"$program" plan "$work/scenario.yaml" --safer --format json >"$work/safer.json" || fail "no JSON"
"$program" plan "$work/scenario.yaml" --safer >"$work/safer.sql" || fail "no text"

# The same as files: 000012 becomes 001201, 001202 …
mv "$work/migrations" "$work/original"
mkdir "$work/migrations"
python3 - "$work/safer.json" "$work/migrations" <<'PYTHON'
import json, sys
for m in json.load(open(sys.argv[1]))["migrations"]:
    for i, f in enumerate([f for f in m["migrations"] if not f["later_release"]], 1):
        with open("%s/%06d_x.up.sql" % (sys.argv[2], int(m["id"]) * 100 + i), "w") as out:
            for s in f["statements"]:
                out.write(s["sql"] + ";\n")
PYTHON
migration 000011_applied.up.sql 'SELECT 1;'
# Between the releases each of them writes by its own name, and reads what the other one wrote.
migration 002999_both.up.sql "INSERT INTO order_items (order_id, product_id, discount_cents) VALUES (1, 1, 11), (1, 1, 12);
INSERT INTO order_items (order_id, product_id, rebate_cents) VALUES (1, 1, 21);
UPDATE order_items SET rebate_cents = 13 WHERE discount_cents = 12;
CREATE TABLE written AS SELECT discount_cents AS a, rebate_cents AS b FROM order_items WHERE id > (SELECT max(id) - 3 FROM order_items);"
fact 'the rewritten set ends in the same schema and rows'
sed -i 's/same.sql/safe.sql/' "$work/scenario.yaml"
rehearse 0 --pass quiet
valid_report
fact 'each rewrite does less work under locks'
python3 - "$work/before.json" "$work/run/report.json" <<'PYTHON' || fail "it blocks no less"
import json, sys
HEAVY = {"rewrite", "heap_scan", "index_build", "foreign_key", "validation", "index_concurrent", "data_change", "maintenance"}

def pages(s): # read from tables, written to new files
    return sum((w["blocks_read"] or 0) * (w["index_of"] is None) + (w["pages_written"] or 0) for w in s["work"] or [])

def cost(path, hundred):
    """By migration of the original set: pages worked on while reads, while writes are locked out; strongest mode."""
    found = {}
    for m in json.load(open(path))["migrations"]:
        if not m["statements"] or m["applied_in_backup"] or m["id"] == "002999":
            continue
        c = found.setdefault(int(m["id"]) // hundred, [0, 0, False])
        reads = writes = False # by this transaction so far: a file of several statements is one
        for s in m["statements"]:
            tables = [l for l in s["locks"] if not l["relation"].endswith("plain_channel")]
            reads |= any(l["blocks_reads"] for l in tables)
            writes |= any(l["blocks_writes"] for l in tables)
            c[0] += pages(s) * reads
            c[1] += pages(s) * writes
            c[2] |= reads
    return found

before, after = cost(sys.argv[1], 1), cost(sys.argv[2], 100)
bad = 0
for number in sorted(before):
    b, a = before[number], after[number]
    less = a[0] < b[0] or a[1] < b[1] or (b[2] and not a[2])
    worse = a[0] > b[0] or a[1] > b[1]
    if number in (21, 25, 26, 28, 29): # by transactions, by name, by what a retry finds: the verify step and the plan tell
        less = True
    print(number, "pages under locks against reads, writes:", b, "->", a, "" if less and not worse else "NO LESS")
    bad += not less or worse
sys.exit(bad)
PYTHON
fact 'the later release removes the old names'
python3 - "$work/safer.json" "$work/migrations" <<'PYTHON'
import json, sys
later = [f for m in json.load(open(sys.argv[1]))["migrations"] for f in m["migrations"] if f["later_release"]]
for i, f in enumerate(later, 3001):
    with open("%s/%06d_later.up.sql" % (sys.argv[2], i), "w") as out:
        out.write("".join(s["sql"] + ";\n" for s in f["statements"]))
PYTHON
cp "$work/same.sql" "$work/safe.sql"
echo "UNION ALL SELECT 'an old name is left' WHERE to_regclass('named') IS NOT NULL OR EXISTS (SELECT FROM pg_attribute
    WHERE NOT attisdropped AND attrelid = 'order_items'::regclass AND attname = 'discount_cents')" >>"$work/safe.sql"
rehearse 0 --pass quiet
fact 'a retry drops the index that a failed one left'
grep -q 'DROP INDEX CONCURRENTLY IF EXISTS public.plain_extra;' "$work/safer.sql" || fail "a retry would find its failed index"
