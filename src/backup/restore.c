#include "pgrehearse/adapters/process.h"
#include "dump_stream.h"
#include "restoring.h"
#include "toc.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* "pg_restore (PostgreSQL) 15.18 (Debian …)" → 15; 0 when the program does not run. */
static int pg_restore_major(const char *path, rh_error *error)
{
    const char *argv[] = {path, "--version", NULL};
    rh_process_options options = {.argv = argv, .no_exec = true, .no_network = true};
    rh_text output = {0};
    int major = 0;
    if (rh_process_run(&options, RH_PROCESS_PATIENCE, &output, error)) {
        const char *p = rh_text_string(&output);
        p += strcspn(p, ")");
        p += strcspn(p, "0123456789");
        major = rh_leading_int(p);
    }
    rh_text_release(&output);
    return major;
}

/* Can this machine's pg_restore read it? */
static bool check_version(rh_restoring *r, rh_error *error)
{
    int needed = rh_backup_needed_major(r->facts), have = pg_restore_major(r->target->pg_restore, error);
    if (rh_error_is_set(error))
        return false;
    if (have >= needed)
        return true;
    rh_error_set(error, RH_ERROR_BACKUP,
                 "archive version %s was made by pg_dump %d or newer; pg_restore %d, %s, cannot read it",
                 r->facts->archive_version, needed, have, r->target->pg_restore);
    rh_error_hint(error,
                  "install PostgreSQL %d or newer (Debian: postgresql-%d from apt.postgresql.org), or dump "
                  "with pg_dump --format=plain",
                  needed, needed);
    return rh_error_at(error, r->facts->path, 0, 0);
}

bool rh_backup_restore(rh_backup_facts *facts, const rh_restore_target *target, rh_arena *arena,
                       const rh_progress *progress, rh_error *error)
{
    rh_restoring r = {.facts = facts, .target = target, .arena = arena, .progress = progress};
    rh_error own = {0};
    bool plain = rh_dump_is_text(facts);
    char duration[32], size[32];
    rh_usec started = rh_clock_monotonic();
    rh_progress_begin(progress, "restore", "%s", rh_size_format(facts->bytes, size, sizeof size));
    bool fine = (plain || check_version(&r, &own)) && rh_restoring_init(&r, &own) &&
                rh_restoring_public_schema(&r, &own) &&
                (plain ? rh_restore_plain(&r, &own) : rh_restore_archive(&r, &own)) &&
                rh_restoring_verify(&r, &own) && rh_restoring_check_selection(&r, &own);
    rh_restoring_release(&r);
    if (fine) {
        facts->restore_s = rh_seconds(rh_clock_monotonic() - started);
        rh_progress_end(progress, "restore", "%s",
                        rh_duration_format(facts->restore_s, duration, sizeof duration));
    } else if (error) {
        rh_error_move(error, &own);
    }
    rh_error_release(&own);
    return fine;
}
