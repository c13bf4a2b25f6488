#include "sections.h"
#include "embedded/profile.h"
#include <string.h>

static const rh_part PARTS[] = {
    {"server", rh_sql_profile_server, NULL, false, false, false},
    {"identity", rh_sql_profile_identity, NULL, false, false, false},
    {"activity", rh_sql_profile_activity, NULL, true, true, false},
    {"counters", rh_sql_profile_counters, NULL, true, true, false},
    {"ages", rh_sql_profile_ages, NULL, true, false, false},
    {"settings", rh_sql_profile_settings, NULL, true, false, false},
    {"relations", rh_sql_profile_relations, NULL, true, false, false},
    {"indexes", rh_sql_profile_indexes, NULL, true, false, false},
    {"replicas", rh_sql_profile_replicas, NULL, true, false, false},
    {"slots", rh_sql_profile_slots, NULL, true, false, false},
    {"wal", rh_sql_profile_wal, NULL, false, false, false},
    {"machine", rh_sql_profile_machine, NULL, false, false, false},
    {"statements", rh_sql_profile_statements, rh_sql_profile_statements_path, true, false, false},
    {"size", rh_sql_profile_size, NULL, false, false, false},
    {"values", rh_sql_profile_values, NULL, true, false, true},
};

static const rh_probe_part PROBES[RH_PROBE_COUNT] = {
    [RH_PROBE_CPU] = {"probe.cpu", rh_sql_probe_cpu, false},
    [RH_PROBE_SORT] = {"probe.sort", rh_sql_probe_sort, false},
    [RH_PROBE_CACHED] = {"probe.cached", rh_sql_probe_cached, false},
    [RH_PROBE_SEQUENTIAL] = {"probe.sequential", rh_sql_probe_sequential, false},
    [RH_PROBE_RANDOM] = {"probe.random", rh_sql_probe_random, false},
    [RH_PROBE_WAL] = {"probe.wal", rh_sql_probe_wal, true},
    [RH_PROBE_WRITE] = {"probe.write", rh_sql_probe_write, true},
    [RH_PROBE_PARALLEL] = {"probe.parallel", rh_sql_probe_parallel, false},
};

const rh_part *rh_profile_parts(size_t *count)
{
    *count = sizeof PARTS / sizeof *PARTS;
    return PARTS;
}

const rh_part *rh_profile_part(const char *name)
{
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
        if (strcmp(PARTS[i].name, name) == 0)
            return &PARTS[i];
    return NULL;
}

const rh_probe_part *rh_profile_probe_part(rh_probe_kind kind)
{
    return &PROBES[kind];
}
