/* Makes the plan from a framework's files and history table: the order, the pending migrations, their
 * statements.
 */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/scenario.h"

/* The framework of the scenario's migrations and its history table's name (NULL: none), so that the caller
 * can read that table from the backup or from staging. A scenario without migrations gives a plan without
 * any. A folder that holds no migrations is RH_ERROR_SCENARIO. */
bool rh_plan_detect(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan, rh_error *error);

/* The tables of a database, for rh_history_locate. */
bool rh_history_list_tables(rh_pg *pg, rh_arena *arena, rh_listed_tables *tables, rh_error *error);

/* Finds the history table of PLAN (made by rh_plan_detect) among TABLES: sets history_table and
 * history_located. RH_ERROR_SCENARIO, with the keys to set, if the pending migrations cannot be determined:
 * there are tables but no history table, or plain SQL files and the history table of another tool. */
bool rh_history_locate(const rh_scenario *scenario, const rh_listed_tables *tables, rh_arena *arena,
                       rh_plan *plan, rh_error *error);

/* TABLE (see rh_plan.history_table) with every part in double quotes. Heap. */
char *rh_history_quoted(const char *table);
/* Reads the rows of TABLE (SQL text: name or schema.name) from a database; rows->present is false when there
 * is no such table. */
bool rh_history_read(rh_pg *pg, const char *table, rh_arena *arena, rh_rows *rows, rh_error *error);

/* Creates the framework's history table if the database lacks it, as the tool does when it connects.
 * rh_replay does the same; called before it, the table does not count as a change of the first migration. */
bool rh_history_prepare(rh_pg *pg, const rh_plan *plan, rh_error *error);

/* The rows in NOW that are not in BEFORE, as "version 14, dirty t", in ARENA; CHANGED is false if both have
 * the same rows. */
const char *rh_history_describe(const rh_rows *before, const rh_rows *now, rh_arena *arena, bool *changed);
/* Replaces the rows of TABLE by ROWS, as a manual repair of the history table does. */
bool rh_history_write(rh_pg *pg, const char *table, const rh_rows *rows, rh_error *error);

/* Fills the plan: order, which are applied (HISTORY may be NULL), which are pending (the scenario's pending
 * list, --only), and for each pending migration its statements, split, classified, with expected locks and
 * hazards. PLAN is as rh_plan_detect and rh_history_locate made it, or zero except for its schema and
 * settings, from which table properties and timeouts are taken. In pending lists and --only a migration is
 * named by its id, its leading number (with or without zeros), its name, or its file. Refuses psql
 * meta-commands, COPY … PROGRAM and COPY with a file of the server's (RH_ERROR_REFUSED with file and line),
 * and on a given server also statements that change roles, other databases or settings; COPY FROM STDIN is
 * RH_ERROR_UNSUPPORTED. A duplicate version, a dirty history, an unknown id in pending, a file that is not
 * UTF-8 or holds a NUL byte are RH_ERROR_SCENARIO, an unknown id of --only is RH_ERROR_USAGE. A file with a
 * syntax error still gets a plan: its statement fails when it runs, as in production. */
bool rh_plan_make(const rh_scenario *scenario, const rh_rows *history, rh_arena *arena, rh_plan *plan,
                  rh_error *error);

/* The migration of PLAN that WANTED names, in any of the forms above; NULL, with CODE and WHERE in the
 * message, if there is none or more than one. */
rh_migration *rh_plan_find(rh_plan *plan, const char *wanted, rh_error_code code, const char *where,
                           rh_arena *arena, rh_error *error);

/* Sets class, expected locks and hazards of a program's statements, which were observed while it ran, from
 * index FROM on. A message with several statements counts as one, with the class of the heaviest. */
void rh_program_describe(rh_script *script, size_t from, rh_arena *arena);
