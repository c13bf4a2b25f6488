-- SHOP-452: the order list adds up the items of every order that it shows. Keep the sum with the order.
ALTER TABLE orders ADD COLUMN total_cents bigint;

UPDATE orders AS o
SET total_cents = o.shipping_cents + t.items_cents
FROM (SELECT order_id, sum(quantity * unit_price_cents) AS items_cents FROM order_items GROUP BY order_id) AS t
WHERE t.order_id = o.id;
