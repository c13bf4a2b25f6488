-- One sample of the open transactions: how many of which age, in buckets of half powers of two from 1 ms. Rows without a name
-- count all transactions; rows with one those that hold a lock on that table, by the strongest mode they hold there. The row
-- without up_to_s says that there was a sample, when, and how many transactions it saw. No row: this role may not see the others.
-- Autovacuum is left out, for it gives way; so are prepared transactions.
WITH open AS MATERIALIZED (
    SELECT pid, greatest(extract(epoch FROM clock_timestamp() - xact_start)::float8, 0) AS age_s
      FROM pg_stat_activity
     WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()
       AND backend_type IN ('client backend', 'background worker')
       AND pg_has_role('pg_read_all_stats', 'USAGE')
), held AS (
    SELECT l.pid, l.relation,
           max(array_position(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
                                    'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode)) AS strength
      FROM pg_locks l
     WHERE l.granted AND l.locktype = 'relation' AND l.relation >= 16384
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
     GROUP BY l.pid, l.relation
), seen AS (
    SELECT NULL::name AS schema, NULL::name AS name, NULL::int AS strength, age_s FROM open
    UNION ALL
    SELECT n.nspname, c.relname, h.strength, o.age_s
      FROM open o
      JOIN held h USING (pid)
      JOIN pg_class c ON c.oid = h.relation AND c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'
      JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT schema, name,
       (ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
              'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'])[strength] AS mode,
       0.001 * power(2, bucket / 2.0)::float8 AS up_to_s,
       count(*) AS transactions,
       NULL::float8 AS clock_s
  FROM seen
 CROSS JOIN LATERAL (SELECT greatest(0, ceil(2 * log(2.0, greatest(age_s * 1000, 0.001)::numeric))) AS bucket) b
 GROUP BY schema, name, strength, bucket
 UNION ALL
SELECT NULL, NULL, NULL, NULL, (SELECT count(*) FROM open), extract(epoch FROM clock_timestamp())::float8
 WHERE pg_has_role('pg_read_all_stats', 'USAGE')
