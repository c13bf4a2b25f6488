-- Replication slots, and how much WAL each holds back.
SELECT slot_name AS name,
       slot_type AS kind,
       active,
       CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) END AS retained_bytes
  FROM pg_replication_slots
 ORDER BY slot_name
