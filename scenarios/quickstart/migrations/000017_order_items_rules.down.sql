ALTER TABLE order_items
    DROP CONSTRAINT order_items_discount_cents_present,
    DROP CONSTRAINT order_items_product_id_fkey;
