/* The generator's structures, shared by its files: the generator and its clients. Everything here belongs to
 * the generator's thread, except what is atomic. */
#pragma once
#include "pgrehearse/adapters/event_loop.h"
#include "arrivals.h"
#include "measures.h"
#include "workload/pgbench/script.h"
#include "pgrehearse/workload/workload.h"
#include <pthread.h>
#include <stdatomic.h>

/* An arrival on its way through the queue and a client. */
typedef struct load_work {
    rh_arrival arrival;
    rh_measure_slot slot;
} load_work;

typedef enum load_client_state {
    LOAD_CLIENT_IDLE,        /* connected, waits for an arrival */
    LOAD_CLIENT_RUNNING,     /* a statement of a template runs for an arrival */
    LOAD_CLIENT_PREPARING,   /* an arrival waits for that statement to be prepared on this connection */
    LOAD_CLIENT_SLEEPING,    /* an arrival's script sleeps until wake_at */
    LOAD_CLIENT_BACKING_OFF, /* an arrival's transaction failed and begins again at wake_at */
    LOAD_CLIENT_RESTARTING, /* an arrival's failed transaction is rolled back, then its script begins again */
    LOAD_CLIENT_CLEANING, /* a transaction that a script left open is rolled back; no request waits for it */
    LOAD_CLIENT_DEALLOCATING, /* a plan that DDL invalidated is deallocated; no request waits for it */
    LOAD_CLIENT_CONNECTING,   /* the connection was lost, a new one is under way */
    LOAD_CLIENT_WAITING,      /* connecting failed; tries again at wake_at */
    LOAD_CLIENT_CLOSED,       /* the run is over */
} load_client_state;

typedef struct load_client {
    rh_generator *generator;
    load_client_state state;
    rh_pg *pg;
    rh_watch *watch;
    bool *prepared;            /* by statement: prepared on this connection */
    load_work work;            /* RUNNING, PREPARING, SLEEPING, RESTARTING */
    size_t statement;          /* RUNNING, PREPARING: which one */
    rh_pgbench_script_run run; /* of a template that is a script */
    bool stale_after;          /* CLEANING: DEALLOCATING follows */
    rh_usec sent;              /* since the load began: first send of the work */
    rh_usec sent_at;           /* RUNNING: when the statement was sent (monotonic); 0: reported as overdue */
    int attempts;              /* of the whole work */
    size_t stale;              /* DEALLOCATING: the statement */
    rh_usec
        wake_at; /* CONNECTING: gives up; WAITING: tries again; SLEEPING, BACKING_OFF: goes on (monotonic) */
    rh_usec backoff;
    atomic_int pid;
} load_client;

typedef enum load_phase {
    LOAD_RUNNING,    /* arrivals come */
    LOAD_DRAINING,   /* no more arrivals; running requests may end */
    LOAD_CANCELLING, /* running requests were cancelled, because that took too long */
} load_phase;

/* A statement that is prepared on each connection. */
typedef struct load_statement {
    char *name; /* "rh_0" … */
    const char *sql;
} load_statement;

struct rh_generator {
    const rh_mix *mix;
    char *conninfo;
    double rate;
    rh_usec began, began_wall;
    rh_loop *loop;
    rh_measures *measures;
    rh_arrivals arrivals;
    rh_arrival next;
    load_statement *statements;
    size_t statement_count;
    size_t *first_statement; /* by template: a script's follow one another */
    uint64_t seed;
    load_client *clients;
    size_t client_count;
    load_client **idle; /* a stack: like a connection pool, the one used last is used first */
    size_t idle_count;
    bool handing_over; /* work goes from the queue to idle clients just now */
    load_work *queue;  /* a ring */
    size_t queue_capacity, queue_head, queue_count;
    load_phase phase;
    rh_usec phase_ends; /* monotonic; DRAINING, CANCELLING */
    rh_usec next_wake;  /* the earliest wake_at of a client, or earlier; INT64_MAX: none (monotonic) */
    rh_usec stopped;    /* since the load began: when arrivals ended */
    rh_usec lag_sum, lag_max;
    int64_t arrival_count, reconnects;
    rh_measure_slot last_slot;
    size_t
        saturated_by; /* arrivals that waited when a window without migrations ended; 0: it held the rate */
    rh_window_kind saturated_in;
    double cpu_s;
    pthread_mutex_t overdue_mutex; /* guards the next two */
    void (*overdue)(void *user);
    void *overdue_user;
    rh_arena *cancelled_arena; /* the thread's until it has been joined */
    rh_load_cancelled *cancelled;
    size_t cancelled_count;
    pthread_t thread;
    atomic_bool stop;
    _Atomic int64_t transactions, errors;
    atomic_int in_flight;
};

/* µs since the load began. */
rh_usec rh_generator_now(const rh_generator *generator);
/* The client is free: it gets the oldest arrival of the queue, or waits. */
void rh_generator_client_free(rh_generator *generator, load_client *client);
/* An idle client's connection was lost: nothing may be sent through it. */
void rh_generator_forget_idle(rh_generator *generator, const load_client *client);
/* WORK is over. SENT is when it was first sent, -1: never. */
void rh_generator_work_ended(rh_generator *generator, const load_work *work, rh_request_outcome outcome,
                             rh_usec sent);
/* cancelled.c: records a timeout or a deadlock of the client's session; other errors are ignored. */
void rh_generator_cancelled(rh_generator *generator, const load_client *client, const char *template_name,
                            const char *sqlstate, const char *message);
void rh_generator_report_cancelled(const rh_generator *generator, rh_arena *arena, rh_load *load);
/* CLIENT is to be woken at its wake_at, or looked at when its answer is overdue. */
void rh_generator_wake_later(rh_generator *generator, const load_client *client);

/* Opens the connection and prepares every template; blocks. */
bool rh_client_open(load_client *client, rh_generator *generator, rh_error *error);
/* Starts watching the socket. */
bool rh_client_start(load_client *client, rh_error *error);
void rh_client_run(load_client *client, load_work work);
/* True if the client waits for its wake_at. */
bool rh_client_is_timed(const load_client *client);
/* Called when wake_at has passed. */
void rh_client_wake(load_client *client);
bool rh_client_is_busy(const load_client *client);
/* Ends the client's work early, because the load is over. */
void rh_client_cancel(load_client *client);
/* Closes the connection; a running request counts as dropped. */
void rh_client_close(load_client *client);
