-- Run by `verify` after the migrations: every row that one of these queries returns is a failure.
-- They hold whether all migrations ran or only some (--only), and whatever the load has written in between.

-- An index that a broken CREATE INDEX CONCURRENTLY left behind: it costs every write and serves no read.
SELECT indexrelid::regclass AS invalid_index FROM pg_index WHERE NOT indisvalid;

-- A constraint that was added NOT VALID and then forgotten.
SELECT conrelid::regclass AS relation, conname AS never_validated
FROM pg_constraint
WHERE NOT convalidated AND connamespace = 'public'::regnamespace;

-- A migration that stopped half-way.
SELECT version AS dirty_version FROM schema_migrations WHERE dirty;

-- Items of an order or a product that does not exist.
SELECT i.id AS item_without_order FROM order_items AS i WHERE NOT EXISTS (SELECT FROM orders AS o WHERE o.id = i.order_id);
SELECT i.id AS item_without_product
FROM order_items AS i
WHERE i.product_id IS NOT NULL AND NOT EXISTS (SELECT FROM products AS p WHERE p.id = i.product_id);

-- Orders that the backfill forgot: every tenth of those that were there before. Through jsonb, because with --only the columns
-- may not exist, and that is no failure.
SELECT o.id AS order_without_total_or_public_id
FROM orders AS o
WHERE o.id <= 120000 AND o.id % 10 = 0
  AND (to_jsonb(o) @> '{"total_cents": null}' OR to_jsonb(o) @> '{"public_id": null}');

-- A sequence that would hand out an id which is taken.
SELECT last_value AS events_id_seq_is_behind FROM events_id_seq WHERE last_value < (SELECT max(id) FROM events);
