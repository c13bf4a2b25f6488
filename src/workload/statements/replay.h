/* Adjusts the values of a statement's parameters until it returns as many rows per call as on production, and
 * records the remaining difference. */
#pragma once
#include "statement_values.h"

/* Fills TEMPLATE's values and replay. False: it does not run at all, WHY says why, or ERROR is set. */
bool rh_mix_replay(mix_copy *copy, const mix_candidate *candidate, double mean_ms, rh_template *template_,
                   const char **why, rh_error *error);
