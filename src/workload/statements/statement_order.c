/* Histograms of columns, and values at any place in them. */
#include "statement_values.h"
#include "pgrehearse/base/text.h"
#include <math.h>
#include <string.h>

static void append_element(rh_text *array, const char *value)
{
    rh_text_append(array, array->length > 1 ? ",\"" : "\"");
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            rh_text_append_char(array, '\\');
        rh_text_append_char(array, *value);
    }
    rh_text_append_char(array, '"');
}

static bool is_fatal(const rh_error *failure)
{
    return failure->code == RH_ERROR_LOST || failure->code == RH_ERROR_INTERRUPTED;
}

/* Runs SQL; what the server refuses is NULL without an error. */
static rh_pg_result *query(mix_copy *copy, const char *sql, size_t count, const char *const *parameters,
                           rh_error *error)
{
    rh_error failure = {0};
    rh_pg_result *result = rh_pg_query(copy->build->pg, sql, count, parameters, &failure);
    if (is_fatal(&failure))
        rh_error_move(error, &failure);
    rh_error_release(&failure);
    return result;
}

const mix_order *rh_mix_order(mix_copy *copy, const mix_table *table, size_t column, rh_error *error)
{
    for (size_t i = 0; i < copy->order_count; i++)
        if (copy->orders[i].table == table && copy->orders[i].column == column)
            return &copy->orders[i];
    rh_arena *arena = copy->build->arena;
    rh_text array = {0}, sql = {0};
    rh_text_append(&array, "{");
    for (size_t i = 0; i < table->sample_count; i++)
        if (table->sample[i][column])
            append_element(&array, table->sample[i][column]);
    rh_text_append(&array, "}");
    rh_text_printf(&sql, "SELECT v FROM unnest($1::text[]) AS u (v) ORDER BY v::\"%s\"",
                   table->columns[column].type);
    const char *parameter = array.data;
    rh_pg_result *r = query(copy, sql.data, 1, &parameter, error);
    mix_order *order = NULL;
    if (!rh_error_is_set(error)) {
        order = rh_arena_add(arena, &copy->orders, &copy->order_count);
        *order = (mix_order){.table = table, .column = column, .count = r ? rh_pg_rows(r) : 0};
        order->values = rh_arena_alloc(arena, (order->count + 1) * sizeof(char *));
        for (size_t i = 0; i < order->count; i++)
            order->values[i] = rh_arena_strdup(arena, rh_pg_value(r, i, 0));
    }
    rh_pg_result_free(r);
    rh_text_release(&array);
    rh_text_release(&sql);
    return order;
}

/* How to go a part of the way from u.a to u.b; NULL: this type has nothing in between. */
static const char *between(const char *type)
{
    static const char *const numbers[] = {"int2", "int4", "int8", "numeric", "float4", "float8", NULL};
    static const char *const times[] = {"timestamp", "timestamptz", "date", NULL};
    if (rh_is_one_of(type, numbers))
        return "u.a::numeric + (u.b::numeric - u.a::numeric) * u.w::numeric";
    if (rh_is_one_of(type, times))
        return "u.a::timestamp + (u.b::timestamp - u.a::timestamp) * u.w";
    return NULL;
}

bool rh_mix_order_values(mix_copy *copy, const mix_order *order, const double *positions, size_t count,
                         const char **values, rh_error *error)
{
    const char *type = order->table->columns[order->column].type, *expression = between(type);
    rh_text low = {0}, high = {0}, way = {0}, sql = {0};
    rh_text_append(&low, "{");
    rh_text_append(&high, "{");
    rh_text_append(&way, "{");
    for (size_t i = 0; i < count; i++) {
        double last = (double)(order->count - 1), at = fmin(fmax(positions[i], 0), last);
        size_t below = (size_t)at, above = below + 1 < order->count ? below + 1 : below;
        values[i] = order->values[at - (double)below < 0.5 ? below : above];
        append_element(&low, order->values[below]);
        append_element(&high, order->values[above]);
        rh_text_printf(&way, "%s%.6f", i ? "," : "", at - (double)below);
    }
    rh_text_append(&low, "}");
    rh_text_append(&high, "}");
    rh_text_append(&way, "}");
    rh_pg_result *r = NULL;
    if (expression) {
        rh_text_printf(&sql,
                       "SELECT (%s)::\"%s\"::text FROM unnest($1::text[], $2::text[], $3::float8[]) "
                       "WITH ORDINALITY AS u (a, b, w, n) ORDER BY u.n",
                       expression, type);
        r = query(copy, sql.data, 3, (const char *const[]){low.data, high.data, way.data}, error);
    }
    for (size_t i = 0; r && i < count && i < rh_pg_rows(r); i++)
        values[i] = rh_arena_strdup(copy->build->arena, rh_pg_value(r, i, 0));
    rh_pg_result_free(r);
    rh_text_release(&low);
    rh_text_release(&high);
    rh_text_release(&way);
    rh_text_release(&sql);
    return !rh_error_is_set(error);
}
