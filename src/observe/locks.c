#include "pgrehearse/observe/counters.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include "relations.h"
#include "embedded/observe.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Of the session PID over PG, which is the tool's own then; 0: of PG's own. */
static rh_held *read_held(rh_pg *pg, int pid, rh_arena *arena, size_t *count, rh_error *error)
{
    enum { OID, MODE, NAME, KIND, OWNER, TEMPORARY, MADE, OWNER_NAME };
    char text[16];
    snprintf(text, sizeof text, "%d", pid);
    const char *whose = pid ? text : NULL;
    rh_pg_result *result = pid ? rh_pg_query_again(pg, rh_sql_held_locks, 1, &whose, error)
                               : rh_pg_query(pg, rh_sql_held_locks, 1, &whose, error);
    if (!result) {
        rh_error_context(error, "reading the locks of a session");
        return NULL;
    }
    *count = rh_pg_rows(result);
    rh_held *held = rh_arena_alloc(arena, (*count + 1) * sizeof *held);
    for (size_t i = 0; i < *count; i++) {
        held[i] = (rh_held){.oid = rh_pg_int(result, i, OID, 0),
                            .owner = rh_pg_int(result, i, OWNER, 0),
                            .name = rh_arena_strdup(arena, rh_pg_value(result, i, NAME)),
                            .owner_name = rh_arena_strdup(arena, rh_pg_value(result, i, OWNER_NAME)),
                            .mode = rh_lock_mode_named(rh_pg_value(result, i, MODE)),
                            .is_private = rh_pg_bool(result, i, TEMPORARY) || rh_pg_bool(result, i, MADE),
                            .held_s = RH_NOT_MEASURED};
    }
    rh_pg_result_free(result);
    return held;
}

/* Over SIDE, where what is not committed has not happened: a dropped relation still has its name, and what
 * has none here either was made and dropped by the transaction itself (the new heap of a rewrite) and
 * concerns no other session. Returns how many remain. */
static size_t name_dropped(rh_pg *side, rh_arena *arena, rh_held *held, size_t count)
{
    enum { OID, NAME, KIND, OWNER, TEMPORARY, MADE_BY, OWNER_NAME };
    rh_text sql = {0};
    for (size_t i = 0; i < count; i++)
        if (!held[i].name)
            rh_text_printf(&sql, "%s%" PRId64, sql.length ? "," : "SET pgrehearse.relations = '{",
                           held[i].oid);
    if (sql.length == 0)
        return count;
    rh_text_append(&sql, "}'; ");
    rh_text_append(&sql, rh_sql_relations);
    rh_pg_result *result = rh_pg_query(side, rh_text_string(&sql), 0, NULL, NULL);
    rh_text_release(&sql);
    if (!result)
        return count;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t row = 0; !held[i].name && row < rh_pg_rows(result); row++) {
            if (rh_pg_int(result, row, OID, 0) != held[i].oid)
                continue;
            held[i].name = rh_arena_strdup(arena, rh_pg_value(result, row, NAME));
            held[i].owner = rh_pg_int(result, row, OWNER, 0);
            held[i].owner_name = rh_arena_strdup(arena, rh_pg_value(result, row, OWNER_NAME));
        }
        if (held[i].name)
            held[kept++] = held[i];
    }
    rh_pg_result_free(result);
    return kept;
}

bool rh_locks_held_with(rh_pg *pg, rh_pg *side, rh_arena *arena, rh_lock **locks, size_t *count,
                        rh_error *error)
{
    size_t held_count = 0;
    rh_held *held = read_held(pg, 0, arena, &held_count, error);
    if (!held)
        return false;
    if (side)
        held_count = name_dropped(side, arena, held, held_count);
    rh_held_fold(held, held_count, arena, locks, count);
    return true;
}

bool rh_locks_held(rh_pg *pg, rh_arena *arena, rh_lock **locks, size_t *count, rh_error *error)
{
    return rh_locks_held_with(pg, NULL, arena, locks, count, error);
}

bool rh_locks_of_pid(rh_pg *side, int pid, rh_arena *arena, rh_lock **locks, size_t *count, rh_error *error)
{
    size_t held_count = 0, known = 0;
    rh_held *held = read_held(side, pid, arena, &held_count, error);
    if (!held)
        return false;
    for (size_t i = 0; i < held_count; i++)
        if (held[i].name)
            held[known++] = held[i];
    rh_held_fold(held, known, arena, locks, count);
    return true;
}
