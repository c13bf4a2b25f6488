-- The rows of backup.dump. Run by make-backup.sh after migrations 000010 and 000011.
-- Arithmetic on the row number throughout, so that the same rows come out each time.

-- golang-migrate's own history table: the last applied version, and whether it broke half-way.
CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (11, false);

INSERT INTO categories (id, parent_id, slug, name)
SELECT n, CASE WHEN n > 8 THEN 1 + n % 8 END,
       format('%s-%s', (ARRAY['garden','kitchen','office','sport','toys','books','music','outdoor'])[1 + n % 8], n),
       format('%s %s', (ARRAY['Garden','Kitchen','Office','Sport','Toys','Books','Music','Outdoor'])[1 + n % 8], n)
FROM generate_series(1, 40) AS n;

INSERT INTO products (id, category_id, sku, name, description, price_cents, stock, active, updated_at)
SELECT n, 1 + n % 40, format('SKU-%s', lpad(n::text, 6, '0')),
       format('%s %s', (ARRAY['Lamp','Chair','Kettle','Ball','Notebook','Tent','Puzzle','Guitar','Rake','Knife'])[1 + n % 10], n),
       format('A %s one, delivered within %s days. Batch %s.', (ARRAY['sturdy','light','quiet','bright'])[1 + n % 4], 1 + n % 5, n * 37 % 1009),
       199 + (n::bigint * 7919 % 19801)::integer, n * 31 % 500, n % 17 <> 0,
       timestamptz '2025-01-01 00:00:00+00' + n * interval '37 minutes'
FROM generate_series(1, 800) AS n;

INSERT INTO customers (id, email, full_name, country, marketing_opt_in, created_at, updated_at)
SELECT n, format('customer%s@shop.example', n),
       format('%s %s', (ARRAY['Ada','Ben','Chloe','Dev','Eva','Finn','Grace','Hugo','Ines','Jan'])[1 + n % 10],
                       (ARRAY['Abel','Berg','Costa','Duval','Evans','Fischer','Garcia','Horvat','Ito','Jensen','Klein'])[1 + n % 11]),
       (ARRAY['DE','FR','NL','AT','PL','ES','IT'])[1 + n % 7], n % 3 = 0,
       timestamptz '2022-01-01 00:00:00+00' + n * interval '7 hours', timestamptz '2025-01-01 00:00:00+00' + n * interval '1 minute'
FROM generate_series(1, 3000) AS n;

INSERT INTO addresses (id, customer_id, kind, line1, postal_code, city, country)
SELECT n, 1 + (n - 1) % 3000, CASE WHEN n > 3000 THEN 'billing' ELSE 'shipping' END,
       format('%s Street %s', (ARRAY['Station','Mill','Church','Lake','Hill'])[1 + n % 5], 1 + n % 180),
       lpad((n::bigint * 7919 % 99991)::text, 5, '0'),
       (ARRAY['Berlin','Lyon','Utrecht','Graz','Gdansk','Sevilla','Torino'])[1 + (n - 1) % 3000 % 7],
       (ARRAY['DE','FR','NL','AT','PL','ES','IT'])[1 + (n - 1) % 3000 % 7]
FROM generate_series(1, 4000) AS n;

INSERT INTO carts (id, customer_id, product_id, quantity, updated_at)
SELECT n, 1 + n * 13 % 3000, 1 + n * 7 % 800, 1 + n % 3, timestamptz '2025-06-01 00:00:00+00' + n * interval '3 minutes'
FROM generate_series(1, 2000) AS n;

