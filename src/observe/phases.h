/* Internal to observe/: the phases of a running statement, by samples from a side connection. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/statement.h"

/* What a sample saw; figures as in rh_counters, of the backend and of the server's WAL. */
typedef struct rh_phase_sample {
    rh_usec at;
    const char *command, *phase; /* NULL: the statement reports no progress */
    double cpu_s;
    int64_t read_bytes, write_bytes, wal_bytes;
} rh_phase_sample;

/* The phases of one statement, summed up sample by sample. */
typedef struct rh_phases {
    rh_progress_phase *list;
    size_t count;
    rh_phase_sample last;
} rh_phases;

/* Prepares the samples on PG; false: this server has none (before PostgreSQL 14), or no connection. */
bool rh_phases_prepare(rh_pg *pg);
/* Samples the session PID; LOCAL: /proc is its machine's. Strings are in ARENA. False when it could not be
 * requested. */
bool rh_phases_sample(rh_pg *pg, int pid, bool local, rh_arena *arena, rh_phase_sample *sample);
/* BASE: the same without asking the server, when the statement began. */
void rh_phases_base(int pid, bool local, rh_usec began, rh_phase_sample *base);
/* Records what was used since the last sample (since BASE, before the first; the WAL since the first sample):
 * to the phase that both saw, else half to each. */
void rh_phases_add(rh_phases *phases, const rh_phase_sample *base, const rh_phase_sample *sample,
                   rh_arena *arena);
/* The statement is over: the time since the last sample, up to SAMPLE->at, was that sample's phase. */
void rh_phases_end(rh_phases *phases, const rh_phase_sample *sample, rh_arena *arena);
