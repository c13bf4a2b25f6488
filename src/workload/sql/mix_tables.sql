-- The tables an application would use: ordinary and partitioned ones (a partition is reached through its parent), without those that
-- belong to an extension. The last column: it is called $1 (SQL text; may be null). Rows are the
-- planner's estimate, -1 when it has none.
SELECT c.oid,
       n.nspname,
       c.relname,
       (SELECT coalesce(sum(l.reltuples) FILTER (WHERE l.reltuples >= 0), -1)::bigint
          FROM pg_catalog.pg_class l
         WHERE l.oid = c.oid AND c.relkind = 'r'
            OR c.relkind = 'p' AND l.relkind = 'r'
               AND l.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t WHERE t.isleaf)),
       (SELECT coalesce(sum(pg_catalog.pg_relation_size(l.oid)), 0)::bigint / current_setting('block_size')::bigint
          FROM pg_catalog.pg_class l
         WHERE l.oid = c.oid AND c.relkind = 'r'
            OR c.relkind = 'p' AND l.relkind = 'r'
               AND l.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t WHERE t.isleaf)),
       EXISTS (SELECT FROM pg_catalog.pg_constraint x WHERE x.conrelid = c.oid AND x.contype = 'x'),
       coalesce(c.oid = pg_catalog.to_regclass($1), false)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p')
   AND NOT c.relispartition
   AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname NOT LIKE 'pg\_toast%'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 4 DESC, n.nspname, c.relname
