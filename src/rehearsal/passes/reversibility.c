#include "reversibility.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"

/* What is named in a sentence; the rest is counted. */
enum { NAMED_MAX = 3 };

/* A list in words: "a, b, c and 4 more". */
typedef struct list {
    rh_text text;
    size_t count;
} list;

static void add(list *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(list *l, const char *format, ...)
{
    va_list args;
    if (l->count++ >= NAMED_MAX)
        return;
    if (l->count > 1)
        rh_text_append(&l->text, ", ");
    va_start(args, format);
    rh_text_vprintf(&l->text, format, args);
    va_end(args);
}

/* In ARENA; releases L. */
static const char *finish(list *l, rh_arena *arena)
{
    if (l->count > NAMED_MAX)
        rh_text_printf(&l->text, " and %zu more", l->count - NAMED_MAX);
    const char *words = rh_arena_strdup(arena, rh_text_string(&l->text));
    rh_text_release(&l->text);
    return words;
}

static const char *things(int64_t count, const char *thing, rh_arena *arena)
{
    char number[32];
    return rh_arena_printf(arena, "%s %s%s", rh_count_format(count, number, sizeof number), thing,
                           count == 1 ? "" : "s");
}

/* ---- the schema ---- */

static void add_unrestored(const rh_rollback *rollback, list *l)
{
    for (size_t i = 0; i < rollback->difference_count; i++) {
        const rh_difference *d = &rollback->differences[i];
        if (d->change == RH_CHANGE_MISSING || d->change == RH_CHANGE_CHANGED)
            add(l, "%s (%s)", d->object, rh_change_name(d->change));
    }
}

static void add_of_change(const rh_rollback *rollback, rh_change change, list *l)
{
    for (size_t i = 0; i < rollback->difference_count; i++)
        if (rollback->differences[i].change == change)
            add(l, "%s", rollback->differences[i].object);
}

/* ---- the rows ---- */

static void add_column(const rh_table_data *table, const rh_column_change *column, rh_arena *arena, list *l)
{
    if (column->values_lost > 0)
        add(l, "column %s of %s, %s", column->column, table->table,
            things(column->values_lost, "value", arena));
    else if (column->values_lost < 0)
        add(l, "column %s of %s, values not counted", column->column, table->table);
    else if (column->change == RH_CHANGE_CHANGED)
        add(l, "column %s of %s, whose values changed", column->column, table->table);
}

static void add_table(const rh_table_data *table, rh_arena *arena, list *l)
{
    size_t before = l->count;
    if (table->missing) {
        if (table->rows_before < 0)
            add(l, "table %s, rows not counted", table->table);
        else if (table->rows_before > 0)
            add(l, "table %s, %s", table->table, things(table->rows_before, "row", arena));
        return;
    }
    if (table->rows_before >= 0 && table->rows_after >= 0 && table->rows_before != table->rows_after) {
        int64_t gone = table->rows_before - table->rows_after;
        if (gone > 0)
            add(l, "%s of %s", things(gone, "row", arena), table->table);
        else
            add(l, "the earlier rows of %s, which has %s more", table->table, things(-gone, "row", arena));
    }
    for (size_t i = 0; i < table->column_count; i++)
        add_column(table, &table->columns[i], arena, l);
    if (l->count == before && table->column_count == 0)
        add(l, "rows of %s, whose values are in other rows", table->table);
}

static void add_lost(const rh_rollback *rollback, rh_arena *arena, list *l)
{
    for (size_t i = 0; i < rollback->data.table_count; i++)
        if (rollback->data.tables[i].equal == 0)
            add_table(&rollback->data.tables[i], arena, l);
    for (size_t i = 0; i < rollback->data.sequence_count; i++) {
        const rh_sequence_change *s = &rollback->data.sequences[i];
        add(l, "sequence %s, which is set back from %s to %s", s->sequence, s->before,
            s->after ? s->after : "its start");
    }
}

/* ---- the verdict ---- */

static void judge(rh_rollback *rollback, rh_reversibility reversibility, const char *why)
{
    rollback->reversibility = reversibility;
    rollback->why = why;
}

/* What is worth saying beside any verdict: "; …" or "". */
static const char *remarks_of(const rh_rollback *rollback, rh_arena *arena)
{
    list left = {0}, moved = {0};
    rh_text text = {0};
    add_of_change(rollback, RH_CHANGE_ADDED, &left);
    add_of_change(rollback, RH_CHANGE_MOVED, &moved);
    const char *left_behind = finish(&left, arena);
    bool reordered = *finish(&moved, arena) != '\0';
    const rh_data_comparison *data = &rollback->data;
    if (*left_behind)
        rh_text_printf(&text, "; leaves behind %s", left_behind);
    if (reordered)
        rh_text_append(&text, "; columns in another order");
    if (data->counted_only)
        rh_text_printf(&text, "; rows only counted in %s",
                       things((int64_t)data->counted_only, "table", arena));
    if (data->not_compared)
        rh_text_printf(&text, "; rows not compared in %s",
                       things((int64_t)data->not_compared, "table", arena));
    const char *words = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return words;
}

static void judge_states(rh_rollback *rollback, rh_arena *arena)
{
    list unrestored = {0}, lost = {0};
    add_unrestored(rollback, &unrestored);
    add_lost(rollback, arena, &lost);
    const char *missing = finish(&unrestored, arena), *gone = finish(&lost, arena);
    const char *remarks = remarks_of(rollback, arena);
    if (*missing)
        judge(rollback, RH_REVERSIBILITY_IRREVERSIBLE,
              rh_arena_printf(arena, "the down migration does not restore %s%s%s%s", missing,
                              *gone ? "; lost: " : "", gone, remarks));
    else if (*gone)
        judge(rollback, RH_REVERSIBILITY_LOSSY, rh_arena_printf(arena, "%s%s", gone, remarks));
    else
        judge(rollback, RH_REVERSIBILITY_FULL,
              rh_arena_printf(arena, "schema and rows are restored%s", remarks));
}

/* What failed, and the error. */
static const char *broken(const rh_rollback *rollback, rh_arena *arena)
{
    const char *what =
        rollback->schema_restored < 0 ? "the down migration failed" : "running it again failed";
    return rollback->failure ? rh_arena_printf(arena, "%s: %s", what, rollback->failure->message) : what;
}

void rh_reversibility_judge(rh_rollback *rollback, rh_arena *arena)
{
    if (rollback->outcome == RH_OUTCOME_FAILED)
        judge(rollback, RH_REVERSIBILITY_BROKEN, broken(rollback, arena));
    else if (rollback->outcome == RH_OUTCOME_OK)
        judge_states(rollback, arena);
    else if (!rollback->has_down)
        judge(rollback, RH_REVERSIBILITY_IRREVERSIBLE,
              rollback->down_is_empty ? "the down migration has no statements" : "no down migration");
}
