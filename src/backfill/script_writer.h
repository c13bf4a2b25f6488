/* The printed SQL of a backfill: what its parts share. */
#pragma once
#include "script.h"
#include "pgrehearse/base/text.h"

typedef struct rh_script_writer {
    const rh_backfill *b;
    const rh_backfill_target *target;
    rh_backfill_statements sql;
    rh_arena *arena;
    const char *procedure, *progress;       /* their names, qualified */
    const char *lock;                       /* the key of its advisory lock, an expression */
    const char *label;                      /* "totals of public.orders" */
    const char *types[RH_BACKFILL_KEY_MAX]; /* of a position */
    rh_text *text;
} rh_script_writer;

/* Each appends to the writer's text: TEXT in comment lines; the table of progress; the procedure. */
void rh_script_comment(const rh_script_writer *w, const char *text);
void rh_script_progress(const rh_script_writer *w);
void rh_script_procedure(const rh_script_writer *w);

/* In the writer's arena, or ARENA. A position of several columns has a number behind each NAME:
 * "last_key_1, last_key_2", each behind PREFIX and before SUFFIX. */
const char *rh_script_position(const rh_script_writer *w, const char *prefix, const char *name,
                               const char *suffix);
const char *rh_script_literal(const char *value, rh_arena *arena);
