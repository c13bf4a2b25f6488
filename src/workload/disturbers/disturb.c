/* Starts disturbers one after the other, then monitors them in one thread. */
#include "disturb.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/units.h"
#include "embedded/workload.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often an autovacuum's workers are looked for, and the time that sessions get to vanish. */
static const rh_usec LOOK_INTERVAL = RH_SECOND / 10, PARTING = 5 * RH_SECOND;

struct rh_disturbers {
    rh_arena *arena;
    rh_disturb_place place;
    rh_pg *side;
    rh_disturbing *each;
    size_t count, started;
    pthread_t thread;
    bool threaded;
    int wake[2]; /* a pipe: closed at its writing end when all is to be stopped */
};

static const rh_disturber_methods *methods_of(rh_disturber_kind kind)
{
    return kind == RH_DISTURBER_PG_DUMP      ? &rh_disturb_pg_dump_methods
           : kind == RH_DISTURBER_AUTOVACUUM ? &rh_disturb_autovacuum_methods
                                             : &rh_disturb_session_methods;
}

void rh_disturb_add_pid(rh_disturbing *d, int pid)
{
    for (size_t i = 0; i < d->pid_count; i++)
        if (d->pids[i] == pid)
            return;
    if (pid > 0)
        *rh_arena_add(d->arena, &d->pids, &d->pid_count) = pid;
}

bool rh_disturb_find_table(rh_disturbing *d, rh_disturb_table *found, rh_error *error)
{
    enum { NAME, PAGES, KIND, OID, AGE };
    rh_pg_result *result = rh_pg_query(d->side, rh_sql_disturb_table, 1, &d->spec->table, error);
    if (!result)
        return false;
    bool there = rh_pg_rows(result) == 1;
    if (there)
        d->table = rh_arena_strdup(d->arena, rh_pg_value(result, 0, NAME));
    else if (d->spec->table)
        rh_error_set(error, RH_ERROR_SCENARIO, "there is no table \"%s\"", d->spec->table);
    else
        rh_error_set(error, RH_ERROR_SCENARIO, "there is no table");
    if (there && found)
        *found = (rh_disturb_table){.pages = rh_pg_int(result, 0, PAGES, 0),
                                    .oid = rh_pg_int(result, 0, OID, 0),
                                    .age = rh_pg_int(result, 0, AGE, 0),
                                    .is_partitioned = *rh_pg_value(result, 0, KIND) == 'p'};
    rh_pg_result_free(result);
    return there;
}

const char *rh_disturb_passed(const rh_disturbing *d)
{
    char text[32];
    return rh_arena_strdup(d->arena,
                           rh_duration_format(rh_seconds(rh_clock_monotonic() - d->from), text, sizeof text));
}

bool rh_disturb_prepare(const rh_disturb_place *place, const rh_disturber *specs, size_t count,
                        rh_error *error)
{
    bool needed = false;
    for (size_t i = 0; i < count; i++)
        needed |= specs[i].kind == RH_DISTURBER_AUTOVACUUM;
    if (!needed || !place->own_cluster)
        return true;
    rh_error problem = {0};
    rh_pg *pg = rh_pg_connect(place->conninfo, ": side", &problem);
    if (pg)
        rh_pg_execute(pg, rh_sql_disturb_burn, &problem);
    rh_pg_close(pg);
    bool interrupted = problem.code == RH_ERROR_INTERRUPTED;
    if (interrupted && error)
        rh_error_move(error, &problem);
    rh_error_release(&problem);
    return !interrupted;
}

/* ---- the thread ---- */

static void end(rh_disturbing *d, rh_disturbance_outcome outcome)
{
    d->outcome = outcome;
    d->to = rh_clock_monotonic();
    d->running = false;
    d->methods->stop(d);
}

/* Waits until something is to be read, the first disturber's time is over, or all is to be stopped. */
static void wait_a_moment(rh_disturbers *all, struct pollfd *polled)
{
    rh_usec now = rh_clock_monotonic(), until = now + LOOK_INTERVAL;
    polled[0] = (struct pollfd){.fd = all->wake[0], .events = POLLIN};
    for (size_t i = 0; i < all->count; i++) {
        const rh_disturbing *d = &all->each[i];
        polled[i + 1] = (struct pollfd){.fd = d->running ? d->fd : -1, .events = POLLIN};
        if (d->running && d->from + d->spec->duration < until)
            until = d->from + d->spec->duration;
    }
    poll(polled, (nfds_t)all->count + 1, until > now ? (int)((until - now) / 1000) + 1 : 0);
}

static void *monitor(void *argument)
{
    rh_disturbers *all = argument;
    struct pollfd *polled = rh_alloc((all->count + 1) * sizeof *polled);
    rh_interrupt_hold(); /* whoever starts them stops them */
    do {
        wait_a_moment(all, polled);
        for (size_t i = 0; i < all->count; i++) {
            rh_disturbing *d = &all->each[i];
            if (!d->running)
                continue;
            if (rh_clock_monotonic() >= d->from + d->spec->duration)
                end(d, RH_DISTURBANCE_STOPPED);
            else if (d->methods->check(d))
                end(d, RH_DISTURBANCE_ENDED);
        }
    } while (!(polled[0].revents & (POLLHUP | POLLIN)));
    rh_interrupt_release();
    free(polled);
    return NULL;
}

/* ---- starting ---- */

