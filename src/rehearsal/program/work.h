/* Internal to rehearsal/: samples of the committed state while a program runs, from which the effects of
 * its statements are derived. */
#pragma once
#include "pgrehearse/base/clock.h"
#include "attribution.h"

/* When a session last published what it counted, as far as that can be known from outside: between EARLIEST
 * and LATEST. PostgreSQL 15 and newer publish at the end of a transaction when more than a second has passed
 * since they last did (pgstat_report_stat, PGSTAT_MIN_INTERVAL), and when the session ends. */
typedef struct rh_publishing {
    rh_usec earliest, latest;
    bool pending; /* something it counted may not have been published */
} rh_publishing;

/* The session has just been let in, and has published that. */
void rh_publishing_begin(rh_publishing *publishing, rh_usec connected);
/* A transaction of it has ended between FROM and TO. */
void rh_publishing_transaction(rh_publishing *publishing, rh_usec from, rh_usec to);

typedef struct rh_program_work rh_program_work;

/* Looks for the first time. SIDE gets a lock_timeout, so that no look waits. NULL when it cannot be looked.
 */
rh_program_work *rh_program_work_new(rh_pg *side, rh_arena *arena);
/* Which interval it is now. */
size_t rh_program_work_interval(const rh_program_work *work);
/* What a look takes, by the last one. */
rh_usec rh_program_work_cost(const rh_program_work *work);
/* Ends an interval. No transaction of the program is open; PUBLISHED: its sessions have published all. */
void rh_program_work_sample(rh_program_work *work, bool published);
/* The last look, with sizes, once the sessions PIDS of COUNT have ended; gives what all looks saw. False when
 * nothing can be told. */
bool rh_program_work_finish(rh_program_work *work, const int *pids, size_t count, rh_sent_statements *sent);
