-- A row for each column of each table whose rows were updated since the counts began, with that count: also of the partitioned table
-- whose partitions they are in. The last column: something else than the statement may change the
-- column: a trigger whose function mentions it or can set any, a foreign key's action, an expression that generates it.
WITH updated AS (
    SELECT r.oid, sum(pg_catalog.pg_stat_get_tuples_updated(c.oid)) AS rows
      FROM pg_catalog.pg_class c,
           LATERAL (SELECT c.oid UNION SELECT relid FROM pg_catalog.pg_partition_ancestors(c.oid)) AS r (oid)
     WHERE c.relkind = 'r' AND c.oid >= 16384 AND pg_catalog.pg_stat_get_tuples_updated(c.oid) > 0
     GROUP BY r.oid
)
SELECT c.oid::bigint AS relation,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       u.rows::bigint AS updated,
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
  FROM updated u
  JOIN pg_catalog.pg_class c ON c.oid = u.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
 ORDER BY c.oid, a.attnum
