-- The columns still forbid NULL, so the checks are true; adding them reads the table once under lock all the same.
SET LOCAL lock_timeout = '1s';
ALTER TABLE order_items
    ADD CONSTRAINT order_items_unit_price_cents_present CHECK (unit_price_cents IS NOT NULL),
    ADD CONSTRAINT order_items_discount_cents_present CHECK (discount_cents IS NOT NULL);
ALTER TABLE order_items
    ALTER COLUMN unit_price_cents DROP NOT NULL,
    ALTER COLUMN discount_cents DROP NOT NULL;
