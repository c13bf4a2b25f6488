/* What the parts of the proof share: the copy of the sample that is in use, and the undisturbed run that the
 * others are compared with. */
#pragma once
#include "digest.h"
#include "runner.h"
#include <stdatomic.h>

/* What a run wrote, by the journal. */
typedef struct rh_proof_counts {
    int64_t writes;       /* rows, each time counted */
    int64_t rows;         /* different ones */
    int64_t transactions; /* that changed rows */
    int64_t largest;      /* most writes of one */
} rh_proof_counts;

/* How a run ended. */
typedef enum rh_proof_ending {
    RH_PROOF_ENDED,    /* by itself */
    RH_PROOF_REPEATS,  /* ended by us: it wrote the same rows repeatedly */
    RH_PROOF_ENDLESS,  /* ended by us: rows came in as fast as it went */
    RH_PROOF_STANDS,   /* ended by us: it changed nothing for a long time */
    RH_PROOF_TOO_LONG, /* ended by us: the limit of a run */
} rh_proof_ending;

typedef struct rh_proof_end {
    rh_proof_ending ending;
    bool ok, refused;
    const char *message; /* why it is not OK; NULL */
    bool deadlock;       /* it ended by one */
    int64_t held;        /* most transactions of the backfill that ended while one of its own stood open */
} rh_proof_end;

/* The undisturbed run. */
typedef struct rh_proof_reference {
    bool made;
    rh_digest before, after; /* AFTER with its rows */
    rh_proof_counts counts;
    int64_t left;        /* rows that are to do afterwards; RH_UNKNOWN: no condition says */
    const char **places; /* ctid of each row in the order in which they were written */
    size_t place_count;
    double elapsed_s;
} rh_proof_reference;

typedef struct rh_proof {
    const rh_backfill *backfill;
    const rh_proof_place *place;
    rh_arena *arena;
    rh_notes *notes;
    const rh_backfill_runner *runner;
    bool counts_batches; /* it takes the rows of a batch from the setting */
    bool stops;          /* it can be asked to stop */
    rh_backfill_target target;
    rh_backfill_statements sql;
    rh_backfill_setting setting;
    rh_digest_columns columns;
    const char *condition; /* of the rows that are still to do; NULL: not known */
    int64_t rows;          /* to do, at most */
    rh_proof_sessions sessions;
    rh_pg *side;          /* to the current copy */
    atomic_llong written; /* rows that the backfill has committed in the current copy */
    int64_t transactions; /* in which */
    rh_proof_reference reference;
    rh_backfill_claim claims[RH_PROOF_CLAIM_COUNT];
    int done, total; /* runs, for the progress */
} rh_proof;

/* A new copy with the journal, and a side connection to it. */
bool rh_proof_fresh(rh_proof *proof, rh_error *error);
/* Starts the backfill in it. STRETCH: see rh_runner_start. */
void *rh_proof_start(rh_proof *proof, bool again, rh_usec stretch, rh_error *error);
/* Waits until it has ended by itself or is ended. FED: the application inserts meanwhile. */
bool rh_proof_watch(rh_proof *proof, void *run, bool fed, rh_proof_end *end, rh_error *error);
/* The same, then frees it. */
bool rh_proof_finish(rh_proof *proof, void *run, bool fed, rh_proof_end *end, rh_error *error);
/* Waits until the backfill has committed ROWS writes; *REACHED false: it ended before. */
bool rh_proof_await(rh_proof *proof, void *run, int64_t rows, bool *reached, rh_error *error);
/* Waits until CONDITION, SQL over the sessions of the backfill in pg_stat_activity, is true of one; *SEEN
 * false: the run ended before. */
bool rh_proof_await_session(rh_proof *proof, void *run, const char *condition, bool *seen, rh_error *error);
/* Waits until no session of the backfill is left. */
bool rh_proof_await_gone(rh_proof *proof, rh_error *error);
/* Kills RUN, frees it, and waits until the server has ended its sessions. */
bool rh_proof_kill(rh_proof *proof, void *run, rh_error *error);
/* One whole run in the current copy; a failure of the run itself is in END. */
bool rh_proof_run(rh_proof *proof, bool again, rh_proof_end *end, rh_error *error);

bool rh_proof_count(rh_proof *proof, rh_proof_counts *counts, rh_error *error);
/* Rows that are to do in the current copy; RH_UNKNOWN. */
bool rh_proof_left(rh_proof *proof, int64_t *left, rh_error *error);
/* Compares the current copy with the undisturbed run. Different rows, RH_UNKNOWN where only the sums tell;
 * columns added to CLAIM. */
bool rh_proof_compare(rh_proof *proof, rh_backfill_claim *claim, int64_t *different, rh_error *error);

/* The claim; its outcome is unknown until one of these is called. The first failure stays. */
rh_backfill_claim *rh_proof_claim_of(rh_proof *proof, rh_proof_claim claim);
void rh_proof_fail(rh_proof *proof, rh_proof_claim claim, const char *defect, int64_t rows,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));
void rh_proof_hold(rh_proof *proof, rh_proof_claim claim, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void rh_proof_unknown(rh_proof *proof, rh_proof_claim claim, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Why a run that did not end well did not, as a clause. In the arena. */
const char *rh_proof_ending_text(const rh_proof *proof, const rh_proof_end *end);

/* Each tries one claim or some, and gives their outcomes. False: a server lost, or an interrupt. */
bool rh_proof_reference_run(rh_proof *proof, rh_error *error);
bool rh_proof_twice(rh_proof *proof, rh_error *error);
bool rh_proof_reads(rh_proof *proof, rh_error *error);
bool rh_proof_kills(rh_proof *proof, rh_error *error);
bool rh_proof_stops(rh_proof *proof, rh_error *error);
bool rh_proof_races(rh_proof *proof, rh_error *error);
bool rh_proof_runners(rh_proof *proof, rh_error *error);
bool rh_proof_contract(rh_proof *proof, rh_error *error);
