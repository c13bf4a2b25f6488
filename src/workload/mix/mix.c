/* Makes the mix from the scenario's source. */
#include "pgrehearse/workload/workload.h"

static bool from_statistics(rh_pg *pg, const rh_mix_role *role, const rh_workload *workload, uint64_t seed,
                            rh_arena *arena, rh_mix *mix, rh_error *error)
{
    const char **paths = rh_arena_alloc(arena, (workload->file_count + 1) * sizeof *paths);
    for (size_t i = 0; i < workload->file_count; i++)
        paths[i] = workload->files[i].path;
    return rh_mix_from_statistics(pg, role, paths, workload->file_count, workload->values,
                                  workload->value_count, workload->limits, seed, arena, mix, error);
}

bool rh_mix_from_workload(rh_pg *pg, const rh_mix_role *role, const rh_workload *workload, uint64_t seed,
                          rh_arena *arena, rh_mix *mix, rh_error *error)
{
    switch (workload->source) {
    case RH_WORKLOAD_STATISTICS:
        return from_statistics(pg, role, workload, seed, arena, mix, error);
    case RH_WORKLOAD_PGBENCH:
        return rh_mix_from_pgbench(pg, role, workload->files, workload->file_count, arena, mix, error);
    case RH_WORKLOAD_SCHEMA:
    case RH_WORKLOAD_NONE:
        break;
    }
    return rh_mix_from_schema(pg, role, workload->limits, seed, arena, mix, error);
}
