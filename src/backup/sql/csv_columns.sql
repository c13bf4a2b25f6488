-- The columns of a table, and whether the server computes them.
SELECT a.attname, a.attgenerated <> ''
  FROM pg_catalog.pg_attribute AS a
 WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
