-- Counts of updated and deleted rows of each table since the server began to count, and a sum of its files: another sum says that its rows
-- were written again (TRUNCATE, another type). A partitioned table has the sums of its partitions.
SELECT r.oid::bigint AS relation,
       sum(pg_catalog.pg_stat_get_tuples_updated(c.oid))::bigint AS updated,
       sum(pg_catalog.pg_stat_get_tuples_deleted(c.oid))::bigint AS deleted,
       sum(pg_catalog.pg_relation_filenode(c.oid)::bigint)::bigint AS files
  FROM pg_catalog.pg_class c,
       LATERAL (SELECT c.oid UNION SELECT relid FROM pg_catalog.pg_partition_ancestors(c.oid)) AS r (oid)
 WHERE c.relkind = 'r' AND c.oid >= 16384 AND c.relpersistence <> 't'
 GROUP BY r.oid
