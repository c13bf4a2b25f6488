/* backfills[] of report.json. */
#include "record.h"
#include <math.h>
#include <string.h>

static void add_figure(rh_json *parent, const char *key, const rh_backfill_figure *figure)
{
    rh_json *object = rh_json_object();
    rh_record_figure(object, "median", figure->median);
    rh_record_figure(object, "low", figure->low);
    rh_record_figure(object, "high", figure->high);
    rh_json_add(parent, key, object);
}

/* Moments as text; null where there is none. */
static void add_moments(rh_json *parent, const rh_backfill *b, const rh_backfill_figure *figure)
{
    static const char *const keys[] = {"median", "low", "high"};
    const double moments[] = {figure->median, figure->low, figure->high};
    rh_json *object = rh_json_object();
    char stamp[32];
    for (size_t i = 0; i < 3; i++) {
        const bool known = isfinite(moments[i]) && b->schedule.set;
        rh_json_add_string(object, keys[i],
                           known ? rh_zone_format(&b->schedule.zone, (int64_t)moments[i], stamp, sizeof stamp)
                                 : NULL);
    }
    rh_json_add(parent, "finish", object);
}

/* What the duration consists of, and what the whole leaves. */
static void add_whole(rh_json *parent, const rh_backfill_cell *cell, double rows)
{
    const rh_backfill_whole *w = &cell->whole;
    const bool ran = cell->batches > 0;
    rh_json *parts = rh_json_object();
    rh_record_figure(parts, "sampled_s", ran ? w->sampled_s : RH_NOT_MEASURED);
    rh_record_figure(parts, "images_s", ran ? w->images_s : RH_NOT_MEASURED);
    rh_record_figure(parts, "vacuum_s",
                     ran ? cell->busy_s.median - w->sampled_s - w->images_s : RH_NOT_MEASURED);
    rh_record_figure(parts, "page_images", ran ? w->images : RH_NOT_MEASURED);
    rh_record_figure(parts, "checkpoints",
                     ran && w->cycle_rows > 0 ? floor(rows / w->cycle_rows) : RH_NOT_MEASURED);
    rh_record_figure(parts, "vacuums", ran ? (double)w->vacuums.count : RH_NOT_MEASURED);
    rh_record_figure(parts, "beside_vacuum_share",
                     ran && w->vacuums.elapsed_s > 0 ? w->vacuums.beside_s / w->vacuums.elapsed_s
                                                     : RH_NOT_MEASURED);
    if (ran)
        rh_json_add_bool(parts, "vacuum_behind", w->vacuums.behind);
    else
        rh_json_add_null(parts, "vacuum_behind");
    rh_json_add(parent, "parts", parts);
    add_figure(parent, "dead_share", &w->dead_share);
    add_figure(parent, "disk_peak_bytes", &w->disk_bytes);
    rh_record_figure(parent, "final_bytes", w->final_bytes);
}

/* As "pgrehearse score --progress" reads it again. */
static void add_schedule(rh_json *parent, const rh_backfill_schedule *s)
{
    char stamp[32];
    if (!s->set) {
        rh_json_add_null(parent, "schedule");
        return;
    }
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "start", rh_zone_format(&s->zone, s->start_s, stamp, sizeof stamp));
    rh_json_add_string(object, "zone", s->zone.name);
    rh_json *windows = rh_json_add_array(object, "windows");
    for (size_t i = 0; i < s->window_count; i++) {
        rh_json *window = rh_json_object();
        rh_json_add_int(window, "from_minute", s->windows[i].from);
        rh_json_add_int(window, "to_minute", s->windows[i].to);
        rh_json_add(windows, NULL, window);
    }
    rh_json *days = rh_json_add_array(object, "days");
    for (int day = 0; day < 7; day++)
        if (s->days >> day & 1)
            rh_json_add_int(days, NULL, day);
    rh_json *hours = rh_json_add_array(object, "hours");
    for (size_t i = 0; i < s->hour_count; i++)
        rh_json_add_real(hours, NULL, s->hours[i]);
    rh_json_add(parent, "schedule", object);
}

