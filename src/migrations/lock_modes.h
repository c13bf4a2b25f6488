/* Internal to migrations/: PostgreSQL's lock modes as pg_locks spells them. */
#pragma once

#define ACCESS_SHARE "AccessShareLock"
#define ROW_SHARE "RowShareLock"
#define ROW_EXCLUSIVE "RowExclusiveLock"
#define SHARE_UPDATE "ShareUpdateExclusiveLock"
#define SHARE "ShareLock"
#define SHARE_ROW "ShareRowExclusiveLock"
#define EXCLUSIVE "ExclusiveLock"
#define ACCESS_EXCLUSIVE "AccessExclusiveLock"

/* Kinds of rh_known_kind that are relations. */
#define RELATION_KINDS                                                                                       \
    (1u << RH_KNOWN_VIEW | 1u << RH_KNOWN_MATVIEW | 1u << RH_KNOWN_SEQUENCE | 1u << RH_KNOWN_INDEX)
