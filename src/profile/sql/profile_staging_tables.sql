-- The tables of the restored copy, to hold a profile against.
SELECT n.nspname AS schema, c.relname AS name, pg_relation_size(c.oid) AS bytes, c.reltuples::bigint AS tuples
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
 ORDER BY 3 DESC
