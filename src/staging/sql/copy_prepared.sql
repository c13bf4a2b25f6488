-- The prepared transactions of this database: how to end each, since when it is prepared, its age in seconds at $1 (seconds since 1970), and the
-- tables that it locks.
SELECT format('ROLLBACK PREPARED %L', p.gid) AS statement,
       p.gid,
       p.owner,
       to_char(p.prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') AS prepared,
       greatest(0, extract(epoch FROM to_timestamp($1::float8) - p.prepared))::bigint AS age_s,
       coalesce((SELECT string_agg(DISTINCT format('%s on %s', l.mode, l.relation::regclass), ', ')
                   FROM pg_catalog.pg_locks l
                  WHERE l.pid IS NULL AND l.virtualtransaction = '-1/' || p.transaction::text
                    AND l.database = d.oid AND l.relation >= 16384), '') AS locks
  FROM pg_catalog.pg_prepared_xacts p
  JOIN pg_catalog.pg_database d ON d.datname = p.database
 WHERE p.database = pg_catalog.current_database()
 ORDER BY p.prepared
