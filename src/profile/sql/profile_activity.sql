-- The database as a whole, one row; read twice, for what happens in a second.
SELECT extract(epoch FROM clock_timestamp())::float8 AS clock_s,
       xact_commit AS commits,
       xact_rollback AS rollbacks,
       blks_read AS blocks_read,
       blks_hit AS blocks_hit,
       temp_bytes,
       deadlocks,
       numbackends AS backends,
       CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') END AS wal_bytes,
       extract(epoch FROM stats_reset)::float8 AS stats_reset_s
  FROM pg_stat_database
 WHERE datname = current_database()
