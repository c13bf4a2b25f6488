-- The tables an application would use: ordinary and partitioned ones (a partition is reached through its parent), without those that
-- belong to an extension. The last column: it is the history of a migration tool, or called $1 (SQL text; may be null). Rows are the planner's estimate, -1 when it has none.
SELECT c.oid,
       n.nspname,
       c.relname,
       (SELECT coalesce(sum(l.reltuples) FILTER (WHERE l.reltuples >= 0), -1)::bigint
          FROM pg_catalog.pg_class l
         WHERE l.oid = c.oid AND c.relkind = 'r'
            OR c.relkind = 'p' AND l.relkind = 'r'
               AND l.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t WHERE t.isleaf)),
       (SELECT coalesce(sum(pg_catalog.pg_relation_size(l.oid)), 0)::bigint / current_setting('block_size')::bigint
          FROM pg_catalog.pg_class l
         WHERE l.oid = c.oid AND c.relkind = 'r'
            OR c.relkind = 'p' AND l.relkind = 'r'
               AND l.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t WHERE t.isleaf)),
       EXISTS (SELECT FROM pg_catalog.pg_constraint x WHERE x.conrelid = c.oid AND x.contype = 'x'),
       coalesce(c.oid = pg_catalog.to_regclass($1), false)
           OR lower(c.relname) IN ('schema_migrations', 'ar_internal_metadata', 'schema_migration', 'schema_version', 'schemaversion',
                                   'schemaversions', 'schema_info', 'flyway_schema_history', 'goose_db_version',
                                   '__diesel_schema_migrations', '_prisma_migrations', 'pgmigrations', 'db_migrations',
                                   'alembic_version', 'django_migrations', 'knex_migrations', 'knex_migrations_lock',
                                   'databasechangelog', 'databasechangeloglock', 'sequelizemeta', 'mikro_orm_migrations',
                                   'kysely_migration', 'kysely_migration_lock', '__drizzle_migrations', '__efmigrationshistory',
                                   'gorp_migrations', 'atlas_schema_revisions', 'phinxlog', 'doctrine_migration_versions',
                                   'refinery_schema_history', '_sqlx_migrations', 'seaql_migrations', '_yoyo_migration', '_yoyo_log',
                                   '_yoyo_version', 'yoyo_lock', 'migrate_version', 'play_evolutions', 'play_evolutions_lock',
                                   'bun_migrations', 'bun_migration_locks', 'shmig_version', 'micrate_db_version', 'scriptsrun',
                                   'typeorm_migrations', 'migrations', 'changelog')
           OR n.nspname IN ('sqitch', 'pgroll', 'reshape', 'hdb_catalog', 'supabase_migrations', 'graphile_migrate', 'drizzle')
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p')
   AND NOT c.relispartition
   AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname NOT LIKE 'pg\_toast%'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 4 DESC, n.nspname, c.relname
