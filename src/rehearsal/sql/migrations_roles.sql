-- Whom the backup names as the one who migrates, the surest first: the owner of the history table ($1, quoted, or null); $2, the owner
-- of the database, or null, unless it could change none of the tables; the owner of most tables. Never $3, the program's own role.
WITH owners AS (
    SELECT c.relowner, count(*) AS tables
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p')
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     GROUP BY c.relowner
), named AS (
    SELECT 1 AS rank, relowner AS role, 0::bigint AS tables FROM pg_catalog.pg_class WHERE oid = to_regclass($1)
    UNION ALL
    SELECT 2, oid, 0
      FROM pg_catalog.pg_roles
     WHERE rolname = $2
       AND (rolsuper OR EXISTS (SELECT FROM owners WHERE relowner = oid) OR NOT EXISTS (SELECT FROM owners))
    UNION ALL
    SELECT 3, relowner, tables FROM owners
)
SELECT rank, rolname
  FROM named
  JOIN pg_catalog.pg_roles r ON r.oid = named.role
 WHERE rolname IS DISTINCT FROM $3
 ORDER BY rank, tables DESC, rolname
 LIMIT 1
