-- Ends those of the sessions $1 that are disturbers; how many there were.
SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid))
  FROM pg_catalog.pg_stat_activity a
 WHERE a.pid = ANY ($1::int[])
   AND (a.application_name LIKE 'pgrehearse: disturber%' OR a.query LIKE 'autovacuum: %(to prevent wraparound)')
