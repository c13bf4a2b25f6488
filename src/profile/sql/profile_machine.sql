-- CPUs and memory of a Linux server, one row; a role that may read server files only (superuser, pg_read_server_files).
SELECT (SELECT count(*) FROM regexp_matches(pg_read_file('/proc/cpuinfo', 0, 10000000), '^processor\s*:', 'gn')) AS cpu_count,
       1024 * substring(pg_read_file('/proc/meminfo', 0, 100000) FROM 'MemTotal:\s*([0-9]+) kB')::bigint AS memory_bytes
