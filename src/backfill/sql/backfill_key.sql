-- Columns of the key of table $1: those of $2 (a text array), else of its primary key; in order. Whether each
-- is an integer and cannot be null, and whether a unique index of exactly these columns holds for all rows.
WITH chosen AS (
    SELECT k.name, k.position
    FROM pg_catalog.unnest($2::text[]) WITH ORDINALITY AS k (name, position)
    UNION ALL
    SELECT a.attname, k.position
    FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, position)
         JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::oid AND a.attnum = k.number
    WHERE i.indrelid = $1::oid AND i.indisprimary AND pg_catalog.cardinality($2::text[]) = 0
          AND k.position <= i.indnkeyatts
)
SELECT k.name, pg_catalog.quote_ident(k.name), pg_catalog.format_type(a.atttypid, NULL),
       a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype), a.attnotnull,
       EXISTS (SELECT FROM pg_catalog.pg_index i
               WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                     AND i.indexprs IS NULL
                     AND (SELECT pg_catalog.array_agg(ia.attname::text ORDER BY ia.attname)
                          FROM pg_catalog.pg_attribute ia
                          WHERE ia.attrelid = $1::oid
                                AND ia.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
                         = (SELECT pg_catalog.array_agg(c.name::text ORDER BY c.name) FROM chosen c))
FROM chosen k LEFT JOIN pg_catalog.pg_attribute a
     ON a.attrelid = $1::oid AND a.attname = k.name AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY k.position
