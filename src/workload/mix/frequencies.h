/* Internal to workload/: draws sampled rows with the frequencies of production's most common values. */
#pragma once
#include "schema.h"

/* The index into build->values of TABLE's COLUMN (an index into its columns); SIZE_MAX: production's most
 * common values of it are not known. */
size_t rh_mix_frequencies_of(const mix_build *build, const mix_table *table, size_t column);

/* Resamples ROWS (COUNT, indexes into TABLE's sample, complete in COLUMN), in random order, so that each of
 * the most common values build->values[WHICH] among them is as frequent as on production; the others share
 * the rest in proportion. Values that no row has are ignored. False: no row has any of them, and ROWS are
 * unchanged. */
bool rh_mix_frequencies_follow(mix_build *build, const mix_table *table, size_t column, size_t which,
                               size_t *rows, size_t count);
