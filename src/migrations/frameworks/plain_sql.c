/* Plain SQL files in the natural order of their names, each run as `psql -v ON_ERROR_STOP=1 -f FILE` runs it:
 * a statement at a time, every one by itself but for the file's own BEGIN … COMMIT.
 *
 *     NAME.sql or NAME.up.sql                                   the way up; NAME is the id
 *     NAME.down.sql, NAME.undo.sql, NAME.rollback.sql, down/NAME.sql   its way down
 *
 * There is no history table, so nothing counts as applied.
 */
#include "frameworks.h"
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

/* Every layout's files end in .sql: this one is what is left. */
static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    (void)folder;
    *why =
        rh_arena_printf(arena, "%zu file%s named as plain SQL names %s, such as %s", list->count,
                        list->count == 1 ? "" : "s", list->count == 1 ? "it" : "them", list->files[0].file);
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
    .lone_down = RH_LONE_DOWN_IGNORED,
    .down_folder = "down",
    .session_a_file = true,
};
