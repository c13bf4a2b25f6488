/* What a physical copy cannot show of production, and what of production ends with it. */
#include "adopt.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "embedded/staging.h"
#include <string.h>

/* Between its two phases, a transaction that is alive is prepared for moments. */
enum { LONG_PREPARED_S = 60, HOUR_S = 3600, DAY_S = 86400 };

static void doubt(rh_staging *staging, const char *what, const char *why)
{
    rh_physical_facts *copy = staging->copy;
    rh_skipped *added = rh_arena_add(staging->copy_arena, &copy->doubts, &copy->doubt_count);
    *added = (rh_skipped){.what = rh_arena_strdup(staging->copy_arena, what),
                          .why = rh_arena_strdup(staging->copy_arena, why)};
}

/* ---- prepared transactions ---- */

static const char *format_age(rh_arena *arena, int64_t age_s)
{
    if (age_s >= 2 * DAY_S)
        return rh_arena_printf(arena, "%lld days", (long long)(age_s / DAY_S));
    if (age_s >= 2 * HOUR_S)
        return rh_arena_printf(arena, "%lld hours", (long long)(age_s / HOUR_S));
    return rh_arena_printf(arena, "%lld minutes", (long long)(age_s / 60));
}

static bool end_one(rh_staging *staging, rh_pg *pg, const rh_pg_result *rows, size_t row, rh_error *error)
{
    rh_arena *arena = staging->arena;
    const char *gid = rh_pg_value(rows, row, 1), *locks = rh_pg_value(rows, row, 5);
    int64_t age_s = rh_pg_int(rows, row, 4, 0);
    if (!rh_pg_execute(pg, rh_pg_value(rows, row, 0), error))
        return rh_error_context(error, "the prepared transaction %s could not be rolled back", gid);
    rh_staging_note(staging, "prepared transaction \"%s\" of %s, prepared at %s, rolled back%s%s", gid,
                    rh_pg_value(rows, row, 2), rh_pg_value(rows, row, 3), *locks ? "; it held " : "", locks);
    if (age_s >= LONG_PREPARED_S && *locks)
        doubt(staging, rh_arena_printf(arena, "production's prepared transaction \"%s\"", gid),
              rh_arena_printf(
                  arena,
                  "it had been prepared for %s when the copy was taken, and holds %s until it is "
                  "committed or rolled back: there, a migration that needs these tables waits for it; "
                  "staging rolled it back",
                  format_age(arena, age_s), locks));
    return true;
}

bool rh_copy_end_prepared(rh_staging *staging, const char *database, rh_error *error)
{
    const char *taken = rh_arena_printf(staging->arena, "%lld", (long long)staging->copy->taken_at_s);
    rh_pg *pg = rh_staging_connect(staging, database, ": neutralise", error);
    rh_pg_result *rows = pg ? rh_pg_query(pg, rh_sql_copy_prepared, 1, &taken, error) : NULL;
    bool ok = rows != NULL;
    for (size_t i = 0; ok && i < rh_pg_rows(rows); i++)
        ok = end_one(staging, pg, rows, i, error);
    rh_pg_result_free(rows);
    rh_pg_close(pg);
    return ok;
}

/* ---- doubts ---- */

static bool add_doubts(rh_staging *staging, rh_pg *pg, const char *sql, rh_error *error)
{
    rh_pg_result *rows = rh_pg_query(pg, sql, 0, NULL, error);
    for (size_t i = 0; rows && i < rh_pg_rows(rows); i++)
        doubt(staging, rh_pg_value(rows, i, 0), rh_pg_value(rows, i, 1));
    rh_pg_result_free(rows);
    return rows != NULL;
}

/* A function whose library is absent fails when it is first called, which may be in the middle of a
 * migration. */
static bool check_libraries(rh_staging *staging, rh_pg *pg, rh_error *error)
{
    rh_pg_result *rows = rh_pg_query(pg, rh_sql_copy_libraries, 0, NULL, error);
    for (size_t i = 0; rows && i < rh_pg_rows(rows); i++) {
        const char *path = rh_pg_value(rows, i, 1);
        if (!rh_file_exists(path) && !rh_file_exists(rh_arena_printf(staging->arena, "%s.so", path)))
            doubt(staging,
                  rh_arena_printf(staging->arena, "functions of the library %s", rh_pg_value(rows, i, 0)),
                  "it is not installed here: install its package for this version of PostgreSQL");
    }
    rh_pg_result_free(rows);
    return rows != NULL;
}

void rh_copy_examine_log(rh_staging *staging, const char *log)
{
    static const char mark[] = "doesn't exist, reading as zeroes";
    for (const char *found = log; (found = strstr(found, mark)) != NULL; found += sizeof mark - 1) {
        const char *end = found, *begin;
        while (end > log && *end != '"' && *end != '\n')
            end--;
        for (begin = end; begin > log && begin[-1] != '"' && begin[-1] != '\n';)
            begin--;
        doubt(
            staging, rh_arena_strndup(staging->arena, begin, (size_t)(end - begin)),
            "the copy lacks this file, and its recovery took it for empty: unless production had removed it "
            "meanwhile, transactions that were committed are not, and rows are missing");
    }
}

bool rh_copy_examine(rh_staging *staging, rh_error *error)
{
    rh_pg *pg = rh_staging_connect(staging, staging->database, ": copy", error);
    bool ok = pg && add_doubts(staging, pg, rh_sql_copy_doubts, error) &&
              (staging->major < 15 || add_doubts(staging, pg, rh_sql_copy_database_collation, error)) &&
              check_libraries(staging, pg, error);
    rh_pg_close(pg);
    return ok;
}
