-- Foreign servers, where every attempt to connect to something was denied.
SELECT NULL AS statement,
       format('foreign server %I (%I) cannot be reached: the staging server is denied every connection', srvname, fdwname)
           AS sentence
  FROM pg_foreign_server
  JOIN pg_foreign_data_wrapper w ON w.oid = srvfdw
 ORDER BY srvname
