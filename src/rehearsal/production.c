#include "production.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/profile/profile.h"

static bool at_profile(const rh_scenario *scenario, rh_error *error)
{
    const rh_location *where = &scenario->production.where;
    return rh_error_at(error, where->file, where->line, where->column);
}

bool rh_production_read(rh_run *run, const rh_progress *progress, rh_error *error)
{
    const rh_scenario *scenario = run->scenario;
    if (!scenario->production.profile)
        return true;
    rh_profile *profile = rh_arena_alloc(run->arena, sizeof *profile);
    rh_progress_begin(progress, "production's profile", "%s", scenario->production.profile);
    if (!rh_profile_read(scenario->production.profile, run->arena, profile, error))
        return false;
    run->production.profile = profile;
    for (int kind = 0; kind < RH_PROBE_COUNT; kind++)
        run->production.staging.value[kind] = RH_NOT_MEASURED;
    if (scenario->backup.clone) {
        rh_run_not_measured(run, RH_UNMEASURED_PRODUCTION_GUARD,
                            "guard: a clone may bear production's system identifier, which is therefore not "
                            "compared: its mark says that it is not production");
    } else if (scenario->staging.kind == RH_STAGING_SERVER) {
        bool checked;
        if (!rh_profile_guard(profile, scenario->staging.url, &checked, error)) {
            const rh_location *where = &scenario->staging.where;
            return rh_error_at(error, where->file, where->line, where->column);
        }
        if (!checked)
            rh_run_not_measured(
                run, RH_UNMEASURED_PRODUCTION_GUARD,
                "guard: whether staging is production could not be checked by the system identifier");
    }
    rh_progress_end(progress, "production's profile", "PostgreSQL %s, %zu table%s", profile->version,
                    profile->relation_count, rh_plural((int64_t)profile->relation_count));
    return true;
}

/* The probes that production has: nothing else could be compared. */
static unsigned probes_of(const rh_profile *profile)
{
    unsigned probes = 0;
    for (int kind = 0; kind < RH_PROBE_COUNT; kind++)
        if (profile->probe.value[kind] > 0)
            probes |= 1u << kind;
    return probes;
}

/* Interleaved: what disturbs the machine for a while disturbs a round of every probe, not all rounds of one.
 */
static bool probe_staging(rh_run *run, const char *conninfo, rh_error *error)
{
    enum { ROUNDS = 3 };
    _Static_assert((int)ROUNDS < (int)RH_PROBE_ROUNDS_MOST, "one round is left for the end");
    rh_skipped *unknown = NULL;
    size_t unknown_count = 0, first = 0;
    for (int round = 0; round < ROUNDS; round++) {
        if (!rh_profile_probe(conninfo, run->staging.local, probes_of(run->production.profile), run->arena,
                              &run->production, &unknown, &unknown_count, error))
            return false;
        first = round == 0 ? unknown_count : first;
    }
    for (size_t i = 0; i < first; i++)
        rh_run_not_measured(run, RH_UNMEASURED_PRODUCTION_PROFILE, "staging's %s: %s", unknown[i].what,
                            unknown[i].why);
    return true;
}

bool rh_production_probe_again(rh_run *run, const char *conninfo, const rh_progress *progress,
                               rh_error *error)
{
    /* Tables are others by now, and caches warmer. */
    static const unsigned of_machine =
        1u << RH_PROBE_CPU | 1u << RH_PROBE_SORT | 1u << RH_PROBE_WAL | 1u << RH_PROBE_WRITE;
    rh_skipped *unknown = NULL;
    size_t count = 0;
    if (!run->production.profile)
        return true;
    rh_progress_begin(progress, "probe", "staging again: whether the machine is as fast as before");
    if (!rh_profile_probe(conninfo, run->staging.local, probes_of(run->production.profile) & of_machine,
                          run->arena, &run->production, &unknown, &count, error))
        return false;
    rh_progress_end(progress, "probe", "a part of the predictions' uncertainty");
    return true;
}

bool rh_production_compare(rh_run *run, const char *conninfo, const rh_progress *progress, rh_error *error)
{
    rh_production_facts *facts = &run->production;
    if (!facts->profile)
        return true;
    rh_progress_begin(progress, "probe", "staging, with the same probes as production");
    if (!rh_profile_compare(facts->profile, conninfo, run->arena, facts, error))
        return at_profile(run->scenario, error);
    if (!probe_staging(run, conninfo, error))
        return false;
    for (size_t i = 0; i < facts->sentence_count; i++)
        rh_run_not_measured(run, RH_UNMEASURED_PRODUCTION_PROFILE, "%s", facts->sentences[i]);
    rh_progress_end(progress, "probe", "beside production's in the report");
    return true;
}

void rh_production_settings(rh_run *run)
{
    if (run->production.profile)
        rh_profile_settings(run->production.profile, &run->staging);
}

const rh_setting *rh_production_own_settings(rh_run *run, size_t *count)
{
    const rh_profile *profile = run->production.profile;
    rh_setting *settings = NULL;
    *count = 0;
    for (size_t i = 0; profile && i < profile->setting_count; i++)
        if (!profile->settings[i].is_default)
            *rh_arena_add(run->arena, &settings, count) =
                (rh_setting){profile->settings[i].name, profile->settings[i].value};
    return settings;
}
