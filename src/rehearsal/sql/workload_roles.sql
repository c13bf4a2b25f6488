-- The role with the most privileges to read and change tables that it does not own; among equals the first by name.
SELECT r.rolname, count(DISTINCT c.oid)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a
  JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
 WHERE c.relkind IN ('r', 'p')
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND a.grantee <> c.relowner
   AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
   AND r.rolname !~ '^pg_' AND NOT r.rolsuper
 GROUP BY r.rolname
 ORDER BY count(*) DESC, r.rolname
 LIMIT 1
