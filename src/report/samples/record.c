/* The tables of the record as CSV: sums, beside the single events in the other files. */
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/load.h"
#include "samples.h"
#include <math.h>

enum { KEYS_MAX = 20 };

typedef struct file {
    const char *name;
    const char *path;           /* of the array in the record */
    const char *inner;          /* an array in each item that gives the rows; NULL: the item is the row */
    const char *prefix[4];      /* keys of the item, before those of the row */
    const char *keys[KEYS_MAX]; /* dotted; also the header, with _ for . */
} file;

static const file FILES[] = {
    {"blocked_sessions.csv",
     "contention.blocked_sessions",
     NULL,
     {NULL},
     {"session", "template", "is_migration", "waits", "wait_s", "longest_wait_s", "longest_wait_root_blocker",
      "longest_wait_relation", "longest_wait_mode"}},
    {"blockers.csv",
     "contention.blockers",
     NULL,
     {NULL},
     {"session", "migration", "statement", "relation", "locktype", "mode", "waits", "wait_s",
      "longest_wait_s", "queued_behind_migration", "blocked_session_count"}},
    {"disturbances.csv",
     "disturbances",
     NULL,
     {NULL},
     {"kind", "name", "table", "migration", "from_s", "to_s", "outcome", "detail", "migration_wait_s"}},
    {"lock_policies.csv",
     "lock_policy.cases",
     "policies",
     {"migration", "first_statement", "last_statement", "relation"},
     {"lock_timeout_s", "trials", "successes", "attempts_max", "attempts_mean", "total_s_median",
      "total_s_max", "lock_wait_s_max", "response_p99_ms", "response_max_ms", "load_errors", "recommended"}},
    {"incompatibilities.csv",
     "compatibility.incompatibilities",
     NULL,
     {NULL},
     {"application", "template", "share", "broken_by", "fixed_by", "sqlstate", "message", "tried", "failed"}},
    {"lock_forecasts.csv",
     "production.locks.statements",
     NULL,
     {NULL},
     {"migration", "statement", "relation", "mode", "lock_timeout_s", "granted_probability", "attempts",
      "wait_s", "wait_high_s", "hold_s", "hold_high_s", "blocked_s", "blocked_high_s", "queued_connections",
      "unserved_requests", "pool_exhausted_s", "drain_s"}},
};

static void cell(rh_csv_writer *csv, const rh_json *value)
{
    const char *string = rh_json_string(value);
    double real = rh_json_real(value);
    if (string)
        rh_csv_text(csv, string);
    else if (!isnan(real) && real == floor(real) && fabs(real) < 1e15)
        rh_csv_int(csv, (int64_t)real);
    else if (!isnan(real))
        rh_csv_real(csv, real, 6);
    else
        rh_csv_text(csv, rh_json_is_null(value) ? NULL : rh_json_bool(value) ? "true" : "false");
}

static void row(rh_csv_writer *csv, const char *const *keys, size_t count, const rh_json *object)
{
    for (size_t i = 0; i < count && keys[i]; i++)
        cell(csv, rh_json_path(object, keys[i]));
}

static void header(rh_csv_writer *csv, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count && keys[i]; i++) {
        rh_text name = {0};
        for (const char *c = keys[i]; *c; c++)
            rh_text_append_char(&name, *c == '.' ? '_' : *c);
        rh_csv_text(csv, rh_text_string(&name));
        rh_text_release(&name);
    }
}

static rh_csv_writer *open_file(const char *directory, const char *name, rh_error *error)
{
    rh_text path = {0};
    rh_text_printf(&path, "%s/%s", directory, name);
    rh_csv_writer *csv = rh_csv_open(rh_text_string(&path), error);
    rh_text_release(&path);
    return csv;
}

static bool write_file(const rh_json *record, const char *directory, const file *f, rh_error *error)
{
    const rh_json *list = rh_json_path(record, f->path);
    rh_csv_writer *csv = open_file(directory, f->name, error);
    if (!csv)
        return false;
    header(csv, f->prefix, 4);
    header(csv, f->keys, KEYS_MAX);
    rh_csv_end_row(csv);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *item = rh_json_at(list, i), *inner = f->inner ? rh_json_get(item, f->inner) : NULL;
        size_t rows = f->inner ? rh_json_count(inner) : 1;
        for (size_t k = 0; k < rows; k++) {
            row(csv, f->prefix, 4, item);
            row(csv, f->keys, KEYS_MAX, f->inner ? rh_json_at(inner, k) : item);
            rh_csv_end_row(csv);
        }
    }
    return rh_csv_close(csv, error);
}

static void window_rows(rh_csv_writer *csv, const char *name, const rh_json *window, const char *const *keys)
{
    const rh_json *templates = rh_json_get(window, "templates");
    for (size_t i = 0; i < rh_json_count(templates); i++) {
        rh_csv_text(csv, name);
        rh_csv_text(csv, rh_json_string(rh_json_get(window, "migration")));
        row(csv, keys, KEYS_MAX, rh_json_at(templates, i));
        rh_csv_end_row(csv);
    }
}

/* Each template of the load in each window: before, each migration, all of them, after. */
static bool write_templates(const rh_json *record, const char *directory, rh_error *error)
{
    static const char *const keys[KEYS_MAX] = {"name",
                                               "kind",
                                               "transactions",
                                               "errors",
                                               "dropped",
                                               "retries",
                                               "response_ms.p50",
                                               "response_ms.p95",
                                               "response_ms.p99",
                                               "response_ms.max",
                                               "service_ms.p50",
                                               "service_ms.p99",
                                               "service_ms.max",
                                               "longest_stall_at_s"};
    static const char *const first[] = {"window", "migration"};
    const rh_json *load = rh_json_path(record, "load.windows"), *each = rh_json_get(load, "by_migration");
    rh_csv_writer *csv = open_file(directory, "templates.csv", error);
    if (!csv)
        return false;
    header(csv, first, 2);
    header(csv, keys, KEYS_MAX);
    rh_csv_end_row(csv);
    for (int kind = 0; kind < RH_WINDOW_COUNT; kind++) {
        const char *window = rh_window_kind_name((rh_window_kind)kind);
        window_rows(csv, window, rh_json_get(load, window), keys);
    }
    for (size_t i = 0; i < rh_json_count(each); i++)
        window_rows(csv, "migration", rh_json_at(each, i), keys);
    return rh_csv_close(csv, error);
}

bool rh_samples_write_record(const rh_json *record, const char *directory, rh_error *error)
{
    bool done = write_templates(record, directory, error);
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        done = write_file(record, directory, &FILES[i], error) && done;
    return done;
}
