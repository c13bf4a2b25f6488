/* Internal to workload/statements/: binds the parameters in an expression. */
#pragma once
#include "bindings_scope.h"

/* The number of a ParamRef; 0: NODE is none. */
int rh_mix_param_number(rh_json *node);
/* The last part of a qualified name: of a function or an operator. */
const char *rh_mix_last_name(rh_json *list);
/* An operand without casts, collations and lower() or upper(), which LETTERS gets. */
rh_json *rh_mix_bare_operand(rh_json *node, int *letters);
/* The binding of $NUMBER. */
mix_binding *rh_mix_parameter(mix_walk *walk, int number);
void rh_mix_bind_parameter(mix_walk *walk, int number, mix_binding binding);
void rh_mix_visit_operator(mix_walk *walk, rh_json *expression);
void rh_mix_visit_call(mix_walk *walk, rh_json *call);
