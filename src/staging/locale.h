/* Locales of the C library that a database needs and the machine may lack. */
#pragma once
#include "state.h"

/* True if the C library of this machine has the locale. C and POSIX: always. */
bool rh_locale_exists(const char *name);
/* Compiles NAME ("de_AT.UTF-8@euro") from the sources in /usr/share/i18n with localedef into DIRECTORY, which
 * must exist. False when that is not possible: *WHY (in ARENA) is a sentence's end. Needs no privileges. */
bool rh_locale_make(const char *name, const char *directory, rh_arena *arena, const char **why);

/* Compiles the locale of the backup's database if this machine lacks it, for the server that starts next, and
 * sets staging->locale_path. On failure sets staging->locale_missing. The cluster's directory must exist. */
bool rh_locale_prepare(rh_staging *staging, rh_error *error);
