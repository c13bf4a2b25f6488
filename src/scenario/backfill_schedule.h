/* When a backfill is to run on production. */
#pragma once
#include "values.h"
#include "pgrehearse/model/backfill.h"

/* Refuses a zone that the system does not know, and a window that never opens. */
bool rh_backfill_read_schedule(rh_reader *reader, const char *name, rh_yaml_node *node,
                               rh_backfill *backfill);
/* The gate finish_by needs a schedule, and takes its zone. */
bool rh_backfill_read_finish(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
bool rh_backfill_check_finish(rh_reader *reader, rh_backfill *backfill);
