-- What the statistics counted for each table; read twice, for what happens in a second.
SELECT schemaname AS schema,
       relname AS name,
       extract(epoch FROM clock_timestamp())::float8 AS clock_s,
       n_tup_ins AS inserts,
       n_tup_upd AS updates,
       n_tup_hot_upd AS hot_updates,
       n_tup_del AS deletes,
       seq_scan AS sequential_scans,
       seq_tup_read AS sequential_rows,
       idx_scan AS index_scans,
       n_live_tup AS live_rows,
       n_dead_tup AS dead_rows,
       n_mod_since_analyze AS changed_since_analyze,
       extract(epoch FROM greatest(last_vacuum, last_autovacuum))::float8 AS vacuumed_s,
       extract(epoch FROM greatest(last_analyze, last_autoanalyze))::float8 AS analysed_s
  FROM pg_stat_user_tables
 ORDER BY n_tup_ins + n_tup_upd + n_tup_del DESC, schemaname, relname
 LIMIT 5000
