-- SHOP-411, 4 of 5. NOT VALID: does not look at the rows that are there. Only after the backfill: it holds for updates too, and
-- would have refused every UPDATE of an order that had no public_id yet.
SET LOCAL lock_timeout = '1s';
ALTER TABLE orders ADD CONSTRAINT orders_public_id_present CHECK (public_id IS NOT NULL) NOT VALID;
