-- The server's session of a pg_dump that calls itself $1, and a quarter of what the tables hold: less than its
-- output will be.
SELECT (SELECT a.pid FROM pg_catalog.pg_stat_activity a WHERE a.application_name = $1),
       (SELECT pg_catalog.sum(pg_catalog.pg_table_size(c.oid)) / 4
          FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384)::bigint
