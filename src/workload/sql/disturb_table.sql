-- The table called $1 along the search_path, or with NULL the largest ordinary one: its name, pages, kind, OID and age.
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint,
       c.relkind,
       c.oid,
       pg_catalog.age(c.relfrozenxid)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE CASE WHEN $1::text IS NULL THEN c.relkind = 'r' AND c.oid >= 16384
            ELSE c.oid = pg_catalog.to_regclass($1::text) AND c.relkind IN ('r', 'p', 'm') END
 ORDER BY pg_catalog.pg_table_size(c.oid) DESC, c.oid
 LIMIT 1
