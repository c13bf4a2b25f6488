-- SHOP-411, 5 of 5. VALIDATE reads all orders while others read and write them. SET NOT NULL takes the strong lock, but finds
-- the constraint as proof and need not read: it lasts a moment.
SET LOCAL lock_timeout = '1s';
ALTER TABLE orders VALIDATE CONSTRAINT orders_public_id_present;
ALTER TABLE orders ALTER COLUMN public_id SET NOT NULL;
ALTER TABLE orders DROP CONSTRAINT orders_public_id_present;
