/* One sentence each: the recommended lock_timeout, the effect of disturbers, the compatibility of releases.
 * */
#include "view.h"
#include <math.h>

const char *rh_view_lock_policy(const rh_view *view)
{
    const rh_json *search = rh_json_get(view->report, "lock_policy");
    if (!search)
        return NULL;
    if (!rh_json_bool(rh_json_get(search, "measured")))
        return "Lock policy: no lock_timeout could be tried.";
    int64_t best = rh_json_int(rh_json_get(search, "recommended"));
    const rh_json *policy = best >= 0 ? rh_json_at(rh_json_get(search, "overall"), (size_t)best) : NULL;
    const char *why = rh_view_string(search, "reason");
    if (!policy)
        return rh_view_printf(view, "No lock_timeout succeeded in every trial%s%s.", why ? ": " : "",
                              why ? why : "");
    double timeout_s = rh_view_real(policy, "lock_timeout_s");
    return rh_view_printf(
        view, "Use %s%s: worst response of the load %s, at most %lld attempts, %s in all%s%s.",
        isnan(timeout_s) ? "no lock_timeout" : "lock_timeout ",
        isnan(timeout_s) ? "" : rh_view_seconds(view, timeout_s),
        rh_view_seconds(view, rh_view_real(policy, "response_max_ms") / 1e3),
        (long long)rh_json_int(rh_json_get(policy, "attempts_max")),
        rh_view_seconds(view, rh_view_real(policy, "total_s_median")), why ? "; " : "", why ? why : "");
}

const char *rh_view_disturbers(const rh_view *view)
{
    const rh_json *list = rh_json_get(view->report, "disturbances"), *worst = NULL;
    size_t waited = 0, not_started = 0;
    double longest_s = 0;
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *d = rh_json_at(list, i);
        double wait_s = rh_view_real(d, "migration_wait_s");
        not_started += rh_view_is(d, "outcome", "not_started");
        waited += wait_s > 0;
        if (wait_s > longest_s) {
            longest_s = wait_s;
            worst = d;
        }
    }
    if (rh_json_count(list) == 0)
        return NULL;
    const char *missing = not_started ? rh_view_printf(view, " %zu did not start.", not_started) : "";
    if (!worst)
        return rh_view_printf(view, "Disturbers: no migration waited for one.%s", missing);
    return rh_view_printf(view, "Disturbers: %zu made a migration wait; the longest was %s, %s behind %s.%s",
                          waited, rh_view_line(view, rh_view_string(worst, "migration"), 40),
                          rh_view_seconds(view, longest_s),
                          rh_view_line(view, rh_view_string(worst, "name"), 60), missing);
}

const char *rh_view_compatibility(const rh_view *view)
{
    const rh_json *c = rh_json_get(view->report, "compatibility"),
                  *list = rh_json_get(c, "incompatibilities");
    if (!c)
        return NULL;
    int64_t current = rh_json_int(rh_json_get(c, "current_tried")),
            next = rh_json_int(rh_json_get(c, "next_tried"));
    size_t old_fails = 0, new_fails = 0;
    for (size_t i = 0; i < rh_json_count(list); i++)
        (*(rh_view_is(rh_json_at(list, i), "application", "next") ? &new_fails : &old_fails))++;
    const char *text = rh_view_printf(
        view, "Releases: %lld statement%s of the running release %s tried on the new schema, %zu fail%s",
        (long long)current, current == 1 ? "" : "s", current == 1 ? "was" : "were", old_fails,
        old_fails == 1 ? "s" : "");
    if (next < 0)
        return rh_view_printf(view, "%s.", text);
    return rh_view_printf(view, "%s; %lld of the next one on every schema before it, %zu fail%s.", text,
                          (long long)next, new_fails, new_fails == 1 ? "s" : "");
}

const char *rh_view_runners(const rh_view *view)
{
    static const char *const words[][2] = {
        {"waited", "its advisory lock made the others wait, and they had nothing left to do"},
        {"refused", "the others gave up waiting for its advisory lock"},
        {"serialised", "a lock on a relation serialised them, not an advisory lock"},
        {"both_ran",
         "more than one made the same change: nothing prevents two hosts from deploying at the same time"},
        {"collided",
         "more than one began, and at least one failed: nothing prevents two hosts from deploying at the same time"},
        {"not_concurrent", "they did not overlap, so nothing is proven"}};
    const rh_json *record = rh_json_get(view->report, "concurrent_runners");
    if (!record)
        return NULL;
    const char *what = "?", *why = rh_view_string(record, "reason");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (rh_view_is(record, "outcome", words[i][0]))
            what = words[i][1];
    return rh_view_printf(view, "Started %zu instances at the same time: %s%s%s.",
                          rh_json_count(rh_json_get(record, "runners")), what, why ? " – " : "",
                          why ? rh_view_line(view, why, 200) : "");
}
