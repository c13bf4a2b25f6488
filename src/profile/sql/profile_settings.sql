-- What differs from PostgreSQL's defaults, and what every report shows. Not: what may hold passwords, commands and
-- paths, and an application's own settings. value is as SHOW gives it; this session's own SETs do not count.
SELECT name,
       CASE WHEN setting IS NOT DISTINCT FROM reset_val THEN current_setting(name)
            ELSE reset_val || coalesce(unit, '') END AS value,
       reset_val AS setting,
       unit,
       boot_val IS NOT DISTINCT FROM reset_val AS is_default
  FROM pg_settings
 WHERE (boot_val IS DISTINCT FROM reset_val
        OR name IN ('shared_buffers', 'work_mem', 'maintenance_work_mem', 'max_wal_size', 'checkpoint_timeout', 'wal_level',
                    'wal_compression', 'fsync', 'full_page_writes', 'synchronous_commit', 'autovacuum', 'lock_timeout',
                    'statement_timeout', 'max_connections', 'effective_cache_size', 'deadlock_timeout', 'random_page_cost',
                    'max_parallel_maintenance_workers', 'track_io_timing'))
   AND category NOT IN ('Customized Options', 'Preset Options', 'File Locations')
   AND name NOT IN ('application_name', 'client_encoding', 'transaction_isolation', 'transaction_read_only',
                    'transaction_deferrable', 'search_path', 'listen_addresses', 'cluster_name', 'event_source', 'bonjour_name')
   AND name !~ '(command|conninfo|password|passphrase|secret|token|slot_name|_file$|_dir$|director|_keys?$|ldap|radius|krb|gss|oauth)'
 ORDER BY name
