#include "hidden_rows.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/units.h"
#include "embedded/rehearsal.h"
#include "locks.h"

static const char *text_of(const rh_attempt *attempt, size_t i)
{
    const size_t index = attempt->statements[i].index;
    return index < attempt->known_count ? rh_attempt_script(attempt)->statements[index].sql
                                        : attempt->added[index - attempt->known_count].sql;
}

/* How many statements of ATTEMPT may change data and name TABLE. */
static size_t count_changes(const rh_attempt *attempt, const char *table)
{
    size_t count = 0;
    for (size_t i = 0; i < attempt->statement_count; i++) {
        const char *sql = text_of(attempt, i);
        count += sql && !rh_is_read_only_statement(sql) && rh_sql_mentions(sql, table);
    }
    return count;
}

/* Up to RH_HIDDEN_ROWS_MOST + 1; RH_UNKNOWN: they cannot be read. */
static int64_t count_rows(rh_pg *pg, const char *table, rh_arena *arena)
{
    int64_t rows = RH_UNKNOWN;
    const char *sql = rh_arena_printf(arena, "SELECT count(*) FROM (SELECT FROM %s LIMIT %d) AS rh_rows",
                                      table, RH_HIDDEN_ROWS_MOST + 1);
    return rh_pg_query_int(pg, sql, &rows, NULL) ? rows : RH_UNKNOWN;
}

void rh_program_note_hidden_rows(const rh_run *run, const rh_staging *staging, rh_pg *side,
                                 rh_attempt *attempt)
{
    rh_pg *pg = rh_pg_connect(rh_staging_migrations_conninfo(staging), ": sample", NULL);
    rh_pg_result *tables = pg ? rh_pg_query(pg, rh_sql_secured_tables, 0, NULL, NULL) : NULL;
    for (size_t i = 0; tables && i < rh_pg_rows(tables); i++) {
        const char *table = rh_pg_value(tables, i, 0);
        const size_t count = count_changes(attempt, table);
        if (count == 0)
            continue;
        const int64_t seen = count_rows(pg, table, run->arena), all = count_rows(side, table, run->arena);
        if (seen == RH_UNKNOWN || all == RH_UNKNOWN || seen < all)
            rh_notes_printf(
                &attempt->notes, run->arena, RH_UNMEASURED_STATEMENT_HAZARDS,
                "%s: whether row-level security hid rows of %s from %zu statement%s of the program: "
                "%s does not see all of them, unless the program has set what the policies ask for",
                attempt->migration->id, table, count, rh_plural((int64_t)count),
                run->migrations_role.name ? run->migrations_role.name : "its role");
    }
    rh_pg_result_free(tables);
    rh_pg_close(pg);
}
