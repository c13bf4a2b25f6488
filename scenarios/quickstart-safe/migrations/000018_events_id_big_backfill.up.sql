-- SHOP-437, 2 of 4: the old events, in batches that commit. See 000013.
DO $$
DECLARE
    batch constant integer := 2000;
    highest integer := (SELECT max(id) FROM events);
BEGIN
    FOR low IN 0 .. highest BY batch LOOP
        UPDATE events SET id_big = id
        WHERE id >= low AND id < low + batch AND id_big IS NULL;
        COMMIT;
        PERFORM pg_sleep(0.01);
    END LOOP;
END
$$;
