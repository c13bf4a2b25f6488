#include "rounds.h"
#include "pgrehearse/base/statistics.h"
#include <math.h>

/* Of the rounds that have a figure of KIND, in ROUND order; returns how many. */
static size_t figures_of(const rh_probe *rounds, size_t count, int kind, double *figures, bool *cut_short)
{
    size_t found = 0;
    *cut_short = false;
    for (size_t i = 0; i < count && found < RH_PROBE_ROUNDS_MOST; i++) {
        if (!(rounds[i].value[kind] > 0))
            continue;
        figures[found++] = rounds[i].value[kind];
        *cut_short |= rounds[i].cut_short[kind];
    }
    return found;
}

static double best_of(int kind, const double *figures, size_t count, double median)
{
    const bool seconds = kind == RH_PROBE_RANDOM || kind == RH_PROBE_WAL;
    double best = figures[0];
    if (kind == RH_PROBE_PARALLEL)
        return median;
    for (size_t i = 1; i < count; i++)
        best = seconds ? fmin(best, figures[i]) : fmax(best, figures[i]);
    return best;
}

rh_probe rh_probe_of_rounds(const rh_probe *rounds, size_t count)
{
    rh_probe probe = count > 0 ? rounds[0] : (rh_probe){0};
    for (int kind = 0; kind < RH_PROBE_COUNT; kind++) {
        double figures[RH_PROBE_ROUNDS_MOST];
        const size_t found = figures_of(rounds, count, kind, figures, &probe.cut_short[kind]);
        probe.value[kind] = RH_NOT_MEASURED;
        probe.spread[kind] = 0;
        if (found == 0)
            continue;
        const double median = rh_median(figures, found); /* sorts */
        probe.value[kind] = best_of(kind, figures, found, median);
        probe.spread[kind] =
            found > 1 && kind != RH_PROBE_PARALLEL ? fabs(log(probe.value[kind] / median)) : 0;
    }
    return probe;
}
