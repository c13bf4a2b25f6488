/* Predictions, and their errors. */
#include "record.h"

void rh_record_prediction_parts(rh_json *parent, const rh_duration_parts *parts)
{
    if (!(parts->cpu_s + parts->read_s + parts->write_s + parts->wal_s + parts->wait_s > 0)) {
        rh_json_add_null(parent, "parts");
        return;
    }
    rh_json *object = rh_json_add_object(parent, "parts");
    rh_record_figure(object, "cpu_s", parts->cpu_s);
    rh_record_figure(object, "read_s", parts->read_s);
    rh_record_figure(object, "write_s", parts->write_s);
    rh_record_figure(object, "wal_s", parts->wal_s);
    rh_record_figure(object, "wait_s", parts->wait_s);
}

static rh_json *backtest_record(const rh_backtest *backtest)
{
    rh_json *object = rh_json_object();
    bool scored = backtest->row_count > 0;
    rh_json *rows = rh_json_add_array(object, "rows");
    for (size_t i = 0; i < backtest->row_count; i++) {
        const rh_backtest_row *r = &backtest->rows[i];
        rh_json *row = rh_json_add_object(rows, NULL);
        rh_json_add_string(row, "migration", r->migration);
        rh_json_add_int(row, "statement", r->statement);
        rh_json_add_string(row, "class", rh_statement_class_name(r->class_));
        rh_record_figure(row, "predicted_s", r->predicted_s);
        rh_record_figure(row, "actual_s", r->actual_s);
        rh_record_figure(row, "low_s", r->low_s);
        rh_record_figure(row, "high_s", r->high_s);
        rh_record_figure(row, "linear_largest_s", r->linear_largest_s);
        rh_record_figure(row, "linear_smallest_s", r->linear_smallest_s);
        rh_record_figure(row, "power_law_s", r->power_law_s);
        rh_record_figure(row, "extrapolation_doublings", r->distance);
        rh_json_add_string(row, "model", rh_growth_model_name(r->model));
        rh_json_add_string(row, "basis", r->basis);
    }
    rh_record_figure(object, "median_abs_error", scored ? backtest->median_abs_error : RH_NOT_MEASURED);
    rh_record_figure(object, "worst_abs_error", scored ? backtest->worst_abs_error : RH_NOT_MEASURED);
    rh_json_add_int(object, "scored", (int64_t)backtest->scored);
    rh_json_add_int(object, "with_interval", (int64_t)backtest->with_interval);
    rh_json_add_int(object, "within_interval", (int64_t)backtest->inside);
    rh_record_figure(object, "bias", scored ? backtest->bias : RH_NOT_MEASURED);
    rh_record_figure(object, "coverage", scored ? backtest->coverage : RH_NOT_MEASURED);
    bool intervals = scored && backtest->with_interval > 0;
    rh_record_figure(object, "coverage_low", intervals ? backtest->coverage_low : RH_NOT_MEASURED);
    rh_record_figure(object, "coverage_high", intervals ? backtest->coverage_high : RH_NOT_MEASURED);
    rh_record_figure(object, "interval_ratio", intervals ? backtest->width : RH_NOT_MEASURED);
    rh_record_figure(object, "level", scored && backtest->level > 0 ? backtest->level : RH_NOT_MEASURED);
    rh_json_add_string(object, "summary", backtest->sentence);
    rh_json *baselines = rh_json_add_array(object, "baselines");
    for (size_t i = 0; i < backtest->baseline_count; i++) {
        rh_json *baseline = rh_json_add_object(baselines, NULL);
        rh_json_add_string(baseline, "name", backtest->baselines[i].name);
        rh_record_figure(baseline, "median_abs_error", backtest->baselines[i].median_abs_error);
        rh_record_figure(baseline, "worst_abs_error", backtest->baselines[i].worst_abs_error);
        rh_record_figure(baseline, "bias", backtest->baselines[i].bias);
    }
    return object;
}

void rh_record_loaded_prediction(rh_json *object, const rh_loaded_prediction *loaded)
{
    if (!loaded->basis) {
        rh_json_add_null(object, "under_load");
        return;
    }
    rh_json *p = rh_json_add_object(object, "under_load");
    rh_record_figure(p, "median_s", loaded->median_s);
    rh_record_figure(p, "low_s", loaded->low_s);
    rh_record_figure(p, "high_s", loaded->high_s);
    rh_record_figure(p, "lock_wait_s", loaded->wait_s);
    rh_record_figure(p, "slowdown", loaded->factor);
}

rh_json *rh_record_prediction(const rh_run_prediction *prediction)
{
    if (!prediction->basis)
        return NULL; /* nothing was predicted */
    rh_json *object = rh_json_object();
    rh_record_figure(object, "median_s", prediction->median_s);
    rh_record_figure(object, "low_s", prediction->low_s);
    rh_record_figure(object, "high_s", prediction->high_s);
    rh_record_figure(object, "level", prediction->level > 0 ? prediction->level : RH_NOT_MEASURED);
    rh_record_figure(object, "reads_blocked_s", prediction->reads_blocked_s);
    rh_record_figure(object, "writes_blocked_s", prediction->writes_blocked_s);
    rh_json_add_count(object, "wal_bytes", prediction->wal_bytes);
    rh_json_add_count(object, "disk_peak_bytes", prediction->disk_peak_bytes);
    rh_json_add_bool(object, "translated", prediction->translated);
    rh_json_add_string(object, "basis", prediction->basis);
    rh_record_prediction_parts(object, &prediction->parts);
    rh_record_figure(object, "staging_s",
                     prediction->staging_s > 0 ? prediction->staging_s : RH_NOT_MEASURED);
    rh_json_add_string(object, "uncertainty_source", prediction->drivers);
    rh_json_add_string(object, "uncertainty_reduced_by", prediction->narrows);
    rh_record_figure(object, "cold_s", prediction->cold_basis ? prediction->cold_s : RH_NOT_MEASURED);
    rh_json_add_string(object, "cold_basis", prediction->cold_basis);
    rh_json_add_string(object, "cache_state", prediction->caches);
    rh_record_loaded_prediction(object, &prediction->loaded);
    rh_json_add_string(object, "under_load_basis", prediction->loaded.basis);
    rh_json_add(object, "backtest", backtest_record(&prediction->backtest));
    return object;
}
