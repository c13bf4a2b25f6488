/* Internal to rehearsal/: attributes changes of relations to the statements of a program. Pure; needs no
 * server. */
#pragma once
#include "pgrehearse/model/statement.h"
#include "pgrehearse/observe/committed.h"

/* One statement that the program sent. */
typedef struct rh_sent_statement {
    const rh_statement *statement; /* what its text says; NULL: not listed, so nothing is known of it */
    const char *sql;
    rh_statement_run *run; /* its locks and tag; gets its work where that can be told */
    size_t interval;
    int transaction; /* the same for all of one transaction */
    bool ok;         /* it ended well */
    bool undone;     /* its transaction was rolled back, or a part of it */
    const char
        *unattributed_reason; /* why its work is not known, as a clause; NULL: it is, or it did nothing */
} rh_sent_statement;

/* Between two looks at what is committed, with no transaction of the program open at either. */
typedef struct rh_sample_interval {
    rh_relation_change *changes;
    size_t count;
    bool published; /* at its end every session of the program had published what it had counted */
} rh_sample_interval;

typedef struct rh_sent_statements {
    rh_sent_statement *items; /* in the order they were sent */
    size_t count;
    rh_sample_interval *intervals;
    size_t interval_count;
    rh_committed before;            /* the database before the program, with sizes */
    const char *const *search_path; /* NULL-ended */
    bool counted;                   /* the server publishes counts at all */
} rh_sent_statements;

/* Gives each change to the only statement that can have made it: new files and new indexes to one of its
 * interval, blocks and rows to one of all intervals since counts were last published. A statement by which
 * nothing changed did nothing but to the catalogs. Where several statements can have done it, and not exactly
 * one says so in its text, none gets it, and all of them say so in unattributed_reason. */
void rh_attribute_changes(rh_sent_statements *sent, rh_arena *arena);
