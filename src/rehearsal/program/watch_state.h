/* Internal to rehearsal/program/: a program that is watched, its statements and its connections. */
#pragma once
#include "watch.h"
#include "match.h"
#include "reading.h"

/* Of a migration, in report.json; those past it are counted. */
enum { RH_PROGRAM_STATEMENT_LIMIT = 10000 };

typedef struct rh_table_size {
    const char *name;
    double bytes;
} rh_table_size;

struct rh_program_watch {
    const rh_run *run;
    rh_arena *arena;
    rh_pg *side;
    const rh_migration *migration;
    const rh_script *script;
    rh_program_options options;
    rh_program_list all;
    rh_program_list added; /* of these, the ones that the script does not have yet */
    rh_program_match *match;
    size_t unlisted; /* past the limit */
    rh_program_link *links;
    size_t link_count;
    int pid; /* that the sampler knows */
    rh_table_size *sizes;
    size_t size_count;
    double all_bytes;
    rh_program_failure failure;
    rh_usec began, reading_us; /* what counters and locks have taken to read */
    rh_usec sampling_us;       /* and samples */
    int transactions;          /* that have begun */
    rh_program_work *work;     /* NULL: classes are not measured in this run */
    bool unseen;               /* a statement since the last sample may have changed something */
    bool unseen_schema_change; /* one of them may have made files */
    bool unpublished;          /* at the last sample a session had more to publish */
};

void rh_program_on_begun(void *user, rh_proxy_statement *statement);
void rh_program_on_ended(void *user, const rh_proxy_statement *statement);
/* The transaction of L has ended: its statements belong to the interval in which it does. */
void rh_program_watch_end_transaction(const rh_program_watch *w, rh_program_link *l, bool undone);
void rh_program_on_transaction_ended(void *user, int connection, rh_usec at);
bool rh_program_on_hold(void *user, const rh_proxy_held *held);
void rh_program_on_answered(void *user, int connection, bool long_before, bool idle);
void rh_program_on_closed(void *user, int connection);
