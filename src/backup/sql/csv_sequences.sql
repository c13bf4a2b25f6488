-- The sequences, and for each the query that sets it to the last value of the columns that it fills: those that own it, and those
-- whose default calls it. NULL: no column does. Its first value stays where they have no value.
WITH filled (sequence, relation, number) AS (
    SELECT d.objid, d.refobjid, d.refobjsubid
      FROM pg_catalog.pg_depend AS d
     WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
       AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
    UNION
    SELECT d.refobjid, v.adrelid, v.adnum
      FROM pg_catalog.pg_attrdef AS v
      JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = v.oid
                                    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                    AND d.refobjid <> v.adrelid
)
SELECT n.nspname, c.relname,
       'SELECT pg_catalog.setval(' || pg_catalog.quote_literal(pg_catalog.format('%I.%I', n.nspname, c.relname)) || ', last) FROM (SELECT '
       || CASE WHEN s.seqincrement > 0 THEN 'max' ELSE 'min' END || '(value) AS last FROM ('
       || (SELECT pg_catalog.string_agg(
                      pg_catalog.format('SELECT %s(%I)::bigint AS value FROM %s', CASE WHEN s.seqincrement > 0 THEN 'max' ELSE 'min' END,
                                        a.attname, f.relation::pg_catalog.regclass), ' UNION ALL ')
             FROM filled AS f
             JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.relation AND a.attnum = f.number AND NOT a.attisdropped
            WHERE f.sequence = c.oid
              AND a.atttypid IN ('pg_catalog.int2'::pg_catalog.regtype, 'pg_catalog.int4'::pg_catalog.regtype,
                                 'pg_catalog.int8'::pg_catalog.regtype))
       || ') AS columns) AS found WHERE last BETWEEN ' || s.seqmin || ' AND ' || s.seqmax
  FROM pg_catalog.pg_sequence AS s
  JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.oid >= 16384 AND c.relpersistence <> 't'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1, 2
