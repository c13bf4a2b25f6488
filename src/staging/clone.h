/* A clone of production's database that lies on the given server: it is copied there, and never altered. */
#pragma once
#include "state.h"

/* Fills the origin, with strings in ARENA. RH_ERROR_REFUSED unless the clone's comment is its mark. */
bool rh_clone_read(rh_staging *staging, rh_arena *arena, rh_error *error);
/* Makes the rehearsed database a copy of the clone, with its owner, privileges and settings; if the mark is
 * still there. */
bool rh_clone_copy(rh_staging *staging, rh_error *error);
