/* The effect of one migration on other sessions while the load ran, from the waits and the blocked
 * intervals. */
#include "record.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HURT_MAX = 20 };

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static int by_relation_then_time(const void *left, const void *right)
{
    const rh_blocked_interval *a = left, *b = right;
    int order = strcmp(a->relation ? a->relation : "", b->relation ? b->relation : "");
    return order ? order : (a->from_s > b->from_s) - (a->from_s < b->from_s);
}

/* The longest single stretch on any one relation; intervals that touch are one. */
static double longest_stretch(const rh_blocked_interval *sorted, size_t count, bool reads)
{
    double longest = 0, from = 0, to = -1;
    const char *relation = NULL;
    for (size_t i = 0; i < count; i++) {
        const rh_blocked_interval *b = &sorted[i];
        if (!(reads ? b->reads : b->writes))
            continue;
        if (to < from || !same(relation, b->relation) || b->from_s > to + 1e-6) {
            from = b->from_s;
            to = b->to_s;
            relation = b->relation;
        } else if (b->to_s > to) {
            to = b->to_s;
        }
        if (to - from > longest)
            longest = to - from;
    }
    return longest;
}

static void add_blocked(rh_json *object, const rh_run *run, const char *migration)
{
    const rh_contention *contention = &run->contention;
    rh_blocked_interval *mine = rh_alloc((contention->blocked_count + 1) * sizeof *mine);
    size_t count = 0;
    for (size_t i = 0; i < contention->blocked_count; i++)
        if (same(contention->blocked[i].migration, migration))
            mine[count++] = contention->blocked[i];
    qsort(mine, count, sizeof *mine, by_relation_then_time);
    for (int reads = 1; reads >= 0; reads--) {
        const rh_wait *wait = rh_contention_longest_wait(contention, migration, reads);
        const double stretch_s = longest_stretch(mine, count, reads);
        const double seen_s = wait ? fmax(stretch_s, wait->wait_s) : stretch_s;
        rh_record_figure(object, reads ? "reads_blocked_s" : "writes_blocked_s",
                         rh_plan_blocked_s(&run->plan, migration, reads, seen_s));
    }
    free(mine);
}

typedef struct blocked_template {
    const char *who;
    int64_t waits;
    double longest_s;
} blocked_template;

static int by_longest(const void *left, const void *right)
{
    const blocked_template *a = left, *b = right;
    return (a->longest_s < b->longest_s) - (a->longest_s > b->longest_s);
}

static void add_victims(rh_json *object, const rh_contention *contention, const char *migration)
{
    blocked_template *blocked = rh_alloc((contention->wait_count + 1) * sizeof *blocked);
    size_t count = 0;
    int64_t waits = 0;
    double longest_s = 0, own_s = 0;
    for (size_t i = 0; i < contention->wait_count; i++) {
        const rh_wait *w = &contention->waits[i];
        if (!same(w->migration, migration))
            continue;
        if (w->waiter_is_migration) {
            own_s = w->wait_s > own_s ? w->wait_s : own_s;
            continue;
        }
        if (!w->blocked_by_migration)
            continue;
        waits++;
        longest_s = w->wait_s > longest_s ? w->wait_s : longest_s;
        size_t h = 0;
        while (h < count && !same(blocked[h].who, w->waiter))
            h++;
        if (h == count)
            blocked[count++] = (blocked_template){.who = w->waiter};
        blocked[h].waits++;
        blocked[h].longest_s = w->wait_s > blocked[h].longest_s ? w->wait_s : blocked[h].longest_s;
    }
    qsort(blocked, count, sizeof *blocked, by_longest);
    rh_json_add_int(object, "load_waits", waits);
    rh_record_figure(object, "longest_load_wait_s", waits ? longest_s : RH_NOT_MEASURED);
    rh_record_figure(object, "longest_own_wait_s", own_s);
    rh_json_add_int(object, "blocked_template_count", (int64_t)count);
    rh_json *array = rh_json_add_array(object, "blocked_sessions");
    for (size_t i = 0; i < count && i < HURT_MAX; i++) {
        rh_json *waiter = rh_json_add_object(array, NULL);
        rh_json_add_string(waiter, "session", blocked[i].who);
        rh_json_add_int(waiter, "waits", blocked[i].waits);
        rh_record_figure(waiter, "longest_wait_s", blocked[i].longest_s);
    }
    free(blocked);
}

static bool ran_loaded(const rh_migration *migration)
{
    for (size_t i = 0; i < migration->up.statement_count; i++)
        for (size_t r = 0; r < migration->up.statements[i].run_count; r++)
            if (migration->up.statements[i].runs[r].pass == RH_PASS_KIND_LOADED)
                return true;
    return false;
}

rh_json *rh_record_impact(const rh_run *run, const rh_migration *migration)
{
    const rh_contention *contention = &run->contention;
    bool met = ran_loaded(migration) ||
               (run->load.measured && (rh_contention_longest_wait(contention, migration->id, true) ||
                                       rh_contention_longest_wait(contention, migration->id, false)));
    if (!contention->measured || !met)
        return NULL;
    rh_json *object = rh_json_object();
    add_blocked(object, run, migration->id);
    add_victims(object, contention, migration->id);
    return object;
}
