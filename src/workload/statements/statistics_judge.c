/* Decides which of production's statements the load can run, and in what form. */
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include "embedded/workload.h"
#include "statement_text.h"
#include "statistics_mix.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_LIST = 200,  /* of a list that PostgreSQL 18 shortened */
    FRESH_ROWS = 64, /* rows of one INSERT that can get fresh keys */
    MAX_CASTS = 8,
};

static bool leave(mix_item *item, const char *group, const char *why)
{
    item->group = group;
    item->why = why;
    return true;
}

/* ---- the text ---- */

static bool ends_early(const rh_error *failure)
{
    return strstr(failure->message, "at end of input") || strstr(failure->message, "unterminated");
}

static bool finds_by_column(const mix_statement *bound)
{
    for (size_t i = 0; i < bound->parameter_count; i++) {
        mix_bind_kind kind = bound->parameters[i].kind;
        if (kind == MIX_BIND_EQUAL || kind == MIX_BIND_ANY || kind == MIX_BIND_LOW || kind == MIX_BIND_HIGH)
            return true;
    }
    return false;
}

/* What the text alone tells. */
static void judge_text(mix_player *player, mix_item *item)
{
    const rh_statement_stats *s = item->statement;
    mix_candidate *c = &item->candidate;
    rh_arena *arena = player->copy.build->arena;
    if (!(s->calls > 0))
        leave(item, "without a call in that time", "it was not called in that time");
    else if (s->nested)
        leave(item, "run by functions, which are counted themselves",
              "a function runs it, which is counted itself");
    else if (strstr(s->query, "<insufficient privilege>"))
        leave(item, "of other users, with hidden text",
              "its text is hidden: export as a member of pg_read_all_stats");
    else if (s->cut_off)
        leave(item, "with a truncated text", "its text is truncated: raise track_activity_query_size");
    if (item->why)
        return;
    double rows = c->rows;
    size_t list = isnan(rows) ? 3 : (size_t)fmin(MAX_LIST, fmax(1, round(rows)));
    c->sql = rh_statement_replayable(s->query, list, &c->shortened, arena);
    rh_error failure = {0};
    if (!rh_mix_bind(c->sql, player->copy.tables, player->copy.table_count, arena, &c->bound, &failure)) {
        if (ends_early(&failure))
            leave(item, "with a truncated text", "its text ends in the middle: it is truncated");
        else
            leave(item, "with a text that does not parse",
                  rh_arena_printf(arena, "its text does not parse: %s", failure.message));
    } else if (c->bound.kind == MIX_STATEMENT_TRANSACTION) {
        leave(item, "beginning or ending transactions", "each template is a separate transaction");
    } else if (c->bound.kind == MIX_STATEMENT_UTILITY) {
        leave(item, "of the utility kind", "it is a utility command");
    } else if (c->bound.function) {
        leave(item, "calling functions that reach beyond their transaction",
              rh_arena_printf(arena, "%s reaches beyond its transaction", c->bound.function));
    } else if (c->bound.kind == MIX_STATEMENT_DELETE && !finds_by_column(&c->bound)) {
        leave(item, "deleting without a key", "no parameter says which rows it deletes");
    }
    rh_error_release(&failure);
}

/* ---- fresh keys ---- */

/* The number that replaces \2 in ROW of an INSERT: no other row has it. */
static const char *with_number(rh_arena *arena, const char *expression, size_t row)
{
    rh_text text = {0};
    for (const char *c = expression; *c; c++) {
        if (*c == '\2')
            rh_text_printf(&text, "mod(pg_catalog.txid_current() * %d + %zu, 1000000000)", FRESH_ROWS, row);
        else
            rh_text_append_char(&text, *c);
    }
    const char *result = rh_arena_strdup(arena, text.data);
    rh_text_release(&text);
    return result;
}

/* Which columns the INSERT names, and where they are plain parameters in every row. */
static void find_columns(const mix_statement *bound, bool *named, bool *plain)
{
    size_t columns = bound->table->column_count;
    for (size_t c = 0; c < bound->inserted.count; c++) {
        size_t column = bound->inserted.index[c];
        if (column >= columns)
            continue;
        named[column] = plain[column] = true;
        for (size_t r = 0; r < bound->value_rows; r++)
            plain[column] = plain[column] && bound->values[r][c] > 0;
    }
}

static bool freshen(mix_player *player, mix_item *item, rh_error *error)
{
    mix_candidate *c = &item->candidate;
    rh_arena *arena = player->copy.build->arena;
    const mix_statement *bound = &c->bound;
    bool keeps =
        bound->conflict == MIX_CONFLICT_UPDATE || (bound->conflict == MIX_CONFLICT_NOTHING && c->rows < 0.5);
    if (bound->kind != MIX_STATEMENT_INSERT || !bound->table || bound->value_rows == 0 || keeps)
        return true;
    if (bound->value_rows > FRESH_ROWS)
        return leave(item, "inserting many rows at once",
                     "it inserts more rows at once than there are new keys for");
    bool *named = rh_arena_alloc(arena, bound->table->column_count + 1),
         *plain = rh_arena_alloc(arena, bound->table->column_count + 1);
    find_columns(bound, named, plain);
    mix_fresh fresh = {0};
    const char *why = NULL;
    if (!rh_mix_unique(player->copy.build, bound->table, named, plain, &fresh, &why, error))
        return why ? leave(item, "inserting keys for which no new value can be generated", why) : false;
    const char **texts = rh_arena_alloc(arena, (bound->parameter_count + 1) * sizeof *texts);
    for (size_t r = 0; r < bound->value_rows; r++)
        for (size_t i = 0; i < bound->inserted.count; i++) {
            size_t column = bound->inserted.index[i];
            if (column < bound->table->column_count && fresh.expressions[column] && bound->values[r][i] > 0)
                texts[bound->values[r][i] - 1] = with_number(arena, fresh.expressions[column], r);
        }
    c->sql = rh_statement_replace(c->sql, texts, bound->parameter_count, &c->from, &c->count, arena);
    c->shuffled = fresh.shuffled;
    if (fresh.may_conflict && bound->conflict == MIX_CONFLICT_FAILS)
        c->sql = rh_statement_on_conflict(c->sql, arena);
    return true;
}

