/* Internal to migrations/: the files of a folder that belong to a framework. */
#pragma once
#include "migrations/frameworks/frameworks.h"
#include "pgrehearse/model/scenario.h"

/* PATH is a folder, or one file of plain SQL. */
bool rh_migration_files_list(const rh_framework_rules *rules, const char *path, rh_arena *arena,
                             rh_migration_files *list, rh_error *error);

/* Does a .sql file of the folder (or the file) PATH have WORDS in it, in any case? */
bool rh_files_mention(const char *path, const char *words, rh_arena *arena);

/* Points a set error at the scenario's `migrations:`. Returns false. */
bool rh_error_at_migrations(const rh_scenario *scenario, rh_error *error);
