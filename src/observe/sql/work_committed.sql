-- Relations as they are committed: the table called $1 (or that of the index called $1) with its indexes, and those whose
-- OIDs $2 lists with their tables and indexes. Takes no lock but on $1, for its size.
WITH wanted AS MATERIALIZED (
    SELECT pg_catalog.unnest($2::oid[]) AS oid
    UNION
    SELECT coalesce((SELECT x.indrelid FROM pg_catalog.pg_index x WHERE x.indexrelid = t.oid), t.oid)
      FROM (SELECT pg_catalog.to_regclass($1)::oid AS oid) t WHERE t.oid IS NOT NULL),
tables AS MATERIALIZED (
    SELECT w.oid FROM wanted w
    UNION
    SELECT x.indrelid FROM pg_catalog.pg_index x WHERE x.indexrelid = ANY (ARRAY(SELECT w.oid FROM wanted w)))
SELECT c.oid::bigint,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       c.relkind,
       coalesce(x.indrelid, 0)::bigint AS owner,
       c.relfilenode::bigint,
       CASE WHEN c.oid = pg_catalog.to_regclass($1) AND c.relkind <> 'i'
            THEN pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::bigint END AS pages,
       coalesce(x.indisvalid, true) AS valid,
       pg_catalog.pg_stat_get_blocks_fetched(c.oid) AS blocks,
       pg_catalog.pg_stat_get_numscans(c.oid) AS scans,
       pg_catalog.pg_stat_get_tuples_inserted(c.oid) AS inserted,
       pg_catalog.pg_stat_get_tuples_updated(c.oid) AS updated,
       pg_catalog.pg_stat_get_tuples_deleted(c.oid) AS deleted,
       c.relpages::bigint, c.reltuples::bigint,
       coalesce(c.oid = pg_catalog.to_regclass($1), false) AS target
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
 WHERE c.oid = ANY (ARRAY(SELECT t.oid FROM tables t UNION
                          SELECT x.indexrelid FROM pg_catalog.pg_index x WHERE x.indrelid = ANY (ARRAY(SELECT t.oid FROM tables t))))
   AND c.oid >= 16384 AND c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't' AND n.nspname <> 'pg_toast'
