/* The definitions of the rehearsed database, read from the server's catalogs: a physical copy has no other
 * text of them, and there may be no pg_dump of its version. */
#include "embedded/staging.h"
#include "pgrehearse/staging/staging.h"
#include "state.h"

bool rh_staging_read_definitions(rh_staging *staging, rh_arena *arena, const char ***texts, size_t *count,
                                 rh_error *error)
{
    *texts = NULL;
    *count = 0;
    rh_pg *pg = rh_staging_connect(staging, staging->database, ": definitions", error);
    rh_pg_result *rows = pg && rh_pg_execute(pg, "SET search_path = pg_catalog", error)
                             ? rh_pg_query(pg, rh_sql_copy_definitions, 0, NULL, error)
                             : NULL;
    for (size_t i = 0; rows && i < rh_pg_rows(rows); i++)
        *rh_arena_add(arena, texts, count) = rh_arena_strdup(arena, rh_pg_value(rows, i, 0));
    const bool ok = rows != NULL || rh_error_context(error, "reading the definitions of the database");
    rh_pg_result_free(rows);
    rh_pg_close(pg);
    return ok;
}
