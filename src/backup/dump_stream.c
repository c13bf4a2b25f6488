#include "dump_stream.h"
#include "pgrehearse/adapters/archive.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/interrupt.h"
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 * 1024 };
static const rh_usec PROGRESS_EVERY = RH_SECOND / 5;

bool rh_dump_is_text(const rh_backup_facts *facts)
{
    return facts->shape == RH_SHAPE_PLAIN || facts->csv;
}

const char *rh_dump_path(const rh_backup_facts *facts)
{
    return facts->csv ? facts->csv->definitions : facts->path;
}

/* Goes to the entry that is the dump. */
static bool find_entry(rh_archive *archive, const rh_backup_facts *facts, rh_error *error)
{
    const char *name;
    int64_t size;
    int more;
    while ((more = rh_archive_next(archive, &name, &size, error)) > 0)
        if (!facts->entry || strcmp(facts->entry, name) == 0)
            return true;
    if (more == 0)
        rh_error_set(error, RH_ERROR_BACKUP, "%s has no entry \"%s\" any more: it changed while it was read",
                     rh_dump_path(facts), facts->entry ? facts->entry : "");
    return false;
}

/* Fills BUFFER, so that pieces are not smaller than they must be. Bytes, 0 at the end, -1. */
static int64_t read_chunk(rh_archive *archive, char *buffer, rh_error *error)
{
    int64_t length = 0, n = 1;
    while (length < CHUNK &&
           (n = rh_archive_read(archive, buffer + length, (size_t)(CHUNK - length), error)) > 0)
        length += n;
    return n < 0 ? -1 : length;
}

static bool feed_all(rh_archive *archive, rh_dump_lexer *lexer, const rh_backup_facts *facts, char *buffer,
                     const rh_progress *progress, const char *stage, rh_error *error)
{
    int64_t n;
    rh_usec reported = 0;
    for (bool first = true; (n = read_chunk(archive, buffer, error)) > 0; first = false) {
        /* psql would drop a byte-order mark on its first line only, which may not be the dump's. */
        int64_t mark = first && n >= 3 && memcmp(buffer, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        if (!rh_dump_lexer_feed(lexer, buffer + mark, (size_t)(n - mark), error))
            return false;
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
        rh_usec now = rh_clock_monotonic();
        if (now - reported >= PROGRESS_EVERY) {
            rh_progress_update(progress, stage, NULL, rh_archive_position(archive), facts->bytes,
                               RH_UNIT_BYTES);
            reported = now;
        }
    }
    return n == 0;
}

bool rh_dump_stream(const rh_backup_facts *facts, rh_dump_sink sink, void *user, const rh_progress *progress,
                    const char *stage, rh_error *error)
{
    const char *name;
    int64_t size;
    int more = 0;
    char *buffer = rh_alloc(CHUNK);
    rh_dump_lexer *lexer = rh_dump_lexer_new(rh_dump_path(facts), sink, user);
    rh_archive *archive = rh_archive_open(rh_dump_path(facts), error);
    bool fine = archive && find_entry(archive, facts, error) &&
                feed_all(archive, lexer, facts, buffer, progress, stage, error);
    /* The rest of the container, for the checksum at its end, before the dump counts as whole. */
    while (fine && (more = rh_archive_next(archive, &name, &size, error)) > 0)
        ;
    fine = fine && more == 0 && rh_dump_lexer_finish(lexer, error);
    rh_archive_close(archive);
    rh_dump_lexer_free(lexer);
    free(buffer);
    return fine;
}
