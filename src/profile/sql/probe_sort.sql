-- How fast one CPU sorts 100,000 numbers in memory, for a quarter of a second. No table is read, no file written.
DO $probe$
DECLARE
    began timestamptz := clock_timestamp();
    done bigint := 0;
BEGIN
    PERFORM set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
            set_config('work_mem', '32MB', true);
    WHILE clock_timestamp() < began + interval '250 ms' LOOP
        PERFORM count(*) FROM (SELECT hashint8(g) AS h FROM generate_series(1, 100000) AS g ORDER BY h OFFSET 0) AS sorted;
        done := done + 100000;
    END LOOP;
    PERFORM set_config('pgrehearse.probe', jsonb_build_object('rows', done,
        'seconds', extract(epoch FROM clock_timestamp() - began)::float8, 'cut_short', done < 200000)::text, true);
END
$probe$
