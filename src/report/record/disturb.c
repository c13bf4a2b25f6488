/* Disturbers beside the migrations, and the sessions that waited for them. */
#include "pgrehearse/model/passes.h"
#include "record.h"

static void add_behind(rh_json *array, const rh_disturbed *behind)
{
    rh_json *row = rh_json_add_object(array, NULL);
    rh_json_add_string(row, "session", behind->who);
    rh_json_add_bool(row, "is_migration", behind->is_migration);
    rh_json_add_count(row, "statement", behind->statement > 0 ? behind->statement : RH_UNKNOWN);
    rh_json_add_string(row, "relation", behind->relation);
    rh_json_add_string(row, "mode", rh_lock_mode_name(behind->mode));
    rh_json_add_int(row, "waits", behind->waits);
    rh_record_figure(row, "wait_s", behind->wait_s);
    rh_record_figure(row, "longest_wait_s", behind->longest_s);
}

rh_json *rh_record_disturbances(const rh_run *run)
{
    rh_json *array = rh_json_array();
    for (size_t i = 0; i < run->disturbance_count; i++) {
        const rh_disturbance *d = &run->disturbances[i];
        rh_json *object = rh_json_add_object(array, NULL);
        rh_json_add_string(object, "kind", rh_disturber_kind_name(d->kind));
        rh_json_add_string(object, "name", d->name);
        rh_json_add_string(object, "table", d->table);
        rh_json_add_string(object, "migration", d->migration);
        rh_record_figure(object, "from_s", d->from_s);
        rh_record_figure(object, "to_s", d->to_s);
        rh_json *pids = rh_json_add_array(object, "pids");
        for (size_t k = 0; k < d->pid_count; k++)
            rh_json_add_int(pids, NULL, d->pids[k]);
        rh_json_add_string(object, "outcome", rh_disturbance_outcome_name(d->outcome));
        rh_json_add_string(object, "detail", d->detail);
        rh_record_figure(object, "migration_wait_s", d->migration_wait_s);
        rh_json *behind = rh_json_add_array(object, "blocked_sessions");
        for (size_t k = 0; k < d->behind_count; k++)
            add_behind(behind, &d->behind[k]);
    }
    return array;
}
