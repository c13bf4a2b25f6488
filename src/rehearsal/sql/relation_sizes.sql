-- For each name of $1, in their order: the table that it is, or whose index it is, with its partitions. NULLs: there is none such.
SELECT t.oid::bigint AS table_oid,
       sum(greatest(c.reltuples, 0)) AS rows,
       sum(pg_catalog.pg_relation_size(c.oid) + CASE WHEN c.reltoastrelid <> 0 THEN pg_catalog.pg_relation_size(c.reltoastrelid) ELSE 0 END) AS bytes,
       sum(pg_catalog.pg_indexes_size(c.oid)) AS index_bytes
  FROM unnest($1::text[]) WITH ORDINALITY AS n (name, position)
  LEFT JOIN LATERAL (SELECT coalesce(x.indrelid, o.oid) AS oid
                       FROM pg_catalog.pg_class o
                       LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = o.oid
                      WHERE o.oid = pg_catalog.to_regclass(n.name)) t ON true
  LEFT JOIN LATERAL (SELECT t.oid AS relid WHERE t.oid IS NOT NULL UNION SELECT p.relid FROM pg_catalog.pg_partition_tree(t.oid) p) part ON true
  LEFT JOIN pg_catalog.pg_class c ON c.oid = part.relid AND c.relkind IN ('r', 'm', 'p')
 GROUP BY n.position, t.oid
 ORDER BY n.position
