/* Internal to workload/: the interface that every kind of disturber implements. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/workload/workload.h"

typedef struct rh_disturbing rh_disturbing;

/* The methods of a kind of disturber. start is called in the thread that starts the disturbers, the others in
 * the disturbers' thread. */
typedef struct rh_disturber_methods {
    /* Starts it and waits until it is in place. False: it is not, and ERROR says why. */
    bool (*start)(rh_disturbing *d, rh_error *error);
    /* Checks it; true if it has ended by itself: DETAIL then has the reason. */
    bool (*check)(rh_disturbing *d);
    /* Ends it, in place or not, and frees its resources. */
    void (*stop)(rh_disturbing *d);
    /* Undoes what it changed, once its migration has ended; may be NULL. */
    void (*undo)(rh_disturbing *d);
} rh_disturber_methods;

extern const rh_disturber_methods rh_disturb_session_methods, rh_disturb_pg_dump_methods,
    rh_disturb_autovacuum_methods;

/* One running disturber. */
struct rh_disturbing {
    const rh_disturber *spec;
    const rh_disturb_place *place;
    const rh_disturber_methods *methods;
    rh_arena *arena;
    rh_pg *side;       /* shared by the disturbers, for queries */
    const char *table; /* qualified and quoted; NULL */
    const char *name;
    int number; /* unique in this process */
    rh_usec from, to;
    bool running;
    rh_disturbance_outcome outcome;
    const char *detail;
    int *pids;
    size_t pid_count;
    int fd; /* to be polled for reading; -1 */

    rh_pg *session;       /* of kinds that are a session */
    rh_process *process;  /* pg_dump */
    const char *fifo;     /* its output */
    int pipe;             /* the reading end of that; -1 */
    int64_t wanted_bytes; /* of its output that are still taken */
    int64_t oid;          /* autovacuum: of the table */
    rh_usec seen;         /* a worker, last */
    bool changed;         /* settings */
};

void rh_disturb_add_pid(rh_disturbing *d, int pid);

typedef struct rh_disturb_table {
    int64_t pages, oid, age; /* age: in transactions */
    bool is_partitioned;
} rh_disturb_table;
/* Resolves the spec's table, or without one the largest, to d->table and FOUND (may be NULL). */
bool rh_disturb_find_table(rh_disturbing *d, rh_disturb_table *found, rh_error *error);
/* "12.3 s" since it was in place, in the arena. */
const char *rh_disturb_passed(const rh_disturbing *d);
