/* pgbench scripts: read once, then played step by step, as pgbench plays them.
 *
 * Known: SQL commands with :variables, \set with the whole expression language, \sleep, \if \elif \else
 * \endif. What would need the rows of a result or a shell (\gset, \aset, \setshell, \shell) and pipelines are
 * refused at their line. :scale, :client_id, :random_seed and :default_seed are there from the start.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/random.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rh_value_type { RH_VALUE_NULL, RH_VALUE_BOOL, RH_VALUE_INT, RH_VALUE_DOUBLE } rh_value_type;
typedef struct rh_value {
    rh_value_type type;
    int64_t integer; /* also a BOOL's 0 or 1 */
    double real;
} rh_value;

typedef struct rh_expression rh_expression;

typedef enum rh_step_type { RH_STEP_SEND, RH_STEP_SET, RH_STEP_SLEEP, RH_STEP_JUMP } rh_step_type;
typedef struct rh_pgbench_script_step {
    rh_step_type type;
    int line;           /* in the file */
    const char *sql;    /* SEND: with $1 … */
    size_t *parameters; /* SEND: variables */
    size_t parameter_count;
    size_t command;            /* SEND: counts the SQL of a script from 0 */
    size_t variable;           /* SET */
    rh_expression *expression; /* SET, SLEEP; JUMP: jumps unless it is true; NULL: always */
    int64_t unit_us;           /* SLEEP */
    size_t target;             /* JUMP: a later step */
} rh_pgbench_script_step;

typedef struct rh_pgbench_script {
    const char *path;
    rh_pgbench_script_step *steps;
    size_t step_count, command_count;
    const char **variables; /* names; the first RH_SCRIPT_BUILT_IN are the given ones */
    size_t variable_count;
    bool writes; /* some command is no SELECT */
} rh_pgbench_script;
enum { RH_SCRIPT_SCALE, RH_SCRIPT_CLIENT, RH_SCRIPT_SEED, RH_SCRIPT_DEFAULT_SEED, RH_SCRIPT_BUILT_IN };

/* TEXT of PATH (for messages; kept, not copied). Errors are RH_ERROR_SCENARIO with file and line. */
bool rh_pgbench_script_read(const char *text, const char *path, rh_arena *arena, rh_pgbench_script *script,
                            rh_error *error);

/* A script on its way. */
typedef struct rh_pgbench_script_run {
    const rh_pgbench_script *script;
    size_t next;
    rh_value *values; /* by variable */
    bool *is_set;
    rh_random random;
    char (*texts)[32];
    const char **parameters;            /* SEND: in text form, NULL is SQL NULL */
    const rh_pgbench_script_step *step; /* SEND: the one to send */
    rh_usec sleep;                      /* SLEEP: how long */
    const char *failure;                /* FAILED: why; static */
    size_t capacity;
} rh_pgbench_script_run;

typedef enum rh_pgbench_script_event {
    RH_SCRIPT_SEND,
    RH_SCRIPT_PAUSE,
    RH_SCRIPT_ENDED,
    RH_SCRIPT_FAILED
} rh_pgbench_script_event;

/* Begins SCRIPT; SEED decides its random numbers. RUN may be zero or have played another one. */
void rh_pgbench_script_begin(rh_pgbench_script_run *run, const rh_pgbench_script *script, int64_t scale,
                             int64_t client, uint64_t seed);
/* Up to the next thing that the caller must do. */
rh_pgbench_script_event rh_pgbench_script_next(rh_pgbench_script_run *run);
void rh_pgbench_script_release(rh_pgbench_script_run *run);
