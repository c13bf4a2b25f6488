-- What database $1 has besides its content, as statements for database $2: owner, privileges, settings of all sessions and of roles'.
-- Lists keep their own quotes.
WITH entries AS (
    SELECT r.setrole, split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
      FROM pg_catalog.pg_db_role_setting r
      JOIN pg_catalog.pg_database d ON d.oid = r.setdatabase AND d.datname = $1
     CROSS JOIN LATERAL unnest(r.setconfig) AS entry
)
SELECT format('ALTER DATABASE %I OWNER TO %I', $2::text, pg_catalog.pg_get_userbyid(datdba)), 0
  FROM pg_catalog.pg_database
 WHERE datname = $1
   AND datdba <> (SELECT datdba FROM pg_catalog.pg_database WHERE datname = $2)
UNION ALL
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $2::text), 1
  FROM pg_catalog.pg_database
 WHERE datname = $1 AND datacl IS NOT NULL
UNION ALL
SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, $2::text,
              CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
              CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), 2
  FROM pg_catalog.pg_database
 CROSS JOIN LATERAL pg_catalog.aclexplode(datacl) AS a
 WHERE datname = $1
UNION ALL
SELECT format('ALTER %s SET %s TO %s',
              CASE WHEN setrole = 0 THEN format('DATABASE %I', $2::text)
                   ELSE format('ROLE %I IN DATABASE %I', pg_catalog.pg_get_userbyid(setrole), $2::text) END,
              quote_ident(name),
              CASE WHEN lower(name) IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
                   THEN coalesce(nullif(value, ''), quote_literal('')) ELSE quote_literal(value) END), 3
  FROM entries
 ORDER BY 2