static rh_json *course_record(const rh_backfill_result *result)
{
    rh_json *course = rh_json_array();
    char stamp[32];
    for (size_t i = 0; i < result->course_count; i++) {
        const rh_backfill_course_point *point = &result->course[i];
        rh_json *object = rh_json_object();
        rh_json_add_string(
            object, "at",
            rh_zone_format(&result->backfill->schedule.zone, (int64_t)point->at_s, stamp, sizeof stamp));
        add_figure(object, "rows", &point->rows);
        rh_json_add(course, NULL, object);
    }
    return course;
}

static rh_json *stretch_record(const rh_backfill_stretch *stretch)
{
    static const char *const naive[RH_STRETCH_NAIVE_COUNT] = {"first_rows", "last_second", "exponential_mean",
                                                              "random_batches"};
    rh_json *object = rh_json_object();
    rh_json_add_int(object, "stratum", (int64_t)stretch->stratum);
    rh_json_add_bool(object, "behind_checkpoint", stretch->checkpoint);
    rh_json_add_int(object, "batches", stretch->batches);
    rh_json_add_int(object, "rows", stretch->rows);
    rh_json_add_string(object, "model", rh_backfill_model_name(stretch->model));
    add_figure(object, "predicted_us_per_row", &stretch->us_per_row);
    rh_record_figure(object, "states_us_per_row", stretch->states_us_per_row);
    rh_record_figure(object, "actual_us_per_row", stretch->actual_us_per_row);
    for (int i = 0; i < RH_STRETCH_NAIVE_COUNT; i++)
        rh_record_figure(object, naive[i], stretch->naive_us_per_row[i]);
    return object;
}

static void add_error(rh_json *array, const rh_baseline *b)
{
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "name", b->name);
    rh_record_figure(object, "median_abs_error", b->median_abs_error);
    rh_record_figure(object, "worst_abs_error", b->worst_abs_error);
    rh_record_figure(object, "bias", b->bias);
    rh_json_add(array, NULL, object);
}

/* How far predictions of stretches were off: ours first, then the estimates of others. */
static void add_score(rh_json *parent, const rh_backfill_result *result)
{
    const rh_stretch_score *s = &result->score;
    rh_json *stretches = rh_json_add_array(parent, "stretches");
    for (size_t i = 0; i < result->stretch_count; i++)
        rh_json_add(stretches, NULL, stretch_record(&result->stretches[i]));
    rh_json *errors = rh_json_add_array(parent, "errors");
    for (int i = -1; s->count > 0 && i < RH_STRETCH_NAIVE_COUNT; i++)
        add_error(errors, i < 0 ? &s->ours : &s->naive[i]);
    rh_record_figure(parent, "coverage",
                     s->with_interval > 0 ? (double)s->inside / (double)s->with_interval : RH_NOT_MEASURED);
    rh_json_add_bool(parent, "enough_stretches", s->enough);
    rh_json_add_string(parent, "model", s->count > 0 ? rh_backfill_model_name(s->model) : NULL);
    rh_json_add_bool(parent, "model_chosen", s->chosen);
    rh_json *models = rh_json_add_object(parent, "model_errors");
    for (int m = 0; m < RH_MODEL_COUNT; m++)
        rh_record_figure(models, rh_backfill_model_name((rh_backfill_model)m),
                         s->count > 0 ? s->model_error[m] : RH_NOT_MEASURED);
}

static void add_setting(rh_json *object, const rh_backfill_setting *setting)
{
    rh_json_add_int(object, "batch", setting->batch);
    rh_json_add_string(object, "pause", setting->pause.text);
    rh_json_add_int(object, "workers", setting->workers);
}

static void add_counter(rh_json *object, const char *key, int64_t value)
{
    if (value == RH_UNKNOWN)
        rh_json_add_null(object, key);
    else
        rh_json_add_int(object, key, value);
}

static void add_activity(rh_json *object, const rh_backfill_activity *a)
{
    static const rh_backfill_activity none = {RH_UNKNOWN, RH_UNKNOWN, RH_UNKNOWN, RH_UNKNOWN,
                                              RH_UNKNOWN, RH_UNKNOWN, RH_UNKNOWN};
    a = a ? a : &none;
    add_counter(object, "page_images", a->page_images);
    add_counter(object, "checkpoints", a->checkpoints);
    add_counter(object, "temp_bytes", a->temp_bytes);
    add_counter(object, "autovacuums", a->autovacuums);
    rh_record_figure(object, "hot_share",
                     a->updated > 0 && a->hot >= 0 ? (double)a->hot / (double)a->updated : RH_NOT_MEASURED);
    add_counter(object, "growth_bytes", a->table_bytes);
}

