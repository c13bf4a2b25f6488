-- Tables and materialised views: size, rows, age and an estimate of their bloat, the 5000 largest; partitioned tables without
-- sizes, for they have none of their own. Sizes take ACCESS SHARE for
-- a moment, so they are left out (null) where a session holds or waits for ACCESS EXCLUSIVE. Tuples of a table that was never
-- analysed are null. Bloat: pages beyond what the rows need by the statistics' widths, which a role sees only of columns it
-- may read.
WITH busy AS MATERIALIZED (
    SELECT relation FROM pg_locks
     WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid <> pg_backend_pid()
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), locked AS MATERIALIZED (
    SELECT relation FROM busy
    UNION SELECT indrelid FROM pg_index JOIN busy ON busy.relation = indexrelid
    UNION SELECT t.oid FROM pg_class t JOIN busy ON busy.relation = t.reltoastrelid
    UNION SELECT t.oid FROM pg_index i JOIN busy ON busy.relation = i.indexrelid JOIN pg_class t ON t.reltoastrelid = i.indrelid
), tables AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relpages, c.reltuples, c.relfrozenxid, c.relispartition,
           c.relrowsecurity, c.reltoastrelid, l.relation IS NOT NULL AS locked,
           CASE WHEN l.relation IS NULL AND c.relkind <> 'p' THEN pg_relation_size(c.oid) END AS bytes,
           coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 100)
               / 100 AS fill,
           (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN locked l ON l.relation = c.oid
     WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema')
     ORDER BY c.relpages DESC, c.oid
     LIMIT 5000
), counted AS (
    SELECT t.*, current_setting('block_size')::bigint AS block,
           CASE WHEN reltuples < 0 OR relkind = 'p' OR (reltuples = 0 AND relpages = 0 AND coalesce(bytes, 1) > 0) THEN NULL
                ELSE reltuples END AS tuples
      FROM tables t
)
SELECT t.nspname AS schema,
       t.relname AS name,
       t.relkind AS kind,
       t.relpersistence AS persistence,
       t.relispartition AS is_partition,
       parent.nspname AS parent_schema,
       parent.relname AS parent,
       t.locked,
       t.relpages AS pages,
       t.tuples::bigint AS tuples,
       t.bytes,
       CASE WHEN t.bytes IS NOT NULL THEN pg_table_size(t.oid) - t.bytes END AS toast_bytes,
       (SELECT toast.relpages FROM pg_class toast WHERE toast.oid = t.reltoastrelid) AS toast_pages,
       CASE WHEN t.bytes IS NOT NULL THEN pg_indexes_size(t.oid) END AS index_bytes,
       (SELECT count(*) FROM pg_index i WHERE i.indrelid = t.oid) AS indexes,
       t.columns,
       CASE WHEN w.columns = t.columns THEN w.bytes::float8 END AS row_bytes,
       CASE WHEN w.columns = t.columns AND t.tuples IS NOT NULL THEN
           greatest(0, t.relpages - ceil(t.tuples * (4 + ceil((24 + CASE WHEN w.nulls THEN t.columns / 8 ELSE 0 END + w.bytes) / 8) * 8)
                                         / ((t.block - 24) * t.fill)))::bigint * t.block END AS bloat_bytes,
       age(t.relfrozenxid) AS frozen_age
  FROM counted t
 CROSS JOIN LATERAL (SELECT count(*) AS columns, sum((1 - null_frac) * avg_width) AS bytes, bool_or(null_frac > 0) AS nulls
                       FROM pg_stats
                      WHERE schemaname = t.nspname AND tablename = t.relname AND NOT inherited) w
  LEFT JOIN LATERAL (SELECT pn.nspname, pc.relname
                       FROM pg_inherits i JOIN pg_class pc ON pc.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = pc.relnamespace
                      WHERE i.inhrelid = t.oid AND t.relispartition) parent ON true
 ORDER BY t.relpages DESC, t.nspname, t.relname
