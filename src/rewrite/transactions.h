/* Internal to rewrite/: puts the steps of a migration into transactions and into files of its framework. */
#pragma once
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/statement.h"
#include "pgrehearse/rewrite/rewrite.h"
#include "pgrehearse/sql/tree.h"

/* A setting in force. */
typedef struct rh_safer_setting {
    const char *name; /* "search_path", "role" */
    const char *sql;  /* the statement */
    int statement;
    bool off;                      /* RESET: the default */
    bool local;                    /* until the end of its transaction */
    bool written;                  /* it has been written to a file */
    const rh_migration *migration; /* of the SET */
    const char *const *path; /* search_path: its schemas, NULL-ended (empty: not known); NULL: the default */
} rh_safer_setting;

typedef struct rh_safer_packing {
    const rh_plan *plan;
    const rh_migration *migration;
    rh_arena *arena;
    rh_safer *safer;
    rh_safer_file *file;          /* that steps are added to; NULL: none yet */
    bool each;                    /* one file is one session, and its statements commit by themselves */
    const char *begin;            /* the BEGIN of the open transaction; NULL: none */
    rh_safer_step *run;           /* the steps of the open transaction */
    size_t run_count, work_count; /* without settings */
    rh_safer_setting *settings;
    size_t setting_count;
    bool run_limited;
    bool wanted;  /* a lock_timeout, from here on */
    bool limited; /* lock_timeout is set by the rewriting */
    bool waits;   /* lock_timeout is off, for statements that must not be cancelled half-way */
    bool paused;  /* timeouts of the user's have to be set again */
} rh_safer_packing;

/* BODY is a SET, RESET or set_config() by itself: it is noted, and goes with what depends on it, where its
 * transaction is ROLLED_BACK only within it. False: it is none. */
bool rh_safer_pack_setting(rh_safer_packing *p, const rh_statement *statement, const char *kind,
                           rh_json *body, bool rolled_back);
/* The search_path in force; USUAL: if none is set. */
const char *const *rh_safer_pack_path(const rh_safer_packing *p, const char *const *usual);
/* A setting by which statements mean something else, in force by STATEMENT of this migration, that what
 * cannot run in a transaction would not see; NULL. */
const rh_safer_setting *rh_safer_pack_bound(const rh_safer_packing *p);
/* A BEGIN in the file. */
void rh_safer_pack_begin(rh_safer_packing *p, const char *begin);
/* LOCKS: its statement has been found to lock without a lock_timeout. */
void rh_safer_pack_step(rh_safer_packing *p, const rh_safer_step *step, bool locks);
/* What was packed since the last one is committed; END: by this statement of the user's (NULL: COMMIT;
 * "": it is not, as the user has it). */
void rh_safer_pack_commit(rh_safer_packing *p, const char *end);
/* Ends the migration: resets the settings that remain. */
void rh_safer_pack_finish(rh_safer_packing *p);
