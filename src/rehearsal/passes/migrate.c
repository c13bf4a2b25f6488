#include "migrate.h"
#include "rehearsal/program/program.h"
#include "rehearsal/roles.h"

bool rh_migrate(rh_run *run, const rh_staging *staging, rh_pg *pg, rh_migration *migration,
                const rh_replay_options *options, rh_observer *observer, double *elapsed_s, rh_error *error)
{
    const rh_program_options program = {.direction = options->direction,
                                        .pass = options->pass,
                                        .repeat = options->repeat,
                                        .scale = options->scale,
                                        .record = options->record,
                                        .observer = observer};
    bool ok = migration->command
                  ? rh_program_run(run, staging, migration, &program, elapsed_s, error)
                  : rh_replay(pg, &run->plan, migration, options, run->arena, elapsed_s, error);
    if (!ok)
        rh_roles_explain(run, migration, error);
    return ok;
}
