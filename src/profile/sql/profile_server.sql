-- The server and the database, one row. sees_all: other roles' sessions and statements are visible.
SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::int AS version_num,
       current_database() AS database,
       extract(epoch FROM clock_timestamp())::float8 AS clock_s,
       extract(epoch FROM pg_postmaster_start_time())::float8 AS started_s,
       pg_is_in_recovery() AS in_recovery,
       current_setting('block_size')::int AS block_bytes,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all,
       (SELECT count(*) FROM pg_prepared_xacts) AS prepared_transactions
