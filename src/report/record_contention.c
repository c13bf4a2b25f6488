#include "record.h"
#include <stdlib.h>

static int longest_first(const void *left, const void *right)
{
    const rh_wait *const *a = left, *const *b = right;
    if ((*a)->wait_s != (*b)->wait_s)
        return (*a)->wait_s < (*b)->wait_s ? 1 : -1;
    return ((*a)->at_s > (*b)->at_s) - ((*a)->at_s < (*b)->at_s);
}

static void add_wait(rh_json *waits, const rh_wait *w)
{
    rh_json *row = rh_json_add_object(waits, NULL);
    rh_record_figure(row, "at_s", w->at_s);
    rh_record_figure(row, "wait_s", w->wait_s);
    rh_json_add_string(row, "locktype", w->locktype);
    rh_json_add_string(row, "relation", w->relation);
    rh_json_add_string(row, "mode", w->mode);
    rh_json_add_string(row, "waiter", w->waiter);
    rh_json_add_string(row, "blocker", w->blocker);
    rh_json_add_string(row, "migration", w->migration);
    rh_json_add_count(row, "statement", w->statement > 0 ? w->statement : RH_UNKNOWN);
    rh_json_add_bool(row, "waiter_is_migration", w->waiter_is_migration);
    rh_json_add_bool(row, "blocked_by_migration", w->blocked_by_migration);
    rh_json_add_bool(row, "exact_start", w->exact_start);
}

static void add_waits(rh_json *object, const rh_contention *contention)
{
    const rh_wait **order = rh_alloc((contention->wait_count + 1) * sizeof *order);
    for (size_t i = 0; i < contention->wait_count; i++)
        order[i] = &contention->waits[i];
    qsort(order, contention->wait_count, sizeof *order, longest_first);
    rh_json_add_int(object, "wait_count", (int64_t)contention->wait_count);
    rh_json *waits = rh_json_add_array(object, "waits");
    for (size_t i = 0; i < contention->wait_count && i < RH_RECORD_WAITS_MAX; i++)
        add_wait(waits, order[i]);
    free(order);
}

rh_json *rh_record_contention(const rh_contention *contention)
{
    if (!contention->measured)
        return NULL;
    rh_json *object = rh_json_object();
    add_waits(object, contention);
    rh_record_figure(object, "longest_wait_s", contention->longest_wait_s);
    rh_json_add_int(object, "deepest_queue", contention->deepest_queue);
    rh_record_figure(object, "reads_blocked_s", contention->reads_blocked_s);
    rh_record_figure(object, "writes_blocked_s", contention->writes_blocked_s);
    rh_json *blocked = rh_json_add_array(object, "blocked");
    for (size_t i = 0; i < contention->blocked_count; i++) {
        const rh_blocked_interval *b = &contention->blocked[i];
        rh_json *row = rh_json_add_object(blocked, NULL);
        rh_json_add_string(row, "relation", b->relation);
        rh_json_add_string(row, "mode", b->mode);
        rh_json_add_string(row, "migration", b->migration);
        rh_json_add_int(row, "statement", b->statement);
        rh_record_figure(row, "from_s", b->from_s);
        rh_record_figure(row, "to_s", b->to_s);
        rh_json_add_bool(row, "reads", b->reads);
        rh_json_add_bool(row, "writes", b->writes);
    }
    rh_json *queue = rh_json_add_array(object, "queue");
    for (size_t i = 0; i < contention->queue_count; i++) {
        rh_json *point = rh_json_add_object(queue, NULL);
        rh_record_figure(point, "at_s", contention->queue[i].at_s);
        rh_json_add_int(point, "depth", contention->queue[i].depth);
    }
    rh_json *sampler = rh_json_add_object(object, "sampler");
    rh_json_add_count(sampler, "samples", contention->samples);
    rh_record_figure(sampler, "cpu_s", contention->sampler_cpu_s);
    rh_record_figure(sampler, "interval_ms", contention->sampler_interval_ms);
    rh_record_figure(sampler, "shortest_sure_wait_ms", contention->shortest_sure_wait_ms);
    rh_json_add_bool(sampler, "waitstart_available", contention->waitstart_available);
    return object;
}
