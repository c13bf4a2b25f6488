-- The journal of the proof: who changed which row of the table current_setting('pgrehearse.table'), whose key has the columns
-- current_setting('pgrehearse.key') (a text array), as digests of its columns in the order of their numbers. It is logged, so that after
-- a crash of the server it has what the table has. A shared advisory lock behind each statement of the backfill lets the proof hold it
-- before its COMMIT; stretch(share) before a row lets it wait. In a transaction in which feed() is called, another session inserts a row.
CREATE SCHEMA pgrehearse_proof;
GRANT USAGE ON SCHEMA pgrehearse_proof TO PUBLIC;
CREATE TABLE pgrehearse_proof.journal (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid bigint NOT NULL DEFAULT pg_catalog.txid_current(),
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    backfill boolean NOT NULL,
    op text NOT NULL,
    place tid,
    key bigint NOT NULL,
    old bigint[],
    new bigint[]
);
CREATE FUNCTION pgrehearse_proof.is_backfill() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.current_setting('application_name') = 'pgrehearse: backfill'
        OR pg_catalog.current_setting('application_name') NOT LIKE 'pgrehearse%'
$$;
CREATE FUNCTION pgrehearse_proof.hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pgrehearse_proof.is_backfill() THEN
        PERFORM pg_catalog.pg_advisory_xact_lock_shared(20261201);
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION pgrehearse_proof.stretch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pgrehearse_proof.is_backfill() AND pg_catalog.random() < TG_ARGV[0]::double precision THEN
        PERFORM pg_catalog.pg_sleep(0.002);
    END IF;
    RETURN NEW;
END
$$;
CREATE SEQUENCE pgrehearse_proof.inserts;
GRANT ALL ON SEQUENCE pgrehearse_proof.inserts TO PUBLIC;
CREATE FUNCTION pgrehearse_proof.feed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    inserts bigint;
    until timestamptz := pg_catalog.clock_timestamp() + interval '20 s';
BEGIN
    IF NOT pgrehearse_proof.is_backfill()
        OR pg_catalog.current_setting('pgrehearse.fed', true) = pg_catalog.txid_current()::text THEN
        RETURN NULL;
    END IF;
    PERFORM pg_catalog.set_config('pgrehearse.fed', pg_catalog.txid_current()::text, true);
    SELECT last_value INTO inserts FROM pgrehearse_proof.inserts;
    WHILE (SELECT last_value FROM pgrehearse_proof.inserts) = inserts AND pg_catalog.clock_timestamp() < until LOOP
        PERFORM pg_catalog.pg_sleep(0.001);
    END LOOP;
    RETURN NULL;
END
$$;
DO $do$
DECLARE
    the_table regclass := pg_catalog.current_setting('pgrehearse.table');
    digests text;
    key_digest text;
BEGIN
    SELECT pg_catalog.string_agg(pg_catalog.format('coalesce(hashtextextended(%%s.%I::text, 0), 0)', attname), ', ' ORDER BY attnum)
    INTO digests
    FROM pg_catalog.pg_attribute WHERE attrelid = the_table AND attnum > 0 AND NOT attisdropped;
    SELECT 'hashtextextended(ROW(' || pg_catalog.string_agg(pg_catalog.format('%%s.%I', name), ', ') || ')::text, 0)'
    INTO key_digest
    FROM pg_catalog.unnest(pg_catalog.current_setting('pgrehearse.key')::text[]) AS k (name);
    EXECUTE 'CREATE FUNCTION pgrehearse_proof.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS '
        || pg_catalog.quote_literal(pg_catalog.format($body$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pgrehearse_proof.journal (backfill, op, key, new)
        VALUES (pgrehearse_proof.is_backfill(), TG_OP, %1$s, ARRAY[%2$s]);
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pgrehearse_proof.journal (backfill, op, place, key, old)
        VALUES (pgrehearse_proof.is_backfill(), TG_OP, OLD.ctid, %3$s, ARRAY[%4$s]);
    ELSE
        INSERT INTO pgrehearse_proof.journal (backfill, op, place, key, old, new)
        VALUES (pgrehearse_proof.is_backfill(), TG_OP, OLD.ctid, %1$s, ARRAY[%4$s], ARRAY[%2$s]);
    END IF;
    RETURN NULL;
END
$body$, pg_catalog.replace(key_digest, '%s', 'NEW'), pg_catalog.replace(digests, '%s', 'NEW'),
        pg_catalog.replace(key_digest, '%s', 'OLD'), pg_catalog.replace(digests, '%s', 'OLD')));
    EXECUTE pg_catalog.format('CREATE TRIGGER pgrehearse_note AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW'
        ' EXECUTE FUNCTION pgrehearse_proof.note()', the_table);
    EXECUTE pg_catalog.format('CREATE TRIGGER pgrehearse_hold AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT'
        ' EXECUTE FUNCTION pgrehearse_proof.hold()', the_table);
    EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER pgrehearse_note, ENABLE ALWAYS TRIGGER pgrehearse_hold',
        the_table);
END
$do$;
