-- How many times as fast two parallel workers and their leader hash numbers as one process does: less than three where the machine's
-- CPUs, the share of them that the server has, or max_parallel_workers are fewer. The rows of a catalog only divide the work.
DO $probe$
DECLARE
    plan json; began timestamptz := clock_timestamp(); took float8[] := '{0,0}'; workers int;
BEGIN
    PERFORM set_config(name, value, true)
      FROM (VALUES ('jit', 'off'), ('parallel_setup_cost', '0'), ('parallel_tuple_cost', '0'), ('min_parallel_table_scan_size', '0'),
                   ('enable_material', 'off'), ('enable_indexscan', 'off'), ('enable_indexonlyscan', 'off')) AS s (name, value);
    FOR round IN 1 .. 3 LOOP
        FOREACH workers IN ARRAY '{0,2}'::int[] LOOP
            PERFORM set_config('max_parallel_workers_per_gather', workers::text, true);
            EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT sum(hashint8(g + p.oid::bigint)) '
                    'FROM pg_proc p CROSS JOIN generate_series(1, 100) AS g' INTO plan;
            took[1 + workers / 2] := took[1 + workers / 2] + (plan->0->>'Execution Time')::float8;
        END LOOP;
        EXIT WHEN clock_timestamp() > began + interval '300 ms';
    END LOOP;
    PERFORM set_config('pgrehearse.probe', jsonb_build_object('speedup', took[1] / took[2], 'cut_short', false)::text, true);
END
$probe$
