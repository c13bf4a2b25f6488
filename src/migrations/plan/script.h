/* Internal to migrations/: reads an SQL file into an rh_script. */
#pragma once
#include "migrations/frameworks/frameworks.h"
#include "pgrehearse/sql/hazards.h"

/* Reads one way of MIGRATION, whose file is set: digest of the file, transaction rule, statements, their
 * classes and hazards. CONTEXT knows the scripts that run before it. The script's file becomes NULL when the
 * file has no such way. */
bool rh_script_load(rh_migration *migration, rh_direction direction, const rh_framework_rules *rules,
                    rh_hazard_context *context, rh_error *error);

/* Refuses what only psql understands or what reaches outside of the database. TEXT is the file's. */
bool rh_script_check_safety(const char *path, const char *text, rh_error *error);
