#include "record.h"
#include "pgrehearse/adapters/sql_parser.h"

/* ANY: some arrival ended in some way; who failed or was dropped has waited, too. */
static void add_quantiles(rh_json *parent, const char *key, const rh_quantiles *quantiles, bool any)
{
    rh_json *object = rh_json_add_object(parent, key);
    rh_record_figure(object, "p50", any ? quantiles->p50 : RH_NOT_MEASURED);
    rh_record_figure(object, "p95", any ? quantiles->p95 : RH_NOT_MEASURED);
    rh_record_figure(object, "p99", any ? quantiles->p99 : RH_NOT_MEASURED);
    rh_record_figure(object, "max", any ? quantiles->max : RH_NOT_MEASURED);
}

static void add_template(rh_json *templates, const rh_template_window *t)
{
    bool any = t->transactions + t->errors + t->dropped > 0;
    rh_json *row = rh_json_add_object(templates, NULL);
    rh_json_add_string(row, "name", t->name);
    rh_json_add_string(row, "kind", rh_template_kind_name(t->kind));
    rh_json_add_int(row, "transactions", t->transactions);
    rh_json_add_int(row, "errors", t->errors);
    rh_json_add_int(row, "dropped", t->dropped);
    rh_json_add_int(row, "retries", t->retries);
    add_quantiles(row, "response_ms", &t->response_ms, any);
    add_quantiles(row, "service_ms", &t->service_ms, any);
    rh_record_figure(row, "longest_stall_at_s", any ? t->longest_stall_at_s : RH_NOT_MEASURED);
}

static rh_json *window_record(const rh_load_window *window)
{
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "migration", window->migration);
    rh_record_figure(object, "start_s", window->start_s);
    rh_record_figure(object, "end_s", window->end_s);
    rh_json_add_int(object, "transactions", window->transactions);
    rh_json_add_int(object, "errors", window->errors);
    rh_json_add_int(object, "dropped", window->dropped);
    rh_json_add_int(object, "retries", window->retries);
    bool any = window->transactions + window->errors + window->dropped > 0;
    add_quantiles(object, "response_ms", &window->response_ms, any);
    add_quantiles(object, "service_ms", &window->service_ms, any);
    rh_json *templates = rh_json_add_array(object, "templates");
    for (size_t i = 0; i < window->template_count; i++)
        add_template(templates, &window->templates[i]);
    return object;
}

static const rh_load_window *whole_window(const rh_load *load, rh_window_kind kind)
{
    for (size_t i = 0; i < load->window_count; i++)
        if (load->windows[i].kind == kind && !load->windows[i].migration)
            return &load->windows[i];
    return NULL;
}

static void add_windows(rh_json *parent, const rh_load *load)
{
    rh_json *windows = rh_json_add_object(parent, "windows");
    for (int kind = RH_WINDOW_BEFORE; kind < RH_WINDOW_COUNT; kind++) {
        const rh_load_window *window = whole_window(load, (rh_window_kind)kind);
        rh_json_add(windows, rh_window_kind_name((rh_window_kind)kind),
                    window ? window_record(window) : NULL);
    }
    rh_json *by_migration = rh_json_add_array(windows, "by_migration");
    for (size_t i = 0; i < load->window_count; i++)
        if (load->windows[i].migration)
            rh_json_add(by_migration, NULL, window_record(&load->windows[i]));
}

static void add_seconds(rh_json *parent, const rh_load *load)
{
    rh_json *seconds = rh_json_add_array(parent, "seconds");
    for (size_t i = 0; i < load->second_count; i++) {
        const rh_load_second *s = &load->seconds[i];
        bool any = s->transactions + s->errors + s->dropped > 0;
        rh_json *row = rh_json_add_object(seconds, NULL);
        rh_json_add_int(row, "second", s->second);
        rh_json_add_int(row, "arrivals", s->arrivals);
        rh_json_add_int(row, "transactions", s->transactions);
        rh_json_add_int(row, "errors", s->errors);
        rh_json_add_int(row, "dropped", s->dropped);
        rh_record_figure(row, "response_p50_ms", any ? s->response_p50_ms : RH_NOT_MEASURED);
        rh_record_figure(row, "response_p99_ms", any ? s->response_p99_ms : RH_NOT_MEASURED);
        rh_record_figure(row, "response_max_ms", any ? s->response_max_ms : RH_NOT_MEASURED);
        rh_record_figure(row, "service_p99_ms", any ? s->service_p99_ms : RH_NOT_MEASURED);
    }
}

