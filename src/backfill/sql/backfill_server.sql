-- When the server writes a checkpoint, and when it vacuums the table $1 by itself. Bytes, seconds, rows. Of partitions with options of
-- their own, the latest and slowest vacuum counts.
WITH setting AS (
    SELECT name, setting::float8 AS number FROM pg_catalog.pg_settings WHERE vartype IN ('integer', 'real')
), reloption AS (
    SELECT o.option_name AS name, o.option_value AS value
    FROM pg_catalog.pg_class c, pg_catalog.pg_options_to_table(c.reloptions) AS o
    WHERE c.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree($1::regclass) UNION SELECT $1::regclass)
)
SELECT 1048576 * (SELECT number FROM setting WHERE name = 'max_wal_size')
       / (1 + (SELECT number FROM setting WHERE name = 'checkpoint_completion_target')),
       (SELECT number FROM setting WHERE name = 'checkpoint_timeout'),
       pg_catalog.current_setting('autovacuum')::bool
       AND coalesce((SELECT bool_and(value::bool) FROM reloption WHERE name = 'autovacuum_enabled'), true),
       coalesce((SELECT max(value::float8) FROM reloption WHERE name = 'autovacuum_vacuum_threshold'),
                (SELECT number FROM setting WHERE name = 'autovacuum_vacuum_threshold')),
       coalesce((SELECT max(value::float8) FROM reloption WHERE name = 'autovacuum_vacuum_scale_factor'),
                (SELECT number FROM setting WHERE name = 'autovacuum_vacuum_scale_factor')),
       (SELECT number FROM setting WHERE name = 'autovacuum_naptime'),
       1024 * (SELECT CASE WHEN a.number < 0 THEN m.number ELSE a.number END
               FROM setting a, setting m WHERE a.name = 'autovacuum_work_mem' AND m.name = 'maintenance_work_mem'),
       -- milliseconds of rest, and credits between two
       coalesce((SELECT max(value::float8) FROM reloption WHERE name = 'autovacuum_vacuum_cost_delay'),
                (SELECT CASE WHEN a.number < 0 THEN v.number ELSE a.number END FROM setting a, setting v
                 WHERE a.name = 'autovacuum_vacuum_cost_delay' AND v.name = 'vacuum_cost_delay')),
       coalesce((SELECT min(value::float8) FROM reloption WHERE name = 'autovacuum_vacuum_cost_limit'),
                (SELECT CASE WHEN a.number < 0 THEN v.number ELSE a.number END FROM setting a, setting v
                 WHERE a.name = 'autovacuum_vacuum_cost_limit' AND v.name = 'vacuum_cost_limit')),
       pg_catalog.current_setting('autovacuum')::bool
