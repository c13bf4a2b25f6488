-- What the open transaction has done so far, seen by its own session: relations whose row in pg_class it wrote, or
-- that it read or changed, and the one called $1. Counts are cumulative, and may hold those of earlier transactions of the session that it
-- has not published yet. All of them are locked until the end of the transaction, or are indexes of what is, but for the work of
-- a subtransaction that was rolled back: all relations are looked at when $2.
-- One table and subqueries for the few rows that remain: the session may keep no prepared query, and planning joins took longer
-- than running them.
WITH called AS MATERIALIZED (
    SELECT pg_catalog.to_regclass($1) AS oid, pg_catalog.txid_current_if_assigned() IS NOT NULL AS writes),
locked AS MATERIALIZED (
    SELECT DISTINCT relation AS oid FROM pg_catalog.pg_locks
     WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' AND relation >= 16384)
SELECT c.oid::bigint,
       pg_catalog.format('%I.%I', (SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.oid = c.relnamespace), c.relname) AS name,
       c.relkind,
       coalesce((SELECT x.indrelid FROM pg_catalog.pg_index x WHERE x.indexrelid = c.oid), 0)::bigint AS owner,
       c.relfilenode::bigint,
       CASE WHEN called.writes AND pg_catalog.age(c.xmin) BETWEEN -1000000 AND 0 OR c.oid = called.oid
            THEN pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::bigint END AS pages,
       coalesce((SELECT x.indisvalid FROM pg_catalog.pg_index x WHERE x.indexrelid = c.oid), true) AS valid,
       pg_catalog.pg_stat_get_xact_blocks_fetched(c.oid) AS blocks,
       pg_catalog.pg_stat_get_xact_numscans(c.oid) AS scans,
       pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) AS inserted,
       pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) AS updated,
       pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS deleted,
       0::bigint AS relpages, 0::bigint AS reltuples,
       coalesce(c.oid = called.oid, false) AS target
  FROM called
 CROSS JOIN pg_catalog.pg_class c
 WHERE ($2::boolean OR c.oid = ANY (ARRAY(SELECT l.oid FROM locked l UNION SELECT called.oid FROM called UNION
                          SELECT x.indexrelid FROM pg_catalog.pg_index x WHERE x.indrelid = ANY (ARRAY(SELECT l.oid FROM locked l)))))
   AND c.oid >= 16384 AND c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't'
   AND c.relnamespace <> 'pg_toast'::pg_catalog.regnamespace
   AND (called.writes AND pg_catalog.age(c.xmin) BETWEEN -1000000 AND 0 OR c.oid = called.oid
        OR pg_catalog.pg_stat_get_xact_blocks_fetched(c.oid) > 0
        OR pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
           + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) > 0)
