/* PostgreSQL's ISO times. */
#pragma once
#include <stdbool.h>

/* "2026-11-22 12:14:03.12+01" (T for the blank; +hh, +hh:mm, Z or no zone, which is UTC) → s since 1970. */
bool rh_statistics_time(const char *text, double *seconds);
