/* Internal to workload/: draws sampled rows with the frequencies of production's most common values. */
#pragma once
#include "schema.h"

/* The index into build->values of TABLE's COLUMN (an index into its columns); SIZE_MAX: production's most
 * common values of it are not known. */
size_t rh_mix_frequencies_of(const mix_build *build, const mix_table *table, size_t column);

/* ROWS (COUNT, indexes into TABLE's sample, complete in COLUMN) are drawn anew from themselves, in random
 * order, so that each of the most common values build->values[WHICH] that is among them is as frequent as on
 * production, and all others share what is left as they did. Values that no row has are passed over. False:
 * none of them is there, and ROWS are as they were. */
bool rh_mix_frequencies_follow(mix_build *build, const mix_table *table, size_t column, size_t which,
                               size_t *rows, size_t count);
