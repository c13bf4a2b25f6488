/* Reads the sizes of the relations that each statement works on, with which its cost grows. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/run.h"

/* Fills statement->relations of the plan: the tables and indexes that stand in the statement, the one that it
 * locks first; names that an earlier statement of the plan made (an index, a copy of a table) are replaced by
 * what they were made from. Once for a plan. */
void rh_sizes_name_relations(rh_run *run);

/* The sizes at CONNINFO's database, for the i-th statement of the plan's migrations in order; a statement
 * whose relations are not there gets the sum over all tables. In the run's arena. */
bool rh_sizes_read(const rh_run *run, const char *conninfo, rh_work_size **sizes, rh_error *error);
