/* Tools by their history tables. */
#include "other_tools.h"
#include <string.h>
#include <strings.h>

static const rh_tool TOOLS[] = {
    {"Drizzle", "drizzle", "all", false, NULL},
    {"Drizzle 1.0", NULL, "all", false, "prisma"},
    {"sqlx", "sqlx", "file", false, "golang-migrate"},
    {"Supabase", NULL, "file", false, NULL},
    {"Atlas", NULL, "file", false, NULL},
    {"refinery", NULL, "file", false, "flyway"},
    {"Liquibase", NULL, "file", false, NULL},
    {"graphile-migrate", NULL, "file", false, NULL},
    {"tern", NULL, "file", false, NULL},
    {"yandex-pgmigrate", NULL, "all", false, "flyway"},
    {"yoyo", NULL, "file", false, NULL},
    {"Hasura", NULL, "file", false, "diesel"},
    {"sql-migrate", NULL, "file", false, NULL},
    {"MyBatis Migrations", NULL, "file", false, NULL},
    {"Play evolutions", NULL, "each", false, NULL},
    {"bun", NULL, "file", false, "golang-migrate"},
    {"shmig", NULL, "file", false, NULL},
    {"micrate", NULL, "each", false, NULL},
    {"rambler", NULL, "each", false, NULL},
    {"DbUp", NULL, "file", false, NULL},
    {"grate", NULL, "file", false, NULL},
    {"Evolve", NULL, "file", false, "flyway"},
    {"Entity Framework Core", NULL, NULL, true, NULL},
    {"TypeORM", NULL, NULL, true, NULL},
    {"MikroORM", NULL, NULL, true, NULL},
    {"Kysely", NULL, NULL, true, NULL},
    {"Knex", NULL, NULL, true, NULL},
    {"Sequelize", NULL, NULL, true, NULL},
    {"SeaORM", NULL, NULL, true, NULL},
    {"Alembic", NULL, NULL, true, NULL},
    {"Django", NULL, NULL, true, NULL},
    {"Laravel", NULL, NULL, true, NULL},
    {"Doctrine", NULL, NULL, true, NULL},
    {"Phinx", NULL, NULL, true, NULL},
    {"Ecto", NULL, NULL, true, NULL},
    {"pgroll", NULL, NULL, true, NULL},
    {"Reshape", NULL, NULL, true, NULL},
    {"golang-migrate", "golang-migrate", NULL, false, NULL},
    {"goose", "goose", NULL, false, NULL},
    {"Diesel", "diesel", NULL, false, NULL},
    {"Prisma", "prisma", NULL, false, NULL},
    {"Flyway", "flyway", NULL, false, NULL},
    {"Sqitch", "sqitch", NULL, false, NULL},
    {"node-pg-migrate", "node-pg-migrate", NULL, false, NULL},
    {"postgrator", "postgrator", NULL, false, NULL},
    {"Pop", "pop", NULL, false, NULL},
    {"morph", "morph", NULL, false, NULL},
    {"Rails", "rails", NULL, false, NULL},
    {"dbmate", "dbmate", NULL, false, NULL},
};

/* Where several tools use one name the columns tell: all that are listed are there. The first row that fits
 * counts. */
static const struct {
    const char *schema, *table; /* schema NULL: in any */
    const char *columns[3];
    size_t column_count; /* the table has just so many; 0: any number */
    const char *tool;
} TABLES[] = {
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

const rh_tool *rh_tool_named(const char *name)
{
    for (size_t i = 0; i < sizeof TOOLS / sizeof *TOOLS; i++)
        if (strcmp(TOOLS[i].name, name) == 0)
            return &TOOLS[i];
    return NULL;
}

static bool has_column(const rh_listed_table *table, const char *column)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcasecmp(table->columns[i], column) == 0)
            return true;
    return false;
}

const rh_tool *rh_tool_of_table(const rh_listed_table *table)
{
    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++) {
        if (strcasecmp(TABLES[i].table, table->name) != 0 ||
            (TABLES[i].schema && strcmp(TABLES[i].schema, table->schema) != 0) ||
            (TABLES[i].column_count && TABLES[i].column_count != table->column_count))
            continue;
        bool all = true;
        for (size_t c = 0; c < 3 && TABLES[i].columns[c]; c++)
            all = all && has_column(table, TABLES[i].columns[c]);
        if (all)
            return rh_tool_named(TABLES[i].tool);
    }
    return NULL;
}

bool rh_tool_may_be_history(const rh_listed_table *table)
{
    static const char *const parts[] = {"migrat",        "schema_version", "schemaversion", "schema_history",
                                        "schemahistory", "db_version",     "dbversion",     "changelog"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcasestr(table->name, parts[i]))
            return true;
    return has_column(table, "version") && has_column(table, "dirty") && table->column_count == 2;
}

const char *rh_tool_advice(const rh_tool *tool, rh_arena *arena)
{
    if (tool->framework && tool->transaction)
        return rh_arena_printf(arena,
                               "Set migrations.framework: %s; or, for plain SQL files, framework: sql, "
                               "migrations.transaction: %s, and list in migrations.pending what is pending.",
                               tool->framework, tool->transaction);
    if (tool->framework)
        return rh_arena_printf(
            arena,
            "If these are %s's migrations, set migrations.framework: %s; if they are plain SQL files, "
            "set migrations.framework: sql and list in migrations.pending what is pending.",
            tool->name, tool->framework);
    if (tool->programs)
        return rh_arena_printf(
            arena,
            "Run %s itself by migrations.command; if these are plain SQL files that are not its own, set "
            "migrations.framework: sql and list in migrations.pending what is pending.",
            tool->name);
    return rh_arena_printf(arena,
                           "Run %s itself by migrations.command; or set migrations.framework: sql, "
                           "migrations.transaction: %s, and list in migrations.pending what is pending.",
                           tool->name, tool->transaction);
}
