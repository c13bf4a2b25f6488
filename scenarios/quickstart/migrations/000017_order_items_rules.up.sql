-- SHOP-440: an order item names a product that exists, and has a discount, be it 0. NOT VALID: from now on for new rows; 000018
-- checks the old ones.
ALTER TABLE order_items
    ADD CONSTRAINT order_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id) NOT VALID,
    ADD CONSTRAINT order_items_discount_cents_present CHECK (discount_cents IS NOT NULL) NOT VALID;
