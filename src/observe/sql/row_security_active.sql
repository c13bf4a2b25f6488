-- Of the relations $1 (an array of names), those for which row-level security is in force in this session, for whom, and how many rows
-- its open transaction has added to them, or taken away.
SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname),
       current_user,
       (SELECT coalesce(sum(pg_catalog.pg_stat_get_xact_tuples_inserted(l.oid) - pg_catalog.pg_stat_get_xact_tuples_deleted(l.oid)), 0)
          FROM (SELECT c.oid UNION SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)) AS l (oid))
  FROM unnest($1::text[]) AS u (name)
  JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(u.name)
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relrowsecurity AND pg_catalog.row_security_active(c.oid)
