-- SHOP-452, 1 of 2: the order list adds up the items of every order that it shows. Keep the sum with the order.
-- The application writes it for new orders from this release on; the backfill fills the old ones.
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN total_cents bigint;
