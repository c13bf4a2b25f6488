DROP VIEW order_totals, product_ratings;
DROP TABLE events, reviews, payments, order_items, orders, carts, products, categories, addresses, customers;
DROP FUNCTION touch_updated_at();
DROP TYPE order_status;
