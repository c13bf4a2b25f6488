/* Systematic resampling (Kish, Survey Sampling, 1965, section 4.1) of sampled rows by importance weights: a
 * value's share on production over its share among the rows. */
#include "frequencies.h"
#include "pgrehearse/model/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t rh_mix_frequencies_of(const mix_build *build, const mix_table *table, size_t column)
{
    for (size_t i = 0; i < build->value_count; i++) {
        const rh_profile_values *v = &build->values[i];
        if (strcmp(v->column, table->columns[column].name) == 0 &&
            rh_relation_equal(table->relation, (rh_relation){v->schema, v->table}))
            return i;
    }
    return SIZE_MAX;
}

/* VALUE's place among the most common ones; their count: it is none. */
static size_t place_of(const rh_profile_values *values, const char *value)
{
    size_t i = 0;
    while (i < values->count && (!value || strcmp(values->values[i], value) != 0))
        i++;
    return i;
}

/* Each row's weight, by how often its value is among the rows. False: none of the most common values is. */
static bool weigh(const rh_profile_values *values, const size_t *places, size_t count, double *weights)
{
    size_t *found = rh_alloc((values->count + 1) * sizeof *found);
    double common = 0;
    for (size_t i = 0; i < count; i++)
        found[places[i]]++;
    for (size_t v = 0; v < values->count; v++)
        common += values->frequencies[v];
    double rest = fmax(0, 1 - common);
    bool any = found[values->count] < count;
    for (size_t i = 0; i < count; i++)
        weights[i] =
            (places[i] < values->count ? values->frequencies[places[i]] : rest) / (double)found[places[i]];
    free(found);
    return any;
}

static void shuffle(rh_random *random, size_t *rows, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)rh_random_below(random, i), kept = rows[i - 1];
        rows[i - 1] = rows[other];
        rows[other] = kept;
    }
}

/* Rows of the same value side by side, so that each value gets its share to within one row. */
static void group(const rh_profile_values *values, size_t *rows, size_t *places, size_t count)
{
    size_t *kept = rh_alloc((count + 1) * sizeof *kept),
           *kept_places = rh_alloc((count + 1) * sizeof *kept_places);
    size_t next = 0;
    memcpy(kept, rows, count * sizeof *kept);
    memcpy(kept_places, places, count * sizeof *kept_places);
    for (size_t place = 0; place <= values->count; place++)
        for (size_t i = 0; i < count; i++)
            if (kept_places[i] == place) {
                rows[next] = kept[i];
                places[next++] = place;
            }
    free(kept);
    free(kept_places);
}

/* COUNT of ROWS by their WEIGHTS, at equal distances from a random start. */
static void draw(rh_random *random, const double *weights, size_t *rows, size_t count)
{
    size_t *drawn = rh_alloc((count + 1) * sizeof *drawn), taken = 0;
    double total = 0, passed = 0;
    for (size_t i = 0; i < count; i++)
        total += weights[i];
    double apart = total / (double)count, at = apart * rh_random_uniform(random);
    for (size_t i = 0; i < count; i++) {
        passed += weights[i];
        for (; taken < count && (at < passed || i + 1 == count); at += apart)
            drawn[taken++] = rows[i];
    }
    memcpy(rows, drawn, count * sizeof *rows);
    free(drawn);
}

bool rh_mix_frequencies_follow(mix_build *build, const mix_table *table, size_t column, size_t which,
                               size_t *rows, size_t count)
{
    const rh_profile_values *values = &build->values[which];
    size_t *places = rh_alloc((count + 1) * sizeof *places),
           *ordered = rh_alloc((count + 1) * sizeof *ordered);
    double *weights = rh_alloc((count + 1) * sizeof *weights);
    memcpy(ordered, rows, count * sizeof *ordered);
    for (size_t i = 0; i < count; i++)
        places[i] = place_of(values, table->sample[rows[i]][column]);
    group(values, ordered, places, count);
    bool any = count > 0 && weigh(values, places, count, weights);
    if (any) {
        draw(&build->random, weights, ordered, count);
        shuffle(&build->random, ordered, count);
        memcpy(rows, ordered, count * sizeof *rows);
    }
    free(places);
    free(ordered);
    free(weights);
    return any;
}