static rh_json *cell_record(const rh_backfill_cell *cell, const rh_backfill_result *result)
{
    rh_json *object = rh_json_object();
    add_setting(object, &cell->setting);
    rh_json_add_string(object, "state", rh_backfill_cell_state_name(cell->state));
    rh_json_add_string(object, "why", cell->why);
    rh_json_add_bool(object, "recommended", cell->recommended);
    rh_json_add_int(object, "batches", cell->batches);
    rh_json_add_int(object, "rows", cell->rows);
    rh_json_add_int(object, "retries", cell->retries);
    rh_record_figure(object, "elapsed_s", cell->elapsed_s);
    const bool ran = cell->batches > 0;
    rh_record_figure(object, "rows_per_s", ran ? cell->rows_per_s : RH_NOT_MEASURED);
    rh_record_figure(object, "find_s", ran ? cell->find_s : RH_NOT_MEASURED);
    rh_record_figure(object, "update_s", ran ? cell->update_s : RH_NOT_MEASURED);
    rh_record_figure(object, "commit_s", ran ? cell->commit_s : RH_NOT_MEASURED);
    rh_record_figure(object, "pause_s", ran ? cell->pause_s : RH_NOT_MEASURED);
    rh_record_figure(object, "batch_p50_s", ran ? cell->batch_p50_s : RH_NOT_MEASURED);
    rh_record_figure(object, "batch_p90_s", ran ? cell->batch_p90_s : RH_NOT_MEASURED);
    rh_record_figure(object, "batch_max_s", ran ? cell->batch_max_s : RH_NOT_MEASURED);
    rh_record_figure(object, "locks_max_s", ran ? cell->locks_max_s : RH_NOT_MEASURED);
    rh_record_figure(object, "wal_bytes_per_s", ran ? cell->wal_per_s : RH_NOT_MEASURED);
    add_activity(object, ran ? &cell->activity : NULL);
    add_figure(object, "response_p99_ratio", &cell->p99_ratio);
    rh_record_figure(object, "response_p99_ms", cell->response_p99_ms);
    rh_record_figure(object, "baseline_p99_ms", cell->baseline_p99_ms);
    rh_record_figure(object, "lock_wait_s", cell->lock_wait_s);
    if (ran)
        rh_json_add_int(object, "load_errors", cell->load_errors);
    else
        rh_json_add_null(object, "load_errors");
    add_figure(object, "busy_s", &cell->busy_s);
    add_figure(object, "total_s", &cell->total_s);
    rh_record_figure(object, "wal_bytes", cell->wal_bytes.median);
    add_moments(object, result->backfill, &cell->finish_s);
    add_whole(object, cell, (double)result->rows);
    add_figure(object, "replica_lag_s", &cell->replica_lag_s);
    return object;
}

static rh_json *stratum_record(const rh_backfill_stratum *stratum)
{
    rh_json *object = rh_json_object();
    rh_json_add_int(object, "rows", stratum->rows);
    rh_json_add_int(object, "batches", stratum->batches);
    rh_record_figure(object, "us_per_row", stratum->us_per_row);
    rh_record_figure(object, "wal_bytes_per_row", stratum->wal_per_row);
    return object;
}

static rh_json *bound_record(const rh_backfill_bound *bound)
{
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "name", bound->name);
    rh_record_figure(object, "limit", bound->limit);
    rh_json_add_string(object, "why", bound->why);
    return object;
}

static rh_json *claim_record(const rh_backfill_claim *claim)
{
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "claim", rh_proof_claim_name(claim->claim));
    rh_json_add_string(object, "outcome", rh_proof_outcome_name(claim->outcome));
    rh_json_add_string(object, "defect", claim->defect);
    rh_json_add_string(object, "why", claim->why);
    rh_json_add_int(object, "runs", claim->runs);
    if (claim->rows == RH_UNKNOWN)
        rh_json_add_null(object, "rows");
    else
        rh_json_add_int(object, "rows", claim->rows);
    rh_json *columns = rh_json_add_array(object, "columns");
    for (size_t i = 0; i < claim->column_count; i++)
        rh_json_add_string(columns, NULL, claim->columns[i]);
    return object;
}

