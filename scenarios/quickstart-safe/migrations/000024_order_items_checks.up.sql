-- SHOP-431 and SHOP-440: an order item has a price, and a discount, be it 0.
SET LOCAL lock_timeout = '1s';
ALTER TABLE order_items
    ADD CONSTRAINT order_items_unit_price_cents_present CHECK (unit_price_cents IS NOT NULL) NOT VALID,
    ADD CONSTRAINT order_items_discount_cents_present CHECK (discount_cents IS NOT NULL) NOT VALID;
