-- SHOP-420: "bought together" reads order_items by product. Built while orders keep coming in.
-- If it breaks half-way it leaves an invalid index behind: drop that, then run again.
CREATE INDEX CONCURRENTLY order_items_product_id_idx ON order_items (product_id);
