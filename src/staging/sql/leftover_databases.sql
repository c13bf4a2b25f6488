-- Databases that carry a mark of this program whose advisory lock (1885827688 = "pgrh", key) no session holds.
WITH marked AS (
    SELECT datname, substring(shobj_description(oid, 'pg_database') FROM '^pgrehearse [0-9a-f]{8} lock ([0-9]+)$') AS key
      FROM pg_database
     WHERE datname ~ '^pgrehearse_[0-9a-f]{8}(_[a-z]+)?$'
)
SELECT datname
  FROM marked
 WHERE key IS NOT NULL
   AND NOT EXISTS (SELECT FROM pg_locks
                    WHERE locktype = 'advisory' AND objsubid = 2 AND classid = 1885827688 AND objid::bigint = key::bigint)
 ORDER BY datname
