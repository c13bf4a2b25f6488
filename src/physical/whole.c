#include "whole.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

enum { TRANSACTIONS_A_FILE = 32 * 8192 * 4, FIRST_NORMAL = 3 };

static bool missing(const rh_physical_facts *copy, const char *name, const char *what, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "%s lacks %s, %s", copy->path, name, what);
    rh_error_hint(error, "copy it again: the file was lost, or the copy was broken off");
    return rh_error_at(error, copy->path, 0, 0);
}

static bool check_transactions(const rh_physical_facts *copy, const char *directory,
                               const rh_control *control, rh_arena *arena, rh_error *error)
{
    uint32_t last = control->next_xid - (control->next_xid > FIRST_NORMAL), at = control->oldest_xid;
    for (at -= at % TRANSACTIONS_A_FILE;; at += TRANSACTIONS_A_FILE) {
        const char *name = rh_arena_printf(arena, "pg_xact/%04X", at / TRANSACTIONS_A_FILE);
        if (!rh_file_exists(rh_arena_printf(arena, "%s/%s", directory, name)))
            return missing(copy, name, "which says which transactions were committed", error);
        if (at / TRANSACTIONS_A_FILE == last / TRANSACTIONS_A_FILE)
            return true;
    }
}

static bool has_files(const rh_physical_facts *copy, const char *directory, const char *name, rh_arena *arena,
                      rh_error *error)
{
    char **names = NULL;
    size_t count = 0;
    if (rh_directory_exists(rh_arena_printf(arena, "%s/%s", directory, name)) &&
        !rh_directory_list(rh_arena_printf(arena, "%s/%s", directory, name), arena, &names, &count, error))
        return false;
    return count > 0 ||
           missing(copy, rh_arena_printf(arena, "the files of %s", name),
                   "without which rows would be taken for deleted or for present at random", error);
}

/* 16384.2 needs 16384.1, and that 16384. */
static bool check_segments(const rh_physical_facts *copy, const char *directory, const char *inside,
                           rh_arena *arena, rh_error *error)
{
    char **names = NULL;
    size_t count = 0;
    const char *path = rh_arena_printf(arena, "%s/%s", directory, inside);
    if (!rh_directory_list(path, arena, &names, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *dot = strchr(names[i], '.');
        long number =
            dot && dot[1] && !dot[1 + strspn(dot + 1, "0123456789")] ? strtol(dot + 1, NULL, 10) : 0;
        if (number < 1 || names[i][strspn(names[i], "0123456789")] != '.')
            continue;
        const char *relation = rh_arena_strndup(arena, names[i], (size_t)(dot - names[i]));
        const char *before = number == 1 ? rh_arena_printf(arena, "%s/%s", inside, relation)
                                         : rh_arena_printf(arena, "%s/%s.%ld", inside, relation, number - 1);
        if (!rh_file_exists(rh_arena_printf(arena, "%s/%s", directory, before)))
            return missing(copy, before, "a part of a table or an index", error);
    }
    return true;
}

static bool check_databases(const rh_physical_facts *copy, const char *directory, rh_arena *arena,
                            rh_error *error)
{
    static const char *const needed[] = {"PG_VERSION", "pg_filenode.map"};
    char **names = NULL;
    size_t count = 0;
    if (!rh_directory_list(rh_arena_printf(arena, "%s/base", directory), arena, &names, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *inside = rh_arena_printf(arena, "base/%s", names[i]);
        if (names[i][strspn(names[i], "0123456789")])
            continue;
        for (size_t k = 0; k < sizeof needed / sizeof *needed; k++) {
            const char *file = rh_arena_printf(arena, "%s/%s", inside, needed[k]);
            if (!rh_file_exists(rh_arena_printf(arena, "%s/%s", directory, file)))
                return missing(copy, file, "of a database", error);
        }
        if (!check_segments(copy, directory, inside, arena, error))
            return false;
    }
    return true;
}

bool rh_physical_check_whole(const rh_physical_facts *copy, const char *directory, const rh_control *control,
                             rh_error *error)
{
    rh_arena *arena = rh_arena_new();
    bool ok = has_files(copy, directory, "pg_xact", arena, error) &&
              has_files(copy, directory, "pg_multixact/offsets", arena, error) &&
              has_files(copy, directory, "pg_multixact/members", arena, error) &&
              (copy->label || !copy->shut_down ||
               (check_transactions(copy, directory, control, arena, error) &&
                check_databases(copy, directory, arena, error)));
    rh_arena_free(arena);
    return ok;
}