static void add_coverage(rh_json *mix, const rh_mix_coverage *coverage)
{
    if (!coverage->measured) {
        rh_json_add_null(mix, "coverage");
        return;
    }
    rh_json *object = rh_json_add_object(mix, "coverage");
    rh_record_figure(object, "calls", coverage->calls);
    rh_record_figure(object, "time", coverage->time);
    rh_record_figure(object, "rate_per_s", coverage->rate_per_s);
    rh_json_add_string(object, "basis", coverage->basis);
}

static void add_replay(rh_json *row, const rh_template_replay *replay)
{
    if (!replay) {
        rh_json_add_null(row, "replay");
        return;
    }
    rh_json *object = rh_json_add_object(row, "replay");
    rh_record_figure(object, "rows", replay->rows);
    rh_record_figure(object, "production_rows", replay->production_rows);
    rh_record_figure(object, "blocks", replay->blocks);
    rh_record_figure(object, "production_blocks", replay->production_blocks);
    rh_record_figure(object, "production_mean_ms", replay->production_mean_ms);
    rh_json_add_string(object, "caveat", replay->caveat);
}

/* An export may hold texts with constants, and so may scripts: constants are removed. */
static void add_sql(rh_json *row, const rh_template *template_)
{
    rh_arena *arena = rh_arena_new();
    rh_json_add_string(row, "sql",
                       template_->replay || template_->script ? rh_sql_redact(template_->sql, arena)
                                                              : template_->sql);
    rh_arena_free(arena);
}

void rh_record_mix(rh_json *parent, const char *key, const rh_mix *played)
{
    rh_json *mix = rh_json_add_object(parent, key);
    rh_json_add_string(mix, "source", played->source);
    rh_json *templates = rh_json_add_array(mix, "templates");
    for (size_t i = 0; i < played->template_count; i++) {
        const rh_template *t = &played->templates[i];
        rh_json *row = rh_json_add_object(templates, NULL);
        rh_json_add_string(row, "name", t->name);
        add_sql(row, t);
        rh_json_add_string(row, "relation", t->relation);
        rh_json_add_string(row, "kind", rh_template_kind_name(t->kind));
        rh_record_figure(row, "weight", t->weight);
        add_replay(row, t->replay);
    }
    add_coverage(mix, &played->coverage);
    rh_record_strings(mix, "omitted", played->left_out, played->left_out_count);
}

rh_json *rh_record_load(const rh_load *load)
{
    if (!load->measured)
        return NULL;
    rh_json *object = rh_json_object();
    rh_record_figure(object, "rate_per_s", load->rate_per_s);
    rh_json_add_string(object, "rate_basis", load->rate_basis);
    rh_json_add_int(object, "connections", load->connections);
    rh_json_add_string(object, "connections_basis", load->connections_basis);
    rh_json_add_int(object, "reconnects", load->reconnects);
    add_windows(object, load);
    add_seconds(object, load);
    rh_json *errors = rh_json_add_array(object, "errors");
    for (size_t i = 0; i < load->error_count; i++) {
        const rh_load_error *e = &load->errors[i];
        rh_json *row = rh_json_add_object(errors, NULL);
        rh_json_add_string(row, "template", e->template_name);
        rh_json_add_string(row, "sqlstate", e->sqlstate && e->sqlstate[0] ? e->sqlstate : NULL);
        rh_json_add_string(row, "message", e->message);
        rh_json_add_int(row, "count", e->count);
        rh_json_add_int(row, "before", e->before);
    }
    rh_record_figure(object, "pacing_lag_mean_ms", load->pacing_lag_mean_ms);
    rh_record_figure(object, "pacing_lag_max_ms", load->pacing_lag_max_ms);
    rh_record_figure(object, "generator_cpu_s", load->generator_cpu_s);
    rh_json_add_bool(object, "saturated", load->saturated);
    rh_json_add_string(object, "saturated_reason", load->saturated ? load->saturated_reason : NULL);
    rh_record_mix(object, "mix", &load->mix);
    return object;
}
