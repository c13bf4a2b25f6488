/* The rows of the restored copy that a statement's values are drawn from. */
#include "statement_values.h"
#include "workload/mix/frequencies.h"
#include "statement_rows.h"
#include <string.h>

const mix_binding *rh_mix_binding_of(const mix_filling *f, size_t parameter)
{
    return &f->candidate->bound.parameters[f->candidate->from[parameter] - 1];
}

/* Is the row's own value of this column sought: then a row without one is no use. */
static bool seeks(mix_bind_kind kind)
{
    return kind == MIX_BIND_EQUAL || kind == MIX_BIND_ANY || kind == MIX_BIND_LOW || kind == MIX_BIND_HIGH ||
           kind == MIX_BIND_PATTERN;
}

static bool is_complete(const mix_filling *f, const mix_draw *d, size_t row)
{
    for (size_t p = 0; p < f->candidate->count; p++) {
        const mix_binding *b = rh_mix_binding_of(f, p);
        if (b->table && b->entry == d->entry && seeks(b->kind) && !d->table->sample[row][b->column])
            return false;
    }
    return true;
}

static bool same_key(const mix_filling *f, const mix_draw *d, size_t a, size_t b)
{
    for (size_t p = 0; p < f->candidate->count; p++) {
        const mix_binding *bound = rh_mix_binding_of(f, p);
        if (bound->table && bound->entry == d->entry && bound->kind == MIX_BIND_EQUAL &&
            strcmp(d->table->sample[a][bound->column], d->table->sample[b][bound->column]) != 0)
            return false;
    }
    return true;
}

/* If statements delete rows of a table, the last quarter of its sample is for them and the rest for all
 * others, which would otherwise soon look for deleted rows. */
static void choose_rows(const mix_filling *f, mix_draw *d)
{
    const mix_table *table = d->table;
    size_t first = 0, last = table->sample_count;
    bool deletes = f->candidate->bound.kind == MIX_STATEMENT_DELETE && f->candidate->bound.table == table;
    if (f->copy->deleted[table - f->copy->tables] && last >= 8) {
        first = deletes ? last - last / 4 : 0;
        last = deletes ? last : last - last / 4;
    }
    d->rows = rh_arena_alloc(f->copy->build->arena, (table->sample_count + 1) * sizeof *d->rows);
    for (size_t i = first; i < last; i++) {
        bool wanted = is_complete(f, d, i);
        for (size_t j = 0; wanted && f->knobs->distinct && j < d->row_count; j++)
            wanted = !same_key(f, d, d->rows[j], i);
        if (wanted)
            d->rows[d->row_count++] = i;
    }
}

static bool sample(mix_copy *copy, const mix_table *table, rh_error *error)
{
    size_t index = (size_t)(table - copy->tables);
    if (copy->sampled[index])
        return true;
    copy->sampled[index] = true;
    return rh_mix_sample(copy->build, &copy->tables[index], error);
}

mix_draw *rh_mix_draw_of(const mix_filling *f, const mix_binding *binding)
{
    for (size_t i = 0; i < f->draw_count; i++)
        if (f->draws[i].entry == binding->entry)
            return &f->draws[i];
    return NULL;
}

/* By the first column that is sought by equality and whose most common values on production are known. */
static void follow_production(const mix_filling *f, mix_draw *d)
{
    mix_build *build = f->copy->build;
    for (size_t p = 0; build->value_count > 0 && p < f->candidate->count; p++) {
        const mix_binding *b = rh_mix_binding_of(f, p);
        if (!b->table || b->entry != d->entry || (b->kind != MIX_BIND_EQUAL && b->kind != MIX_BIND_ANY))
            continue;
        size_t which = rh_mix_frequencies_of(build, d->table, b->column);
        if (which == SIZE_MAX || f->knobs->distinct ||
            !rh_mix_frequencies_follow(build, d->table, b->column, which, d->rows, d->row_count))
            continue;
        build->followed[which] = true;
        return;
    }
}

bool rh_mix_draw_rows(mix_filling *f, size_t value_rows, const char **why, rh_error *error)
{
    rh_arena *arena = f->copy->build->arena;
    for (size_t p = 0; p < f->candidate->count; p++) {
        const mix_binding *b = rh_mix_binding_of(f, p);
        if (!b->table || rh_mix_draw_of(f, b))
            continue;
        if (!sample(f->copy, b->table, error))
            return false;
        mix_draw *d = rh_arena_add(arena, &f->draws, &f->draw_count);
        *d = (mix_draw){.entry = b->entry, .table = b->table};
        choose_rows(f, d);
        follow_production(f, d);
        if (d->row_count == 0 && b->kind != MIX_BIND_INSERT) {
            *why = b->table->why_unseen
                       ? rh_arena_printf(arena, "%s: %s", b->table->name, b->table->why_unseen)
                       : rh_arena_printf(arena, "%s has no rows with the values that it searches",
                                         b->table->name);
            return false;
        }
        d->base = rh_arena_alloc(arena, (value_rows + 1) * sizeof *d->base);
        for (size_t r = 0; d->row_count && r < value_rows; r++)
            d->base[r] = f->draw_count == 1 ? r % d->row_count
                                            : (size_t)rh_random_below(&f->copy->build->random, d->row_count);
    }
    return true;
}

const char *rh_mix_row_value(const mix_filling *f, const mix_binding *b, size_t value_row, size_t offset)
{
    const mix_draw *d = rh_mix_draw_of(f, b);
    if (!d || d->row_count == 0)
        return NULL;
    return d->table->sample[d->rows[(d->base[value_row] + offset) % d->row_count]][b->column];
}
