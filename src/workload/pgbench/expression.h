/* Expressions of pgbench scripts. */
#pragma once
#include "script.h"

/* TEXT wholly; NULL: *WHY says what is wrong with it. */
rh_expression *rh_expression_parse(const char *text, rh_pgbench_script *script, rh_arena *arena,
                                   const char **why);
/* False: run->failure says why. */
bool rh_expression_evaluate(const rh_expression *expression, rh_pgbench_script_run *run, rh_value *value);
/* The index of a variable; it is made when it is new. */
size_t rh_pgbench_script_variable(rh_pgbench_script *script, const char *name, size_t length,
                                  rh_arena *arena);

/* The functions, by name; -1: there is none. MINIMUM and MAXIMUM arguments. */
int rh_expression_function(const char *name, size_t *minimum, size_t *maximum);
bool rh_expression_call(int function, const rh_value *arguments, size_t count, rh_pgbench_script_run *run,
                        rh_value *value);

static inline rh_value rh_make_int(int64_t integer)
{
    return (rh_value){.type = RH_VALUE_INT, .integer = integer};
}
static inline rh_value rh_make_real(double real)
{
    return (rh_value){.type = RH_VALUE_DOUBLE, .real = real};
}
static inline rh_value rh_make_bool(bool truth)
{
    return (rh_value){.type = RH_VALUE_BOOL, .integer = truth};
}
/* Conversions as pgbench makes them; false when there is none (NULL, a double beyond 64 bits): run->failure.
 */
bool rh_value_as_int(const rh_value *value, rh_pgbench_script_run *run, int64_t *integer);
bool rh_value_as_real(const rh_value *value, rh_pgbench_script_run *run, double *real);
bool rh_value_is_true(const rh_value *value);
