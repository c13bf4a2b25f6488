SET LOCAL lock_timeout = '1s';
ALTER TABLE order_items
    DROP CONSTRAINT order_items_discount_cents_present,
    DROP CONSTRAINT order_items_unit_price_cents_present;
