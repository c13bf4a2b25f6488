/* Compares the restored files with the checksums of backup_manifest. */
#pragma once
#include "manifest.h"
#include "pgrehearse/base/progress.h"

/* Compares size and checksum of each file of the manifest, in DIRECTORY. *VERIFIED: those with a checksum.
 * RH_ERROR_BACKUP names the first that is missing or differs. */
bool rh_manifest_verify(const rh_manifest *manifest, const char *directory, const rh_progress *progress,
                        int64_t *verified, rh_error *error);
