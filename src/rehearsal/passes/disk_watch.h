/* How much a directory grows while something happens in it: a thread that adds up its files, ten times a
 * second or as often as costs at most 2 % of its time. */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdint.h>

typedef struct rh_disk_watch rh_disk_watch;

rh_disk_watch *rh_disk_watch_start(const char *directory, rh_error *error);
/* The largest growth so far; -1 while nothing was read. */
int64_t rh_disk_watch_growth(rh_disk_watch *watch);
/* Joins the thread; the largest growth over the size at the start, in bytes, or -1 when it could not be read.
 * Takes NULL (-1). */
int64_t rh_disk_watch_stop(rh_disk_watch *watch);
