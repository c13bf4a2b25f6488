#include "pgrehearse/base/statistics.h"
#include "view.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *rh_view_string(const rh_json *object, const char *key)
{
    return rh_json_string(rh_json_get(object, key));
}

double rh_view_real(const rh_json *object, const char *key)
{
    return rh_json_real(rh_json_get(object, key));
}

bool rh_view_is(const rh_json *object, const char *key, const char *value)
{
    const char *string = rh_view_string(object, key);
    return string && strcmp(string, value) == 0;
}

/* Elapsed time of pass PASS, repeat REPEAT, over all statements; NaN unless every statement ran then. */
static double pass_time(const rh_json *statements, const char *pass, int64_t repeat)
{
    double total = 0;
    for (size_t i = 0; i < rh_json_count(statements); i++) {
        const rh_json *runs = rh_json_get(rh_json_at(statements, i), "runs");
        double elapsed = NAN;
        for (size_t r = 0; r < rh_json_count(runs); r++) {
            const rh_json *run = rh_json_at(runs, r);
            if (rh_view_is(run, "pass", pass) && rh_json_int(rh_json_get(run, "repeat")) == repeat)
                elapsed = rh_view_real(run, "elapsed_s");
        }
        total += elapsed;
    }
    return rh_json_count(statements) ? total : NAN;
}

static void fill_times(rh_view_migration *m, int64_t repeats)
{
    const rh_json *statements = rh_json_get(m->record, "statements");
    double *times = rh_alloc((size_t)(repeats + 1) * sizeof *times);
    for (int64_t repeat = 1; repeat <= repeats; repeat++) {
        double time = pass_time(statements, "quiet", repeat);
        if (!isnan(time))
            times[m->quiet_runs++] = time;
    }
    m->quiet_median_s = m->quiet_min_s = m->quiet_max_s = NAN;
    if (m->quiet_runs > 0) {
        int n = m->quiet_runs;
        m->quiet_median_s = rh_median(times, (size_t)n);
        m->quiet_min_s = times[0];
        m->quiet_max_s = times[n - 1];
    }
    m->loaded_s = pass_time(statements, "loaded", 1);
    free(times);
}

static void fill_lock(rh_view_migration *m)
{
    const rh_json *statements = rh_json_get(m->record, "statements");
    const rh_json *lock = rh_view_strongest_lock(statements);
    m->lock_mode = rh_view_string(lock, "mode");
    m->lock_relation =
        rh_view_string(lock, "table") ? rh_view_string(lock, "table") : rh_view_string(lock, "relation");
    m->lock_inferred = rh_json_bool(rh_json_get(lock, "inferred"));
    for (size_t i = 0; i < rh_json_count(statements); i++)
        m->hazard_count += rh_json_count(rh_json_get(rh_json_at(statements, i), "hazards"));
}

static void fill_impact(rh_view_migration *m, const rh_json *report)
{
    const rh_json *impact = rh_json_get(m->record, "impact");
    m->reads_blocked_s = rh_view_real(impact, "reads_blocked_s");
    m->writes_blocked_s = rh_view_real(impact, "writes_blocked_s");
    m->longest_load_wait_s = rh_view_real(impact, "longest_load_wait_s");
    m->load_waits = rh_json_int(rh_json_get(impact, "load_waits"));
    m->p99_before_ms = rh_json_real(rh_json_path(report, "load.windows.before.response_ms.p99"));
    m->p99_during_ms = NAN;
    const rh_json *windows = rh_json_path(report, "load.windows.by_migration");
    for (size_t i = 0; i < rh_json_count(windows); i++)
        if (rh_view_is(rh_json_at(windows, i), "migration", m->id))
            m->p99_during_ms = rh_json_real(rh_json_path(rh_json_at(windows, i), "response_ms.p99"));
}

static int compare_figures(double a, double b)
{
    a = isnan(a) ? -1 : a;
    b = isnan(b) ? -1 : b;
    return (a < b) - (a > b);
}

/* Failed migrations and failed rollbacks come first. */
static bool is_broken(const rh_view_migration *m)
{
    return strcmp(m->outcome, "failed") == 0 ||
           rh_view_is(rh_json_get(m->record, "rollback"), "outcome", "failed");
}

/* Broken first; then by how long readers, writers and the longest victim waited; then by duration; then in
 * the order they run. */
static int by_blocked_time(const void *left, const void *right)
{
    const rh_view_migration *a = *(rh_view_migration *const *)left, *b = *(rh_view_migration *const *)right;
    if (is_broken(a) != is_broken(b))
        return is_broken(a) ? -1 : 1;
    int order = compare_figures(a->reads_blocked_s, b->reads_blocked_s);
    order = order ? order : compare_figures(a->writes_blocked_s, b->writes_blocked_s);
    order = order ? order : compare_figures(a->longest_load_wait_s, b->longest_load_wait_s);
    order = order ? order : compare_figures(a->quiet_median_s, b->quiet_median_s);
    return order ? order : (a > b) - (a < b);
}

void rh_view_init(rh_view *view, const rh_json *report)
{
    *view = (rh_view){.report = report, .arena = rh_arena_new()};
    const rh_json *migrations = rh_json_get(report, "migrations");
    int64_t repeats = rh_json_int(rh_json_path(report, "scenario.repeat"));
    for (size_t i = 0; i < rh_json_count(migrations); i++) {
        const rh_json *record = rh_json_at(migrations, i);
        if (rh_json_bool(rh_json_get(record, "applied_in_backup")))
            continue;
        rh_view_migration *m = rh_arena_add(view->arena, &view->migrations, &view->migration_count);
        const char *id = rh_view_string(record, "id"), *name = rh_view_string(record, "name");
        const char *outcome = rh_view_string(record, "outcome");
        *m = (rh_view_migration){
            .record = record, .id = id ? id : "?", .outcome = outcome ? outcome : "not_run"};
        m->title =
            name && name[0] && strcmp(name, m->id) != 0 ? rh_view_printf(view, "%s %s", m->id, name) : m->id;
        m->failed = is_broken(m) || !rh_view_rollback_works(rh_json_get(record, "rollback"));
        fill_times(m, repeats > 0 ? repeats : 1);
        fill_lock(m);
        fill_impact(m, report);
    }
    view->by_blocked_time =
        rh_arena_alloc(view->arena, (view->migration_count + 1) * sizeof *view->by_blocked_time);
    for (size_t i = 0; i < view->migration_count; i++)
        view->by_blocked_time[i] = &view->migrations[i];
    qsort(view->by_blocked_time, view->migration_count, sizeof *view->by_blocked_time, by_blocked_time);
}

void rh_view_release(rh_view *view)
{
    rh_arena_free(view->arena);
    *view = (rh_view){0};
}
