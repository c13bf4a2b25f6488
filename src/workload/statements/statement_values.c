/* One value for each parameter of a statement, in each row of values. */
#include "statement_rows.h"
#include "statement_values.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool rh_mix_binds(const mix_candidate *candidate, mix_bind_kind kind)
{
    for (size_t i = 0; i < candidate->count; i++)
        if (candidate->bound.parameters[candidate->from[i] - 1].kind == kind)
            return true;
    return false;
}

static const char *letters(const mix_filling *f, const mix_binding *b, const char *value)
{
    if (!value || b->letters == MIX_CASE_AS_IS)
        return value;
    char *copy = rh_arena_strdup(f->copy->build->arena, value);
    for (char *c = copy; *c; c++)
        *c = (char)(b->letters == MIX_CASE_LOWER ? tolower((unsigned char)*c) : toupper((unsigned char)*c));
    return copy;
}

/* A value that is in no row, as far as its type lets us tell; VALUE itself where it does not. */
static const char *missing(const mix_filling *f, const char *value, const mix_type *type)
{
    rh_arena *arena = f->copy->build->arena;
    if (!value)
        return value;
    if (type->category == 'N')
        return *value == '-' ? rh_arena_printf(arena, "%s1", value) : rh_arena_printf(arena, "-%s", value);
    if (type->category == 'S')
        return rh_arena_printf(arena, "%s~", value);
    if (strcmp(type->name, "uuid") == 0)
        return rh_arena_printf(arena, "%016llx%016llx",
                               (unsigned long long)rh_random_next(&f->copy->build->random),
                               (unsigned long long)rh_random_next(&f->copy->build->random));
    return value;
}

/* The beginning of the value, as a pattern. */
static const char *pattern(const mix_filling *f, const char *value)
{
    if (!value)
        return "%";
    size_t length = strlen(value) >> f->knobs->halvings;
    while (length > 0 && ((unsigned char)value[length] & 0xc0) == 0x80)
        length--;
    rh_text text = {0};
    for (size_t i = 0; i < length; i++) {
        if (strchr("%_\\", value[i]))
            rh_text_append_char(&text, '\\');
        rh_text_append_char(&text, value[i]);
    }
    rh_text_append_char(&text, '%');
    const char *result = rh_arena_strdup(f->copy->build->arena, text.data);
    rh_text_release(&text);
    return result;
}

static const char *array(const mix_filling *f, const mix_binding *b, size_t value_row)
{
    rh_text text = {0};
    rh_text_append_char(&text, '{');
    for (size_t i = 0; i < f->knobs->list; i++) {
        const char *value = letters(f, b, rh_mix_row_value(f, b, value_row, i));
        rh_text_append(&text, i ? ",\"" : "\"");
        for (; value && *value; value++) {
            if (*value == '"' || *value == '\\')
                rh_text_append_char(&text, '\\');
            rh_text_append_char(&text, *value);
        }
        rh_text_append_char(&text, '"');
    }
    rh_text_append_char(&text, '}');
    const char *result = rh_arena_strdup(f->copy->build->arena, text.data);
    rh_text_release(&text);
    return result;
}

/* What the argument of this function is likely to be. */
static const char *argument(const mix_filling *f, const mix_binding *b)
{
    static const char *const known[][2] = {
        {"date_part", "day"}, {"date_trunc", "day"}, {"to_char", "YYYY-MM-DD"},
        {"pg_sleep", "0"},    {"timezone", "UTC"},   {"current_setting", "server_version"},
        {"extract", "day"},   {"to_tsquery", "a"},   {"round", "0"},
    };
    const char *name = b->function ? b->function : "";
    if (strcmp(name, "nextval") == 0 || strcmp(name, "currval") == 0)
        return f->copy->sequence;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i][0], name) == 0)
            return known[i][1];
    return NULL;
}

