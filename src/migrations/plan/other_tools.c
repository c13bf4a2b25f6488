/* Recognises migration tools by their history tables. */
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

const rh_tool *rh_tool_named(const char *name)
{
    for (size_t i = 0; i < sizeof TOOLS / sizeof *TOOLS; i++)
        if (strcmp(TOOLS[i].name, name) == 0)
            return &TOOLS[i];
    return NULL;
}

const rh_tool *rh_tool_of_table(const rh_listed_table *table)
{
    const char *name = rh_history_tool(table);
    return name ? rh_tool_named(name) : NULL;
}

bool rh_tool_may_be_history(const rh_listed_table *table)
{
    static const char *const parts[] = {"migrat",        "schema_version", "schemaversion", "schema_history",
                                        "schemahistory", "db_version",     "dbversion",     "changelog"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcasestr(table->name, parts[i]))
            return true;
    return rh_listed_table_has(table, "version") && rh_listed_table_has(table, "dirty") &&
           table->column_count == 2;
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
