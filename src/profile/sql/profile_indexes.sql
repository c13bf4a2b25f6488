-- Indexes of user tables, the 10000 largest; never their expressions. Sizes as in profile_relations.sql.
WITH locked AS MATERIALIZED (
    SELECT relation FROM pg_locks
     WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid <> pg_backend_pid()
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT n.nspname AS schema,
       t.relname AS table,
       c.relname AS name,
       m.amname AS method,
       i.indisunique AS is_unique,
       i.indisvalid AS is_valid,
       i.indnkeyatts AS key_columns,
       u.idx_scan AS scans,
       u.idx_tup_read AS rows_read,
       c.relpages AS pages,
       CASE WHEN c.reltuples >= 0 AND (c.relpages > 0 OR c.reltuples > 0) THEN c.reltuples::bigint END AS tuples,
       CASE WHEN NOT EXISTS (SELECT FROM locked WHERE relation IN (i.indexrelid, i.indrelid))
            THEN pg_relation_size(c.oid) END AS bytes
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_am m ON m.oid = c.relam
  LEFT JOIN pg_stat_user_indexes u ON u.indexrelid = c.oid
 WHERE c.relkind = 'i' AND t.relkind IN ('r', 'm') AND t.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
 ORDER BY c.relpages DESC, n.nspname, c.relname
 LIMIT 10000
