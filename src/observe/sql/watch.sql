-- Checks whether a session waits for a lock, until one does or the checks are used up: a check costs one wake-up and
-- the reading of the lock table, and no answer. To be run in another database than the one that is watched: the
-- snapshot that it holds meanwhile keeps no row of that one alive and holds up no CONCURRENTLY build. The answer is
-- a number of rows: the longest time between two checks in ms, at most 99, and 100 more when a session waits.
-- The settings: pgrehearse.interval (seconds between two checks) and pgrehearse.checks (how many).
DO $$
DECLARE
    pause CONSTANT float8 := current_setting('pgrehearse.interval')::float8;
    last timestamptz := clock_timestamp();
    now timestamptz;
    longest interval := '0';
    found bool := false;
    slept text;
BEGIN
    FOR round IN 1 .. current_setting('pgrehearse.checks')::int LOOP
        slept := pg_catalog.pg_sleep(pause)::text;
        found := EXISTS (SELECT FROM pg_catalog.pg_lock_status() WHERE NOT granted);
        now := clock_timestamp();
        longest := greatest(longest, now - last);
        last := now;
        EXIT WHEN found;
    END LOOP;
    PERFORM pg_catalog.set_config('pgrehearse.answer', (least(ceil(extract(epoch FROM longest) * 1000), 99)
                                                        + CASE WHEN found THEN 100 ELSE 0 END)::int::text, false);
END $$;
SELECT FROM pg_catalog.generate_series(1, current_setting('pgrehearse.answer')::int)
