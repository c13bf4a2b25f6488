/* Sections of report.json. A section is written even if its stage did not run: as null, or with null
 * figures. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/model/run.h"

/* The most waits that report.json carries (the longest); samples/waits.csv has all. */
enum { RH_RECORD_WAITS_MAX = 2000 };

/* A figure rounded to a millionth: microseconds of a second, without digits that were not measured. NaN:
 * null.
 */
void rh_record_figure(rh_json *parent, const char *key, double value);
void rh_record_failure(rh_json *parent, const char *key, const rh_failure *failure);
void rh_record_strings(rh_json *parent, const char *key, const char *const *strings, size_t count);
/* Adds NOTE to the array NOTES. */
void rh_record_note(rh_json *notes, const rh_note *note);

/* migrations.c */
/* "quiet", "loaded", "scaled", "rollback". */
const char *rh_record_pass_name(rh_pass_kind pass);
rh_json *rh_record_migrations(const rh_run *run);
rh_json *rh_record_statements(const rh_run *run, const rh_script *script);
/* rollback.c; DOWN: NULL for the whole set. */
rh_json *rh_record_rollback(const rh_run *run, const rh_rollback *rollback, const rh_script *down);
void rh_record_differences(rh_json *parent, const char *key, const rh_difference *differences, size_t count);
/* interruptions.c */
rh_json *rh_record_interruptions(const rh_migration *migration);
rh_json *rh_record_data(const rh_data_comparison *data); /* NULL when not compared */
/* impact.c: the effect of MIGRATION on other sessions in the loaded pass; NULL if it was not observed. */
rh_json *rh_record_impact(const rh_run *run, const rh_migration *migration);
/* runners.c; NULL unless requested. */
rh_json *rh_record_runners(const rh_runners *runners);
/* prediction.c */
rh_json *rh_record_prediction(const rh_run_prediction *prediction); /* NULL when nothing was predicted */
void rh_record_prediction_parts(rh_json *parent, const rh_duration_parts *parts);      /* null if not known */
void rh_record_loaded_prediction(rh_json *object, const rh_loaded_prediction *loaded); /* "under_load" */
/* production.c */
rh_json *rh_record_production(const rh_run *run);
rh_json *rh_record_database(const rh_database_facts *database);
rh_json *rh_record_roles(const rh_run *run);
/* lock_forecast.c; NULL when none was made, or no history was looked for. */
rh_json *rh_record_lock_forecasts(const rh_lock_forecasts *locks);
rh_json *rh_record_history(const rh_history *history);
/* isolation.c */
rh_json *rh_record_isolation(const rh_isolation *isolation);
/* load.c; NULL when there was no load. */
rh_json *rh_record_load(const rh_load *load);
void rh_record_mix(rh_json *parent, const char *key, const rh_mix *played);
/* compatibility.c; NULL when no template was tried on another release's schema. */
rh_json *rh_record_compatibility(const rh_compatibility *compatibility);
/* contention.c; NULL if no pass was observed. */
rh_json *rh_record_contention(const rh_run *run);
/* disturb.c */
rh_json *rh_record_disturbances(const rh_run *run);
/* lock_policy.c; NULL unless requested. */
rh_json *rh_record_lock_policy(const rh_lock_policy_search *search);
/* backfill.c; one a backfill of the scenario */
rh_json *rh_record_backfills(const rh_run *run);
/* waiters.c: adds waiters and blockers, summed over all waits. */
void rh_record_waiters(rh_json *contention, const rh_run *run);
