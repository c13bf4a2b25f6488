/* Internal to Flyway's rules: its scripts, settings and history. */
#pragma once
#include "frameworks.h"

/* A setting: NULL where nothing sets it; FILE is NULL when the environment does. In the arena. */
typedef struct rh_flyway_value {
    const char *value, *file;
    int line;
} rh_flyway_value;

/* flyway.KEY as it holds for the script at PATH: FLYWAY_KEY of the environment, the flyway.toml or else the
 * flyway.conf in the folder or nearest above it. */
rh_flyway_value rh_flyway_find(const char *path, const char *key, rh_arena *arena);
const char *rh_flyway_setting(const char *path, const char *key, rh_arena *arena);
bool rh_flyway_is(const char *path, const char *key, bool otherwise, rh_arena *arena);
/* KEY of the script's own FILE.conf. */
rh_flyway_value rh_flyway_script_find(const char *path, const char *key, rh_arena *arena);
bool rh_flyway_script_is(const char *path, const char *key, bool otherwise, rh_arena *arena);
/* Refuses what is set to something that is not imitated, with its file and line. */
bool rh_flyway_check_settings(const rh_plan *plan, const char *path, rh_arena *arena, rh_error *error);

/* CRC-32 of the lines without their ends (ChecksumCalculator.java), of the text with its placeholders
 * replaced when REPEATABLE. False when the file cannot be read so. */
bool rh_flyway_checksum(const char *path, bool repeatable, int32_t *checksum);

bool rh_flyway_read(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                    rh_error *error);
bool rh_flyway_settle(rh_script *script, const rh_sql_reading *reading, rh_error *error);
/* The script's .conf says that it is not to be executed. */
bool rh_flyway_is_left_out(const char *path, rh_arena *arena);

#define RH_FLYWAY_TABLE "flyway_schema_history"

/* Versions part by part as numbers. */
int rh_flyway_compare(const char *a, const char *b);
bool rh_flyway_is_repeatable(const rh_migration *migration);
bool rh_flyway_is_baseline(const rh_migration *migration);
/* As the history has it. */
const char *rh_flyway_version(const rh_migration *migration);

bool rh_flyway_mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error);
void rh_flyway_mark_fresh(rh_plan *plan, bool none, rh_arena *arena);
/* The version that baselineOnMigrate gives a database without a history; NULL: it is not set. */
const char *rh_flyway_baseline_on_migrate(const rh_plan *plan, rh_arena *arena);
/* Is a migration of PLAN passed over because of it? */
bool rh_flyway_was_baselined(const rh_plan *plan);
/* The migration that a file is by its name. False: it is none. */
bool rh_flyway_recognise(const char *file_name, rh_arena *arena, rh_migration_file *file);
/* Versions, baselines among them, then repeatables. */
int rh_flyway_compare_files(const rh_migration_file *a, const rh_migration_file *b);
/* Relative to the folder, as Flyway has it. */
const char *rh_flyway_script_name(const rh_plan *plan, const char *file);
/* The text between "__" and the suffix: a migration that others were joined to has another name. */
const char *rh_flyway_description(const char *file, rh_arena *arena);
