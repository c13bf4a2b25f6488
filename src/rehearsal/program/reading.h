/* Internal to rehearsal/: counters and locks of a program's sessions, read while one of its messages is
 * held. */
#pragma once
#include "pgrehearse/observe/counters.h"
#include "work.h"

/* One statement that went by. */
typedef struct rh_program_event {
    size_t index; /* in the script; SIZE_MAX: not listed */
    const char *sql;
    rh_statement_run run;
    bool ended, ok;
    bool undone; /* its transaction was rolled back, or a part of it */
    int transaction;
    size_t interval;                 /* between two readings of what is committed */
    size_t sent;                     /* its place among what is attributed, from 1; 0: none */
    const char *unattributed_reason; /* a clause; NULL */
} rh_program_event;

typedef struct rh_program_list {
    rh_program_event **items;
    size_t count;
} rh_program_list;

/* What is known of one of the program's connections. */
typedef struct rh_program_link {
    int pid;
    bool has_counters, closed;
    rh_usec leaving;             /* since when it is about to close; 0: it is not */
    rh_counters counters;        /* at the last reading */
    rh_program_list unread;      /* since then */
    rh_program_list transaction; /* the one under way */
    rh_lock *held;               /* that it was seen to hold */
    size_t held_count;
    int number; /* of that transaction */
    rh_publishing publishing;
} rh_program_link;

void rh_program_list_add(rh_program_list *list, rh_program_event *item, rh_arena *arena);
/* What the session consumed since the last reading is its longest statement's since then: there is a reading
 * after each long one. */
void rh_program_read_counters(rh_program_link *link, rh_pg *side, bool local);
/* Each lock goes to the first statement of the transaction that names the relation and can take such a lock,
 * or else, for what a function does or an object without a name in the text, to the longest. */
void rh_program_read_locks(rh_program_link *link, rh_pg *side, rh_arena *arena);
