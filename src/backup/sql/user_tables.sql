-- User tables: ordinary (r) and partitioned (p), also those of extensions in user schemas; not temporary, not foreign.
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.relkind
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p')
   AND c.relpersistence <> 't'
   AND n.nspname <> 'information_schema'
   AND n.nspname !~ '^pg_'
 ORDER BY 1