static void add_bytes(rh_json *object, const char *key, int64_t bytes)
{
    if (bytes >= 0)
        rh_json_add_int(object, key, bytes);
    else
        rh_json_add_null(object, key);
}

static rh_json *confirmed_record(const rh_backfill_confirmed *c)
{
    rh_json *object = rh_json_object();
    rh_json_add_int(object, "setting", (int64_t)c->setting);
    rh_json_add_string(object, "why_not", c->why_not);
    rh_json_add_int(object, "batches", c->batches);
    rh_json_add_int(object, "rows", c->rows);
    rh_record_figure(object, "elapsed_s", c->elapsed_s);
    rh_record_figure(object, "rows_per_s", c->rows_per_s);
    rh_record_figure(object, "wal_bytes_per_s", c->wal_per_s);
    add_figure(object, "response_p99_ratio", &c->p99_ratio);
    rh_record_figure(object, "lag_p99_s", c->lag_p99_s);
    rh_record_figure(object, "lag_max_s", c->lag_max_s);
    rh_record_figure(object, "lag_bound_s", c->lag_bound_s);
    add_bytes(object, "lag_max_bytes", c->lag_max_bytes);
    rh_record_figure(object, "predicted_lag_s", c->predicted_lag_s);
    rh_json *course = rh_json_add_array(object, "course");
    for (size_t i = 0; i < c->course_count; i++) {
        rh_json *point = rh_json_object();
        rh_record_figure(point, "at_s", c->course[i].at_s);
        rh_record_figure(point, "lag_s", c->course[i].lag_s);
        rh_json_add_int(point, "lag_bytes", c->course[i].lag_bytes);
        rh_json_add(course, NULL, point);
    }
    return object;
}

static rh_json *standby_record(const rh_backfill_standby *standby)
{
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "mode", rh_standby_mode_name(standby->mode));
    rh_json_add_string(object, "why_not", standby->why_not);
    rh_json_add_string(object, "replay_why_not", standby->replay_why_not);
    rh_record_figure(object, "replay_bytes_per_s", standby->replay_bytes_per_s);
    add_bytes(object, "replay_bytes", standby->replay_bytes);
    rh_json *confirmed = rh_json_add_array(object, "confirmed");
    for (size_t i = 0; i < standby->confirmed_count; i++)
        rh_json_add(confirmed, NULL, confirmed_record(&standby->confirmed[i]));
    return object;
}

static bool is_replaced(const rh_backfill *b, const char *migration, int statement)
{
    return migration && strcmp(migration, b->replaces) == 0 && statement == b->replaces_statement;
}

/* The statement that the backfill replaces, as the quiet and the loaded pass measured it. */
static void add_one_statement(rh_json *object, const rh_run *run, const rh_backfill *b)
{
    double alone_s = RH_NOT_MEASURED, loaded_s = RH_NOT_MEASURED, wait_s = 0;
    int64_t wal_bytes = RH_UNKNOWN;
    if (!b->replaces) {
        rh_json_add_null(object, "one_statement");
        return;
    }
    for (size_t m = 0; m < run->plan.migration_count; m++)
        for (size_t i = 0; i < run->plan.migrations[m].up.statement_count; i++) {
            const rh_statement *s = &run->plan.migrations[m].up.statements[i];
            for (size_t r = 0; is_replaced(b, run->plan.migrations[m].id, s->ordinal) && r < s->run_count;
                 r++) {
                const rh_statement_run *ran = &s->runs[r];
                if (ran->pass == RH_PASS_KIND_QUIET && !(alone_s <= ran->elapsed_s)) {
                    alone_s = ran->elapsed_s; /* the least of the repeats */
                    wal_bytes = ran->wal_bytes;
                } else if (ran->pass == RH_PASS_KIND_LOADED) {
                    loaded_s = ran->elapsed_s;
                }
            }
        }
    for (size_t i = 0; i < run->contention.wait_count; i++) {
        const rh_wait *wait = &run->contention.waits[i];
        if (is_replaced(b, wait->migration, wait->statement) && wait->blocked_by_migration &&
            !wait->waiter_is_migration && wait->wait_s > wait_s)
            wait_s = wait->wait_s;
    }
    rh_json *one = rh_json_add_object(object, "one_statement");
    rh_json_add_string(one, "migration", b->replaces);
    rh_json_add_int(one, "statement", b->replaces_statement);
    rh_record_figure(one, "alone_s", alone_s);
    rh_record_figure(one, "beside_load_s", loaded_s);
    rh_record_figure(one, "lock_wait_s", isnan(loaded_s) ? RH_NOT_MEASURED : wait_s);
    rh_json_add_count(one, "wal_bytes", wal_bytes);
}

