-- Columns of tables that may hold the numbers of large objects, and for each a query whether it holds any. None where
-- there are large objects.
SELECT pg_catalog.format('%I.%I.%I', n.nspname, c.relname, a.attname),
       pg_catalog.format('SELECT EXISTS (SELECT FROM %I.%I WHERE %I::pg_catalog.oid >= 16384)', n.nspname, c.relname, a.attname)
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE c.relkind = 'r' AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND (t.oid = 'pg_catalog.oid'::pg_catalog.regtype
       OR t.typname = 'lo' AND t.typbasetype = 'pg_catalog.oid'::pg_catalog.regtype)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
ORDER BY 1
LIMIT 20
