-- How long a page takes that comes alone from outside shared buffers: up to 256 pages picked at random from the largest table
-- that this role may read, for at most 0.3 s. Nothing is returned.
DO $probe$
DECLARE
    target oid; pages bigint; plan json; began timestamptz := clock_timestamp(); missed bigint; hit bigint; reads bigint := 0;
    seconds float8 := 0; tids text; block bigint := current_setting('block_size');
BEGIN
    PERFORM set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true);
    SELECT c.oid, c.relpages INTO target, pages
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND NOT c.relrowsecurity AND c.relpages >= 16777216 / block
       AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
       AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.relation = c.oid AND l.mode = 'AccessExclusiveLock')
     ORDER BY c.relpages DESC, c.oid LIMIT 1;
    IF target IS NULL THEN
        PERFORM set_config('pgrehearse.probe', jsonb_build_object('why', 'there is no table of 16 MB or more that this role may read and no session locks: GRANT pg_read_all_data TO it, or SELECT on a large table, lets it measure')::text, true);
        RETURN;
    END IF;
    FOR round IN 1 .. 16 LOOP
        SELECT string_agg(format('(%s,1)', floor(random() * pages)::bigint), '","') INTO tids FROM generate_series(1, 16);
        EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT count(*) FROM ONLY %s WHERE ctid = ANY (''{"%s"}'')',
                       target::regclass, tids) INTO plan;
        missed := (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
        hit := (plan->0->'Plan'->>'Shared Hit Blocks')::bigint;
        IF missed > hit THEN
            reads := reads + missed;
            seconds := seconds + (plan->0->>'Execution Time')::float8 / 1000;
        END IF;
        EXIT WHEN clock_timestamp() > began + interval '300 ms';
    END LOOP;
    PERFORM set_config('pgrehearse.probe', CASE WHEN reads = 0
        THEN jsonb_build_object('why', 'the pages that were read lay in shared buffers already')
        ELSE jsonb_build_object('reads', reads, 'seconds', seconds, 'cut_short', reads < 16) END::text, true);
END
$probe$
