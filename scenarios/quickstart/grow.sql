-- Grows the restored shop from some 65,000 rows to over 1.5 million, so that a migration has something to chew on.
-- A backup of your own is large already: leave this step out.
--
-- Arithmetic on the row number throughout: the same rows come out each time, and every foreign key holds.
-- Checking it a million times and more would take longer than the rest, so the (superuser's) session goes without
-- triggers until the end.
SET session_replication_role = replica;
SET timezone = 'UTC';

INSERT INTO products (id, category_id, sku, name, description, price_cents, stock, active, updated_at)
SELECT n, 1 + n % 40, format('SKU-%s', lpad(n::text, 6, '0')), format('Product %s', n),
       format('A %s one, delivered within %s days.', (ARRAY['sturdy','light','quiet','bright'])[1 + n % 4], 1 + n % 5),
       199 + (n::bigint * 7919 % 19801)::integer, n * 31 % 500, n % 17 <> 0, timestamptz '2025-01-01 00:00:00+00' + n * interval '7 minutes'
FROM generate_series(801, 5000) AS n;

INSERT INTO customers (id, email, full_name, country, marketing_opt_in, created_at, updated_at)
SELECT n, format('customer%s@shop.example', n), format('Customer %s', n),
       (ARRAY['DE','FR','NL','AT','PL','ES','IT'])[1 + n % 7], n % 3 = 0,
       timestamptz '2022-01-01 00:00:00+00' + n * interval '20 minutes', timestamptz '2025-01-01 00:00:00+00' + n * interval '1 minute'
FROM generate_series(3001, 60000) AS n;

INSERT INTO addresses (id, customer_id, line1, postal_code, city, country)
SELECT n, n - 1000, format('Lake Street %s', 1 + n % 180), lpad((n::bigint * 7919 % 99991)::text, 5, '0'), 'Berlin', 'DE'
FROM generate_series(4001, 61000) AS n;

INSERT INTO carts (id, customer_id, product_id, quantity, updated_at)
SELECT n, 1 + (n::bigint * 7919 % 60000)::integer, 1 + n * 7 % 5000, 1 + n % 3, timestamptz '2025-06-01 00:00:00+00' + n * interval '10 seconds'
FROM generate_series(2001, 20000) AS n;

INSERT INTO orders (id, customer_id, status, channel, shipping_cents, note, placed_at, shipped_at)
SELECT n, 1 + (n::bigint * 7919 % 60000)::integer,
       (CASE WHEN n > 119000 THEN 'new' WHEN n > 117000 THEN 'paid' WHEN n > 115000 THEN 'shipped'
             WHEN n % 29 = 0 THEN 'returned' WHEN n % 23 = 0 THEN 'cancelled' ELSE 'delivered' END)::order_status,
       (ARRAY['web','web','web','app','phone'])[1 + n % 5], CASE WHEN n % 4 = 0 THEN 0 ELSE 490 END,
       CASE WHEN n % 20 = 0 THEN format('Please ring twice, floor %s', n % 7) END,
       timestamptz '2024-12-01 00:00:00+00' + n * interval '1 minute',
       CASE WHEN n <= 117000 AND n % 23 <> 0 THEN timestamptz '2024-12-02 00:00:00+00' + n * interval '1 minute' END
FROM generate_series(8001, 120000) AS n;

-- Seven items an order. Multiplying by a prime spreads the products about.
INSERT INTO order_items (id, order_id, product_id, quantity, unit_price_cents, discount_cents)
SELECT n, 8001 + (n - 24001) / 7, p, 1 + n % 3, 199 + (p::bigint * 7919 % 19801)::integer, CASE WHEN n % 10 = 0 THEN 50 ELSE 0 END
FROM generate_series(24001, 808000) AS n, LATERAL (SELECT 1 + (n::bigint * 104729 % 5000)::integer) AS pick (p);

INSERT INTO payments (id, order_id, method, amount_cents, settled, paid_at)
SELECT n, 100 + n, (ARRAY['card','card','paypal','invoice'])[1 + n % 4], 1000 + (n::bigint * 7919 % 50000)::integer, n % 50 <> 0,
       timestamptz '2024-12-01 00:05:00+00' + n * interval '1 minute'
FROM generate_series(7901, 115000) AS n;

INSERT INTO reviews (id, product_id, customer_id, rating, body, created_at)
SELECT n, 1 + n * 7 % 5000, 1 + (n::bigint * 7919 % 60000)::integer, 1 + (n * 7 % 11) % 5, 'As described.',
       timestamptz '2025-03-01 00:00:00+00' + n * interval '5 minutes'
FROM generate_series(4001, 40000) AS n;

INSERT INTO events (id, customer_id, kind, path, payload, occurred_at)
SELECT n, CASE WHEN n % 4 <> 0 THEN 1 + (n::bigint * 7919 % 60000)::integer END,
       (ARRAY['view','view','view','search','add_to_cart','checkout'])[1 + n % 6],
       '/p/' || (1 + n::bigint * 104729 % 5000),
       (ARRAY['{"device": "phone"}', '{"device": "desktop"}', '{"device": "tablet"}'])[1 + n % 3]::jsonb,
       timestamptz '2025-05-01 00:00:00+00' + n * interval '20 seconds'
FROM generate_series(12001, 300000) AS n;

SELECT setval(pg_get_serial_sequence('products', 'id'), max(id)) FROM products;
SELECT setval(pg_get_serial_sequence('customers', 'id'), max(id)) FROM customers;
SELECT setval(pg_get_serial_sequence('addresses', 'id'), max(id)) FROM addresses;
SELECT setval(pg_get_serial_sequence('carts', 'id'), max(id)) FROM carts;
SELECT setval(pg_get_serial_sequence('orders', 'id'), max(id)) FROM orders;
SELECT setval(pg_get_serial_sequence('order_items', 'id'), max(id)) FROM order_items;
SELECT setval(pg_get_serial_sequence('payments', 'id'), max(id)) FROM payments;
SELECT setval(pg_get_serial_sequence('reviews', 'id'), max(id)) FROM reviews;
SELECT setval(pg_get_serial_sequence('events', 'id'), max(id)) FROM events;

RESET timezone;
RESET session_replication_role;
