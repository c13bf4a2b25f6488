-- Populated materialized views; by age, since one can only be built on older ones.
SELECT c.oid::regclass::text AS name
  FROM pg_class c
 WHERE c.relkind = 'm' AND c.relispopulated
 ORDER BY c.oid
