/* Migration files that are symbolic links. A migrations folder is untrusted, and the report shows what its
 * files hold: a link must not bring in a file from elsewhere on the machine.
 */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>

/* Refuses PATH (RH_ERROR_REFUSED) when it is a link whose target lies outside of the repository that holds
 * its directory (the nearest one upward with .git), or outside of the directory itself where there is none.
 */
bool rh_linked_check(const char *path, rh_error *error);
