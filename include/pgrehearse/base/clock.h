/* One clock type everywhere: microseconds in an int64_t. */
#pragma once
#include <stdbool.h>
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

/* ---- calendar ---- */

struct rh_arena;

/* A time zone: its offset from UTC from some moment on, over the years that were read. */
typedef struct rh_zone_step {
    int64_t from_s; /* since 1970, UTC */
    int offset_s;   /* east of Greenwich */
} rh_zone_step;
typedef struct rh_zone {
    const char *name; /* "Europe/Berlin" */
    rh_zone_step *steps;
    size_t step_count;
} rh_zone;

/* Reads the zone NAME from FROM_S to TO_S into ARENA. False: it is not known. Changes TZ for the moment: call
 * it while there is one thread. */
bool rh_zone_read(const char *name, int64_t from_s, int64_t to_s, struct rh_arena *arena, rh_zone *zone);
int rh_zone_offset_s(const rh_zone *zone, int64_t utc_s);
/* The moment at which the zone's clocks show LOCAL_S (seconds since 1970-01-01 00:00 there): the first of
 * two, and of an hour that they leave out, the change. */
int64_t rh_zone_utc_s(const rh_zone *zone, int64_t local_s);
/* "2026-12-04T03:10:00+01:00" into BUFFER of at least 32 bytes; returns BUFFER. */
char *rh_zone_format(const rh_zone *zone, int64_t utc_s, char *buffer, size_t size);

typedef struct rh_civil_time {
    int64_t local_s; /* since 1970-01-01 00:00 by the clocks there */
    int offset_s;    /* if it has one */
    bool has_offset;
} rh_civil_time;
/* "2026-12-01T22:00", with a space for the T, with seconds, with "Z" or "+01:00". */
bool rh_civil_parse(const char *text, rh_civil_time *time);
