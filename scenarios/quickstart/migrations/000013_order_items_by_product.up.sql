-- SHOP-420: "bought together" reads order_items by product and takes seconds.
CREATE INDEX order_items_product_id_idx ON order_items (product_id);
