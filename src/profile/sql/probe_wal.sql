-- How long a commit takes to reach the disk: up to 20 commits in 0.3 s, each with a logical message of one byte and nothing
-- else. Not where a logical slot would pass those messages to a consumer. Standbys are not waited for. Runs outside of a
-- transaction block.
DO $probe$
DECLARE
    began timestamptz := clock_timestamp(); start timestamptz; took float8[] := '{}'; why text;
BEGIN
    SELECT CASE WHEN pg_is_in_recovery() THEN 'a standby writes no WAL'
                WHEN EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'logical')
                THEN 'a logical replication slot would hand the probe''s messages to its consumer' END INTO why;
    FOR round IN 1 .. 20 LOOP
        EXIT WHEN why IS NOT NULL;
        PERFORM set_config('synchronous_commit', 'local', true), pg_logical_emit_message(true, 'pgrehearse', '-');
        start := clock_timestamp();
        COMMIT;
        took := took || extract(epoch FROM clock_timestamp() - start)::float8;
        EXIT WHEN clock_timestamp() > began + interval '300 ms';
    END LOOP;
    PERFORM set_config('pgrehearse.probe', CASE WHEN why IS NOT NULL THEN jsonb_build_object('why', why)
        ELSE jsonb_build_object('flushes', cardinality(took),
                                'flush_s', (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM unnest(took) AS t),
                                'cut_short', cardinality(took) < 5) END::text, false);
END
$probe$
