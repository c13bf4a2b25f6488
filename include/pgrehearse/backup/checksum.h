/* What vouches for the backup's bytes: a SHA-256 that was written down beside it, or what its compression
 * has. */
#pragma once
#include "pgrehearse/backup/backup.h"
#include "pgrehearse/model/scenario.h"

/* Inspects the scenario's backup (rh_backup_inspect) and compares its bytes with its checksum: the key
 * backup.sha256, else PATH.sha256, else SHA256SUMS in the same directory (of a backup in directory format
 * also inside of it: a line a file). Fills facts->checksum. RH_ERROR_BACKUP when they differ, also where the
 * backup would be called damaged. */
bool rh_backup_examine(const rh_scenario *scenario, rh_arena *arena, rh_backup_facts *facts,
                       const rh_progress *progress, rh_error *error);

/* The digest that the lines of a checksum file have for NAME: "DIGEST  NAME", "DIGEST *NAME" (GNU), "SHA256
 * (NAME) = DIGEST" (BSD); or the only digest there, when ALONE. False when there is none. */
bool rh_checksum_find(const char *text, const char *name, bool alone, char digest[65]);
