-- Settings of roles and databases: name, value, the statement that resets it, and the words that say so.
SELECT s.name,
       s.value,
       CASE WHEN r.setdatabase = 0 THEN format('ALTER ROLE %s RESET %I', coalesce(quote_ident(rolname), 'ALL'), s.name)
            WHEN r.setrole = 0 THEN format('ALTER DATABASE %I RESET %I', datname, s.name)
            ELSE format('ALTER ROLE %I IN DATABASE %I RESET %I', rolname, datname, s.name) END AS statement,
       format('setting %s of %s reset', s.name, coalesce(nullif(concat_ws(' in ', 'role ' || quote_ident(rolname),
                                                                          'database ' || quote_ident(datname)), ''), 'all roles')) AS sentence
  FROM pg_catalog.pg_db_role_setting r
  LEFT JOIN pg_catalog.pg_roles ON pg_roles.oid = r.setrole
  LEFT JOIN pg_catalog.pg_database d ON d.oid = r.setdatabase
 CROSS JOIN LATERAL (SELECT split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
                       FROM unnest(r.setconfig) AS entry) s
 ORDER BY 3
