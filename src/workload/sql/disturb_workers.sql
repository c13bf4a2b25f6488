-- Autovacuum workers that prevent wraparound on the table with the OID $1 and hold its lock.
SELECT a.pid
  FROM pg_catalog.pg_stat_activity a
 WHERE a.backend_type = 'autovacuum worker'
   AND a.query LIKE 'autovacuum: %(to prevent wraparound)'
   AND EXISTS (SELECT FROM pg_catalog.pg_locks l
                WHERE l.pid = a.pid AND l.granted AND l.mode = 'ShareUpdateExclusiveLock'
                  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                                     WHERE d.datname = pg_catalog.current_database())
                  AND l.relation = $1::oid)
