-- Role $1: whether it is a superuser, may connect to this database, and may be assumed by the current role.
SELECT r.rolsuper,
       pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CONNECT'),
       pg_catalog.pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
  FROM pg_catalog.pg_roles r
 WHERE r.rolname = $1
