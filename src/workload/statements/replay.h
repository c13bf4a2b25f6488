/* Turning a statement's values until it returns as many rows a call as on production, and saying how near it
 * came. */
#pragma once
#include "statement_values.h"

/* Fills TEMPLATE's values and replay. False: it does not run at all, WHY says why, or ERROR is set. */
bool rh_mix_replay(mix_copy *copy, const mix_candidate *candidate, double mean_ms, rh_template *template_,
                   const char **why, rh_error *error);
