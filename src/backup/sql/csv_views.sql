-- Materialized views, in the order in which they were made.
SELECT n.nspname, c.relname, pg_catalog.format('REFRESH MATERIALIZED VIEW %I.%I', n.nspname, c.relname)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'm' AND c.oid >= 16384
 ORDER BY c.oid
