-- On a server that is not confined: without its user mappings, no session logs in to a foreign server.
SELECT format('DROP USER MAPPING IF EXISTS FOR %s SERVER %I', CASE WHEN umuser = 0 THEN 'PUBLIC' ELSE quote_ident(usename) END,
              srvname) AS statement,
       format('user mapping of %s for foreign server %I dropped', CASE WHEN umuser = 0 THEN 'public' ELSE quote_ident(usename) END,
              srvname) AS sentence
  FROM pg_user_mappings
 ORDER BY srvname, usename
