#include "control.h"
#include "crc32c.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/arena.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Where the fields lie: the same in 12 to 18, but for the last. */
enum {
    AT_SYSTEM_IDENTIFIER = 0,
    AT_VERSION = 8,
    AT_CATALOG = 12,
    AT_STATE = 16,
    AT_TIME = 24,
    AT_CHECKPOINT = 32,
    AT_REDO = 40,
    AT_TIMELINE = 48,
    AT_NEXT_XID = 64,
    AT_OLDEST_XID = 84,
    AT_MINIMUM_RECOVERY = 136,
    AT_MAX_PREPARED = 192,
    AT_MAX_LOCKS = 196,
    AT_SEGMENT_BYTES = 228,
    AT_PAGE_CHECKSUMS = 252,
    AT_CRC = 288,
    AT_CRC_18 = 292,
    LEAST_BYTES = 296
};

static const char damaged_hint[] = "take the backup again, or copy it again from where it is whole";

const char *rh_control_state_name(rh_control_state state)
{
    static const char *const names[] = {"starting up",   "shut down",         "shut down in recovery",
                                        "shutting down", "in crash recovery", "in archive recovery",
                                        "in production"};
    _Static_assert(sizeof names / sizeof *names == RH_CONTROL_STATE_COUNT, "one name a value");
    return state < RH_CONTROL_STATE_COUNT ? names[state] : "unknown";
}

static uint64_t number(const unsigned char *bytes, size_t at, int size)
{
    uint64_t value = 0;
    while (size-- > 0)
        value = value << 8 | bytes[at + (size_t)size];
    return value;
}

/* What PG_CONTROL_VERSION the major has; 0: a version that is not known here. */
static uint32_t version_of(int major)
{
    switch (major) {
    case 12:
        return 1201;
    case 13:
    case 14:
    case 15:
    case 16:
        return 1300;
    case 17:
        return 1700;
    case 18:
        return 1800;
    default:
        return 0;
    }
}

bool rh_control_parse(const unsigned char *bytes, size_t length, int major, rh_control *control,
                      rh_error *error)
{
    uint32_t wanted = version_of(major);
    if (length < LEAST_BYTES) {
        rh_error_set(error, RH_ERROR_BACKUP, "global/pg_control has %zu bytes: it was cut off", length);
        return rh_error_hint(error, "%s", damaged_hint);
    }
    uint32_t version = (uint32_t)number(bytes, AT_VERSION, 4);
    if (version >> 16 && (__builtin_bswap32(version) >> 16) == 0) {
        rh_error_set(error, RH_ERROR_BACKUP, "the copy is of a machine with another byte order");
        return rh_error_hint(error, "use pg_dump: the files of a server fit its own kind of machine only");
    }
    if (wanted == 0 || version != wanted) {
        rh_error_set(error, RH_ERROR_BACKUP,
                     wanted
                         ? "global/pg_control has version %u; PostgreSQL %d has %u"
                         : "global/pg_control has version %u, and PG_VERSION names %d, which is not 12 to 18",
                     version, major, wanted);
        return rh_error_hint(error,
                             "is it of another program (EDB, Greenplum) or put together from two servers? "
                             "Only community PostgreSQL 12 to 18 is supported; use pg_dump");
    }
    size_t at_crc = major >= 18 ? AT_CRC_18 : AT_CRC;
    if (number(bytes, at_crc, 4) != rh_crc32c(0, bytes, at_crc)) {
        rh_error_set(error, RH_ERROR_BACKUP, "global/pg_control is damaged: its checksum is wrong");
        return rh_error_hint(error, "%s", damaged_hint);
    }
    *control = (rh_control){
        .system_identifier = number(bytes, AT_SYSTEM_IDENTIFIER, 8),
        .version = version,
        .catalog = (uint32_t)number(bytes, AT_CATALOG, 4),
        .state = (rh_control_state)number(bytes, AT_STATE, 4),
        .time = (int64_t)number(bytes, AT_TIME, 8),
        .checkpoint = number(bytes, AT_CHECKPOINT, 8),
        .redo = number(bytes, AT_REDO, 8),
        .timeline = (uint32_t)number(bytes, AT_TIMELINE, 4),
        .next_xid = (uint32_t)number(bytes, AT_NEXT_XID, 4),
        .oldest_xid = (uint32_t)number(bytes, AT_OLDEST_XID, 4),
        .minimum_recovery = number(bytes, AT_MINIMUM_RECOVERY, 8),
        .segment_bytes = (uint32_t)number(bytes, AT_SEGMENT_BYTES, 4),
        .max_prepared = (int)number(bytes, AT_MAX_PREPARED, 4),
        .max_locks = (int)number(bytes, AT_MAX_LOCKS, 4),
        .page_checksums = number(bytes, AT_PAGE_CHECKSUMS, 4) != 0,
    };
    uint32_t segment = control->segment_bytes;
    if (control->state >= RH_CONTROL_STATE_COUNT || segment < 1 << 20 || segment > 1 << 30 ||
        (segment & (segment - 1)))
        return rh_error_set(error, RH_ERROR_BACKUP,
                            "global/pg_control has values that PostgreSQL %d does not write", major);
    return true;
}

bool rh_control_read(const char *directory, int major, rh_control *control, rh_error *error)
{
    unsigned char bytes[512];
    rh_arena *arena = rh_arena_new();
    const char *path = rh_arena_printf(arena, "%s/global/pg_control", directory);
    int fd = rh_file_open(path, false, error);
    ssize_t got = fd < 0 ? -1 : pread(fd, bytes, sizeof bytes, 0);
    if (fd >= 0 && got < 0)
        rh_error_errno(error, errno, "cannot read %s", path);
    if (fd >= 0)
        close(fd);
    bool ok = got >= 0 && rh_control_parse(bytes, (size_t)got, major, control, error);
    if (!ok && error && !error->file)
        rh_error_at(error, path, 0, 0);
    rh_arena_free(arena);
    return ok;
}

void rh_control_record(const rh_control *control, rh_physical_facts *copy, rh_arena *arena)
{
    copy->system_identifier = rh_arena_printf(arena, "%llu", (unsigned long long)control->system_identifier);
    copy->state = rh_control_state_name(control->state);
    copy->shut_down =
        control->state == RH_CONTROL_SHUTDOWNED || control->state == RH_CONTROL_SHUTDOWNED_IN_RECOVERY;
}
