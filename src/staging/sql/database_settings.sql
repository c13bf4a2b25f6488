-- What ALTER DATABASE … SET says of database $1, as statements for database $2. Lists keep their own quotes.
SELECT format('ALTER DATABASE %I SET %s TO %s', $2::text, s.name,
              CASE WHEN lower(s.name) IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
                   THEN coalesce(nullif(s.value, ''), quote_literal('')) ELSE quote_literal(s.value) END)
  FROM pg_db_role_setting r
  JOIN pg_database d ON d.oid = r.setdatabase AND d.datname = $1
 CROSS JOIN LATERAL (SELECT split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
                       FROM unnest(r.setconfig) AS entry) s
 WHERE r.setrole = 0
