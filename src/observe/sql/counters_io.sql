-- PostgreSQL 16 and newer: full-page images in the WAL; fsyncs of the WAL and of data files by backends; and what client
-- backends and their workers read and wrote through the operating system's cache. Columns are read by name: 16 and 17 count
-- operations of op_bytes each and the WAL's fsyncs in pg_stat_wal, 18 bytes, and the WAL's as an object of pg_stat_io.
WITH wal AS (SELECT w.wal_fpi, pg_catalog.to_jsonb(w) AS j FROM pg_catalog.pg_stat_get_wal() w)
SELECT (SELECT wal_fpi FROM wal) AS images,
       coalesce((SELECT (j->>'wal_sync')::bigint FROM wal), 0)
           + coalesce(sum(fsyncs) FILTER (WHERE is_backend OR object = 'wal'), 0)::bigint AS fsyncs,
       coalesce(sum(read_bytes) FILTER (WHERE is_backend AND object <> 'wal'), 0)::bigint AS read_bytes,
       coalesce(sum(written_bytes) FILTER (WHERE is_backend AND object <> 'wal'), 0)::bigint AS written_bytes
  FROM (SELECT io.object, io.fsyncs,
               io.backend_type IN ('client backend', 'background worker') AS is_backend,
               coalesce((j->>'read_bytes')::numeric, io.reads * (j->>'op_bytes')::numeric, 0) AS read_bytes,
               coalesce((j->>'write_bytes')::numeric, io.writes * (j->>'op_bytes')::numeric, 0)
                   + coalesce((j->>'extend_bytes')::numeric, io.extends * (j->>'op_bytes')::numeric, 0) AS written_bytes
          FROM (SELECT s.*, pg_catalog.to_jsonb(s) AS j FROM pg_catalog.pg_stat_io s) io) counted
