#include "arrivals.h"
#include "pgrehearse/base/arena.h"
#include <math.h>
#include <stdlib.h>

static void accumulate(rh_chooser *chooser)
{
    double sum = 0;
    for (size_t i = 0; i < chooser->count; i++)
        chooser->cumulative[i] = sum += chooser->cumulative[i];
    for (size_t i = 0; i < chooser->count; i++)
        chooser->cumulative[i] /= sum;
}

void rh_chooser_init_weights(rh_chooser *chooser, const double *weights, size_t count)
{
    *chooser = (rh_chooser){.cumulative = rh_alloc(count * sizeof(double) + 1), .count = count};
    for (size_t i = 0; i < count; i++)
        chooser->cumulative[i] = weights[i];
    accumulate(chooser);
}

void rh_chooser_init_zipf(rh_chooser *chooser, size_t count, double theta)
{
    *chooser = (rh_chooser){.cumulative = rh_alloc(count * sizeof(double) + 1), .count = count};
    for (size_t i = 0; i < count; i++)
        chooser->cumulative[i] = pow((double)(i + 1), -theta);
    accumulate(chooser);
}

void rh_chooser_release(rh_chooser *chooser)
{
    free(chooser->cumulative);
    *chooser = (rh_chooser){0};
}

size_t rh_chooser_draw(const rh_chooser *chooser, rh_random *random)
{
    double u = rh_random_uniform(random);
    size_t low = 0, high = chooser->count; /* the first whose cumulative is above u */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (chooser->cumulative[middle] > u)
            high = middle;
        else
            low = middle + 1;
    }
    return low < chooser->count ? low : chooser->count ? chooser->count - 1 : 0;
}

void rh_arrivals_init(rh_arrivals *arrivals, const rh_mix *mix, double rate, uint64_t seed)
{
    *arrivals = (rh_arrivals){.mean_gap_us = (double)RH_SECOND / rate};
    rh_random_seed(&arrivals->random, seed);
    double *weights = rh_alloc(mix->template_count * sizeof *weights);
    arrivals->rows = rh_alloc(mix->template_count * sizeof *arrivals->rows);
    for (size_t i = 0; i < mix->template_count; i++) {
        const rh_template *t = &mix->templates[i];
        weights[i] = t->weight;
        rh_chooser_init_zipf(&arrivals->rows[i], t->value_row_count,
                             t->kind == RH_TEMPLATE_READ ? RH_ZIPF_THETA : 0);
    }
    rh_chooser_init_weights(&arrivals->templates, weights, mix->template_count);
    free(weights);
}

void rh_arrivals_release(rh_arrivals *arrivals)
{
    for (size_t i = 0; i < arrivals->templates.count; i++)
        rh_chooser_release(&arrivals->rows[i]);
    free(arrivals->rows);
    rh_chooser_release(&arrivals->templates);
}

rh_arrival rh_arrivals_next(rh_arrivals *arrivals)
{
    arrivals->next_us += rh_random_exponential(&arrivals->random, arrivals->mean_gap_us);
    rh_arrival arrival = {.intended = (rh_usec)arrivals->next_us};
    arrival.template_index = (uint32_t)rh_chooser_draw(&arrivals->templates, &arrivals->random);
    arrival.value_row = (uint32_t)rh_chooser_draw(&arrivals->rows[arrival.template_index], &arrivals->random);
    return arrival;
}
