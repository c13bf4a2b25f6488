-- Settings of roles and databases that would load libraries or write statements, with their values, to the server's log.
SELECT CASE WHEN r.setdatabase = 0 THEN format('ALTER ROLE %I RESET %s', rolname, s.name)
            WHEN r.setrole = 0 THEN format('ALTER DATABASE %I RESET %s', datname, s.name)
            ELSE format('ALTER ROLE %I IN DATABASE %I RESET %s', rolname, datname, s.name) END AS statement,
       format('setting %s of %s taken back', s.name, concat_ws(' in ', 'role ' || quote_ident(rolname),
                                                                       'database ' || quote_ident(datname))) AS sentence
  FROM pg_db_role_setting r
  LEFT JOIN pg_roles ON pg_roles.oid = r.setrole
  LEFT JOIN pg_database d ON d.oid = r.setdatabase
 CROSS JOIN LATERAL (SELECT split_part(entry, '=', 1) AS name FROM unnest(r.setconfig) AS entry) s
 WHERE s.name ~ '^(log_|debug_print_|auto_explain\.)|_preload_libraries$'
 ORDER BY 1
