/* A backfill, its runner and the place of its proof by a script: no batch runs, and what the journal and the
 * digests say is in the rules of the connection.
 */
#pragma once
#include "backfill/proof.h"
#include "scripted.h"

/* How a run goes. Zero: it ends well as soon as it is looked at. */
typedef struct script_backfill_run {
    const char *fails; /* the message with which it fails; NULL: it ends well */
    const char *sqlstate;
    bool refused;
    bool endless;      /* it ends only when it is killed or asked to stop */
    bool ignores_stop; /* an endless one: only when it is killed */
    const char *until; /* it ends once a text with this in it has been sent TIMES times since */
    int times;
    const char *also; /* and one with this in it at least once; NULL: none need */
} script_backfill_run;

enum { SCRIPT_BACKFILL_RUNS = 32 };

typedef struct script_backfill {
    script_backfill_run runs[SCRIPT_BACKFILL_RUNS]; /* in the order in which they start */
    int started, again, killed, killed_at_commit, stopped;
    int open;                                /* runs that were started and not freed */
    int copies, crashes, restarts;           /* of the sample; of its server */
    const char *contract_why;                /* how the migrations behind it fail; NULL: they pass */
    bool contract_of_rows, contract_unknown; /* CONTRACT_UNKNOWN: it could not be tried at all */
} script_backfill;
extern script_backfill scripted_backfill;

/* The place of the proof. */
const rh_proof_place *script_proof_place(void);

/* Setup and teardown of a test: a backfill of the table "t", and, at the end, that nothing is still open. */
int script_proof_begin(void **state);
int script_proof_end(void **state);
extern rh_backfill scripted_of;  /* the backfill: set and where are given */
extern rh_proof *scripted_proof; /* that the last of these made */
/* Tries a PART of the proof on columns id (the key), a, and b (which the backfill changes). The undisturbed
 * run wrote 100 rows in 10 batches of 10 and left none; every count and digest is as that one's unless a rule
 * of the test says otherwise. */
bool script_proof_try(bool (*part)(rh_proof *, rh_error *));
bool script_proof_try_in(const rh_proof_place *place, bool (*part)(rh_proof *, rh_error *));
rh_error *script_proof_error(void);

/* Asserts the outcome of a claim; a text of its sentence. */
void script_proof_expect(rh_proof_claim claim, rh_proof_outcome outcome, const char *defect);
void script_proof_says(rh_proof_claim claim, const char *text);

/* What the queries of the proof have in them: rules for them. */
#define SCRIPT_PROOF_WATCHED "count(*), count(DISTINCT xid)" /* writes, transactions */
#define SCRIPT_PROOF_COUNTS                                                                                  \
    "count(DISTINCT key), count(DISTINCT xid)"            /* writes, rows, transactions, largest */
#define SCRIPT_PROOF_SUMS "coalesce(sum(hashtextextended" /* rows, digest of id, of a, of b */
#define SCRIPT_PROOF_ROWS "hashtextextended(ROW(0"        /* digests of a key and its row */
#define SCRIPT_PROOF_COLUMNS "WITH restricted AS"
#define SCRIPT_PROOF_PLACES "DISTINCT ON (key)"
