/* Indexes that a CONCURRENTLY left invalid. */
#include "pgrehearse/snapshot/snapshot.h"
#include "embedded/snapshot.h"

bool rh_invalid_indexes(rh_pg *pg, rh_arena *arena, const char ***names, size_t *count, rh_error *error)
{
    *names = NULL;
    *count = 0;
    rh_pg_result *result = rh_pg_query(pg, rh_sql_invalid_indexes, 0, NULL, error);
    for (size_t i = 0; result && i < rh_pg_rows(result); i++)
        *rh_arena_add(arena, names, count) = rh_arena_strdup(arena, rh_pg_value(result, i, 0));
    rh_pg_result_free(result);
    return result != NULL;
}
