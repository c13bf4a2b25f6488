-- What PREPARE made of the parameters of the session's statement rh_types: base type, its category, and for an enum its first label.
WITH RECURSIVE base (n, oid) AS (
    SELECT u.n, u.type::oid
      FROM pg_catalog.pg_prepared_statements p, unnest(p.parameter_types) WITH ORDINALITY AS u (type, n)
     WHERE p.name = 'rh_types'
    UNION ALL
    SELECT b.n, t.typbasetype
      FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.oid
     WHERE t.typtype = 'd'
)
SELECT t.typname,
       t.typcategory,
       (SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder LIMIT 1)
  FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.oid
 WHERE t.typtype <> 'd'
 ORDER BY b.n
