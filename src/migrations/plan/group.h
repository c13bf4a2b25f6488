/* Internal to migrations/: files with very many statements. A report with a million rows is of no use, and
 * the time of a single inserted row cannot be measured. Consecutive data changes therefore become one
 * statement of the plan: they are sent one by one, and timed and counted together. */
#pragma once
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/statement.h"

/* Files with no more statements than this are not grouped. */
enum { RH_GROUP_FROM = 1000 };

/* If GIVEN inserts into the same table and columns as the last statement of SCRIPT, adds it to that one's
 * group, without parsing it, and returns true. It is never grouped with the first statement of a file, so
 * that a file of several statements keeps more than one. */
bool rh_group_with_last(rh_script *script, const rh_grouped_statement *given, rh_transaction_rule rule,
                        rh_arena *arena);
/* Groups the other consecutive data changes of SCRIPT: by table, and all of them where that leaves too many.
 * The texts that are shown mention the grouping. */
void rh_group_statements(rh_script *script, rh_arena *arena);
