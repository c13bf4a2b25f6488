-- Foreign servers, which a server without network sockets cannot reach.
SELECT NULL AS statement,
       format('foreign server %I (%I) cannot be reached: the staging server opens no network socket', srvname, fdwname)
           AS sentence
  FROM pg_foreign_server
  JOIN pg_foreign_data_wrapper w ON w.oid = srvfdw
 ORDER BY srvname
