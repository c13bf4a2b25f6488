-- Scheduled jobs of the extensions that keep them in tables: switched off.
SELECT format('UPDATE %s SET %I = false WHERE %I', c.oid::regclass, a.attname, a.attname) AS statement,
       format('scheduled jobs in %s switched off', c.oid::regclass) AS sentence
  FROM (VALUES ('cron', 'job', 'active'),
               ('pgagent', 'pga_job', 'jobenabled'),
               ('timetable', 'chain', 'live'),
               ('_timescaledb_config', 'bgw_job', 'scheduled')) AS known (schema, relation, flag)
  JOIN pg_namespace n ON n.nspname = known.schema
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = known.relation AND c.relkind = 'r'
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = known.flag AND a.atttypid = 'boolean'::regtype
                     AND NOT a.attisdropped
 ORDER BY 1
