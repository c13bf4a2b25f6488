ALTER TABLE order_items ALTER COLUMN unit_price_cents DROP NOT NULL;
