/* Production's most common values of a column: of the data, so only where they were asked for. */
#pragma once
#include <stddef.h>

typedef struct rh_profile_values {
    const char *schema, *table, *column;
    const char **values; /* as text, the most frequent first */
    double *frequencies; /* share of the table's rows */
    size_t count;
} rh_profile_values;
