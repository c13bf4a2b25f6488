/* Chooses the database of a pg_dumpall to rehearse on. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/facts.h"

/* Reads the dump to its end: facts->dumpall_database is the only one that holds anything of an application,
 * and facts->database what the dump says of it. RH_ERROR_BACKUP names them when there are several, or none.
 */
bool rh_cluster_dump_choose(rh_backup_facts *facts, rh_arena *arena, const rh_progress *progress,
                            const char *stage, rh_error *error);
