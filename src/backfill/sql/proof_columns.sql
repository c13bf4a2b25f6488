-- The columns of the table $1, whose key has the columns $2 (a text array): the name, the name as SQL writes it, whether it is of the key,
-- an expression that gives the column another value (NULL: none is known to be allowed), and what an insert that copies a row gives it
-- (NULL: the column is left out, for its default).
WITH restricted AS (
    SELECT pg_catalog.unnest(i.indkey::int2[]) AS number, i.indisunique AS is_unique
    FROM pg_catalog.pg_index i WHERE i.indrelid = $1::pg_catalog.regclass
    UNION
    SELECT pg_catalog.unnest(c.conkey), false FROM pg_catalog.pg_constraint c WHERE c.conrelid = $1::pg_catalog.regclass
), columns AS (
    SELECT a.attname, a.attnum, pg_catalog.quote_ident(a.attname) AS name, t.typcategory AS category, t.typname AS type, a.atttypmod AS modifier,
           a.attnotnull AS required, a.attname = ANY ($2::text[]) AS is_key,
           a.attidentity <> '' OR a.atthasdef AS has_default, a.attgenerated <> '' AS generated,
           EXISTS (SELECT FROM restricted r WHERE r.number = a.attnum) AS restricted,
           EXISTS (SELECT FROM restricted r WHERE r.number = a.attnum AND r.is_unique) AS is_unique
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = $1::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
)
SELECT attname, name, is_key,
       CASE WHEN is_key OR restricted OR generated THEN NULL
            WHEN type IN ('int2', 'int4', 'int8', 'numeric', 'float4', 'float8')
            THEN pg_catalog.format('CASE WHEN %1$s > 0 THEN %1$s - 1 ELSE coalesce(%1$s, 0) + 1 END', name)
            WHEN type IN ('text', 'varchar') AND (modifier = -1 OR modifier > 12)
            THEN 'pg_catalog.substr(pg_catalog.md5(pg_catalog.random()::text), 1, 8)'
            WHEN type IN ('timestamp', 'timestamptz') THEN pg_catalog.format('coalesce(%s, pg_catalog.now()) + interval ''1 ms''', name)
            WHEN type = 'bool' THEN pg_catalog.format('NOT coalesce(%s, false)', name) END,
       CASE WHEN generated OR has_default AND (is_unique OR is_key) THEN NULL
            WHEN is_unique AND type = 'uuid' THEN 'pg_catalog.gen_random_uuid()'
            WHEN is_unique AND type IN ('int2', 'int4', 'int8', 'numeric')
            THEN pg_catalog.format('(SELECT pg_catalog.max(m.%s) + 1 FROM %s m)', name, $1::pg_catalog.regclass)
            WHEN is_unique AND type IN ('text', 'varchar', 'bpchar')
            THEN 'pg_catalog.substr(pg_catalog.md5(pg_catalog.random()::text), 1, 12)'
            WHEN is_unique AND NOT required THEN NULL
            ELSE name END,
       required AND NOT has_default
FROM columns ORDER BY attnum
