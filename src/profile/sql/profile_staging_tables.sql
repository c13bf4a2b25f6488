-- The tables of the restored copy, to hold a profile against. Partitioned ones have no bytes of their own.
SELECT n.nspname AS schema,
       c.relname AS name,
       CASE WHEN c.relkind <> 'p' THEN pg_relation_size(c.oid) END AS bytes,
       c.reltuples::bigint AS tuples,
       format('%I.%I', n.nspname, c.relname) AS quoted
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
 ORDER BY 3 DESC NULLS LAST, 1, 2
