-- SHOP-411, 3 of 5. CONCURRENTLY, and so alone in its file: golang-migrate sends a file as one query, and several statements in
-- one query share a transaction.
CREATE UNIQUE INDEX CONCURRENTLY orders_public_id_key ON orders (public_id);
