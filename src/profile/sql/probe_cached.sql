-- How fast pages come from shared buffers: up to 8 MB of the largest table that this role may read (else of a catalog), read
-- once to have them there, then again and again for a fifth of a second. Nothing is returned.
DO $probe$
DECLARE
    target oid; pages bigint; plan json; began timestamptz; hit bigint := 0; seconds float8 := 0;
    block bigint := current_setting('block_size');
BEGIN
    PERFORM set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true);
    SELECT c.oid, least(c.relpages, 8388608 / block) INTO target, pages
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND NOT c.relrowsecurity AND c.relpages > 0
       AND (current_setting('server_version_num')::int >= 140000 OR c.relpages <= 8388608 / block) -- else all of it is read
       AND (n.nspname NOT IN ('pg_catalog', 'information_schema') OR c.oid = 'pg_catalog.pg_proc'::regclass)
       AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
       AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.relation = c.oid AND l.mode = 'AccessExclusiveLock')
     ORDER BY least(c.relpages, 1024) DESC, c.oid = 'pg_catalog.pg_proc'::regclass DESC, c.relpages DESC LIMIT 1;
    began := clock_timestamp();
    FOR round IN 0 .. 1000 LOOP
        EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT count(*) FROM ONLY %s WHERE ctid < ''(%s,0)''',
                       target::regclass, pages) INTO plan;
        IF round > 0 THEN
            hit := hit + (plan->0->'Plan'->>'Shared Hit Blocks')::bigint;
            seconds := seconds + (plan->0->>'Execution Time')::float8 / 1000;
        END IF;
        EXIT WHEN round > 0 AND clock_timestamp() > began + interval '200 ms';
    END LOOP;
    PERFORM set_config('pgrehearse.probe', jsonb_build_object('bytes', hit * block, 'seconds', seconds, 'cut_short', false)::text, true);
END
$probe$
