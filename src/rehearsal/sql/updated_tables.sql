-- A row for each column of each table whose rows were updated since the counts began, with that count.
SELECT c.oid::bigint AS relation,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       pg_catalog.pg_stat_get_tuples_updated(c.oid) AS updated,
       a.attnum,
       pg_catalog.quote_ident(a.attname) AS column_name
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
 WHERE c.relkind = 'r' AND c.oid >= 16384 AND pg_catalog.pg_stat_get_tuples_updated(c.oid) > 0
 ORDER BY c.oid, a.attnum
