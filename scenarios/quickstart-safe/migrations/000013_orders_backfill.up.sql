-- SHOP-411, 2 of 5, and SHOP-452, 2 of 2: the old orders, in batches. Each batch commits, so that nobody waits longer than one batch
-- for a row. Both columns at once: an UPDATE writes a new version of the whole row and its index entries, and once is enough.
-- COMMIT works here because the block is the only statement of its file, and so in no transaction. Safe to run again.
DO $$
DECLARE
    batch constant integer := 2000;
    highest integer := (SELECT max(id) FROM orders);
BEGIN
    FOR low IN 0 .. highest BY batch LOOP
        UPDATE orders AS o
        SET public_id = gen_random_uuid(),
            total_cents = o.shipping_cents
                + (SELECT coalesce(sum(i.quantity * i.unit_price_cents), 0) FROM order_items AS i WHERE i.order_id = o.id)
        WHERE o.id >= low AND o.id < low + batch AND o.public_id IS NULL;
        COMMIT;
        PERFORM pg_sleep(0.01);     -- let the application, and the replicas, have a turn
    END LOOP;
END
$$;
