#include "pgrehearse/model/lock.h"
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name, *sql, *brief, *blocks;
    unsigned conflicts; /* bit m: with mode m */
} MODES[] = {
    [RH_LOCK_NONE] = {NULL, NULL, NULL, "unknown", 0},
    [RH_LOCK_ACCESS_SHARE] = {"AccessShareLock", "ACCESS SHARE", "ACCESS SHARE",
                              "the strongest schema changes", 0x100},
    [RH_LOCK_ROW_SHARE] = {"RowShareLock", "ROW SHARE", "ROW SHARE", "the strongest schema changes", 0x180},
    [RH_LOCK_ROW_EXCLUSIVE] = {"RowExclusiveLock", "ROW EXCLUSIVE", "ROW EXCL.", "index builds and stronger",
                               0x1e0},
    [RH_LOCK_SHARE_UPDATE_EXCLUSIVE] = {"ShareUpdateExclusiveLock", "SHARE UPDATE EXCLUSIVE",
                                        "SHARE UPDATE EXCL.", "schema changes and VACUUM", 0x1f0},
    [RH_LOCK_SHARE] = {"ShareLock", "SHARE", "SHARE", "writes", 0x1d8},
    [RH_LOCK_SHARE_ROW_EXCLUSIVE] = {"ShareRowExclusiveLock", "SHARE ROW EXCLUSIVE", "SHARE ROW EXCL.",
                                     "writes", 0x1f8},
    [RH_LOCK_EXCLUSIVE] = {"ExclusiveLock", "EXCLUSIVE", "EXCL.", "writes and SELECT FOR UPDATE", 0x1fc},
    [RH_LOCK_ACCESS_EXCLUSIVE] = {"AccessExclusiveLock", "ACCESS EXCLUSIVE", "ACCESS EXCL.",
                                  "reads and writes", 0x1fe},
};
_Static_assert(sizeof MODES / sizeof *MODES == RH_LOCK_MODE_COUNT, "one row a mode");

const char *rh_lock_mode_name(rh_lock_mode mode)
{
    return MODES[mode].name;
}

rh_lock_mode rh_lock_mode_named(const char *name)
{
    for (int mode = RH_LOCK_NONE + 1; name && mode < RH_LOCK_MODE_COUNT; mode++)
        if (strcmp(name, MODES[mode].name) == 0)
            return (rh_lock_mode)mode;
    return RH_LOCK_NONE;
}

const char *rh_lock_mode_sql(rh_lock_mode mode)
{
    return MODES[mode].sql;
}

const char *rh_lock_mode_short(rh_lock_mode mode)
{
    return MODES[mode].brief;
}

bool rh_lock_modes_conflict(rh_lock_mode a, rh_lock_mode b)
{
    return MODES[a].conflicts >> b & 1;
}

bool rh_lock_mode_blocks_reads(rh_lock_mode mode)
{
    return rh_lock_modes_conflict(mode, RH_LOCK_ACCESS_SHARE);
}

bool rh_lock_mode_blocks_writes(rh_lock_mode mode)
{
    return rh_lock_modes_conflict(mode, RH_LOCK_ROW_EXCLUSIVE);
}

const char *rh_lock_mode_blocks(rh_lock_mode mode)
{
    return MODES[mode].blocks;
}
