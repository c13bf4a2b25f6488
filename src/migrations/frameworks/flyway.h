/* Internal to Flyway's rules: what it makes of a script, apart from names and history. */
#pragma once
#include "frameworks.h"

/* The value of flyway.KEY: of the script's own FILE.conf (there without "flyway."), of the flyway.conf in the
 * folder or one above it, or NULL. In ARENA. */
const char *rh_flyway_script_setting(const char *path, const char *key, rh_arena *arena);
const char *rh_flyway_setting(const char *path, const char *key, rh_arena *arena);

/* CRC-32 of the lines without their ends (ChecksumCalculator.java), of the text with its placeholders
 * replaced when REPEATABLE. False when the file cannot be read so. */
bool rh_flyway_checksum(const char *path, bool repeatable, int32_t *checksum);

bool rh_flyway_read(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                    rh_error *error);
bool rh_flyway_settle(rh_script *script, const rh_sql_reading *reading, rh_error *error);

#define RH_FLYWAY_TABLE "flyway_schema_history"

/* Versions part by part as numbers. */
int rh_flyway_compare(const char *a, const char *b);
bool rh_flyway_is_repeatable(const rh_migration *migration);
bool rh_flyway_is_baseline(const rh_migration *migration);
/* As the history has it. */
const char *rh_flyway_version(const rh_migration *migration);

bool rh_flyway_mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error);
void rh_flyway_mark_fresh(rh_plan *plan, rh_arena *arena);