INSERT INTO orders (id, customer_id, status, channel, shipping_cents, note, placed_at, shipped_at)
SELECT n, 1 + (n::bigint * 7919 % 3000)::integer,
       (CASE WHEN n > 7900 THEN 'new' WHEN n > 7700 THEN 'paid' WHEN n > 7500 THEN 'shipped'
             WHEN n % 29 = 0 THEN 'returned' WHEN n % 23 = 0 THEN 'cancelled' ELSE 'delivered' END)::order_status,
       (ARRAY['web','web','web','app','phone'])[1 + n % 5], CASE WHEN n % 4 = 0 THEN 0 ELSE 490 END,
       CASE WHEN n % 20 = 0 THEN format('Please ring twice, floor %s', n % 7) END,
       timestamptz '2024-01-01 00:00:00+00' + n * interval '1 hour',
       CASE WHEN n <= 7700 AND n % 23 <> 0 THEN timestamptz '2024-01-02 00:00:00+00' + n * interval '1 hour' END
FROM generate_series(1, 8000) AS n;

INSERT INTO order_items (id, order_id, product_id, quantity, unit_price_cents, discount_cents)
SELECT n, 1 + (n - 1) / 3, p, 1 + n % 3, 199 + (p::bigint * 7919 % 19801)::integer, CASE WHEN n % 10 = 0 THEN 50 ELSE 0 END
FROM generate_series(1, 24000) AS n, LATERAL (SELECT 1 + (n::bigint * 104729 % 800)::integer) AS pick (p);

INSERT INTO payments (id, order_id, method, amount_cents, settled, paid_at)
SELECT n, n, (ARRAY['card','card','paypal','invoice'])[1 + n % 4], (t.total_cents)::integer, n % 50 <> 0,
       timestamptz '2024-01-01 00:05:00+00' + n * interval '1 hour'
FROM generate_series(1, 7900) AS n
JOIN order_totals AS t ON t.id = n
ORDER BY n;

INSERT INTO reviews (id, product_id, customer_id, rating, body, created_at)
SELECT n, 1 + n * 7 % 800, 1 + n * 11 % 3000, 1 + (n * 7 % 11) % 5,
       format('%s I would %s it again after %s weeks.', (ARRAY['Works well.','Broke soon.','As described.','Smaller than it looks.'])[1 + n % 4],
              CASE WHEN n % 3 = 0 THEN 'not buy' ELSE 'buy' END, 1 + n % 30),
       timestamptz '2024-03-01 00:00:00+00' + n * interval '2 hours'
FROM generate_series(1, 4000) AS n;

INSERT INTO events (id, customer_id, kind, path, payload, occurred_at)
SELECT n, CASE WHEN n % 4 <> 0 THEN 1 + (n::bigint * 7919 % 3000)::integer END,
       (ARRAY['view','view','view','search','add_to_cart','checkout'])[1 + n % 6],
       format('/p/%s', 1 + (n::bigint * 104729 % 800)),
       jsonb_build_object('session', md5((n / 7)::text), 'device', (ARRAY['phone','desktop','tablet'])[1 + n % 3]),
       timestamptz '2025-05-01 00:00:00+00' + n * interval '20 seconds'
FROM generate_series(1, 12000) AS n;

-- The ids above were given: let each sequence go on after them.
SELECT setval(pg_get_serial_sequence('categories', 'id'), max(id)) FROM categories;
SELECT setval(pg_get_serial_sequence('products', 'id'), max(id)) FROM products;
SELECT setval(pg_get_serial_sequence('customers', 'id'), max(id)) FROM customers;
SELECT setval(pg_get_serial_sequence('addresses', 'id'), max(id)) FROM addresses;
SELECT setval(pg_get_serial_sequence('carts', 'id'), max(id)) FROM carts;
SELECT setval(pg_get_serial_sequence('orders', 'id'), max(id)) FROM orders;
SELECT setval(pg_get_serial_sequence('order_items', 'id'), max(id)) FROM order_items;
SELECT setval(pg_get_serial_sequence('payments', 'id'), max(id)) FROM payments;
SELECT setval(pg_get_serial_sequence('reviews', 'id'), max(id)) FROM reviews;
SELECT setval(pg_get_serial_sequence('events', 'id'), max(id)) FROM events;