/* For a parameter that is compared with no column. */
static const char *plain(const mix_filling *f, const mix_binding *b, const mix_type *type)
{
    static const char *const known[][2] = {{"uuid", "00000000-0000-4000-8000-000000000001"},
                                           {"json", "{}"},
                                           {"jsonb", "{}"},
                                           {"bytea", ""},
                                           {"tsquery", "a"},
                                           {"tsvector", ""},
                                           {"jsonpath", "$"},
                                           {"oid", "1"}};
    const char *likely = argument(f, b);
    if (likely)
        return likely;
    if (type->label)
        return type->label;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i][0], type->name) == 0)
            return known[i][1];
    if (strncmp(type->name, "reg", 3) == 0)
        return f->copy->sequence;
    switch (type->category) {
    case 'N':
        return "1";
    case 'B':
        return "true";
    case 'S':
        return "a";
    case 'D':
        return "now";
    case 'T':
        return "1 day";
    case 'A':
        return "{}";
    case 'R':
        return "empty";
    case 'I':
        return "127.0.0.1";
    default:
        return NULL;
    }
}

/* "12.50" for an integer is 12. */
static const char *fit(const mix_filling *f, const char *value, const mix_type *type)
{
    const char *point = value && strncmp(type->name, "int", 3) == 0 && isdigit((unsigned char)type->name[3])
                            ? strchr(value, '.')
                            : NULL;
    return point ? rh_arena_strndup(f->copy->build->arena, value, (size_t)(point - value)) : value;
}

static bool is_unique(const mix_table *table, size_t column)
{
    for (size_t u = 0; u < table->unique_count; u++)
        for (size_t i = 0; i < table->uniques[u].columns.count; i++)
            if (table->uniques[u].columns.index[i] == column)
                return true;
    return false;
}

static const char *inserted(const mix_filling *f, const mix_binding *b, const mix_type *type, size_t row)
{
    const mix_draw *d = rh_mix_draw_of(f, b);
    if (!d || d->row_count == 0)
        return plain(f, b, type);
    bool shuffled = f->candidate->shuffled && f->candidate->shuffled[b->column];
    size_t other = shuffled ? 1 + (size_t)rh_random_below(&f->copy->build->random, d->row_count) : 0;
    return rh_mix_row_value(f, b, row, b->element + other);
}

static const char *value_of(mix_filling *f, size_t p, size_t row)
{
    const mix_binding *b = rh_mix_binding_of(f, p);
    const mix_type *type = &f->candidate->types[p];
    rh_arena *arena = f->copy->build->arena;
    double limit = isnan(f->candidate->rows) ? 10 : ceil(fmin(fmax(f->candidate->rows, 1), 1e6));
    switch (b->kind) {
    case MIX_BIND_EQUAL:
        return letters(f, b, rh_mix_row_value(f, b, row, b->element));
    case MIX_BIND_OTHER:
        return letters(f, b, rh_mix_row_value(f, b, row, 1));
    case MIX_BIND_SET:
        return rh_mix_row_value(f, b, row, is_unique(b->table, b->column) ? 0 : 1 + row % 7);
    case MIX_BIND_ANY:
        return array(f, b, row);
    case MIX_BIND_PATTERN:
        return pattern(f, letters(f, b, rh_mix_row_value(f, b, row, 0)));
    case MIX_BIND_INSERT:
        return inserted(f, b, type, row);
    case MIX_BIND_LIMIT:
        return rh_arena_printf(arena, "%.0f", limit);
    case MIX_BIND_OFFSET:
        return "0";
    case MIX_BIND_LOW:
    case MIX_BIND_HIGH:
        return rh_mix_row_value(f, b, row, 0); /* where the column has no order */
    case MIX_BIND_STEP:
        return plain(f, b, type);
    case MIX_BIND_NONE:
        if (!f->caveat && !argument(f, b))
            f->caveat = rh_arena_printf(
                arena, "$%zu is not compared with a column of a known table: one constant value is used",
                p + 1);
        return plain(f, b, type);
    }
    return NULL;
}

static bool has_partner(const mix_filling *f, const mix_binding *b, mix_bind_kind kind)
{
    for (size_t p = 0; p < f->candidate->count; p++) {
        const mix_binding *other = rh_mix_binding_of(f, p);
        if (other->kind == kind && other->entry == b->entry && other->column == b->column)
            return true;
    }
    return false;
}

