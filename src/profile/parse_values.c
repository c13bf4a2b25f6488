/* The most common values of a profile, if it has any. */
#include "parse_values.h"
#include <math.h>

/* A statistic of ANALYZE's, whose shares may add up to a little more than all by rounding. */
static const double ALL = 1.001;

static bool parse_list(const rh_json *values, const rh_json *frequencies, rh_arena *arena,
                       rh_profile_values *column)
{
    double sum = 0;
    if (rh_json_count(values) != rh_json_count(frequencies) || rh_json_count(values) == 0)
        return false;
    column->values = rh_arena_alloc(arena, rh_json_count(values) * sizeof *column->values);
    column->frequencies = rh_arena_alloc(arena, rh_json_count(values) * sizeof *column->frequencies);
    for (size_t i = 0; i < rh_json_count(values); i++) {
        const char *value = rh_json_string(rh_json_at(values, i));
        double frequency = rh_json_real(rh_json_at(frequencies, i));
        if (!value || !(frequency > 0 && frequency <= 1))
            return false;
        column->values[column->count] = rh_arena_strdup(arena, value);
        column->frequencies[column->count++] = frequency;
        sum += frequency;
    }
    return sum <= ALL;
}

bool rh_profile_values_parse(const rh_json *row, rh_arena *arena, rh_profile_values *column)
{
    *column =
        (rh_profile_values){.schema = rh_arena_strdup(arena, rh_json_string(rh_json_get(row, "schema"))),
                            .table = rh_arena_strdup(arena, rh_json_string(rh_json_get(row, "table"))),
                            .column = rh_arena_strdup(arena, rh_json_string(rh_json_get(row, "column")))};
    return column->schema && column->table && column->column &&
           parse_list(rh_json_get(row, "values"), rh_json_get(row, "frequencies"), arena, column);
}
