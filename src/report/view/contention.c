/* Sessions that waited for locks, and their response times. */
#include "view.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const rh_json *template_of(const rh_json *window, const char *name)
{
    const rh_json *templates = rh_json_get(window, "templates");
    for (size_t i = 0; i < rh_json_count(templates); i++)
        if (rh_view_is(rh_json_at(templates, i), "name", name))
            return rh_json_at(templates, i);
    return NULL;
}

static double millis(const rh_json *row, const char *path)
{
    return rh_json_real(rh_json_path(row, path));
}

static int64_t count_of(const rh_json *row, const char *key)
{
    int64_t count = rh_json_int(rh_json_get(row, key));
    return count > 0 ? count : 0;
}

static void fill_load(const rh_view *view, rh_view_waiter *v)
{
    const rh_json *before = template_of(rh_json_path(view->report, "load.windows.before"), v->who);
    const rh_json *during = template_of(rh_json_path(view->report, "load.windows.during"), v->who);
    v->p50_before_ms = millis(before, "response_ms.p50");
    v->p99_before_ms = millis(before, "response_ms.p99");
    v->p50_during_ms = millis(during, "response_ms.p50");
    v->p99_during_ms = millis(during, "response_ms.p99");
    v->longest_stall_ms = millis(during, "response_ms.max");
    v->stall_at_s = rh_view_real(during, "longest_stall_at_s");
    v->transactions = during ? count_of(during, "transactions") : -1;
    v->errors = during ? count_of(during, "errors") : -1;
    v->retries = count_of(during, "retries");
    v->dropped = count_of(during, "dropped");
}

static double stall_of(const rh_view_waiter *v)
{
    double stall_s = isnan(v->longest_stall_ms) ? 0 : v->longest_stall_ms / 1e3;
    return v->longest_wait_s > stall_s ? v->longest_wait_s : stall_s;
}

static int longest_stall(const void *left, const void *right)
{
    const rh_view_waiter *a = left, *b = right;
    double x = stall_of(a), y = stall_of(b);
    return x != y ? (x < y) - (x > y) : strcmp(a->who, b->who);
}

static bool is_known(const rh_view_waiter *waiters, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(waiters[i].who, name) == 0)
            return true;
    return false;
}

/* Templates with errors, retries or dropped arrivals while the migrations ran, although they waited for no
 * lock. */
static void add_failing(const rh_view *view, rh_view_waiter **waiters, size_t *count)
{
    const rh_json *templates = rh_json_path(view->report, "load.windows.during.templates");
    for (size_t i = 0; i < rh_json_count(templates); i++) {
        const rh_json *t = rh_json_at(templates, i);
        const char *name = rh_view_string(t, "name");
        if (!name || count_of(t, "errors") + count_of(t, "retries") + count_of(t, "dropped") == 0 ||
            is_known(*waiters, *count, name))
            continue;
        rh_view_waiter *v = rh_arena_add(view->arena, waiters, count);
        *v = (rh_view_waiter){.who = name, .is_template = true};
        fill_load(view, v);
    }
}

size_t rh_view_waiters(const rh_view *view, rh_view_waiter **waiters)
{
    const rh_json *list = rh_json_path(view->report, "contention.blocked_sessions");
    size_t count = 0;
    *waiters = NULL;
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *row = rh_json_at(list, i);
        const char *who = rh_view_string(row, "session");
        rh_view_waiter *v = rh_arena_add(view->arena, waiters, &count);
        *v = (rh_view_waiter){.who = who ? who : "?",
                              .is_template = rh_view_string(row, "template") != NULL,
                              .is_migration = rh_json_bool(rh_json_get(row, "is_migration")),
                              .waits = rh_json_int(rh_json_get(row, "waits")),
                              .wait_s = rh_view_real(row, "wait_s"),
                              .longest_wait_s = rh_view_real(row, "longest_wait_s"),
                              .behind = rh_view_string(row, "longest_wait_root_blocker"),
                              .relation = rh_view_string(row, "longest_wait_relation"),
                              .mode = rh_view_string(row, "longest_wait_mode")};
        fill_load(view, v);
    }
    add_failing(view, waiters, &count);
    if (count)
        qsort(*waiters, count, sizeof **waiters, longest_stall);
    return count;
}

const char *rh_view_blocker(const rh_view *view, const rh_json *blocker)
{
    const char *mode = rh_view_string(blocker, "mode"), *relation = rh_view_string(blocker, "relation");
    const char *locktype = rh_view_string(blocker, "locktype");
    if (relation)
        return mode ? rh_view_printf(view, "%s on %s", rh_view_mode(mode), relation) : relation;
    if (locktype && strcmp(locktype, "transactionid") == 0)
        return "a row that it had changed";
    if (locktype && strcmp(locktype, "virtualxid") == 0)
        return "its open snapshot";
    return locktype ? locktype : "not known";
}

const char *rh_view_contention(const rh_view *view)
{
    const rh_json *c = rh_json_get(view->report, "contention");
    if (!c)
        return NULL;
    int64_t waits = rh_json_int(rh_json_get(c, "wait_count"));
    if (waits <= 0)
        return rh_json_get(rh_json_get(view->report, "load"), "windows")
                   ? "No session waited for a lock."
                   : "Lock waits: not measured, because no load ran.";
    const rh_json *worst = rh_json_at(rh_json_get(c, "blockers"), 0);
    const char *text =
        rh_view_printf(view, "%s lock wait%s, the longest %s, at most %lld sessions in the queue",
                       rh_view_count_or(view, waits, "?"), waits == 1 ? "" : "s",
                       rh_view_seconds(view, rh_view_real(c, "longest_wait_s")),
                       (long long)rh_json_int(rh_json_get(c, "deepest_queue")));
    if (!worst)
        return rh_view_printf(view, "%s.", text);
    int64_t behind = rh_json_int(rh_json_get(worst, "waits"));
    return rh_view_printf(view,
                          "%s; the session that blocked others longest was %s: %lld waits of %s in total.",
                          text, rh_view_line(view, rh_view_string(worst, "session"), 80), (long long)behind,
                          rh_view_seconds(view, rh_view_real(worst, "wait_s")));
}
