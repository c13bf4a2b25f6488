/* Recognises the history tables, and other tables, of migration tools. */
#include "pgrehearse/model/facts.h"
#include <string.h>
#include <strings.h>

typedef struct known_table {
    const char *schema, *table; /* schema NULL: in any */
    const char *columns[3];
    size_t column_count; /* the table has just so many; 0: any number */
    const char *tool;
} known_table;

/* Where several tools use one name the columns tell: all that are listed are there. The first row that fits
 * counts. */
static const known_table HISTORIES[] = {
    {NULL, "__drizzle_migrations", {NULL}, 0, "Drizzle"},
    {NULL, "_sqlx_migrations", {NULL}, 0, "sqlx"},
    {"supabase_migrations", "schema_migrations", {NULL}, 0, "Supabase"},
    {NULL, "atlas_schema_revisions", {NULL}, 0, "Atlas"},
    {NULL, "refinery_schema_history", {NULL}, 0, "refinery"},
    {NULL, "databasechangelog", {NULL}, 0, "Liquibase"},
    {"graphile_migrate", "migrations", {NULL}, 0, "graphile-migrate"},
    {NULL, "schema_version", {"installed_rank"}, 0, "Flyway"},
    {NULL, "schema_version", {"installed_by"}, 0, "yandex-pgmigrate"},
    {NULL, "schema_version", {"version"}, 1, "tern"},
    {NULL, "_yoyo_migration", {NULL}, 0, "yoyo"},
    {NULL, "_yoyo_log", {NULL}, 0, "yoyo"},
    {"hdb_catalog", "hdb_version", {NULL}, 0, "Hasura"},
    {"hdb_catalog", "schema_migrations", {NULL}, 0, "Hasura"},
    {NULL, "gorp_migrations", {NULL}, 0, "sql-migrate"},
    {NULL, "changelog", {"applied_at", "description"}, 0, "MyBatis Migrations"},
    {NULL, "changelog", {"checksum", "installed_on"}, 0, "Evolve"},
    {NULL, "play_evolutions", {NULL}, 0, "Play evolutions"},
    {NULL, "bun_migrations", {NULL}, 0, "bun"},
    {NULL, "shmig_version", {NULL}, 0, "shmig"},
    {NULL, "micrate_db_version", {NULL}, 0, "micrate"},
    {NULL, "schemaversions", {"scriptname", "applied"}, 0, "DbUp"},
    {NULL, "scriptsrun", {NULL}, 0, "grate"},
    {NULL, "__efmigrationshistory", {NULL}, 0, "Entity Framework Core"},
    {NULL, "migrations", {"timestamp", "name"}, 0, "TypeORM"},
    {NULL, "migrations", {"migration", "batch"}, 0, "Laravel"},
    {NULL, "migrations", {"migration"}, 1, "rambler"},
    {NULL, "mikro_orm_migrations", {NULL}, 0, "MikroORM"},
    {NULL, "kysely_migration", {NULL}, 0, "Kysely"},
    {NULL, "knex_migrations", {NULL}, 0, "Knex"},
    {NULL, "sequelizemeta", {NULL}, 0, "Sequelize"},
    {NULL, "seaql_migrations", {NULL}, 0, "SeaORM"},
    {NULL, "alembic_version", {NULL}, 0, "Alembic"},
    {NULL, "django_migrations", {NULL}, 0, "Django"},
    {NULL, "doctrine_migration_versions", {NULL}, 0, "Doctrine"},
    {NULL, "phinxlog", {NULL}, 0, "Phinx"},
    {NULL, "schema_migrations", {"version", "inserted_at"}, 0, "Ecto"},
    {"pgroll", "migrations", {NULL}, 0, "pgroll"},
    {"reshape", "migrations", {NULL}, 0, "Reshape"},
    {NULL, "schema_migrations", {"version", "dirty"}, 0, "golang-migrate"},
    {NULL, "goose_db_version", {NULL}, 0, "goose"},
    {NULL, "__diesel_schema_migrations", {NULL}, 0, "Diesel"},
    {NULL, "_prisma_migrations", {NULL}, 0, "Prisma"},
    {NULL, "flyway_schema_history", {NULL}, 0, "Flyway"},
    {"sqitch", "changes", {NULL}, 0, "Sqitch"},
    {NULL, "pgmigrations", {"name", "run_on"}, 0, "node-pg-migrate"},
    {NULL, "schemaversion", {"version", "run_at"}, 0, "postgrator"},
    {NULL, "schema_migration", {"version"}, 0, "Pop"},
    {NULL, "db_migrations", {"version", "name"}, 2, "morph"},
    {NULL, "ar_internal_metadata", {NULL}, 0, "Rails"},
    {"public", "schema_migrations", {"version"}, 1, "dbmate"},
};

/* Locks, versions and histories that do not tell which tool they are of. */
static const known_table OTHERS[] = {
    {NULL, "schema_migrations", {NULL}, 0, NULL},
    {NULL, "schema_info", {"version"}, 0, NULL},
    {NULL, "schema_version", {"version"}, 0, NULL},
    {NULL, "schemaversion", {"version"}, 0, NULL},
    {NULL, "migrate_version", {NULL}, 0, NULL},
    {NULL, "migrations", {"name", "run_on"}, 0, NULL},
    {NULL, "migrations", {"hash", "executed_at"}, 0, NULL},
    {NULL, "databasechangeloglock", {NULL}, 0, NULL},
    {NULL, "knex_migrations_lock", {NULL}, 0, NULL},
    {NULL, "kysely_migration_lock", {NULL}, 0, NULL},
    {NULL, "bun_migration_locks", {NULL}, 0, NULL},
    {NULL, "play_evolutions_lock", {NULL}, 0, NULL},
    {NULL, "yoyo_lock", {NULL}, 0, NULL},
    {NULL, "_yoyo_version", {NULL}, 0, NULL},
    {NULL, "scriptsrunerrors", {NULL}, 0, NULL},
};

/* A tool's own. */
static const char *const SCHEMAS[] = {
    "sqitch", "pgroll", "reshape", "hdb_catalog", "supabase_migrations", "graphile_migrate", "drizzle"};

bool rh_listed_table_has(const rh_listed_table *table, const char *column)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcasecmp(table->columns[i], column) == 0)
            return true;
    return false;
}

static const known_table *find(const known_table *known, size_t count, const rh_listed_table *table)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(known[i].table, table->name) != 0 ||
            (known[i].schema && strcmp(known[i].schema, table->schema) != 0) ||
            (known[i].column_count && known[i].column_count != table->column_count))
            continue;
        bool all = true;
        for (size_t c = 0; c < 3 && known[i].columns[c]; c++)
            all = all && rh_listed_table_has(table, known[i].columns[c]);
        if (all)
            return &known[i];
    }
    return NULL;
}

const char *rh_history_tool(const rh_listed_table *table)
{
    const known_table *known = find(HISTORIES, sizeof HISTORIES / sizeof *HISTORIES, table);
    return known ? known->tool : NULL;
}

bool rh_is_tool_table(const rh_listed_table *table)
{
    for (size_t i = 0; i < sizeof SCHEMAS / sizeof *SCHEMAS; i++)
        if (strcmp(SCHEMAS[i], table->schema) == 0)
            return true;
    return rh_history_tool(table) || find(OTHERS, sizeof OTHERS / sizeof *OTHERS, table);
}
