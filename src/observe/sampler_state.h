/* The state shared by the sampler's files. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/observe/sampler.h"
#include "wait_graph.h"
#include "waiter_watch.h"
#include "phases.h"
#include "relations.h"
#include <pthread.h>

/* A relation as the sampler's connection knows it. */
typedef struct rh_relation_name {
    int64_t oid, owner;
    const char *name;       /* NULL: not found (yet) */
    const char *owner_name; /* of the table; NULL: it is no part of one */
    bool is_private;        /* temporary, or made since the sampler started */
} rh_relation_name;

/* A lock that samples saw during a statement. */
typedef struct rh_seen_lock {
    const char *migration; /* interned */
    int statement;
    int64_t oid;
    rh_lock_mode mode;
    rh_usec first, last;
    int64_t transaction; /* of the session's, that held it last */
    rh_usec since;       /* the last sample at which that one did not hold it, or the statement's begin */
    rh_usec until;       /* the first sample at which it held it no more; 0: none yet */
    rh_usec longest;     /* from SINCE to UNTIL, of the transactions before */
} rh_seen_lock;

typedef struct rh_seen_worker {
    const char *migration;
    int statement, pid;
    double cpu_s;
} rh_seen_worker;

/* The phases that samples saw during a statement. */
typedef struct rh_seen_phases {
    const char *migration; /* interned */
    int statement;
    rh_phases phases;
} rh_seen_phases;

/* What runs now; a copy of it goes with each sample. */
typedef struct rh_sampler_label {
    const char *migration; /* interned; NULL: nothing runs */
    int statement, pid;
    rh_usec since;
    unsigned generation; /* raised by every change */
} rh_sampler_label;

/* A query as the server shows it, and redacted. */
typedef struct rh_redacted {
    const char *raw, *shown;
} rh_redacted;

struct rh_sampler {
    rh_sampler_options options;
    char *conninfo; /* that of the options */
    pthread_t thread;
    pthread_mutex_t mutex;
    int wake; /* an eventfd: readable when the thread is to look at what is under the mutex */

    /* Under the mutex. */
    rh_arena *shared; /* owns what is under the mutex */
    bool stop;
    rh_usec sample_at; /* a sample was requested, not before this time; 0: none was */
    rh_usec next_request,
        request_pause; /* when a requested sample may be next; how long that is after the one before */
    rh_sampler_label label;
    rh_usec ended_at; /* when the last statement ended */
    const char **migrations;
    size_t migration_count;
    rh_seen_lock *seen;
    size_t seen_count;
    rh_usec booked_at; /* the last sample of what the migration holds */
    rh_seen_worker *workers;
    size_t worker_count;
    rh_seen_phases *phases;
    size_t phases_count;
    rh_relation_name *names;
    size_t name_count;

    /* The thread's own until it has been joined. */
    rh_pg *pg;
    rh_waiter_watch *waiter_watch; /* NULL: none, every sample is a sample */
    rh_usec waiter_watch_began;
    rh_arena *arena;
    rh_wait_graph *graph;
    rh_error failure;
    bool looks_at_phases;         /* this server reports them */
    rh_sampler_label phase_label; /* the statement of the last sample of its phase */
    rh_phase_sample phase_base;   /* when the statement that runs began */
    rh_usec phase_at;             /* when the next sample of the statement's phase is due; 0: none runs */
    int64_t samples;
    int64_t first_new_xid;        /* transactions from here on began after the sampler */
    rh_usec clock_offset;         /* the server's wall clock minus our monotonic one */
    bool clock_stepped;           /* one of the two wall clocks was set while we watched */
    rh_usec last_at, longest_gap; /* last_at: of the last sample, a sample or the waiter watch's */
    size_t live_workers;          /* of the statement, in the last sample */
    bool was_running;             /* a migration statement, in the last sample */
    rh_usec next_lookup;
    int graph_pid;    /* the migration's session that was last passed to the wait graph */
    rh_text watched;  /* pids to describe in the next sample, comma-separated */
    rh_text settings; /* the settings last sent to the connection */
    rh_redacted *texts;
    size_t text_count;
    double client_cpu_s, server_cpu_s;
};

/* Connects, sets up the session and the clock. */
bool rh_sampler_open(rh_sampler *sampler, rh_error *error);
/* Takes one sample while LABEL says what runs, feeds the graph and records the locks that the migration
 * holds.
 */
bool rh_sampler_take(rh_sampler *sampler, const rh_sampler_label *label, rh_error *error);
/* A sample at AT: the time since the one before, while a statement runs, may have hidden a wait. */
void rh_sampler_note_gap(rh_sampler *sampler, const rh_sampler_label *label, rh_usec at);
/* Reads again what the workers of the statement have used, without asking the server. */
void rh_sampler_read_workers(rh_sampler *sampler, const rh_sampler_label *label);
/* A sample of the phase of the statement of LABEL when one is due, and at what the one before left. */
void rh_sampler_sample_phase(rh_sampler *sampler, const rh_sampler_label *label);
/* Adds a relation to those whose names are looked up; false if it is there already. Under the mutex. */
bool rh_sampler_add_relation(rh_sampler *sampler, int64_t oid);
/* Looks up the names that are still missing, unless the last sample was a moment ago and this one is not
 * URGENT. */
void rh_sampler_resolve_names(rh_sampler *sampler, bool urgent);
/* Its name in ARENA, that of its table when it is an index or TOAST relation; "OID n" while there is none. */
const char *rh_sampler_name(rh_sampler *sampler, int64_t oid, rh_arena *arena);
/* The name that "OID n" has by now, or the same string; USER is the sampler. */
const char *rh_sampler_rename(void *user, const char *relation);
