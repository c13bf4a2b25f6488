-- The columns of the tables $1. The last column: something else than the statement may change the column: a trigger whose function
-- mentions it or can set any, a foreign key's action, an expression that generates it.
SELECT c.oid::bigint AS relation,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       a.attnum,
       pg_catalog.quote_ident(a.attname) AS column_name,
       a.attgenerated <> ''
           OR EXISTS (SELECT FROM pg_catalog.pg_trigger t
                        JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
                        JOIN pg_catalog.pg_language l ON l.oid = p.prolang
                       WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
                         AND (l.lanname <> 'plpgsql' OR p.prosrc ~* '\mexecute\M|\mnew\s*:?=|\minto\s+new\M'
                              OR strpos(lower(p.prosrc), lower(a.attname)) > 0))
           OR EXISTS (SELECT FROM pg_catalog.pg_constraint k
                       WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)
                         AND (k.confupdtype IN ('c', 'n', 'd') OR k.confdeltype IN ('n', 'd'))) AS by_other
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
 WHERE c.oid = ANY ($1::oid[])
 ORDER BY c.oid, a.attnum
