/* Durations and sizes with PostgreSQL's unit suffixes, read and written. */
#pragma once
#include "pgrehearse/base/clock.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "250ms", "1.5s", "15min", "2h", "1d", "10us" → µs. A bare number is refused except "0".
 * Returns false (and leaves *VALUE) when it is no duration. */
bool rh_duration_parse(const char *text, rh_usec *value);
/* "64kB", "1GB", "8192B", "2TB" (powers of 1024, PostgreSQL's spelling) → bytes. A bare number is refused
 * except "0". */
bool rh_size_parse(const char *text, int64_t *bytes);

/* For people: "3.2 ms", "12.4 s", "1 min 5 s", "2 h 10 min"; NaN gives "not measured". Returns BUFFER (≥ 32
 * bytes). */
char *rh_duration_format(double seconds, char *buffer, size_t size);
/* "312 kB", "1.4 GB"; negative gives "not measured". */
char *rh_size_format(int64_t bytes, char *buffer, size_t size);
/* "1,234,567"; negative gives "not measured". */
char *rh_count_format(int64_t count, char *buffer, size_t size);
/* "s" for a noun that COUNT is of: "1 row", "2 rows". */
const char *rh_plural(int64_t count);
