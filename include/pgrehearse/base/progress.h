/* How a stage reports its progress without printing: cli/ draws it, rehearsal/ writes it to the run's log.
 */
#pragma once
#include "pgrehearse/base/clock.h"
#include <stdint.h>

typedef enum rh_progress_kind {
    RH_PROGRESS_BEGIN,  /* a stage starts; detail says what */
    RH_PROGRESS_UPDATE, /* done of total (total < 0: unknown) in unit */
    RH_PROGRESS_END,    /* the stage ended well; detail is the one-line result */
    RH_PROGRESS_NOTE,   /* something the user should know; detail is a sentence */
    RH_PROGRESS_DETAIL, /* for the log only */
} rh_progress_kind;

typedef enum rh_progress_unit {
    RH_UNIT_NONE,
    RH_UNIT_BYTES,
    RH_UNIT_ITEMS,
    RH_UNIT_SECONDS
} rh_progress_unit;

typedef struct rh_progress_event {
    rh_progress_kind kind;
    const char *stage;  /* "restore", "quiet pass 1 of 3" … */
    const char *detail; /* may be NULL */
    int64_t done, total;
    rh_progress_unit unit;
} rh_progress_event;

/* Called from the main thread only. A NULL rh_progress or a NULL report is silence. */
typedef struct rh_progress {
    void (*report)(void *user, const rh_progress_event *event);
    void *user;
} rh_progress;

void rh_progress_begin(const rh_progress *progress, const char *stage, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void rh_progress_update(const rh_progress *progress, const char *stage, const char *detail, int64_t done,
                        int64_t total, rh_progress_unit unit);
void rh_progress_end(const rh_progress *progress, const char *stage, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void rh_progress_note(const rh_progress *progress, const char *stage, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void rh_progress_detail(const rh_progress *progress, const char *stage, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
