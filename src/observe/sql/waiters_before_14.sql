-- One sample: who waits for which lock and behind whom, what is known of those sessions, which relation
-- locks the migration's session holds. Reads shared memory only, no catalog, so
-- that no lock can hold it up. Of the lists in settings, each may be missing: pgrehearse.migration is the
-- pid of the session whose locks to give, pgrehearse.watched an array of pids to tell about.
-- For PostgreSQL 12 and 13, which tell neither when a wait began nor, in 12, whose worker a process is.
-- pg_blocking_pids stops the lock manager for a moment: it is asked for waiters only.
WITH me AS MATERIALIZED (
    SELECT a.datid,
           nullif(current_setting('pgrehearse.migration', true), '')::int AS migration,
           nullif(current_setting('pgrehearse.watched', true), '')::int[] AS watched
      FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a
), locks AS MATERIALIZED (
    SELECT * FROM pg_catalog.pg_lock_status()
), queue AS MATERIALIZED (
    -- Our own sessions that only sample are neither victims nor blockers.
    SELECT l.*, a.pid AS session, a.query, pg_catalog.pg_blocking_pids(l.pid) AS found
      FROM me, locks l, LATERAL pg_catalog.pg_stat_get_activity(l.pid) a
     WHERE NOT l.granted AND a.datid = me.datid
       AND a.application_name !~ '^pgrehearse: (?!(migration|load|disturber)( |$))'
), lookers AS MATERIALIZED (
    SELECT a.pid FROM pg_catalog.pg_stat_get_activity(NULL) a
     WHERE a.application_name ~ '^pgrehearse: (?!(migration|load|disturber)( |$))'
), waiters AS MATERIALIZED (
    SELECT q.*, b.blockers
      FROM queue q, LATERAL (SELECT ARRAY(SELECT p FROM unnest(q.found) p
                                           WHERE p NOT IN (SELECT pid FROM lookers)) AS blockers) b
     WHERE cardinality(q.found) = 0 OR cardinality(b.blockers) > 0
), phases AS (
    -- A CONCURRENTLY build waits for virtual transactions: in which of its phases, in the words of the view
    -- pg_stat_progress_create_index.
    SELECT p.pid, p.relid::oid AS relation,
           CASE p.param10 WHEN 1 THEN 'waiting for writers before build'
                          WHEN 3 THEN 'waiting for writers before validation'
                          WHEN 7 THEN 'waiting for old snapshots'
                          WHEN 8 THEN 'waiting for readers before marking dead'
                          WHEN 9 THEN 'waiting for readers before dropping' END AS phase
      FROM pg_catalog.pg_stat_get_progress_info('CREATE INDEX') p
     WHERE EXISTS (SELECT FROM waiters w WHERE w.locktype = 'virtualxid')
), sessions AS (
    SELECT unnest(blockers) AS pid FROM waiters
    UNION
    SELECT unnest(watched) FROM me
)
SELECT 'clock' AS kind, NULL::int AS pid,
       (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS at_us,
       pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()) AS number,
       NULL::text AS locktype, NULL::bigint AS relation, NULL::text AS identity, NULL::text AS mode,
       NULL::int[] AS blockers, NULL::text AS query, NULL::text AS state, NULL::text AS phase
UNION ALL
SELECT 'waiter', w.session, NULL, NULL, w.locktype,
       coalesce(w.relation, p.relation, (SELECT t.relation FROM locks t
                              WHERE t.pid = w.pid AND t.granted AND t.locktype = 'tuple' LIMIT 1))::bigint,
       concat_ws('/', w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid,
                 w.classid, w.objid, w.objsubid),
       w.mode, w.blockers, w.query, NULL, p.phase
  FROM waiters w LEFT JOIN phases p ON p.pid = w.pid AND w.locktype = 'virtualxid'
UNION ALL
-- mode: its application_name; at_us: its statement before the current one was over by then; number: its transaction was, likewise.
SELECT 'session', s.pid,
       (extract(epoch FROM CASE WHEN a.state = 'active' THEN a.query_start ELSE a.state_change END) * 1000000)::bigint,
       (extract(epoch FROM coalesce(a.xact_start, a.state_change)) * 1000000)::bigint,
       NULL, NULL, NULL, a.application_name, NULL, a.query, a.state, NULL
  FROM sessions s, LATERAL pg_catalog.pg_stat_get_activity(s.pid) a
 WHERE s.pid > 0
UNION ALL
-- number: which of its session's transactions holds it.
SELECT 'held', l.pid, NULL, split_part(l.virtualtransaction, '/', 2)::bigint, NULL, l.relation::bigint, NULL, l.mode, NULL, NULL, NULL, NULL
  FROM me, locks l
 WHERE l.pid = me.migration AND l.granted AND l.locktype = 'relation' AND l.relation >= 16384
   AND l.database = me.datid
