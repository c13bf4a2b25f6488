#include "phases.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/observe/counters.h"
#include "embedded/observe.h"
#include <stdio.h>
#include <string.h>

enum { OLDEST_WITH_ALL = 140000, FIRST_WITH_IO_WORKERS = 180000 };

/* One row, without a command when PID runs none. */
static rh_pg_result *query(rh_pg *pg, int pid)
{
    char text[16];
    snprintf(text, sizeof text, "%d", pid);
    return rh_pg_query_again(pg, rh_sql_phase, 1, (const char *const[]){text}, NULL);
}

bool rh_phases_prepare(rh_pg *pg)
{
    rh_pg_result *result = rh_pg_server_version(pg) >= OLDEST_WITH_ALL ? query(pg, 0) : NULL;
    rh_pg_result_free(result);
    return result != NULL;
}

void rh_phases_base(int pid, bool local, rh_usec began, rh_phase_sample *base)
{
    *base = (rh_phase_sample){.at = began,
                              .cpu_s = local ? rh_proc_cpu(pid) : RH_NOT_MEASURED,
                              .read_bytes = RH_UNKNOWN,
                              .write_bytes = RH_UNKNOWN,
                              .wal_bytes = RH_UNKNOWN};
    if (local)
        rh_proc_device_bytes(pid, &base->read_bytes, &base->write_bytes);
}

bool rh_phases_sample(rh_pg *pg, int pid, bool local, rh_arena *arena, rh_phase_sample *sample)
{
    rh_pg_result *result = query(pg, pid);
    rh_phases_base(pid, local, rh_clock_monotonic(), sample);
    bool ok = result && rh_pg_rows(result) == 1;
    if (ok) {
        sample->command = rh_arena_strdup(arena, rh_pg_value(result, 0, 0));
        sample->phase = sample->command ? rh_arena_strdup(arena, rh_pg_value(result, 0, 1)) : NULL;
        sample->wal_bytes = rh_pg_int(result, 0, 2, RH_UNKNOWN);
    }
    if (rh_pg_server_version(pg) >= FIRST_WITH_IO_WORKERS) /* which read for the session */
        sample->read_bytes = RH_UNKNOWN;
    rh_pg_result_free(result);
    return ok;
}

static rh_progress_phase *phase_of(rh_phases *phases, const rh_phase_sample *sample, rh_arena *arena)
{
    for (size_t i = 0; i < phases->count; i++)
        if (strcmp(phases->list[i].command, sample->command) == 0 &&
            strcmp(phases->list[i].phase, sample->phase) == 0)
            return &phases->list[i];
    rh_progress_phase *added = rh_arena_add(arena, &phases->list, &phases->count);
    *added = (rh_progress_phase){.command = sample->command, .phase = sample->phase};
    return added;
}

static int64_t share_of(int64_t so_far, int64_t from, int64_t to, double share)
{
    if (so_far < 0 || from < 0 || to < from)
        return RH_UNKNOWN;
    return so_far + (int64_t)((double)(to - from) * share);
}

/* SHARE of what happened between the two samples belongs to the phase that WHOSE saw. */
static void add(rh_phases *phases, const rh_phase_sample *whose, const rh_phase_sample *to, double share,
                rh_arena *arena)
{
    const rh_phase_sample *from = &phases->last;
    if (!whose->command || !whose->phase)
        return;
    rh_progress_phase *phase = phase_of(phases, whose, arena);
    phase->elapsed_s += share * rh_seconds(to->at - from->at);
    phase->cpu_s += share * (to->cpu_s - from->cpu_s); /* NAN stays NAN */
    phase->read_bytes = share_of(phase->read_bytes, from->read_bytes, to->read_bytes, share);
    phase->write_bytes = share_of(phase->write_bytes, from->write_bytes, to->write_bytes, share);
    phase->wal_bytes = share_of(phase->wal_bytes, from->wal_bytes, to->wal_bytes, share);
}

static bool same(const rh_phase_sample *a, const rh_phase_sample *b)
{
    return a->command && b->command && a->phase && b->phase && strcmp(a->command, b->command) == 0 &&
           strcmp(a->phase, b->phase) == 0;
}

void rh_phases_add(rh_phases *phases, const rh_phase_sample *base, const rh_phase_sample *sample,
                   rh_arena *arena)
{
    bool first = phases->last.at == 0;
    if (first) {
        phases->last = *base;
        phases->last.wal_bytes = sample->wal_bytes;
    }
    if (first || same(&phases->last, sample)) {
        add(phases, sample, sample, 1, arena);
    } else {
        add(phases, &phases->last, sample, 0.5, arena);
        add(phases, sample, sample, 0.5, arena);
    }
    phases->last = *sample;
}

void rh_phases_end(rh_phases *phases, const rh_phase_sample *sample, rh_arena *arena)
{
    if (phases->last.at == 0 || !phases->last.command)
        return;
    rh_phase_sample last = phases->last;
    add(phases, &last, sample, 1, arena);
}