static rh_json *backfill_record(const rh_run *run, const rh_backfill_result *result)
{
    const rh_backfill *b = result->backfill;
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "name", b->name);
    rh_json_add_string(object, "after", b->after);
    add_one_statement(object, run, b);
    rh_json_add_bool(object, "measured", result->measured);
    rh_json_add_string(object, "why_not", result->why_not);
    rh_json_add_string(object, "table", result->table ? result->table : b->table);
    rh_json_add_string(object, "key", result->key);
    rh_json_add_string(object, "walk", rh_backfill_walk_name(b->walk));
    rh_json_add_string(object, "statement", result->statement);
    rh_json_add_int(object, "table_rows", result->table_rows);
    rh_json_add_int(object, "rows", result->rows);
    rh_json_add_int(object, "table_bytes", result->table_bytes);
    rh_json_add_int(object, "index_bytes", result->index_bytes);
    rh_json_add_int(object, "changed", result->changed);
    rh_record_figure(object, "rate_per_s", result->rate_per_s > 0 ? result->rate_per_s : RH_NOT_MEASURED);
    rh_record_figure(object, "level", result->level);
    rh_json *gates = rh_json_add_array(object, "gates");
    for (int kind = 0; kind < RH_BACKFILL_GATE_COUNT; kind++) {
        if (!b->gates[kind].set)
            continue;
        rh_json *gate = rh_json_object();
        rh_json_add_string(gate, "name", rh_backfill_gate_name((rh_backfill_gate_kind)kind));
        rh_json_add_string(gate, "limit_text", b->gates[kind].text);
        rh_record_figure(gate, "limit", b->gates[kind].limit);
        rh_json_add(gates, NULL, gate);
    }
    rh_json *strata = rh_json_add_array(object, "strata");
    for (size_t i = 0; i < result->stratum_count; i++)
        rh_json_add(strata, NULL, stratum_record(&result->strata[i]));
    rh_json *bounds = rh_json_add_array(object, "bounds");
    for (size_t i = 0; i < result->bound_count; i++)
        rh_json_add(bounds, NULL, bound_record(&result->bounds[i]));
    rh_json *settings = rh_json_add_array(object, "settings");
    for (size_t i = 0; i < result->cell_count; i++)
        rh_json_add(settings, NULL, cell_record(&result->cells[i], result));
    rh_json_add(object, "standby", standby_record(&result->standby));
    if (result->recommended >= 0)
        rh_json_add_int(object, "recommended", result->recommended);
    else
        rh_json_add_null(object, "recommended");
    rh_json_add_string(object, "advice", result->advice);
    rh_record_figure(object, "hot_share", result->measured ? result->hot_share : RH_NOT_MEASURED);
    add_score(object, result);
    add_schedule(object, &b->schedule);
    if (result->chosen >= 0 && result->cell_count > 0)
        rh_json_add_int(object, "chosen", result->chosen);
    else
        rh_json_add_null(object, "chosen");
    rh_json_add_string(object, "finish_why", result->finish_why);
    rh_json_add(object, "course", course_record(result));
    rh_json *proof = rh_json_add_array(object, "proof");
    for (size_t i = 0; i < result->claim_count; i++)
        rh_json_add(proof, NULL, claim_record(&result->claims[i]));
    rh_json_add_string(object, "proof_why_not", result->claim_count == 0 ? result->proof_why_not : NULL);
    return object;
}

rh_json *rh_record_backfills(const rh_run *run)
{
    rh_json *array = rh_json_array();
    for (size_t i = 0; i < run->backfill_count; i++)
        rh_json_add(array, NULL, backfill_record(run, &run->backfills[i]));
    return array;
}
