-- SHOP-431 and SHOP-440: reads the whole table, with a lock that stops neither readers nor writers.
-- In a file of its own: together with 000024 it would keep 000024's lock while it reads. Both checks in one statement: read once.
ALTER TABLE order_items VALIDATE CONSTRAINT order_items_product_id_fkey;
ALTER TABLE order_items
    VALIDATE CONSTRAINT order_items_unit_price_cents_present,
    VALIDATE CONSTRAINT order_items_discount_cents_present;
