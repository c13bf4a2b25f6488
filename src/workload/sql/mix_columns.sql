-- Every column of table $1, with what decides how it can be read, written and made fresh, and by role $2 (null: by any).
WITH RECURSIVE base (oid, base, basetype, typmod, not_null) AS (
    SELECT t.oid, t.oid, t.typbasetype, t.typtypmod, t.typnotnull FROM pg_catalog.pg_type t
    UNION ALL
    SELECT b.oid, t.oid, t.typbasetype,
           CASE WHEN b.typmod >= 0 THEN b.typmod ELSE t.typtypmod END, b.not_null OR t.typnotnull
      FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.basetype
     WHERE b.basetype <> 0
)
SELECT a.attrelid,
       a.attnum,
       a.attname,
       bt.typname,
       CASE WHEN bt.typname IN ('varchar', 'bpchar')
            THEN greatest(CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE b.typmod END - 4, -1)
            ELSE -1 END,
       a.attnotnull OR b.not_null,
       a.atthasdef AND a.attgenerated = '',
       coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') ~ '(nextval|uuid|random|clock_timestamp)',
       a.attidentity <> '',
       a.attgenerated <> '',
       EXISTS (SELECT FROM pg_catalog.pg_constraint f
                WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND a.attnum = ANY (f.conkey)),
       EXISTS (SELECT FROM pg_catalog.pg_index i
                WHERE i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey::int2[])),
       EXISTS (SELECT FROM pg_catalog.pg_partitioned_table p
                WHERE p.partrelid = a.attrelid AND a.attnum = ANY (p.partattrs::int2[])),
       coalesce((SELECT max(s.avg_width) FROM pg_catalog.pg_stats s, pg_catalog.pg_class c, pg_catalog.pg_namespace n
                  WHERE c.oid = a.attrelid AND n.oid = c.relnamespace AND s.schemaname = n.nspname
                    AND s.tablename = c.relname AND s.attname = a.attname), 32),
       coalesce(pg_catalog.has_column_privilege($2, a.attrelid, a.attnum, 'SELECT'), true),
       coalesce(pg_catalog.has_column_privilege($2, a.attrelid, a.attnum, 'INSERT'), true),
       coalesce(pg_catalog.has_column_privilege($2, a.attrelid, a.attnum, 'UPDATE'), true),
       EXISTS (SELECT FROM pg_catalog.pg_depend p
                WHERE p.classid = 'pg_catalog.pg_policy'::regclass AND p.refclassid = 'pg_catalog.pg_class'::regclass
                  AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum)
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class r ON r.oid = a.attrelid
  JOIN base b ON b.oid = a.atttypid AND b.basetype = 0
  JOIN pg_catalog.pg_type bt ON bt.oid = b.base
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
