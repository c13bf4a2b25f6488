#include "join.h"
#include <string.h>

/* SECOND's statements behind FIRST's, each with its file. */
static void append(rh_script *first, const rh_script *second, rh_arena *arena)
{
    const size_t count = first->statement_count + second->statement_count;
    rh_statement *statements = rh_arena_alloc(arena, (count + 1) * sizeof *statements);
    for (size_t i = 0; i < count; i++) {
        const rh_script *from = i < first->statement_count ? first : second;
        statements[i] = from->statements[from == first ? i : i - first->statement_count];
        statements[i].ordinal = (int)i + 1;
        if (!statements[i].file)
            statements[i].file = from->file;
    }
    first->statements = statements;
    first->statement_count = count;
}

static void join_two(rh_migration *first, rh_migration *next, rh_arena *arena)
{
    /* a down migration without statements is one that the tool runs; the set has none where a member has none
     */
    const bool can_go_down =
        (first->has_down || first->down_is_empty) && (next->has_down || next->down_is_empty);
    append(&first->up, &next->up, arena);
    if (can_go_down) {
        rh_script down = next->down;
        append(&down, &first->down, arena);
        first->down = down;
    }
    first->down_is_empty = can_go_down && first->down_is_empty && next->down_is_empty;
    first->has_down = can_go_down && !first->down_is_empty;
    first->rollback.has_down = first->has_down;
    first->rollback.down_is_empty = first->down_is_empty;
    next->up.statement_count = next->down.statement_count = 0; /* they are the first one's */
    next->pending = false;
    next->joined_id = first->id;
    next->skipped = rh_arena_printf(arena, "it runs in one transaction with %s", first->id);
}

void rh_plan_join(rh_plan *plan, rh_arena *arena)
{
    rh_migration *first = NULL;
    const char *alone = NULL;
    size_t joined = 1;
    for (size_t i = 0; i < plan->migration_count; i++) {
        rh_migration *migration = &plan->migrations[i];
        if (migration->command && migration->pending)
            first = NULL; /* a program between them ends the tool's run */
        if (migration->command || !migration->pending)
            continue;
        if (!first) {
            first = migration;
            joined = 1;
            continue;
        }
        if (joined == 1)
            alone = first->name;
        join_two(first, migration, arena);
        first->name =
            rh_arena_printf(arena, "%s … %s (%zu in one transaction)", alone, migration->name, ++joined);
        plan->pending_count--;
    }
}
