/* Whether a backup names a role; works without restoring it. */
#include "dump_stream.h"
#include "pgrehearse/backup/backup.h"
#include "toc.h"
#include <string.h>

typedef struct search {
    const char *name;
    bool *found;
} search;

static bool visit(void *user, const rh_dump_piece *piece, rh_error *error)
{
    (void)error;
    const search *s = user;
    if (piece->kind == RH_DUMP_STATEMENT &&
        memmem(piece->bytes + piece->start, piece->length - piece->start, s->name, strlen(s->name)))
        *s->found = true;
    return true;
}

bool rh_backup_mentions(const rh_backup_facts *facts, const char *name, rh_arena *arena, bool *found,
                        rh_error *error)
{
    search s = {name, found};
    *found = facts->database.owner && strcmp(facts->database.owner, name) == 0;
    if (facts->physical) /* a role of its cluster: only a server can tell */
        *found = true;
    if (*found)
        return true;
    if (rh_dump_is_text(facts))
        return rh_dump_stream(facts, visit, &s, NULL, "", error);
    rh_toc toc = {0};
    if (!rh_toc_read_path(facts->path, arena, &toc, error))
        return false;
    for (size_t i = 0; i < toc.entry_count && !*found; i++)
        *found = strcmp(toc.entries[i].owner, name) == 0 || strstr(toc.entries[i].definition, name);
    return true;
}
