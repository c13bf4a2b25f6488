-- Standbys that stream from here, and how far behind they are.
SELECT application_name AS name,
       state,
       sync_state,
       CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) END AS replay_lag_bytes,
       extract(epoch FROM replay_lag)::float8 AS replay_lag_s
  FROM pg_stat_replication
 ORDER BY application_name
