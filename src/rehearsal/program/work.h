/* Internal to rehearsal/: samples of the committed state while a program runs, from which the effects of
 * its statements are derived. */
#pragma once
#include "pgrehearse/base/clock.h"
#include "attribution.h"

/* When a session last published its statistics, as far as that is known: between EARLIEST and LATEST.
 * PostgreSQL 15 and newer publish at the end of a transaction when more than a second has passed since they
 * last did (pgstat_report_stat, PGSTAT_MIN_INTERVAL), and when the session ends. */
typedef struct rh_publishing {
    rh_usec earliest, latest;
    bool pending; /* some statistics may not have been published */
} rh_publishing;

/* Call when the session has connected, upon which it publishes. */
void rh_publishing_begin(rh_publishing *publishing, rh_usec connected);
/* Call when a transaction of it has ended between FROM and TO. */
void rh_publishing_transaction(rh_publishing *publishing, rh_usec from, rh_usec to);

typedef struct rh_program_work rh_program_work;

/* Takes the first sample. SIDE gets a lock_timeout, so that no sample waits. NULL if that is not possible. */
rh_program_work *rh_program_work_new(rh_pg *side, rh_arena *arena);
/* The current interval. */
size_t rh_program_work_interval(const rh_program_work *work);
/* The duration of a sample, by the last one. */
rh_usec rh_program_work_cost(const rh_program_work *work);
/* Ends an interval. No transaction of the program is open; PUBLISHED: its sessions have published all. */
void rh_program_work_sample(rh_program_work *work, bool published);
/* The last reading, with sizes, once the sessions PIDS of COUNT have ended; gives the sum of all readings.
 * False when nothing is known. */
bool rh_program_work_finish(rh_program_work *work, const int *pids, size_t count, rh_sent_statements *sent);
