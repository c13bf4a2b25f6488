#include "cluster_dump.h"
#include "database.h"
#include "dump_stream.h"
#include "statement.h"
#include "pgrehearse/base/text.h"
#include <string.h>

typedef struct database {
    char name[RH_NAME_SIZE];
    bool holds; /* anything of an application */
    rh_database_facts facts;
} database;

typedef struct databases {
    rh_arena *arena;
    database *list;
    size_t count;
    size_t current; /* 1 + place in the list; 0 before the first \connect */
} databases;

/* Its place in the list. */
static size_t find_database(databases *found, const char *name)
{
    size_t at = 0;
    while (at < found->count && strcmp(found->list[at].name, name) != 0)
        at++;
    if (at == found->count) {
        database *added = rh_arena_add(found->arena, &found->list, &found->count);
        memcpy(added->name, name, RH_NAME_SIZE);
    }
    return at;
}

/* What pg_dump writes of every database, and extensions and schemas that a maintenance database may have too,
 * do not count. */
static bool is_content(const rh_dump_statement *statement)
{
    return statement->kind == RH_STATEMENT_COPY_IN ||
           (statement->kind == RH_STATEMENT_OTHER && statement->defines && !statement->only_roles);
}

static bool note_piece(void *user, const rh_dump_piece *piece, rh_error *error)
{
    (void)error;
    databases *found = user;
    const char *sql = piece->bytes + piece->start;
    size_t length = piece->length - piece->start;
    rh_dump_words words = {sql, sql + length};
    char name[RH_NAME_SIZE] = "";
    if (piece->kind == RH_DUMP_COMMAND && rh_dump_words_skip(&words, "\\")) {
        if (rh_dump_words_skip(&words, "restrict") || rh_dump_words_skip(&words, "unrestrict"))
            return true;
        rh_dump_connect_name(&words, name);
        found->current = find_database(found, name) + 1;
    } else if (piece->kind == RH_DUMP_STATEMENT) {
        rh_dump_statement statement;
        rh_dump_statement_read(sql, length, &statement);
        bool named = statement.kind == RH_STATEMENT_DATABASE || statement.kind == RH_STATEMENT_DATABASE_GRANT;
        size_t at = named ? find_database(found, statement.name) + 1 : found->current;
        bool encoding = statement.kind == RH_STATEMENT_SET && strcmp(statement.name, "client_encoding") == 0;
        if (at > 0 && (named || encoding))
            rh_database_note(&found->list[at - 1].facts, sql, length, found->arena);
        if (at > 0 && !named && is_content(&statement))
            found->list[at - 1].holds = true;
    }
    return true;
}

/* How many of them may be the application's, each named in NAMES; *CHOSEN is the last. WHOLE: only those that
 * hold anything; else any that initdb did not make. */
static size_t list_candidates(const databases *found, bool whole, rh_text *names, const database **chosen)
{
    size_t count = 0;
    rh_text_clear(names);
    for (size_t i = 0; i < found->count; i++) {
        const database *d = &found->list[i];
        bool own = strcmp(d->name, "template1") != 0 && (whole || strcmp(d->name, "postgres") != 0);
        if (!own || (whole && !d->holds))
            continue;
        *chosen = d;
        rh_text_printf(names, "%s%s", count++ ? ", " : "", d->name);
    }
    return count;
}

bool rh_cluster_dump_choose(rh_backup_facts *facts, rh_arena *arena, const rh_progress *progress,
                            const char *stage, rh_error *error)
{
    databases found = {.arena = arena};
    const database *chosen = NULL;
    rh_text names = {0};
    if (!rh_dump_stream(facts, note_piece, &found, progress, stage, error))
        return false;
    size_t count = list_candidates(&found, true, &names, &chosen);
    if (count == 0)
        count = list_candidates(&found, false, &names, &chosen);
    if (count == 1) {
        facts->dumpall_database = chosen->name;
        facts->database = chosen->facts;
    } else if (count > 1) {
        rh_error_set(error, RH_ERROR_BACKUP, "%s is a pg_dumpall of %zu databases (%s)", facts->path, count,
                     rh_text_string(&names));
    } else {
        rh_error_set(error, RH_ERROR_BACKUP, "%s is a pg_dumpall without a database of an application",
                     facts->path);
    }
    rh_text_release(&names);
    if (count == 1)
        return true;
    rh_error_hint(error, "dump the one to rehearse on with pg_dump");
    return rh_error_at(error, facts->path, 0, 0);
}