/* The rank of VALUE_ROW's own value in ORDER. */
static double rank(const mix_filling *f, const mix_binding *b, const mix_order *order, size_t value_row)
{
    const char *value = rh_mix_row_value(f, b, value_row, 0);
    for (size_t i = 0; value && i < order->count; i++)
        if (strcmp(order->values[i], value) == 0)
            return (double)i;
    return (double)(order->count - 1) / 2;
}

/* Both bounds: as wide as the share that is wanted, around the row's own value. One bound: where that share
 * lies beyond it; but where LIMIT ends the reading, anywhere: those pages are all alike. */
static double position(const mix_filling *f, const mix_binding *b, const mix_order *order, size_t value_row)
{
    bool low = b->kind == MIX_BIND_LOW;
    double last = (double)(order->count - 1), width = f->knobs->fraction * last;
    if (has_partner(f, b, low ? MIX_BIND_HIGH : MIX_BIND_LOW)) {
        double middle = fmin(fmax(rank(f, b, order, value_row), width / 2), last - width / 2);
        return low ? middle - width / 2 : middle + width / 2;
    }
    if (f->candidate->bound.limited && !f->candidate->bound.aggregates)
        return rank(f, b, order, value_row);
    double share = width * (0.5 + rh_random_uniform(&f->copy->build->random));
    return low ? last - share : share;
}

static bool fill_range(mix_filling *f, size_t p, rh_error *error)
{
    const mix_binding *b = rh_mix_binding_of(f, p);
    const mix_order *order = rh_mix_order(f->copy, b->table, b->column, error);
    if (!order || order->count < 2)
        return order != NULL;
    size_t rows = f->template_->value_row_count;
    double *positions = rh_alloc(rows * sizeof *positions);
    const char **values = rh_alloc(rows * sizeof *values);
    for (size_t r = 0; r < rows; r++)
        positions[r] = position(f, b, order, r);
    bool ok = rh_mix_order_values(f->copy, order, positions, rows, values, error);
    for (size_t r = 0; ok && r < rows; r++)
        f->template_->values[r][p] = fit(f, values[r], &f->candidate->types[p]);
    free(positions);
    free(values);
    return ok;
}

static size_t first_equal(const mix_filling *f)
{
    size_t p = 0;
    while (p < f->candidate->count && rh_mix_binding_of(f, p)->kind != MIX_BIND_EQUAL)
        p++;
    return p;
}

bool rh_mix_statement_values(mix_copy *copy, const mix_candidate *candidate, const mix_knobs *knobs,
                             rh_template *template_, const char **caveat, const char **why, rh_error *error)
{
    mix_filling f = {.copy = copy, .candidate = candidate, .knobs = knobs, .template_ = template_};
    rh_arena *arena = copy->build->arena;
    size_t rows = 1 + knobs->value_rows / (1 + candidate->count / 50);
    template_->parameter_count = candidate->count;
    template_->value_row_count = candidate->count ? rows : 0;
    if (candidate->count == 0)
        return true;
    if (!rh_mix_draw_rows(&f, rows, why, error))
        return false;
    if (f.draw_count == 1 && f.draws[0].row_count > 0 && f.draws[0].row_count < rows)
        rows = template_->value_row_count = f.draws[0].row_count;
    template_->values = rh_arena_alloc(arena, rows * sizeof *template_->values);
    for (size_t r = 0; r < rows; r++) {
        template_->values[r] = rh_arena_alloc(arena, candidate->count * sizeof(char *));
        for (size_t p = 0; p < candidate->count; p++)
            template_->values[r][p] = fit(&f, value_of(&f, p, r), &candidate->types[p]);
        size_t key = first_equal(&f);
        if (key < candidate->count && rh_random_uniform(&copy->build->random) < knobs->miss)
            template_->values[r][key] = missing(&f, template_->values[r][key], &candidate->types[key]);
    }
    for (size_t p = 0; p < candidate->count; p++) {
        mix_bind_kind kind = rh_mix_binding_of(&f, p)->kind;
        if ((kind == MIX_BIND_LOW || kind == MIX_BIND_HIGH) && !fill_range(&f, p, error))
            return false;
    }
    *caveat = f.caveat;
    return true;
}
