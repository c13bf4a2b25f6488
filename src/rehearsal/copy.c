#include "copy.h"
#include "origin.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/physical/physical.h"

static bool misplaced(const char *key, const char *why, const rh_location *where, rh_error *error)
{
    rh_error_set(error, RH_ERROR_SCENARIO, "%s is not for a physical copy: %s", key, why);
    rh_error_hint(error, "remove the key, or rehearse a dump of pg_dump");
    return rh_error_at(error, where->file, where->line, where->column);
}

bool rh_copy_check_keys(const rh_scenario *s, rh_error *error)
{
    if (s->staging.kind == RH_STAGING_SERVER)
        return misplaced("staging.kind: server", "a server is made from its files", &s->staging.where, error);
    if (s->backup.before_count > 0)
        return misplaced("backup.before", "a copy is not restored into an empty database", &s->backup.where,
                         error);
    if (s->backup.skip_count > 0)
        return misplaced("backup.skip", "all of it is restored", &s->backup.skip[0].where, error);
    if (s->backup.sha256)
        return misplaced("backup.sha256", "its checksums are in backup_manifest", &s->backup.sha256_where,
                         error);
    return true;
}

/* Which WAL it is to be recovered with, and how far. */
static bool take_target(const rh_scenario *s, rh_physical_facts *copy, rh_error *error)
{
    const rh_recovery_target *target = &s->backup.target;
    bool wanted = target->time || target->name || target->lsn;
    if (s->backup.restore_command) {
        copy->restore_command = s->backup.restore_command;
        copy->restore_directory = s->directory;
    }
    if (!wanted || (copy->label && copy->restore_command))
        return true;
    rh_error_set(error, RH_ERROR_SCENARIO,
                 copy->label ? "backup.target needs a restore_command, which fetches the WAL up to it"
                             : "backup.target is for a base backup, and the copy has no backup_label");
    rh_error_hint(error, copy->label ? "write backup.restore_command, as production's postgresql.conf has it"
                                     : "remove the target: the copy is of one moment");
    return rh_error_at(error, target->where.file, target->where.line, target->where.column);
}

bool rh_copy_check(const rh_run *run, rh_error *error)
{
    const rh_scenario *s = run->scenario;
    rh_physical_facts *copy = run->backup.physical;
    const rh_location *where = &s->backup.where;
    if (copy)
        return rh_copy_check_keys(s, error) && take_target(s, copy, error) &&
               rh_physical_check(copy, s->backup.atomic_snapshot, error);
    if (!s->backup.restore_command && !s->backup.target.where.file)
        return true;
    rh_error_set(error, RH_ERROR_SCENARIO, "backup.%s is for a physical copy, and %s is a dump",
                 s->backup.restore_command ? "restore_command" : "target", run->backup.path);
    rh_error_hint(error, "remove the key");
    return rh_error_at(error, where->file, where->line, where->column);
}

static void report_doubts(rh_run *run)
{
    const rh_physical_facts *copy = run->backup.physical;
    for (size_t i = 0; i < copy->doubt_count; i++)
        rh_run_inconclusive(run, RH_UNMEASURED_PHYSICAL_COPY, "%s: %s", copy->doubts[i].what,
                            copy->doubts[i].why);
    if (run->staging.server_version_num / 10000 < 15)
        rh_run_not_measured(
            run, RH_UNMEASURED_PHYSICAL_COPY,
            "collations: before PostgreSQL 15 a database does not record the version of its collation, "
            "so that whether text sorts here as on production is not known");
}

bool rh_copy_restore(rh_run *run, rh_staging *staging, const rh_progress *progress, rh_error *error)
{
    rh_backup_facts *backup = &run->backup;
    rh_usec began = rh_clock_monotonic();
    rh_progress_begin(progress, "restore", "the files of the copy, and their recovery");
    if (!rh_staging_adopt(staging, backup->physical, run->arena, error))
        return false;
    backup->roles_known = true;
    backup->restore_s = rh_seconds(rh_clock_monotonic() - began);
    if (!rh_staging_describe(staging, run->arena, &run->staging, error))
        return false;
    report_doubts(run);
    rh_origin_compare(run);
    rh_progress_end(progress, "restore", "database %s, system identifier %s, in %.1f s",
                    rh_staging_database(staging), backup->physical->system_identifier, backup->restore_s);
    return true;
}
