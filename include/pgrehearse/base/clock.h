/* One clock type everywhere: microseconds in an int64_t. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef int64_t rh_usec;

#define RH_SECOND INT64_C(1000000)

/* CLOCK_MONOTONIC: for durations. Also for deadlines. */
rh_usec rh_clock_monotonic(void);
/* CLOCK_REALTIME: microseconds since 1970. For stamps, and to match the server's own times on the same host.
 */
rh_usec rh_clock_wall(void);
/* Seconds as a double. */
double rh_seconds(rh_usec duration);
/* "2026-11-22T12:14:03.123Z" into BUFFER of at least 32 bytes; returns BUFFER. */
char *rh_clock_format_utc(rh_usec wall, char *buffer, size_t size);
/* Sleeps until the monotonic DEADLINE, or until an interrupt is requested (see interrupt.h). */
void rh_clock_sleep_until(rh_usec monotonic_deadline);
