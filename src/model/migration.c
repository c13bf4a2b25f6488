#include "pgrehearse/model/migration.h"

rh_failure *rh_failure_of_error(const rh_error *error, rh_arena *arena)
{
    rh_failure *failure = rh_arena_alloc(arena, sizeof *failure);
    failure->message = rh_arena_strdup(arena, error->message);
    failure->sqlstate = error->sqlstate[0] ? rh_arena_strdup(arena, error->sqlstate) : NULL;
    failure->hint = rh_arena_strdup(arena, error->hint);
    failure->file = rh_arena_strdup(arena, error->file);
    failure->line = error->line;
    failure->column = error->column;
    return failure;
}
