-- Asked for only: the most common values of columns and how frequent each is, as ANALYZE found them, of what this role may
-- read; of a partitioned table those of all its partitions. These are values of the data. Values of more than 200 characters are left out, with their frequency.
SELECT s.schemaname AS schema,
       s.tablename AS table,
       s.attname AS column,
       s.null_frac::float8 AS null_fraction,
       s.n_distinct::float8 AS distinct_values,
       v.values,
       v.frequencies
  FROM pg_stats s
 CROSS JOIN LATERAL (SELECT jsonb_agg(m.value ORDER BY m.position) AS values,
                            jsonb_agg(m.frequency ORDER BY m.position) AS frequencies
                       FROM unnest(s.most_common_vals::text::text[], s.most_common_freqs::float8[])
                            WITH ORDINALITY AS m (value, frequency, position)
                      WHERE length(m.value) <= 200) v
 WHERE s.inherited = EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                              WHERE c.relname = s.tablename AND n.nspname = s.schemaname AND c.relkind = 'p')
   AND s.schemaname NOT IN ('pg_catalog', 'information_schema') AND v.values IS NOT NULL
 ORDER BY s.schemaname, s.tablename, s.attname
 LIMIT 20000
