-- What must be unique in table $1: the columns (of an expression: those it is made from), and whether it can serve as the key that
-- rows are read by: plain columns, never NULL, all rows.
SELECT i.indisprimary,
       i.indpred IS NULL AND i.indexprs IS NULL AND bool_and(a.attnotnull),
       string_agg(a.attnum::text, ' ' ORDER BY k.position, a.attnum)
  FROM pg_catalog.pg_index i
  JOIN LATERAL (SELECT u.attnum, u.position
                  FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, position)
                 WHERE u.position <= i.indnkeyatts AND u.attnum <> 0
                UNION
                SELECT d.refobjsubid, 1000
                  FROM pg_catalog.pg_depend d
                 WHERE i.indexprs IS NOT NULL AND d.classid = 'pg_catalog.pg_class'::regclass
                   AND d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid > 0) k ON true
  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
 WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid
 GROUP BY i.indexrelid, i.indisprimary, i.indpred IS NULL, i.indexprs IS NULL, i.indnkeyatts, i.indpred::text, i.indexprs::text
 ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid
