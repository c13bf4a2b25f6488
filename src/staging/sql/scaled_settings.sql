-- The settings of a sample of $1 of the pages: its ratio to the server's memory, and to the sizes and costs at which the
-- planner chooses another plan, is that of the whole: name, value, and whether a database may set it for itself. Not work_mem: what it
-- holds (the groups of a query, a small table that is joined) often does not grow with the rows.
WITH wanted (name, least_setting) AS (VALUES
    ('shared_buffers', 128), ('effective_cache_size', 16), ('maintenance_work_mem', 1024),
    ('min_parallel_table_scan_size', 0), ('min_parallel_index_scan_size', 0), ('parallel_setup_cost', 0),
    ('jit_above_cost', 0), ('jit_inline_above_cost', 0), ('jit_optimize_above_cost', 0))
SELECT s.name,
       CASE WHEN s.setting::numeric < 0 THEN s.setting -- -1 switches JIT off
            WHEN s.vartype = 'real' THEN (s.setting::numeric * $1::numeric)::text
            WHEN s.unit = '8kB' THEN 8 * greatest(w.least_setting, round(s.setting::numeric * $1::numeric)) || 'kB'
            ELSE greatest(w.least_setting, round(s.setting::numeric * $1::numeric)) || coalesce(s.unit, '') END AS value,
       s.context = 'user' AS by_database
  FROM wanted w
  JOIN pg_catalog.pg_settings s USING (name)
UNION ALL -- its default follows shared_buffers, but how much WAL is written at once does not depend on the table's size
SELECT name, 8 * setting::bigint || 'kB', false FROM pg_catalog.pg_settings WHERE name = 'wal_buffers'
