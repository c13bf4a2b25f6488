-- The prepared transaction that the session with pid $1 waits for, itself or behind others that do; no row: none. Of several the oldest.
WITH RECURSIVE waiting (pid) AS (
    SELECT $1::integer
    UNION
    SELECT b.pid FROM waiting w, unnest(pg_catalog.pg_blocking_pids(w.pid)) AS b (pid) WHERE w.pid <> 0
)
SELECT p.gid
  FROM pg_catalog.pg_prepared_xacts p
 WHERE p.database = pg_catalog.current_database()
   AND 0 IN (SELECT pid FROM waiting)
   AND EXISTS (SELECT FROM pg_catalog.pg_locks h, pg_catalog.pg_locks w, waiting
                WHERE h.pid IS NULL
                  AND EXISTS (SELECT FROM pg_catalog.pg_locks x
                               WHERE x.pid IS NULL AND x.virtualtransaction = h.virtualtransaction
                                 AND x.locktype = 'transactionid' AND x.transactionid = p.transaction)
                  AND w.pid = waiting.pid AND NOT w.granted
                  AND h.locktype = w.locktype
                  AND (h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid, h.objid, h.objsubid)
                      IS NOT DISTINCT FROM
                      (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid))
 ORDER BY p.prepared
 LIMIT 1