/* False only when the whole start must end. */
static bool start_one(rh_disturbers *all, rh_disturbing *d, const rh_disturber *spec, rh_error *error)
{
    static atomic_int serial;
    *d = (rh_disturbing){.spec = spec,
                         .place = &all->place,
                         .methods = methods_of(spec->kind),
                         .arena = all->arena,
                         .side = all->side,
                         .number = atomic_fetch_add(&serial, 1),
                         .outcome = RH_DISTURBANCE_NOT_STARTED,
                         .fd = -1,
                         .pipe = -1};
    d->name = spec->table
                  ? rh_arena_printf(all->arena, "%s on %s", rh_disturber_kind_name(spec->kind), spec->table)
                  : rh_disturber_kind_name(spec->kind);
    rh_error problem = {0};
    bool ok = d->methods->start(d, &problem);
    d->from = rh_clock_monotonic();
    if (ok) {
        d->running = true;
        d->outcome = RH_DISTURBANCE_STOPPED;
        all->started++;
        return true;
    }
    d->detail = rh_arena_strdup(all->arena, problem.message);
    d->methods->stop(d);
    bool interrupted = problem.code == RH_ERROR_INTERRUPTED;
    if (interrupted)
        rh_error_move(error, &problem);
    rh_error_release(&problem);
    return !interrupted;
}

static void release(rh_disturbers *all)
{
    for (size_t i = 0; i < 2; i++)
        if (all->wake[i] >= 0)
            close(all->wake[i]);
    rh_pg_close(all->side);
    rh_arena_free(all->arena);
    free(all);
}

rh_disturbers *rh_disturbers_start(const rh_disturb_place *place, const rh_disturber *const *specs,
                                   size_t count, rh_error *error)
{
    rh_disturbers *all = rh_alloc(sizeof *all);
    *all = (rh_disturbers){.arena = rh_arena_new(), .place = *place, .wake = {-1, -1}};
    all->each = rh_arena_alloc(all->arena, (count + 1) * sizeof *all->each);
    rh_error problem = {0};
    all->side = rh_pg_connect(place->conninfo, ": side", &problem);
    bool ok = all->side && pipe2(all->wake, O_CLOEXEC) == 0;
    for (; ok && all->count < count; all->count++)
        ok = start_one(all, &all->each[all->count], specs[all->count], &problem);
    if (ok)
        ok = all->threaded = pthread_create(&all->thread, NULL, monitor, all) == 0;
    if (ok) {
        rh_error_release(&problem);
        return all;
    }
    rh_error_set(&problem, RH_ERROR_INTERNAL, "the disturbers could not be monitored");
    rh_disturbers_stop(all, NULL, 0, NULL, NULL, NULL);
    if (error && !rh_error_is_set(error))
        rh_error_move(error, &problem);
    rh_error_release(&problem);
    return NULL;
}

size_t rh_disturbers_started(const rh_disturbers *all)
{
    return all->started;
}

/* ---- stopping ---- */

/* A session that was terminated ends in the server a moment later: it must have ended before the next
 * migration. */
static void wait_for_end(rh_disturbers *all)
{
    rh_text pids = {0};
    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; k < all->each[i].pid_count; k++)
            rh_text_printf(&pids, "%s%d", pids.length ? "," : "{", all->each[i].pids[k]);
    rh_text_append(&pids, pids.length ? "}" : "{}");
    const char *parameter = rh_text_string(&pids);
    rh_usec until = rh_clock_monotonic() + PARTING;
    for (bool left = all->side != NULL; left && rh_clock_monotonic() < until;) {
        rh_pg_result *ended = rh_pg_query(all->side, rh_sql_disturb_end, 1, &parameter, NULL);
        left = ended && rh_pg_int(ended, 0, 0, 0) > 0;
        rh_pg_result_free(ended);
        if (left)
            rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 200);
    }
    rh_text_release(&pids);
}

static void add_row(const rh_disturbing *d, const char *migration, rh_usec began, rh_arena *arena,
                    rh_disturbance **rows, size_t *row_count)
{
    rh_disturbance *row = rh_arena_add(arena, rows, row_count);
    bool started = d->outcome != RH_DISTURBANCE_NOT_STARTED;
    *row = (rh_disturbance){.kind = d->spec->kind,
                            .name = rh_arena_strdup(arena, d->name),
                            .table = rh_arena_strdup(arena, d->table),
                            .migration = rh_arena_strdup(arena, migration),
                            .from_s = started ? rh_seconds(d->from - began) : RH_NOT_MEASURED,
                            .to_s = started ? rh_seconds(d->to - began) : RH_NOT_MEASURED,
                            .outcome = d->outcome,
                            .detail = rh_arena_strdup(arena, d->detail),
                            .migration_wait_s = RH_NOT_MEASURED};
    for (size_t i = 0; i < d->pid_count; i++)
        *rh_arena_add(arena, &row->pids, &row->pid_count) = d->pids[i];
}

void rh_disturbers_stop(rh_disturbers *all, const char *migration, rh_usec began, rh_arena *arena,
                        rh_disturbance **rows, size_t *row_count)
{
    if (!all)
        return;
    rh_interrupt_hold();
    if (all->threaded) {
        close(all->wake[1]);
        all->wake[1] = -1;
        pthread_join(all->thread, NULL);
    }
    for (size_t i = 0; i < all->count; i++)
        if (all->each[i].running)
            end(&all->each[i], RH_DISTURBANCE_STOPPED);
    wait_for_end(all);
    for (size_t i = 0; i < all->count; i++)
        if (all->each[i].methods->undo)
            all->each[i].methods->undo(&all->each[i]);
    for (size_t i = 0; rows && i < all->count; i++)
        add_row(&all->each[i], migration, began, arena, rows, row_count);
    release(all);
    rh_interrupt_release();
}
