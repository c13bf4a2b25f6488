-- How fast bytes get to the disk to stay: WAL, 1 MB a commit, at most 16 MB in 0.4 s, as logical messages that hold nothing.
-- Not where a logical slot would pass those messages to a consumer. Standbys are sent them, and are not waited for. Runs
-- outside of a transaction block.
DO $probe$
DECLARE
    began timestamptz := clock_timestamp(); bytes bigint := 0; seconds float8; why text;
BEGIN
    SELECT CASE WHEN pg_is_in_recovery() THEN 'a standby writes no WAL'
                WHEN EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'logical')
                THEN 'a logical replication slot would hand the probe''s messages to its consumer' END INTO why;
    FOR round IN 1 .. 16 LOOP
        EXIT WHEN why IS NOT NULL;
        PERFORM set_config('synchronous_commit', 'local', true),
                pg_logical_emit_message(true, 'pgrehearse', repeat('-', 1048576));
        COMMIT;
        bytes := bytes + 1048576;
        EXIT WHEN clock_timestamp() > began + interval '400 ms';
    END LOOP;
    seconds := extract(epoch FROM clock_timestamp() - began);
    PERFORM set_config('pgrehearse.probe', CASE WHEN why IS NOT NULL THEN jsonb_build_object('why', why)
        ELSE jsonb_build_object('bytes', bytes, 'seconds', seconds, 'cut_short', bytes < 4194304) END::text, false);
END
$probe$
