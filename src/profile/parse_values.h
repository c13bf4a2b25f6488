/* Internal to profile/: the most common values in a profile. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/profile.h"

/* One ROW of the part "values" into COLUMN (strings in ARENA). False when it is none that makes sense. */
bool rh_profile_values_parse(const rh_json *row, rh_arena *arena, rh_profile_values *column);
