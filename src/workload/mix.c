/* Which source the mix comes from. */
#include "pgrehearse/workload/workload.h"
#include <math.h>

enum { DEFAULT_RATE = 100 };

static bool from_statistics(rh_pg *pg, const rh_scenario *scenario, rh_arena *arena, rh_mix *mix,
                            rh_error *error)
{
    size_t count = scenario->workload.file_count;
    const char **paths = rh_arena_alloc(arena, (count + 1) * sizeof *paths);
    for (size_t i = 0; i < count; i++)
        paths[i] = scenario->workload.files[i].path;
    return rh_mix_from_statistics(pg, paths, count, scenario->workload.seed, arena, mix, error);
}

bool rh_mix_from_scenario(rh_pg *pg, const rh_scenario *scenario, rh_arena *arena, rh_mix *mix, double *rate,
                          rh_error *error)
{
    bool ok = false;
    switch (scenario->workload.source) {
    case RH_WORKLOAD_STATISTICS:
        ok = from_statistics(pg, scenario, arena, mix, error);
        break;
    case RH_WORKLOAD_PGBENCH:
        ok = rh_mix_from_pgbench(pg, scenario->workload.files, scenario->workload.file_count, arena, mix,
                                 error);
        break;
    case RH_WORKLOAD_SCHEMA:
    case RH_WORKLOAD_NONE:
        ok = rh_mix_from_schema(pg, scenario->workload.seed, arena, mix, error);
        break;
    }
    double production = mix->coverage.rate_per_s;
    *rate = scenario->workload.rate > 0                                        ? scenario->workload.rate
            : mix->coverage.measured && isfinite(production) && production > 0 ? fmax(0.1, production)
                                                                               : DEFAULT_RATE;
    return ok;
}
