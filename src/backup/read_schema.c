/* The backup's definitions as SQL, without a server: what `plan --safer` knows of tables that are there
 * already. */
#include "pgrehearse/backup/backup.h"
#include "pgrehearse/backup/dump_stream.h"
#include "pgrehearse/backup/toc.h"
#include <string.h>
#include <strings.h>

typedef struct reading {
    rh_arena *arena;
    const char ***texts;
    size_t *count;
} reading;

static void keep(reading *r, const char *text, size_t length)
{
    *(const char **)rh_arena_add(r->arena, r->texts, r->count, sizeof **r->texts) =
        rh_arena_strndup(r->arena, text, length);
}

static bool take(void *user, const rh_dump_piece *piece, rh_error *error)
{
    (void)error;
    static const char *const words[] = {"create", "alter", "comment", "grant"};
    reading *r = user;
    const char *text = piece->bytes + piece->start;
    for (size_t i = 0; piece->kind == RH_DUMP_STATEMENT && i < sizeof words / sizeof *words; i++)
        if (strncasecmp(text, words[i], strlen(words[i])) == 0) {
            keep(r, text, piece->length - piece->start);
            break;
        }
    return true;
}

bool rh_backup_read_schema(const rh_backup_facts *facts, rh_arena *arena, const char ***texts, size_t *count,
                           rh_error *error)
{
    reading r = {.arena = arena, .texts = texts, .count = count};
    *texts = NULL;
    *count = 0;
    if (facts->shape == RH_SHAPE_PLAIN)
        return rh_dump_stream(facts, take, &r, NULL, "", error);
    rh_toc toc = {0};
    if (!rh_toc_read_path(facts->path, arena, &toc, error))
        return false;
    for (size_t i = 0; i < toc.entry_count; i++)
        if (*toc.entries[i].definition)
            keep(&r, toc.entries[i].definition, strlen(toc.entries[i].definition));
    return true;
}
