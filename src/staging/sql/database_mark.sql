-- The mark of one database; no row when it does not exist.
SELECT shobj_description(oid, 'pg_database')
  FROM pg_database
 WHERE datname = $1
