-- How fast neighbouring pages come from outside shared buffers (the device, or the operating system's cache: PostgreSQL cannot
-- tell): up to 32 MB, 2 MB at each of 16 places, evenly spread from one picked at random, in the largest table that this role
-- may read, for at most 0.4 s. Nothing is returned. Places that took two and a half times as long as the fastest are counted once more as uncached:
-- those the operating system did not have, where it had others.
DO $probe$
DECLARE
    target oid; pages bigint; at bigint; plan json; began timestamptz := clock_timestamp(); took float8;
    missed bigint; hit bigint; bytes bigint := 0; seconds float8 := 0; scanned bigint := 0; figures jsonb;
    places bigint[] := '{}'; took_at float8[] := '{}';
    block bigint := current_setting('block_size');
    step bigint := 2097152 / block; origin bigint;
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
    ELSIF current_setting('server_version_num')::int < 140000 THEN
        PERFORM set_config('pgrehearse.probe', jsonb_build_object('why', 'reading a bounded part of a table needs PostgreSQL 14')::text, true);
        RETURN;
    END IF;
    origin := floor(random() * greatest(1, pages / step));
    WHILE clock_timestamp() < began + interval '400 ms' AND scanned < 33554432 / block LOOP
        at := (origin + scanned / step * greatest(1, pages / step / 16)) % greatest(1, pages / step) * step;
        EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT count(*) FROM ONLY %s WHERE ctid >= ''(%s,0)'' AND ctid < ''(%s,0)''',
                       target::regclass, at, at + step) INTO plan;
        missed := (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
        hit := (plan->0->'Plan'->>'Shared Hit Blocks')::bigint;
        took := (plan->0->>'Execution Time')::float8 / 1000;
        IF missed > 9 * hit THEN
            bytes := bytes + missed * block;
            seconds := seconds + took;
            places := places || missed * block;
            took_at := took_at || took;
        END IF;
        scanned := scanned + step;
    END LOOP;
    SELECT jsonb_build_object('uncached_bytes', sum(b), 'uncached_seconds', sum(t)) INTO figures
      FROM unnest(places, took_at) AS u (b, t)
     WHERE t / b > 2.5 * (SELECT min(t / b) FROM unnest(places, took_at) AS f (b, t))
    HAVING count(*) >= 2;
    PERFORM set_config('pgrehearse.probe', CASE WHEN bytes = 0
        THEN jsonb_build_object('why', 'everything that was read lay in shared buffers already')
        ELSE jsonb_build_object('bytes', bytes, 'seconds', seconds, 'cut_short', bytes < 4194304)
            || coalesce(figures, '{}') END::text, true);
END
$probe$
