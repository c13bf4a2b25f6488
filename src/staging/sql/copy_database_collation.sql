-- The version of the database's own collation (15 and newer).
SELECT 'indexes of text by the database''s own collation' AS what,
       format('production''s library has version %s of it, this machine''s %s: text may sort in another order', datcollversion,
              pg_catalog.pg_database_collation_actual_version(oid)) AS why
  FROM pg_catalog.pg_database
 WHERE datname = pg_catalog.current_database()
   AND datcollversion <> pg_catalog.pg_database_collation_actual_version(oid)
