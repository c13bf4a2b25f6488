/* The chain of an incremental backup: the full backup and the incrementals that it builds on. */
#pragma once
#include "label.h"
#include "pgrehearse/base/error.h"

/* Refuses the incremental backup PATH whose label is LABEL; names its chain, as far as the directories beside
 * it have it, and the program that combines it. */
bool rh_physical_refuse_chain(const char *path, const rh_backup_label *label, rh_error *error);
