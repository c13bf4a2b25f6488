#include "chain.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_LABEL = 64 << 10, LONGEST = 1000 };

/* The directory of PARENT whose backup starts at LSN, and its label; NULL: there is none. */
static const char *find(const char *parent, uint64_t lsn, rh_arena *arena, rh_backup_label *label)
{
    char **names = NULL;
    size_t count = 0;
    rh_directory_list(parent, arena, &names, &count, NULL);
    for (size_t i = 0; i < count; i++) {
        const char *path = rh_arena_printf(arena, "%s/%s", parent, names[i]);
        const char *text =
            rh_file_read(rh_arena_printf(arena, "%s/backup_label", path), LARGEST_LABEL, arena, NULL, NULL);
        if (text && rh_backup_label_parse(text, arena, label) && label->start_lsn == lsn)
            return path;
    }
    return NULL;
}

/* The chain, the full backup first, as pg_combinebackup takes it; NULL: incomplete, and *MISSING is where the
 * backup that is not there starts. */
static const char *collect(const char *path, const char *parent, const rh_backup_label *last, rh_arena *arena,
                           const char **missing)
{
    const char *chain = path;
    rh_backup_label label = *last;
    for (int i = 0; i < LONGEST && label.incremental_from; i++) {
        uint64_t from;
        *missing = label.incremental_from;
        const char *found =
            rh_lsn_parse(label.incremental_from, &from) ? find(parent, from, arena, &label) : NULL;
        if (!found)
            return NULL;
        chain = rh_arena_printf(arena, "%s, %s", found, chain);
    }
    return label.incremental_from ? NULL : chain;
}

bool rh_physical_refuse_chain(const char *path, const rh_backup_label *label, rh_error *error)
{
    rh_arena *arena = rh_arena_new();
    const char *missing = NULL;
    char *real = realpath(path, NULL), *slash = real ? strrchr(real, '/') : NULL;
    const char *parent = slash ? rh_arena_strndup(arena, real, (size_t)(slash - real)) : ".";
    const char *chain = collect(real ? real : path, parent, label, arena, &missing);
    rh_error_set(
        error, RH_ERROR_BACKUP,
        "%s is an incremental backup: it has only the blocks that changed since the backup that starts at %s",
        path, label->incremental_from);
    if (chain)
        rh_error_hint(
            error,
            "combine its chain, after pg_verifybackup of each, with the pg_combinebackup of that version: "
            "backup: {command: [pg_combinebackup, -o, $PGDATA, %s]}",
            chain);
    else
        rh_error_hint(
            error,
            "the backup that starts at %s (its backup_label says so) is not in %s: put the whole chain there, "
            "or combine it with pg_combinebackup elsewhere, and name the result",
            missing, parent);
    rh_error_at(error, path, 0, 0);
    free(real);
    rh_arena_free(arena);
    return false;
}
