/* Internal to migrations/: hints for a folder that contains no migrations. */
#pragma once
#include "pgrehearse/base/arena.h"

/* What to write instead, for SQL in a folder further down or for programs; NULL when neither is there. In
 * ARENA. */
const char *rh_folder_hint(const char *folder, rh_arena *arena);
