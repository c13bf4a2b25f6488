#include "inspect_own.h"
#include "pgrehearse/base/text.h"
#include "refuse.h"
#include "worker.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct trial {
    rh_pg *pg;
    const rh_backfill *backfill;
    const rh_backfill_target *target;
    rh_arena *arena;
    rh_backfill_statements sql;
    rh_backfill_position upper;
} trial;

static bool refuse(const trial *t, rh_error *error, const char *message, const char *hint)
{
    return rh_backfill_refuse(&t->backfill->sql_where, error, message, hint);
}

bool rh_backfill_count_written(rh_pg *pg, const rh_backfill_target *target, int64_t *count, rh_error *error)
{
    static const char sql[] =
        "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_catalog.pg_stat_xact_user_tables\n"
        "WHERE relid IN (" RH_BACKFILL_PARTS ")\n"
        "      AND pg_catalog.current_setting('track_counts')::bool";
    rh_pg_result *row = rh_pg_query(pg, sql, 1, &target->table, error);
    *count = row ? rh_pg_int(row, 0, 0, RH_UNKNOWN) : RH_UNKNOWN;
    rh_pg_result_free(row);
    return row != NULL;
}

static bool count_rows_to_do(const trial *t, int64_t *count, rh_error *error)
{
    const char *condition = t->backfill->condition ? t->backfill->condition : "true";
    return rh_pg_query_int(
        t->pg, rh_arena_printf(t->arena, "SELECT count(*) FROM %s WHERE (%s\n)", t->target->table, condition),
        count, error);
}

/* Rows whose key is not greater than the first :after would never be processed. */
static bool check_lowest(const trial *t, rh_error *error)
{
    int64_t rows = 0;
    if (!t->sql.step)
        return true;
    const char *sql =
        rh_arena_printf(t->arena, "SELECT count(*) FROM (SELECT FROM %s WHERE %s <= '%s'::%s LIMIT 1) AS row",
                        t->target->table, t->target->key[0], t->sql.lowest, t->target->types[0]);
    if (!rh_pg_query_int(t->pg, sql, &rows, error))
        return false;
    return rows == 0 ||
           refuse(t, error, "a row has the key that :after begins with, and would never be processed",
                  "use :from and :to");
}

/* One batch, after AT with :after. LAST: where it ended. */
static bool run_batch(const trial *t, const rh_backfill_position *at, rh_backfill_position *last,
                      int64_t *changed, rh_error *error)
{
    bool ok;
    if (t->sql.step) {
        ok = rh_backfill_find(t->pg, t->sql.step, false, at, &t->upper, RH_BACKFILL_TRIED, last, changed,
                              error);
        if (ok && last->size > 0 && strcmp(last->values[0], at->values[0]) == 0)
            return rh_backfill_refuse_standstill(t->backfill, error);
    } else {
        char limit[24];
        const char *parameters[] = {limit};
        snprintf(limit, sizeof limit, "%d", RH_BACKFILL_TRIED);
        rh_pg_result *done = rh_pg_query(t->pg, t->sql.update_next, 1, parameters, error);
        *changed = done ? rh_pg_affected(done) : 0;
        ok = done != NULL;
        rh_pg_result_free(done);
    }
    return ok || rh_backfill_blame(&t->backfill->sql_where, "sql", error);
}

/* CHANGED of the BEFORE rows that were to do; AFTER of them still are. */
static bool judge(const trial *t, int64_t before, int64_t changed, int64_t after, bool elsewhere,
                  rh_error *error)
{
    if (before > 0 && (changed == 0 || elsewhere))
        return refuse(t, error,
                      rh_arena_printf(t->arena, "sql changes none of the %" PRId64 " rows of %s to do",
                                      before, t->target->table),
                      "it would end without having changed any of them");
    if (changed > RH_BACKFILL_TRIED)
        return refuse(t, error,
                      rh_arena_printf(t->arena, "sql changed %" PRId64 " rows with a :limit of %d", changed,
                                      RH_BACKFILL_TRIED),
                      "a batch has no bound: choose the rows in a subquery that ends with LIMIT :limit");
    const int64_t again = after - (before - changed);
    if (t->backfill->condition && changed > 0 && again > 0)
        return rh_backfill_refuse(
            &t->backfill->condition_where, error,
            rh_arena_printf(t->arena, "%" PRId64 " of %" PRId64 " rows still match where after sql",
                            again < changed ? again : changed, changed),
            "the backfill would never end, or would change them again in each run: after sql, where must be false");
    return true;
}

static bool try_batches(const trial *t, rh_error *error)
{
    const rh_backfill_position lowest = {.values = {t->sql.lowest}, .size = 1};
    rh_backfill_position first = {0}, second = {0};
    int64_t before, after, written = 0, behind = 0, changed = 0, more = 0;
    bool ok =
        count_rows_to_do(t, &before, error) && rh_backfill_count_written(t->pg, t->target, &written, error) &&
        run_batch(t, &lowest, &first, &changed, error) &&
        rh_backfill_count_written(t->pg, t->target, &behind, error) && count_rows_to_do(t, &after, error) &&
        judge(t, before, changed, after, written != RH_UNKNOWN && behind == written, error);
    if (ok && t->sql.step && first.size > 0) /* the next one gets on, too */
        ok = strcmp(first.values[0], t->upper.values[0]) == 0 || run_batch(t, &first, &second, &more, error);
    rh_backfill_position_release(&first);
    rh_backfill_position_release(&second);
    return ok;
}

bool rh_backfill_try_limited(rh_pg *pg, const rh_backfill *backfill, const rh_backfill_target *target,
                             rh_arena *arena, rh_error *error)
{
    trial t = {.pg = pg,
               .backfill = backfill,
               .target = target,
               .arena = arena,
               .sql = rh_backfill_statements_of(backfill, target, arena)};
    rh_backfill keyset = *backfill;
    keyset.walk = RH_WALK_KEYSET;
    bool ok =
        check_lowest(&t, error) && rh_backfill_last_position(pg, &keyset, target, arena, &t.upper, error);
    ok = ok && (t.upper.size == 0 || try_batches(&t, error));
    rh_backfill_position_release(&t.upper);
    return ok;
}
