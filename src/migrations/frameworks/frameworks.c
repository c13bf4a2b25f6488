#include "frameworks.h"
#include "pgrehearse/adapters/files.h"
#include <string.h>

/* clang-format off */
static const rh_framework_rules *const FRAMEWORKS[] = {
    &rh_framework_golang_migrate,
    &rh_framework_dbmate,
    &rh_framework_goose,
    &rh_framework_diesel,
    &rh_framework_prisma,
    &rh_framework_flyway,
    &rh_framework_pop,
    &rh_framework_morph,
    &rh_framework_postgrator,
    &rh_framework_sqitch,
    &rh_framework_node_pg_migrate,
    &rh_framework_rails,
    &rh_framework_drizzle,
    &rh_framework_sqlx,
    &rh_framework_sql,
};
/* clang-format on */

const rh_framework_rules *rh_framework_rules_at(size_t index)
{
    return index < sizeof FRAMEWORKS / sizeof *FRAMEWORKS ? FRAMEWORKS[index] : NULL;
}

const rh_framework_rules *rh_framework_rules_of(rh_framework framework)
{
    for (size_t i = 0; i < sizeof FRAMEWORKS / sizeof *FRAMEWORKS; i++)
        if (FRAMEWORKS[i]->framework == framework)
            return FRAMEWORKS[i];
    return &rh_framework_sql;
}

void rh_blank(char *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (text[i] != '\n' && text[i] != '\r')
            text[i] = ' ';
}

/* Past this a file is no migration whose first lines would be looked at. */
static const int64_t MARK_LIMIT = INT64_C(16) * 1024 * 1024;

static bool has_line(const char *text, const char *mark)
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line + strspn(line, " \t"), mark, strlen(mark)) == 0)
            return true;
    return false;
}

const char *rh_find_mark(const rh_migration_files *list, const char *mark, rh_arena *arena)
{
    for (size_t i = 0; i < list->count; i++) {
        rh_arena *scratch = rh_arena_new();
        char *text = rh_file_read(list->files[i].path, MARK_LIMIT, scratch, NULL, NULL);
        bool found = text && has_line(text, mark);
        rh_arena_free(scratch);
        if (found)
            return rh_arena_strdup(arena, list->files[i].file);
    }
    return NULL;
}

bool rh_refuse_file(const char *path, int line, const char *tool, const char *reason, const char *hint,
                    rh_error *error)
{
    rh_error_set(error, RH_ERROR_SCENARIO, "%s refuses this file: %s", tool, reason);
    if (hint)
        rh_error_hint(error, "%s", hint);
    return rh_error_at(error, path, line, 0);
}
