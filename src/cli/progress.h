/* Draws progress events: one live line a stage on a terminal, plain lines elsewhere. */
#pragma once
#include "pgrehearse/base/progress.h"
#include <stdbool.h>
#include <stdio.h>

typedef struct rh_progress_display rh_progress_display;

typedef struct rh_progress_style {
    FILE *out;
    bool live; /* rewrite the last line, at most ten times a second */
    bool color, utf8;
    int width; /* columns; 0: ask the terminal each time */
} rh_progress_style;

rh_progress_display *rh_progress_display_new(const rh_progress_style *style);
/* To hand to the stages; valid as long as the display. */
const rh_progress *rh_progress_display_events(rh_progress_display *display);
/* Clears the live line; a stage that has begun and not ended gets a line that says so. Takes NULL. */
void rh_progress_display_free(rh_progress_display *display);
