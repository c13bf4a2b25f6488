/* The state after an interrupted migration, and its second run. */
#include "record.h"

static const char *state_name(const rh_interruption *found)
{
    if (!found->hit)
        return "applied";
    bool changed = found->difference_count > 0 || found->data.different > 0 || found->invalid_index_count > 0;
    return changed ? "partly_applied" : "as_before";
}

rh_json *rh_record_interruptions(const rh_migration *migration)
{
    rh_json *array = rh_json_array();
    for (size_t i = 0; i < migration->interruption_count; i++) {
        const rh_interruption *found = &migration->interruptions[i];
        rh_json *object = rh_json_add_object(array, NULL);
        rh_json_add_string(object, "kind", rh_interruption_how_name(found->how));
        rh_json_add_int(object, "statement", found->statement);
        rh_json_add_bool(object, "in_statement", found->in_statement);
        rh_record_figure(object, "after_s", found->after_s);
        rh_json_add_string(object, "state", state_name(found));
        rh_record_differences(object, "differences", found->differences, found->difference_count);
        rh_json_add(object, "data", rh_record_data(&found->data));
        rh_record_strings(object, "invalid_indexes", found->invalid_indexes, found->invalid_index_count);
        rh_json_add_string(object, "history", found->history);
        rh_json_add_bool(object, "history_changed", found->history_changed);
        rh_json_add_string(object, "rerun", rh_run_again_name(found->run_again));
        rh_json_add_string(object, "rerun_after_repair", rh_run_again_name(found->after_repair));
        rh_json_add_string(object, "error", found->error);
        rh_record_strings(object, "invalid_after_rerun", found->invalid_after_rerun,
                          found->invalid_after_rerun_count);
    }
    return array;
}
