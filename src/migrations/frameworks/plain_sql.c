/* Plain SQL files in the natural order of their names, each run as `psql -v ON_ERROR_STOP=1 -f FILE` runs it:
 * a statement at a time, every one by itself but for the file's own BEGIN … COMMIT.
 *
 *     NAME.sql or NAME.up.sql                                   the way up; NAME is the id
 *     NAME.down.sql, NAME.undo.sql, NAME.rollback.sql, down/NAME.sql   its way down
 *
 * There is no history table, so nothing counts as applied.
 */
#include "frameworks.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* "add_index" of "0012_add_index"; the whole stem when nothing else follows the number. */
static const char *name_of(const char *stem)
{
    const char *rest = stem;
    while (isdigit((unsigned char)*rest) || (rest > stem && *rest == '.'))
        rest++;
    if (rest == stem)
        return stem;
    while (*rest == '_' || *rest == '-' || *rest == ' ' || *rest == '.')
        rest++;
    return *rest ? rest : stem;
}

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    static const struct {
        const char *suffix;
        rh_direction direction;
    } endings[] = {
        {".down.sql", RH_DOWN}, {".undo.sql", RH_DOWN}, {".rollback.sql", RH_DOWN},
        {".up.sql", RH_UP},     {".sql", RH_UP},
    };
    if (*file_name == '.')
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t length = strlen(file_name), ending = strlen(endings[i].suffix);
        if (length <= ending || strcasecmp(file_name + length - ending, endings[i].suffix) != 0)
            continue; /* psql does not mind how a name is written */
        file->direction = endings[i].direction;
        file->id = rh_arena_strndup(arena, file_name, strlen(file_name) - strlen(endings[i].suffix));
        file->name = name_of(file->id);
        return *file->id != '\0';
    }
    return false;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    return rh_natural_compare(a->id, b->id);
}

/* The folders in FOLDER that hold SQL which is not read, in words; "" when there is none. */
static const char *folders_not_read(const char *folder, rh_arena *arena)
{
    const char *words = "";
    char **names = NULL, **inside = NULL;
    size_t count = 0, held = 0;
    if (rh_directory_exists(folder))
        rh_directory_list(folder, arena, &names, &count, NULL);
    for (size_t i = 0; i < count; i++) {
        const char *path = rh_arena_printf(arena, "%s/%s", folder, names[i]);
        if (*names[i] == '.' || strcmp(names[i], "down") == 0 || !rh_directory_exists(path) ||
            !rh_directory_list(path, arena, &inside, &held, NULL))
            continue;
        for (size_t k = 0; k < held; k++)
            if (rh_ends_with(inside[k], ".sql")) {
                words = rh_arena_printf(arena, "%s%s %s/", words,
                                        *words ? "," : "; SQL that is not read:", names[i]);
                break;
            }
    }
    return words;
}

/* Every layout's files end in .sql: this one is what is left. */
static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    *why = rh_arena_printf(arena, "%zu file%s named as plain SQL names %s, such as %s%s", list->count,
                           list->count == 1 ? "" : "s", list->count == 1 ? "it" : "them", list->files[0].file,
                           folders_not_read(folder, arena));
    return RH_FIT_SQL;
}

const rh_framework_rules rh_framework_sql = {
    .framework = RH_FRAMEWORK_SQL,
    .name = "sql",
    .files = "NAME.sql",
    .fit = fit,
    .transaction = RH_TRANSACTION_EACH,
    .recognise = recognise,
    .compare = compare,
    .orphan_down = RH_ORPHAN_DOWN_IGNORED,
    .down_folder = "down",
    .session_a_file = true,
};
