/* sql: a batch in the team's own SQL, as a text or a file. */
#pragma once
#include "values.h"
#include "pgrehearse/model/backfill.h"

bool rh_backfill_read_sql(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
