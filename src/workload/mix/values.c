/* Rows of the restored copy, as the source of every parameter; and trying a template on some of them. */
#include "schema.h"
#include "pgrehearse/base/text.h"
#include <stdarg.h>
#include <string.h>

enum {
    SAMPLE_ROWS = 2000,
    SAMPLE_PAGES = 4000,            /* read to find them, spread over the table */
    SAMPLE_BYTES = 8 * 1024 * 1024, /* of one table */
    TRIES = 3,
};

void rh_mix_leave_out(mix_build *build, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char **sentence = rh_arena_add(build->arena, &build->mix->left_out, &build->mix->left_out_count);
    *sentence = rh_arena_vprintf(build->arena, format, args);
    va_end(args);
}

static int64_t sample_limit(const mix_table *table)
{
    int64_t width = 1;
    for (size_t i = 0; i < table->column_count; i++)
        width += table->columns[i].width;
    int64_t fits = SAMPLE_BYTES / width;
    return fits > SAMPLE_ROWS ? SAMPLE_ROWS : fits < 10 ? 10 : fits;
}

/* A small table is read whole; of a large one some pages all over it, and of these some rows: rows of one
 * page alone would keep a handful of pages hot. REPEATABLE and setseed make the choice the same for the same
 * seed and data. */
static const char *sample_from(const mix_build *build, const mix_table *table, int64_t limit)
{
    const char *from = rh_arena_printf(build->arena, "%s rh_row", table->quoted);
    int64_t rows = table->rows > 0 ? table->rows : limit;
    double share = 1;
    if (table->pages > SAMPLE_PAGES) {
        share = (double)SAMPLE_PAGES / (double)table->pages;
        from = rh_arena_printf(build->arena, "%s TABLESAMPLE SYSTEM (%.6f) REPEATABLE (%u)", from,
                               100 * share, (unsigned)(build->seed & 0xffff));
    }
    double keep = (double)limit / ((double)rows * share);
    if (keep < 1)
        from = rh_arena_printf(build->arena, "%s WHERE random() < %.9f", from, keep);
    /* room for chance and an old estimate: a LIMIT that bites would leave out the newest rows */
    return rh_arena_printf(build->arena, "%s LIMIT %lld", from, (long long)(limit + limit / 4 + 10));
}

void rh_mix_shuffle(mix_build *build, mix_table *table)
{
    for (size_t i = table->sample_count; i > 1; i--) {
        size_t j = (size_t)rh_random_below(&build->random, i);
        const char **row = table->sample[i - 1];
        table->sample[i - 1] = table->sample[j];
        table->sample[j] = row;
        const bool writable = table->writable[i - 1];
        table->writable[i - 1] = table->writable[j];
        table->writable[j] = writable;
    }
}

void rh_mix_take_rows(mix_build *build, mix_table *table, const rh_pg_result *r)
{
    table->sample_count = rh_pg_rows(r);
    table->sample = rh_arena_alloc(build->arena, (table->sample_count + 1) * sizeof *table->sample);
    table->writable = rh_arena_alloc(build->arena, table->sample_count + 1);
    for (size_t i = 0; i < table->sample_count; i++) {
        table->sample[i] = rh_arena_alloc(build->arena, (table->column_count + 1) * sizeof(char *));
        table->writable[i] = rh_pg_bool(r, i, table->column_count);
        for (size_t c = 0; c < table->column_count; c++)
            table->sample[i][c] = rh_arena_strdup(build->arena, rh_pg_value(r, i, c));
    }
}

bool rh_mix_sample(mix_build *build, mix_table *table, rh_error *error)
{
    const int64_t limit = sample_limit(table);
    const char *from = sample_from(build, table, limit);
    table->is_restricted = rh_mix_is_restricted(build, table, error);
    if (rh_error_is_set(error))
        return rh_error_context(error, "sampling %s", table->name);
    if (table->is_restricted)
        return rh_mix_sample_visible(build, table, from, limit, error);
    rh_text sql = {0};
    rh_text_append(&sql, "SELECT ");
    for (size_t i = 0; i < table->column_count; i++)
        rh_text_printf(&sql, "%srh_row.%s", i ? ", " : "", table->columns[i].quoted);
    rh_text_printf(&sql, ", %s FROM %s", table->condition ? table->condition : "true", from);
    rh_pg_result *r = NULL;
    if (rh_pg_executef(build->pg, error, "SELECT setseed(%.6f)", (double)(build->seed % 1000003) / 1000003))
        r = rh_pg_query(build->pg, sql.data, 0, NULL, error);
    rh_text_release(&sql);
    if (!r)
        return rh_error_context(error, "sampling %s", table->name);
    rh_mix_take_rows(build, table, r);
    rh_pg_result_free(r);
    rh_mix_shuffle(build, table);
    return true;
}

/* One row of values, with its deferred constraints, undone afterwards. */
static bool try_row(mix_build *build, const rh_template *template_, size_t row, rh_error *failure)
{
    const char *const *values = template_->parameter_count > 0 ? template_->values[row] : NULL;
    if (!rh_pg_execute(build->pg, "SAVEPOINT rh_try", failure))
        return false;
    rh_pg_result *r = rh_pg_query(build->pg, template_->sql, template_->parameter_count, values, failure);
    rh_pg_result_free(r);
    return r && rh_pg_execute(build->pg, "SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO rh_try", failure);
}

/* The statements of a trial, in a transaction that is open; false leaves it failed. */
static bool try_rows(mix_build *build, const rh_template *template_, rh_error *failure)
{
    if (!rh_pg_prepare(build->pg, "rh_try", template_->sql, failure))
        return false;
    size_t tries = template_->kind == RH_TEMPLATE_READ ? 1 : TRIES;
    for (size_t i = 0; i < tries; i++)
        if (!try_row(build, template_, template_->value_row_count ? i % template_->value_row_count : 0,
                     failure))
            return false;
    return true;
}

bool rh_mix_try(mix_build *build, const rh_template *template_, const char **why, rh_error *error)
{
    rh_error failure = {0};
    bool ok = rh_pg_execute(build->pg, "BEGIN; SET LOCAL statement_timeout = '5s'", error);
    if (!ok)
        return false;
    ok = try_rows(build, template_, &failure);
    bool fatal = failure.code == RH_ERROR_LOST || failure.code == RH_ERROR_INTERRUPTED;
    if (fatal)
        rh_error_move(error, &failure);
    else if (!ok)
        *why = rh_arena_printf(build->arena, "%s (%s)", failure.message, failure.sqlstate);
    rh_error_release(&failure);
    return !fatal && rh_pg_execute(build->pg, "ROLLBACK; DEALLOCATE ALL", error) && ok;
}
