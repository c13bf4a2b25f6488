-- What the WAL directory holds, one row.
SELECT sum(size)::bigint AS directory_bytes
  FROM pg_ls_waldir()
