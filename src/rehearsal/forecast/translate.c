#include "translate.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/predict/translate.h"
#include <math.h>
#include <string.h>

static const char *production_setting(const rh_profile *profile, const char *name)
{
    for (size_t i = 0; i < profile->setting_count; i++)
        if (strcmp(profile->settings[i].name, name) == 0)
            return profile->settings[i].value;
    return NULL;
}

static const char *staging_setting(const rh_staging_facts *staging, const char *name)
{
    for (size_t i = 0; i < staging->setting_count; i++)
        if (strcmp(staging->settings[i].name, name) == 0)
            return staging->settings[i].value;
    return NULL;
}

static double size_setting(const rh_profile *profile, const char *name, double otherwise)
{
    int64_t bytes;
    const char *value = production_setting(profile, name);
    return value && rh_size_parse(value, &bytes) ? (double)bytes : otherwise;
}

/* How much of a full page's bytes an image costs in the WAL; compression halves them, as a rule. */
static double image_cost(const char *full_page_writes, const char *compression)
{
    if (!full_page_writes)
        return RH_NOT_MEASURED;
    if (strcmp(full_page_writes, "off") == 0)
        return 0;
    return !compression || strcmp(compression, "off") == 0 ? 1 : 0.5;
}

static double image_share(const rh_run *run)
{
    const rh_profile *profile = run->production.profile;
    double here = image_cost(staging_setting(&run->staging, "full_page_writes"),
                             staging_setting(&run->staging, "wal_compression"));
    double there = image_cost(production_setting(profile, "full_page_writes"),
                              production_setting(profile, "wal_compression"));
    return here > 0 ? there / here : RH_NOT_MEASURED;
}

/* The production's relation that STATEMENT works on foremost; NULL when the profile does not have it. */
static const rh_profile_relation *relation_of(const rh_run *run, const rh_statement *statement)
{
    const rh_profile *profile = run->production.profile;
    for (size_t r = 0; r < statement->relation_count; r++)
        for (size_t i = 0; i < profile->relation_count; i++)
            if (rh_relation_matches(statement->relations[r],
                                    (rh_relation){profile->relations[i].schema, profile->relations[i].name}))
                return &profile->relations[i];
    return NULL;
}

/* As measured here, grown as many times as there are rows (else bytes) there, with production's memory. */
static rh_work_size size_there(const rh_run *run, const rh_statement *statement)
{
    const rh_profile *profile = run->production.profile;
    rh_work_size here = {0}, unknown = {0};
    for (size_t r = 0; r < statement->run_count; r++)
        if (statement->runs[r].pass == RH_PASS_KIND_QUIET)
            here = statement->runs[r].size;
    const rh_profile_relation *relation = relation_of(run, statement);
    double times = RH_NOT_MEASURED;
    if (relation && relation->tuples >= 0 && here.rows > 0)
        times = (double)relation->tuples / here.rows;
    else if (relation && relation->bytes > 0 && here.bytes > 0)
        times = (double)relation->bytes / here.bytes;
    else if (statement->relation_count == 0 && profile->database_bytes > 0 && run->backup.database_bytes > 0)
        times = (double)profile->database_bytes / (double)run->backup.database_bytes;
    if (!(times > 0))
        return unknown;
    times = fmax(1, times); /* a production smaller than its backup is no better for it */
    return (rh_work_size){.rows = here.rows * times,
                          .bytes = here.bytes * times,
                          .index_bytes = here.index_bytes * times,
                          .referenced_rows = here.referenced_rows * times,
                          .buffers_bytes = size_setting(profile, "shared_buffers", here.buffers_bytes),
                          .sort_bytes = size_setting(profile, "maintenance_work_mem", here.sort_bytes)};
}

static const rh_work_size *sizes_there(const rh_run *run)
{
    size_t count = 0, index = 0;
    for (size_t m = 0; m < run->plan.migration_count; m++)
        count += run->plan.migrations[m].up.statement_count;
    rh_work_size *sizes = rh_arena_alloc(run->arena, (count + 1) * sizeof *sizes);
    for (size_t m = 0; m < run->plan.migration_count; m++)
        for (size_t i = 0; i < run->plan.migrations[m].up.statement_count; i++)
            sizes[index++] = size_there(run, &run->plan.migrations[m].up.statements[i]);
    return sizes;
}

static rh_translation translation_of(const rh_run *run)
{
    const rh_profile *profile = run->production.profile;
    return (rh_translation){.staging = &run->production.staging,
                            .production = &profile->probe,
                            .sizes = sizes_there(run),
                            .growth = run->prediction.backtest.growth,
                            .memory_bytes =
                                profile->memory_bytes > 0 ? (double)profile->memory_bytes : RH_NOT_MEASURED,
                            .image_share = image_share(run)};
}

void rh_translate_cold(rh_run *run)
{
    rh_translation translation = {0};
    bool profile = run->production.profile != NULL;
    if (profile)
        translation = translation_of(run);
    rh_cold_predict(&run->plan, profile ? &translation : NULL, run->arena, &run->prediction);
}

void rh_translate_predictions(rh_run *run, double level)
{
    const rh_profile *profile = run->production.profile;
    rh_heldouts heldouts = {0};
    rh_heldouts_of_history(&run->production.history, &heldouts, run->arena);
    rh_heldouts_of_backtest(&run->prediction.backtest, &heldouts, run->arena);
    rh_translation translation = {0};
    if (profile)
        translation = translation_of(run);
    rh_predict_production(&run->plan, profile ? &translation : NULL, &run->production.staging, &heldouts,
                          level, run->arena);
}
