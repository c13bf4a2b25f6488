-- What rows of user tables must keep to: a line for each unique index (u), exclusion constraint (x), column without NULLs (n), CHECK (c) and
-- foreign key (f), with its table, its columns by number, and for c and f the condition that a row called rh_row meets.
SELECT i.indrelid::bigint AS relation,
       CASE WHEN i.indisexclusion THEN 'x' ELSE 'u' END AS kind,
       (SELECT string_agg(k.attnum::text, ' ' ORDER BY k.attnum)
          FROM (SELECT u.attnum
                  FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, position)
                 WHERE u.position <= i.indnkeyatts AND u.attnum <> 0
                UNION
                SELECT d.refobjsubid
                  FROM pg_catalog.pg_depend d
                 WHERE i.indexprs IS NOT NULL AND d.classid = 'pg_catalog.pg_class'::regclass
                   AND d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid > 0) k) AS columns,
       NULL::text AS condition
  FROM pg_catalog.pg_index i
 WHERE i.indrelid >= 16384 AND (i.indisunique OR i.indisexclusion) AND i.indisvalid
UNION ALL
SELECT a.attrelid::bigint, 'n', a.attnum::text, NULL
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
 WHERE a.attrelid >= 16384 AND a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
UNION ALL
SELECT x.conrelid::bigint, 'c', array_to_string(x.conkey, ' '), pg_catalog.pg_get_expr(x.conbin, x.conrelid)
  FROM pg_catalog.pg_constraint x
 WHERE x.contype = 'c' AND x.conrelid >= 16384
UNION ALL
SELECT x.conrelid::bigint, 'f', array_to_string(x.conkey, ' '),
       pg_catalog.format('(%s) OR EXISTS (SELECT FROM %I.%I rh_other WHERE %s)',
                         string_agg(pg_catalog.format('rh_row.%I IS NULL', a.attname), ' OR ' ORDER BY k.position),
                         n.nspname, r.relname,
                         string_agg(pg_catalog.format('rh_other.%I = rh_row.%I', b.attname, a.attname), ' AND '
                                    ORDER BY k.position))
  FROM pg_catalog.pg_constraint x
  JOIN pg_catalog.pg_class r ON r.oid = x.confrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
 CROSS JOIN LATERAL unnest(x.conkey, x.confkey) WITH ORDINALITY AS k (mine, other, position)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = x.conrelid AND a.attnum = k.mine
  JOIN pg_catalog.pg_attribute b ON b.attrelid = x.confrelid AND b.attnum = k.other
 WHERE x.contype = 'f'
 GROUP BY x.oid, x.conrelid, x.conkey, n.nspname, r.relname
