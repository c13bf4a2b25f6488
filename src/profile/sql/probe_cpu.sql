-- How fast one CPU hashes numbers, for a quarter of a second. No table is read.
DO $probe$
DECLARE
    began timestamptz := clock_timestamp();
    done bigint := 0;
BEGIN
    PERFORM set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true);
    WHILE clock_timestamp() < began + interval '250 ms' LOOP
        PERFORM sum(hashint8(g)) FROM generate_series(1, 50000) AS g;
        done := done + 50000;
    END LOOP;
    PERFORM set_config('pgrehearse.probe', jsonb_build_object('rows', done,
        'seconds', extract(epoch FROM clock_timestamp() - began)::float8, 'cut_short', done < 100000)::text, true);
END
$probe$
