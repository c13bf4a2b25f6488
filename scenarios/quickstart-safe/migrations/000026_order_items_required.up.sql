-- SHOP-431 and SHOP-440: the validated checks are proof enough for SET NOT NULL, which then reads nothing.
SET LOCAL lock_timeout = '1s';
ALTER TABLE order_items
    ALTER COLUMN unit_price_cents SET NOT NULL,
    ALTER COLUMN discount_cents SET NOT NULL;
ALTER TABLE order_items
    DROP CONSTRAINT order_items_unit_price_cents_present,
    DROP CONSTRAINT order_items_discount_cents_present;
