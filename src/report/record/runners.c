#include "record.h"

rh_json *rh_record_runners(const rh_runners *runners)
{
    if (runners->outcome == RH_RUNNERS_NOT_RUN)
        return NULL;
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "outcome", rh_runners_outcome_name(runners->outcome));
    rh_json_add_string(object, "reason", runners->why);
    rh_json *array = rh_json_add_array(object, "runners");
    for (size_t i = 0; i < runners->count; i++) {
        const rh_runner *r = &runners->runners[i];
        rh_json *runner = rh_json_add_object(array, NULL);
        rh_json_add_int(runner, "exit_status", r->status);
        rh_record_figure(runner, "elapsed_s", r->elapsed_s);
        rh_json_add_int(runner, "statements", r->statements);
        rh_json_add_int(runner, "changes", r->changes);
        rh_record_figure(runner, "lock_wait_s", r->lock_wait_s);
        rh_json_add_string(runner, "waited_for", r->waited_for);
        rh_json_add_string(runner, "output", r->last_line);
    }
    rh_json_add_int(object, "repeated_changes", (int64_t)runners->repeated);
    rh_json_add_string(object, "repeated_sql", runners->repeated_sql);
    rh_record_differences(object, "differences", runners->differences, runners->difference_count);
    rh_record_strings(object, "row_differences", runners->row_differences, runners->row_difference_count);
    return object;
}
