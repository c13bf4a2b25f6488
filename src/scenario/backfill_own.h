/* sql: a batch in the team's own SQL, as a text or a file. */
#pragma once
#include "values.h"
#include "pgrehearse/model/backfill.h"

bool rh_backfill_read_sql(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
/* What the other keys must be beside sql. NODE: the item. Gives it the walk that its variables mean. */
bool rh_backfill_check_own(rh_reader *reader, rh_yaml_node *node, rh_backfill *backfill);
