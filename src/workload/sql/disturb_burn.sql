-- Uses up transaction numbers, so that every table is older than the least autovacuum_freeze_max_age. Each
-- transaction takes a number and writes nothing else.
DO $$
BEGIN
    FOR i IN 1 .. 110000 LOOP
        PERFORM pg_catalog.txid_current();
        COMMIT;
    END LOOP;
END
$$
