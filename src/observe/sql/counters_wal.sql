-- PostgreSQL 14 and 15: full-page images in the WAL, and fsyncs of the WAL and of data files by backends.
SELECT w.wal_fpi, w.wal_sync + pg_catalog.pg_stat_get_buf_fsync_backend() AS fsyncs
  FROM pg_catalog.pg_stat_get_wal() w
