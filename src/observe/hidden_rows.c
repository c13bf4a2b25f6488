/* Data changes to which row-level security shows only a part of the rows. */
#include "embedded/observe.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/observe/counters.h"
#include "work_watch.h"

static bool is_data_change(const rh_statement *statement)
{
    return statement->class_expected == RH_CLASS_DATA_CHANGE ||
           statement->class_expected == RH_CLASS_BACKFILL_BATCH;
}

/* What the statement locks, as the text of an array; NULL: nothing. */
static const char *relations_of(const rh_statement *statement, rh_arena *arena)
{
    rh_text list = {0};
    for (size_t i = 0; i < statement->expected_lock_count; i++) {
        rh_text_append(&list, i ? ",\"" : "{\"");
        for (const char *c = statement->expected_locks[i].relation; *c; c++) {
            if (*c == '"' || *c == '\\')
                rh_text_append_char(&list, '\\');
            rh_text_append_char(&list, *c);
        }
        rh_text_append_char(&list, '"');
    }
    if (list.length)
        rh_text_append_char(&list, '}');
    const char *text = list.length ? rh_arena_strdup(arena, list.data) : NULL;
    rh_text_release(&list);
    return text;
}

/* Its rows, as far as PG's role sees them; -1: that cannot be asked. */
static int64_t count_rows(rh_pg *pg, const char *table, bool in_transaction, rh_arena *arena)
{
    int64_t count = -1;
    const char *sql = rh_arena_printf(arena, "SELECT count(*) FROM (SELECT FROM %s LIMIT %d) AS rh_rows",
                                      table, RH_HIDDEN_ROWS_MOST + 1);
    if (in_transaction && !rh_pg_execute(pg, "SAVEPOINT rh_look", NULL))
        return -1;
    if (!rh_pg_query_int(pg, sql, &count, NULL))
        count = -1;
    if (in_transaction)
        rh_pg_execute(pg, "ROLLBACK TO SAVEPOINT rh_look; RELEASE SAVEPOINT rh_look", NULL);
    return count;
}

void rh_hidden_rows_read(rh_work_watch *watch, rh_pg *migration, const rh_statement *statement,
                         rh_arena *arena, rh_statement_run *run)
{
    const char *names = is_data_change(statement) ? relations_of(statement, arena) : NULL;
    const bool in_transaction = rh_pg_transaction_state(migration) == 'T';
    if (!names || (!in_transaction && rh_pg_transaction_state(migration) != 'I'))
        return;
    rh_pg_result *r = rh_pg_query(migration, rh_sql_row_security_active, 1, &names, NULL);
    for (size_t i = 0; r && i < rh_pg_rows(r); i++) {
        const char *table = rh_arena_strdup(arena, rh_pg_value(r, i, 0));
        const int64_t own = in_transaction ? rh_pg_int(r, i, 2, 0) : 0; /* which SIDE does not see */
        const int64_t seen = count_rows(migration, table, in_transaction, arena);
        const int64_t all = seen < 0 ? -1 : count_rows(watch->side, table, false, arena);
        if (all < 0 || all + own <= seen)
            continue;
        *rh_arena_add(arena, &run->hidden, &run->hidden_count) =
            (rh_hidden_rows){table, rh_arena_strdup(arena, rh_pg_value(r, i, 1)), seen, all + own};
    }
    if (r && rh_pg_rows(r) > 0)
        rh_work_forget(watch);
    rh_pg_result_free(r);
}
