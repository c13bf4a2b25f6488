-- SHOP-431: the last imported items without a price were put right in March. Keep it so.
ALTER TABLE order_items ALTER COLUMN unit_price_cents SET NOT NULL;
