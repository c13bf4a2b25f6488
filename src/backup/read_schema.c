/* Reads the backup's definitions as SQL, without a server, for `plan --safer`. */
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/backup/backup.h"
#include "dump_stream.h"
#include "toc.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct reading {
    rh_arena *arena;
    const char ***texts;
    size_t *count;
} reading;

static void keep(reading *r, const char *text, size_t length)
{
    *rh_arena_add(r->arena, r->texts, r->count) = rh_arena_strndup(r->arena, text, length);
}

static bool take(void *user, const rh_dump_piece *piece, rh_error *error)
{
    (void)error;
    static const char *const words[] = {"create", "alter", "comment", "grant", "revoke", "refresh"};
    reading *r = user;
    const char *text = piece->bytes + piece->start;
    for (size_t i = 0; piece->kind == RH_DUMP_STATEMENT && i < sizeof words / sizeof *words; i++)
        if (strncasecmp(text, words[i], strlen(words[i])) == 0) {
            keep(r, text, piece->length - piece->start);
            break;
        }
    return true;
}

/* The owner of a relation is beside its definition. */
static void take_entry(reading *r, const rh_toc_entry *entry)
{
    static const char *const relations[] = {"TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", NULL};
    const bool owns = rh_is_one_of(entry->desc, relations);
    if (!*entry->definition)
        return;
    keep(r, entry->definition, strlen(entry->definition));
    char *schema = rh_quote_identifier(entry->schema), *tag = rh_quote_identifier(entry->tag),
         *owner = rh_quote_identifier(entry->owner);
    if (owns && *entry->owner && *entry->schema) {
        const char *text =
            rh_arena_printf(r->arena, "ALTER %s %s.%s OWNER TO %s", entry->desc, schema, tag, owner);
        keep(r, text, strlen(text));
    }
    free(schema);
    free(tag);
    free(owner);
}

bool rh_backup_read_schema(const rh_backup_facts *facts, rh_arena *arena, const char ***texts, size_t *count,
                           rh_error *error)
{
    reading r = {.arena = arena, .texts = texts, .count = count};
    *texts = NULL;
    *count = 0;
    if (rh_dump_is_text(facts))
        return rh_dump_stream(facts, take, &r, NULL, "", error);
    rh_toc toc = {0};
    if (!rh_toc_read_path(facts->path, arena, &toc, error))
        return false;
    for (size_t i = 0; i < toc.entry_count; i++)
        take_entry(&r, &toc.entries[i]);
    return true;
}
