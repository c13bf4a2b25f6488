-- What of the rehearsed database is not as on production: subject and reason. A recovery empties unlogged tables.
SELECT format('rows of the unlogged table %s', c.oid::regclass) AS what,
       format('production had about %s; a recovery empties unlogged tables', c.reltuples::bigint) AS why
  FROM pg_catalog.pg_class c
 WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'u' AND c.reltuples > 0
UNION ALL
SELECT format('extension %s', quote_ident(e.extname)),
       'its files are not installed here: install its package for this version of PostgreSQL'
  FROM pg_catalog.pg_extension e
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions a WHERE a.name = e.extname)
UNION ALL
SELECT format('indexes by the collation %s', quote_ident(c.collname)),
       format('production''s library has version %s of it, this machine''s %s: text may sort in another order', c.collversion,
              pg_catalog.pg_collation_actual_version(c.oid))
  FROM pg_catalog.pg_collation c
 WHERE c.collversion <> pg_catalog.pg_collation_actual_version(c.oid)
   AND EXISTS (SELECT FROM pg_catalog.pg_attribute a
                 JOIN pg_catalog.pg_class r ON r.oid = a.attrelid
                WHERE a.attcollation = c.oid AND r.oid >= 16384 AND NOT a.attisdropped)
 ORDER BY 1