/* ---- PREPARE ---- */

/* A parameter whose type PREPARE cannot tell gets one; false: the message names none. */
static bool add_cast(mix_candidate *c, const char *message, rh_arena *arena)
{
    const char *dollar = strchr(message, '$');
    size_t number = dollar ? strtoul(dollar + 1, NULL, 10) : 0;
    if (number < 1 || number > c->count)
        return false;
    const char **texts = rh_arena_alloc(arena, c->count * sizeof *texts);
    texts[number - 1] = "\1::text";
    int *from, *old = c->from;
    size_t kept;
    c->sql = rh_statement_replace(c->sql, texts, c->count, &from, &kept, arena);
    for (size_t i = 0; i < kept; i++)
        from[i] = old[from[i] - 1];
    c->from = from;
    c->count = kept;
    return true;
}

static bool read_types(mix_player *player, mix_item *item, rh_error *error)
{
    mix_candidate *c = &item->candidate;
    rh_arena *arena = player->copy.build->arena;
    rh_pg_result *r = rh_pg_query(rh_mix_session(player->copy.build), rh_sql_mix_parameters, 0, NULL, error);
    if (!r)
        return false;
    if (rh_pg_rows(r) != c->count)
        leave(item, "refused by the restored copy", "its parameters are not numbered from 1 on");
    c->types = rh_arena_alloc(arena, (c->count + 1) * sizeof *c->types);
    for (size_t i = 0; !item->why && i < c->count; i++)
        c->types[i] = (mix_type){.name = rh_arena_strdup(arena, rh_pg_value(r, i, 0)),
                                 .category = *rh_pg_value(r, i, 1),
                                 .label = rh_arena_strdup(arena, rh_pg_value(r, i, 2))};
    rh_pg_result_free(r);
    return true;
}

static void refused(mix_player *player, mix_item *item, const rh_error *failure)
{
    bool missing = strcmp(failure->sqlstate, "42P01") == 0 || strcmp(failure->sqlstate, "3F000") == 0;
    const char *why = rh_arena_printf(player->copy.build->arena, "the restored copy refuses it: %s (%s)",
                                      failure->message, failure->sqlstate);
    if (missing)
        why = rh_arena_printf(player->copy.build->arena, "the restored copy has no such table: %s",
                              failure->message);
    leave(item, missing ? "on tables that the restored copy lacks" : "refused by the restored copy", why);
}

static bool prepare(mix_player *player, mix_item *item, rh_error *error)
{
    rh_pg *pg = rh_mix_session(player->copy.build);
    for (int i = 0;; i++) {
        rh_error failure = {0};
        bool ok = rh_pg_prepare(pg, "rh_types", item->candidate.sql, &failure);
        bool fatal = failure.code == RH_ERROR_LOST || failure.code == RH_ERROR_INTERRUPTED;
        bool again = !ok && !fatal && i < MAX_CASTS &&
                     (strcmp(failure.sqlstate, "42P18") == 0 || strcmp(failure.sqlstate, "42P08") == 0) &&
                     add_cast(&item->candidate, failure.message, player->copy.build->arena);
        if (fatal)
            rh_error_move(error, &failure);
        else if (!ok && !again)
            refused(player, item, &failure);
        rh_error_release(&failure);
        if (ok)
            return read_types(player, item, error) && rh_pg_execute(pg, "DEALLOCATE rh_types", error);
        if (!again)
            return !fatal;
    }
}

bool rh_mix_judge(mix_player *player, mix_item *item, rh_error *error)
{
    const rh_statement_stats *s = item->statement;
    mix_candidate *c = &item->candidate;
    rh_arena *arena = player->copy.build->arena;
    c->rows = s->calls > 0 ? s->rows / s->calls : RH_NOT_MEASURED;
    c->blocks = s->calls > 0 ? s->blocks / s->calls : RH_NOT_MEASURED;
    judge_text(player, item);
    if (item->why)
        return true;
    int **from = &c->from;
    for (size_t i = 0; i < c->bound.parameter_count; i++)
        *rh_arena_add(arena, from, &c->count) = (int)i + 1;
    if (!freshen(player, item, error) || (!item->why && !prepare(player, item, error)))
        return false;
    const mix_table *table = c->bound.table;
    if (!item->why && c->bound.kind == MIX_STATEMENT_DELETE && table)
        player->copy.deleted[table - player->copy.tables] = true;
    return true;
}
