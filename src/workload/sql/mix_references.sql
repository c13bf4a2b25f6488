-- The foreign keys of table $1, by their columns, and whether an index begins with these.
SELECT string_agg(k.attnum::text, ' ' ORDER BY k.position),
       EXISTS (SELECT FROM pg_catalog.pg_index i
                WHERE i.indrelid = f.conrelid AND i.indisvalid AND i.indpred IS NULL
                  AND (SELECT array_agg(u.attnum ORDER BY u.attnum)
                         FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, position)
                        WHERE u.position <= cardinality(f.conkey))
                      = (SELECT array_agg(c ORDER BY c) FROM unnest(f.conkey) AS c))
  FROM pg_catalog.pg_constraint f, unnest(f.conkey) WITH ORDINALITY AS k (attnum, position)
 WHERE f.conrelid = $1 AND f.contype = 'f'
 GROUP BY f.oid, f.conrelid, f.conkey
 ORDER BY f.oid
