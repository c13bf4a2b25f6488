SET LOCAL lock_timeout = '1s';
ALTER TABLE order_items DROP CONSTRAINT order_items_product_id_fkey;
