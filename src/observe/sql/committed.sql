-- Tables, materialized views and indexes as they are committed, by OID; with the sizes of the tables when $1. Names are
-- looked up without a lock.
SELECT c.oid::bigint,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       c.relkind,
       coalesce(x.indrelid, 0)::bigint AS owner,
       c.relfilenode::bigint,
       CASE WHEN $1::boolean AND c.relkind <> 'i'
            THEN pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::bigint END AS pages,
       coalesce(x.indisvalid, true) AS valid,
       pg_catalog.pg_stat_get_blocks_fetched(c.oid) AS blocks,
       pg_catalog.pg_stat_get_numscans(c.oid) AS scans,
       pg_catalog.pg_stat_get_tuples_inserted(c.oid) AS inserted,
       pg_catalog.pg_stat_get_tuples_updated(c.oid) AS updated,
       pg_catalog.pg_stat_get_tuples_deleted(c.oid) AS deleted,
       c.relpages::bigint, c.reltuples::bigint
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
 WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't' AND n.nspname <> 'pg_toast'
 ORDER BY c.oid
