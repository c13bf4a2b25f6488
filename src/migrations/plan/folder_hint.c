#include "folder_hint.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <stdint.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *ending, *words; /* WORDS are in the file; NULL: whatever is in it */
    const char *tool, *command;
} PROGRAMS[] = {
    {".py", "from alembic", "Alembic", "[alembic, upgrade, head]"},
    {".py", "django.db", "Django", "[./manage.py, migrate]"},
    {".py", NULL, NULL, "[alembic, upgrade, head] or [./manage.py, migrate]"},
    {".rb", NULL, "Rails", "[bin/rails, db:migrate]"},
    {".exs", NULL, "Ecto", "[mix, ecto.migrate]"},
    {".php", "Illuminate", "Laravel", "[php, artisan, migrate]"},
    {".php", "Doctrine", "Doctrine", "[php, bin/console, doctrine:migrations:migrate, -n]"},
    {".php", NULL, NULL, "[php, artisan, migrate]"},
    {".cs", NULL, "Entity Framework Core", "[dotnet, ef, database, update]"},
    {"s", "queryInterface", "Sequelize", "[npx, sequelize-cli, db:migrate]"},
    {"s", "MigrationInterface", "TypeORM", "[npx, typeorm, migration:run]"},
    {"s", "mikro-orm", "MikroORM", "[npx, mikro-orm, migration:up]"},
    {"s", "kysely", "Kysely", "[npx, kysely, migrate:latest]"},
    {"s", "knex", "Knex", "[npx, knex, migrate:latest]"},
    {"s", "pgm", "node-pg-migrate", "[npx, node-pg-migrate, up]"},
    {".js", NULL, NULL, "[npx, knex, migrate:latest]"},
    {".cjs", NULL, NULL, "[npx, knex, migrate:latest]"},
    {".mjs", NULL, NULL, "[npx, knex, migrate:latest]"},
    {".ts", NULL, NULL, "[npx, typeorm, migration:run]"},
    {".rs", NULL, "SeaORM or another tool in Rust", "[cargo, run, --, up]"},
    {".go", NULL, "a tool in Go", "[./migrate]"},
    {".java", NULL, "a tool in Java", "[flyway, migrate]"},
    {".kt", NULL, "a tool in Kotlin", "[./gradlew, migrate]"},
    {".xml", "databaseChangeLog", "Liquibase", "[liquibase, update]"},
    {".yaml", "databaseChangeLog", "Liquibase", "[liquibase, update]"},
    {".yml", "databaseChangeLog", "Liquibase", "[liquibase, update]"},
    {".json", "databaseChangeLog", "Liquibase", "[liquibase, update]"},
    {".yaml", "operations:", "pgroll", "[pgroll, migrate, .]"},
    {".json", "\"operations\"", "pgroll", "[pgroll, migrate, .]"},
};

/* How far below the folder is looked. */
enum { DEPTH = 3 };

static bool is_script(const char *name)
{
    static const char *const endings[] = {".js", ".cjs", ".mjs", ".ts", ".cts", ".mts"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (rh_ends_with(name, endings[i]))
            return true;
    return false;
}

/* The hint for a program; NULL: it is none. */
static const char *program_hint(const char *path, const char *name, rh_arena *arena)
{
    const char *text = NULL;
    for (size_t i = 0; i < sizeof PROGRAMS / sizeof *PROGRAMS; i++) {
        const bool any_script = strcmp(PROGRAMS[i].ending, "s") == 0;
        if (any_script ? !is_script(name) : !rh_ends_with(name, PROGRAMS[i].ending))
            continue;
        if (PROGRAMS[i].words && !text)
            text = rh_file_read(path, INT64_C(1) << 20, arena, NULL, NULL);
        if (PROGRAMS[i].words && (!text || !strcasestr(text, PROGRAMS[i].words)))
            continue;
        return rh_arena_printf(
            arena,
            "%s is a program%s%s, not SQL: run the tool by migrations.command, such as %s, instead of "
            "migrations.path.",
            name, PROGRAMS[i].tool ? " of " : "", PROGRAMS[i].tool ? PROGRAMS[i].tool : "",
            PROGRAMS[i].command);
    }
    return NULL;
}

/* SQL in FOLDER/BELOW or further down goes before a program. */
static const char *search(const char *folder, const char *below, int depth, const char **program,
                          rh_arena *arena)
{
    char **names;
    size_t count;
    const char *here = *below ? rh_arena_printf(arena, "%s/%s", folder, below) : folder;
    if (!rh_directory_list(here, arena, &names, &count, NULL))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const char *path = rh_arena_printf(arena, "%s/%s", here, names[i]), *hint = NULL;
        const size_t length = strlen(names[i]);
        if (*names[i] == '.' || strcmp(names[i], "node_modules") == 0)
            continue;
        if (rh_directory_exists(path) && depth > 0)
            hint = search(folder, *below ? rh_arena_printf(arena, "%s/%s", below, names[i]) : names[i],
                          depth - 1, program, arena);
        else if (*below && length > 4 && strcasecmp(names[i] + length - 4, ".sql") == 0)
            return rh_arena_printf(
                arena, "There is SQL in %s/ (%s): set migrations.path to the folder that holds it.", below,
                names[i]);
        else if (!*program)
            *program = program_hint(path, names[i], arena);
        if (hint)
            return hint;
    }
    return NULL;
}

const char *rh_folder_hint(const char *folder, rh_arena *arena)
{
    const char *program = NULL,
               *sql = rh_directory_exists(folder) ? search(folder, "", DEPTH, &program, arena) : NULL;
    return sql ? sql : program;
}
