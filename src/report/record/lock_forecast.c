/* The forecast of lock waits on production, and the errors of earlier predictions. */
#include "record.h"
#include <math.h>

/* JSON has no infinity: what never ends is null, and granted or drains says so. */
static double finite_or_null(double value)
{
    return isfinite(value) ? value : RH_NOT_MEASURED;
}

static void add_chances(rh_json *object, const rh_lock_forecast *f)
{
    rh_json *chances = rh_json_add_array(object, "granted_within");
    for (size_t i = 0; i < f->chance_count; i++) {
        rh_json *chance = rh_json_add_object(chances, NULL);
        rh_record_figure(chance, "t_s", f->chances[i].t_s);
        rh_record_figure(chance, "probability", f->chances[i].probability);
    }
}

static void add_row(rh_json *rows, const rh_lock_forecast *f)
{
    rh_json *object = rh_json_add_object(rows, NULL);
    rh_json_add_string(object, "migration", f->migration);
    rh_json_add_int(object, "statement", f->statement);
    rh_json_add_string(object, "relation", f->relation);
    rh_json_add_string(object, "mode", rh_lock_mode_name(f->mode));
    rh_json_add_bool(object, "blocks_reads", f->blocks_reads);
    rh_json_add_bool(object, "blocks_writes", f->blocks_writes);
    rh_json_add_bool(object, "inferred", f->inferred);
    rh_json_add_bool(object, "concurrent", f->concurrent);
    rh_record_figure(object, "lock_timeout_s", f->lock_timeout_s);
    rh_json_add_string(object, "lock_timeout_source", f->lock_timeout_source);
    add_chances(object, f);
    rh_record_figure(object, "granted_probability", f->granted);
    rh_record_figure(object, "attempts", finite_or_null(f->attempts));
    rh_record_figure(object, "wait_s", f->wait_s);
    rh_record_figure(object, "wait_high_s", f->wait_high_s);
    rh_record_figure(object, "wait_total_s", finite_or_null(f->wait_total_s));
    rh_record_figure(object, "hold_s", f->hold_s);
    rh_record_figure(object, "hold_high_s", f->hold_high_s);
    rh_record_figure(object, "blocked_s", f->blocked_s);
    rh_record_figure(object, "blocked_high_s", f->blocked_high_s);
    rh_record_figure(object, "reads_per_s", f->reads_per_s);
    rh_record_figure(object, "writes_per_s", f->writes_per_s);
    rh_record_figure(object, "queued_connections", f->waiting);
    rh_record_figure(object, "unserved_requests", f->unserved_requests);
    rh_record_figure(object, "pool_exhausted_s", f->pool_exhausted_s);
    rh_record_figure(object, "drain_s", finite_or_null(f->drain_s));
    rh_json_add_bool(object, "drains", !isinf(f->drain_s));
    rh_json_add_string(object, "basis", f->basis);
    rh_json_add_string(object, "unknown_reason", f->unknown);
}

rh_json *rh_record_lock_forecasts(const rh_lock_forecasts *locks)
{
    if (!locks->made)
        return NULL;
    rh_json *object = rh_json_object();
    rh_record_figure(object, "level", locks->level);
    rh_json_add_int(object, "samples", locks->samples);
    rh_record_figure(object, "sampled_s", locks->watched_s);
    rh_record_figure(object, "connections", locks->connections);
    rh_json_add_string(object, "connections_basis", locks->connections_basis);
    rh_record_figure(object, "service_per_s", locks->service_per_s);
    rh_record_figure(object, "reads_blocked_s", locks->reads_blocked_s);
    rh_record_figure(object, "reads_blocked_high_s", locks->reads_blocked_high_s);
    rh_record_figure(object, "writes_blocked_s", locks->writes_blocked_s);
    rh_record_figure(object, "writes_blocked_high_s", locks->writes_blocked_high_s);
    rh_json_add_string(object, "unknown_reason", locks->unknown);
    rh_json *rows = rh_json_add_array(object, "statements");
    for (size_t i = 0; i < locks->row_count; i++)
        add_row(rows, &locks->rows[i]);
    return object;
}

rh_json *rh_record_history(const rh_history *history)
{
    if (!history->directory)
        return NULL;
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "directory", history->directory);
    rh_json_add_int(object, "runs", (int64_t)history->runs);
    rh_json_add_int(object, "scored_runs", (int64_t)history->scored_runs);
    rh_json_add_int(object, "rows", (int64_t)history->row_count);
    rh_record_strings(object, "skipped", history->skipped, history->skipped_count);
    rh_record_strings(object, "corrections", history->applied, history->applied_count);
    return object;
}
