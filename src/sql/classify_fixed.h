/* Internal to sql/: statements whose class and lock do not depend on what they contain. */
#pragma once
#include "pgrehearse/sql/classify.h"

/* The RangeVar under KEY: directly, or the first of a list. */
const char *rh_classify_relation(rh_json *body, const char *key, rh_arena *arena);
/* False: KIND is none of them. */
bool rh_classify_fixed(rh_statement *s, const char *kind, rh_json *body, rh_arena *arena);
