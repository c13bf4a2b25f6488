-- User tables as a CSV export may have them: ordinary (r) and partitioned (p), those of extensions marked. The last column has the
-- table itself and what it is a partition of, ",oid,oid,"; "" for others.
SELECT n.nspname, c.relname, c.relkind, c.oid,
       EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'),
       COALESCE((SELECT ',' || pg_catalog.string_agg(a.relid::pg_catalog.oid::text, ',') || ','
                   FROM pg_catalog.pg_partition_ancestors(c.oid) AS a), '')
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p')
   AND c.relpersistence <> 't'
   AND n.nspname <> 'information_schema'
   AND n.nspname !~ '^pg_'
 ORDER BY 1, 2
