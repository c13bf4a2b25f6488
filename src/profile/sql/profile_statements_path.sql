-- pg_stat_statements may live in any schema: until the end of the transaction, names are looked up there too.
SELECT set_config('search_path', 'pg_catalog, ' || quote_ident(nspname), true)
  FROM pg_extension
  JOIN pg_namespace n ON n.oid = extnamespace
 WHERE extname = 'pg_stat_statements'
