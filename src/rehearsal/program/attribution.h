/* Internal to rehearsal/: attributes changes of relations to the statements of a program. Pure; needs no
 * server. */
#pragma once
#include "pgrehearse/model/statement.h"
#include "pgrehearse/observe/observe.h"

/* One statement that the program sent. */
typedef struct rh_sent_statement {
    const rh_statement *statement; /* with the facts from its text; NULL: not listed */
    const char *sql;
    rh_statement_run *run; /* with its locks and tag; gets its work if that can be attributed */
    size_t interval;
    int transaction; /* the same for all of one transaction */
    bool ok;         /* it succeeded */
    bool undone;     /* its transaction was rolled back, or a part of it */
    const char
        *unattributed_reason; /* why its work is not known, as a clause; NULL: it is, or it did nothing */
} rh_sent_statement;

/* The changes between two samples of the committed state, with no transaction of the program open at either.
 */
typedef struct rh_sample_interval {
    rh_relation_change *changes;
    size_t count;
    bool published; /* at its end, every session of the program had published its statistics */
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

/* Attributes each change to the only statement that can have caused it: new files and new indexes to a
 * statement of the same interval, blocks and rows to a statement of the intervals since statistics were last
 * published. A statement without changes changed only catalogs. If several statements can have caused a
 * change, and not exactly one names the relation, none gets it, and each has an unattributed_reason. */
void rh_attribute_changes(rh_sent_statements *sent, rh_arena *arena);
