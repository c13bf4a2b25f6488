-- In which phase of which command the session $1 is, in the words of the views pg_stat_progress_*, and the end of the WAL.
-- No row but the WAL's: its statement reports no progress. Reads shared memory, no table, so that no lock can hold it up.
SELECT p.command, p.phase, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint AS wal_bytes
  FROM (SELECT 1) one
  LEFT JOIN (
    SELECT i.pid,
           CASE i.param1 WHEN 1 THEN 'CREATE INDEX' WHEN 2 THEN 'CREATE INDEX CONCURRENTLY' WHEN 3 THEN 'REINDEX'
                         WHEN 4 THEN 'REINDEX CONCURRENTLY' END AS command,
           CASE i.param10 WHEN 0 THEN 'initializing'
                          WHEN 1 THEN 'waiting for writers before build'
                          WHEN 2 THEN 'building index' ||
                                      coalesce(': ' || pg_catalog.pg_indexam_progress_phasename(i.param9::oid, i.param11), '')
                          WHEN 3 THEN 'waiting for writers before validation'
                          WHEN 4 THEN 'index validation: scanning index'
                          WHEN 5 THEN 'index validation: sorting tuples'
                          WHEN 6 THEN 'index validation: scanning table'
                          WHEN 7 THEN 'waiting for old snapshots'
                          WHEN 8 THEN 'waiting for readers before marking dead'
                          WHEN 9 THEN 'waiting for readers before dropping' END AS phase
      FROM pg_catalog.pg_stat_get_progress_info('CREATE INDEX') i
    UNION ALL
    SELECT c.pid, CASE c.param1 WHEN 1 THEN 'CLUSTER' WHEN 2 THEN 'VACUUM FULL' END,
           CASE c.param2 WHEN 0 THEN 'initializing' WHEN 1 THEN 'seq scanning heap' WHEN 2 THEN 'index scanning heap'
                         WHEN 3 THEN 'sorting tuples' WHEN 4 THEN 'writing new heap' WHEN 5 THEN 'swapping relation files'
                         WHEN 6 THEN 'rebuilding index' WHEN 7 THEN 'performing final cleanup' END
      FROM pg_catalog.pg_stat_get_progress_info('CLUSTER') c
    UNION ALL
    SELECT v.pid, 'VACUUM',
           CASE v.param1 WHEN 0 THEN 'initializing' WHEN 1 THEN 'scanning heap' WHEN 2 THEN 'vacuuming indexes'
                         WHEN 3 THEN 'vacuuming heap' WHEN 4 THEN 'cleaning up indexes' WHEN 5 THEN 'truncating heap'
                         WHEN 6 THEN 'performing final cleanup' END
      FROM pg_catalog.pg_stat_get_progress_info('VACUUM') v
    UNION ALL
    SELECT a.pid, 'ANALYZE',
           CASE a.param1 WHEN 0 THEN 'initializing' WHEN 1 THEN 'acquiring sample rows'
                         WHEN 2 THEN 'acquiring inherited sample rows' WHEN 3 THEN 'computing statistics'
                         WHEN 4 THEN 'computing extended statistics' WHEN 5 THEN 'finalizing analyze' END
      FROM pg_catalog.pg_stat_get_progress_info('ANALYZE') a
    UNION ALL
    SELECT y.pid, 'COPY', 'copying' FROM pg_catalog.pg_stat_get_progress_info('COPY') y
  ) p ON p.pid = $1
 LIMIT 1
