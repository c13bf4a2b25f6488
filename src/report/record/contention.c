#include "record.h"
#include <stdlib.h>

static int longest_first(const void *left, const void *right)
{
    const rh_wait *const *a = left, *const *b = right;
    if ((*a)->wait_s != (*b)->wait_s)
        return (*a)->wait_s < (*b)->wait_s ? 1 : -1;
    return ((*a)->at_s > (*b)->at_s) - ((*a)->at_s < (*b)->at_s);
}

static void add_chain(rh_json *row, const rh_wait *w)
{
    rh_json *chain = rh_json_add_array(row, "chain");
    for (size_t i = 0; i < w->chain_count; i++) {
        const rh_wait_link *l = &w->chain[i];
        rh_json *link = rh_json_add_object(chain, NULL);
        rh_json_add_int(link, "pid", l->pid);
        rh_json_add_string(link, "name", l->name);
        rh_json_add_string(link, "locktype", l->locktype);
        rh_json_add_string(link, "relation", l->relation);
        rh_json_add_string(link, "mode", rh_lock_mode_name(l->mode));
        rh_json_add_bool(link, "is_migration", l->is_migration);
    }
}

static void add_wait(rh_json *waits, const rh_wait *w)
{
    rh_json *row = rh_json_add_object(waits, NULL);
    rh_record_figure(row, "at_s", w->at_s);
    rh_record_figure(row, "wait_s", w->wait_s);
    rh_json_add_string(row, "locktype", w->locktype);
    rh_json_add_string(row, "relation", w->relation);
    rh_json_add_string(row, "mode", rh_lock_mode_name(w->mode));
    rh_json_add_string(row, "waiter", w->waiter);
    rh_json_add_string(row, "blocker", w->blocker);
    rh_json_add_string(row, "migration", w->migration);
    rh_json_add_count(row, "statement", w->statement > 0 ? w->statement : RH_UNKNOWN);
    rh_json_add_bool(row, "waiter_is_migration", w->waiter_is_migration);
    rh_json_add_bool(row, "blocked_by_migration", w->blocked_by_migration);
    rh_json_add_bool(row, "exact_start", w->exact_start);
    rh_json_add_int(row, "waiter_pid", w->waiter_pid);
    rh_json_add_string(row, "template", w->template_name);
    rh_json_add_string(row, "progress_phase", w->concurrently);
    rh_json_add_string(row, "source", rh_wait_source_name(w->source));
    add_chain(row, w);
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

static void add_deadlocks(rh_json *object, const rh_contention *contention)
{
    rh_json *deadlocks = rh_json_add_array(object, "deadlocks");
    for (size_t i = 0; i < contention->deadlock_count; i++) {
        const rh_deadlock *d = &contention->deadlocks[i];
        rh_json *row = rh_json_add_object(deadlocks, NULL);
        rh_record_figure(row, "at_s", d->at_s);
        rh_json_add_string(row, "migration", d->migration);
        rh_json_add_count(row, "statement", d->statement > 0 ? d->statement : RH_UNKNOWN);
        rh_json *sides = rh_json_add_array(row, "participants");
        for (size_t k = 0; k < d->side_count; k++) {
            const rh_deadlock_side *s = &d->sides[k];
            rh_json *side = rh_json_add_object(sides, NULL);
            rh_json_add_int(side, "pid", s->pid);
            rh_json_add_count(side, "blocked_by_pid", s->blocked_by_pid > 0 ? s->blocked_by_pid : RH_UNKNOWN);
            rh_json_add_string(side, "name", s->name);
            rh_json_add_string(side, "sql", s->statement);
            rh_json_add_string(side, "locktype", s->locktype);
            rh_json_add_string(side, "relation", s->relation);
            rh_json_add_string(side, "mode", rh_lock_mode_name(s->mode));
            rh_json_add_bool(side, "is_migration", s->is_migration);
            rh_json_add_bool(side, "is_victim", s->is_victim);
        }
    }
}

static void add_cancelled(rh_json *object, const rh_contention *contention)
{
    rh_json *cancelled = rh_json_add_array(object, "cancelled");
    for (size_t i = 0; i < contention->cancelled_count; i++) {
        const rh_cancelled *c = &contention->cancelled[i];
        rh_json *row = rh_json_add_object(cancelled, NULL);
        rh_record_figure(row, "at_s", c->at_s);
        rh_record_figure(row, "wait_s", c->wait_s);
        rh_json_add_string(row, "session", c->who);
        rh_json_add_string(row, "sqlstate", c->sqlstate);
        rh_json_add_string(row, "reason", c->reason);
        rh_json_add_string(row, "relation", c->relation);
        rh_json_add_string(row, "mode", rh_lock_mode_name(c->mode));
        rh_json_add_string(row, "blocker", c->blocker);
        rh_json_add_string(row, "migration", c->migration);
        rh_json_add_count(row, "statement", c->statement > 0 ? c->statement : RH_UNKNOWN);
        rh_json_add_bool(row, "is_migration", c->is_migration);
    }
}

static void add_log(rh_json *object, const rh_lock_log *l)
{
    rh_json *log = rh_json_add_object(object, "server_log");
    rh_json_add_bool(log, "read", l->read);
    rh_json_add_string(log, "reason", l->why_not);
    rh_record_figure(log, "threshold_ms", l->read ? l->threshold_ms : RH_NOT_MEASURED);
    rh_json_add_count(log, "waits", l->read ? l->waits : RH_UNKNOWN);
    rh_json_add_count(log, "merged", l->read ? l->merged : RH_UNKNOWN);
    rh_record_figure(log, "longest_difference_ms", l->read ? l->longest_difference_ms : RH_NOT_MEASURED);
}

static void add_sampler(rh_json *object, const rh_contention *contention)
{
    rh_json *sampler = rh_json_add_object(object, "sampler");
    rh_json_add_count(sampler, "samples", contention->samples);
    rh_record_figure(sampler, "cpu_s", contention->sampler_cpu_s);
    rh_record_figure(sampler, "client_cpu_s", contention->sampler_client_cpu_s);
    rh_record_figure(sampler, "server_cpu_s", contention->sampler_server_cpu_s);
    rh_record_figure(sampler, "elapsed_s", contention->sampler_elapsed_s);
    rh_record_figure(sampler, "interval_ms", contention->sampler_interval_ms);
    rh_record_figure(sampler, "shortest_sure_wait_ms", contention->shortest_sure_wait_ms);
    rh_json_add_bool(sampler, "waitstart_available", contention->waitstart_available);
}

rh_json *rh_record_contention(const rh_run *run)
{
    const rh_contention *contention = &run->contention;
    if (!contention->measured)
        return NULL;
    rh_json *object = rh_json_object();
    add_waits(object, contention);
    rh_record_figure(object, "longest_wait_s", contention->longest_wait_s);
    rh_json_add_int(object, "deepest_queue", contention->deepest_queue);
    rh_record_figure(object, "reads_blocked_s",
                     rh_plan_blocked_s(&run->plan, NULL, true, contention->reads_blocked_s));
    rh_record_figure(object, "writes_blocked_s",
                     rh_plan_blocked_s(&run->plan, NULL, false, contention->writes_blocked_s));
    rh_json *blocked = rh_json_add_array(object, "blocked");
    for (size_t i = 0; i < contention->blocked_count; i++) {
        const rh_blocked_interval *b = &contention->blocked[i];
        rh_json *row = rh_json_add_object(blocked, NULL);
        rh_json_add_string(row, "relation", b->relation);
        rh_json_add_string(row, "mode", rh_lock_mode_name(b->mode));
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
    add_deadlocks(object, contention);
    add_cancelled(object, contention);
    add_log(object, &contention->log);
    add_sampler(object, contention);
    return object;
}
