/* The trials of each lock_timeout, their effect, and the recommended one. */
#include "pgrehearse/model/passes.h"
#include "record.h"

static void add_policies(rh_json *parent, const char *key, const rh_lock_policy *policies, size_t count)
{
    rh_json *array = rh_json_add_array(parent, key);
    for (size_t i = 0; i < count; i++) {
        const rh_lock_policy *p = &policies[i];
        rh_json *row = rh_json_add_object(array, NULL);
        rh_record_figure(row, "lock_timeout_s", p->lock_timeout_s > 0 ? p->lock_timeout_s : RH_NOT_MEASURED);
        rh_json_add_int(row, "trials", p->tries);
        rh_json_add_int(row, "successes", p->successes);
        rh_json_add_count(row, "attempts_max", p->attempts_max > 0 ? p->attempts_max : RH_UNKNOWN);
        rh_record_figure(row, "attempts_mean", p->attempts_mean);
        rh_record_figure(row, "total_s_median", p->total_s_median);
        rh_record_figure(row, "total_s_max", p->total_s_max);
        rh_record_figure(row, "lock_wait_s_max", p->lock_wait_s_max);
        rh_record_figure(row, "response_max_ms", p->response_max_ms);
        rh_record_figure(row, "response_p99_ms", p->response_p99_ms);
        rh_json_add_int(row, "load_errors", p->load_errors);
        rh_json_add_string(row, "failure", p->failure);
        rh_json_add_bool(row, "recommended", p->recommended);
    }
}

static void add_case(rh_json *cases, const rh_lock_policy_case *c)
{
    rh_json *row = rh_json_add_object(cases, NULL);
    rh_json_add_string(row, "migration", c->migration);
    rh_json_add_int(row, "first_statement", c->first_statement);
    rh_json_add_int(row, "last_statement", c->last_statement);
    rh_json_add_count(row, "line", c->line > 0 ? c->line : RH_UNKNOWN);
    rh_json_add_string(row, "statement", c->statement);
    rh_json_add_string(row, "relation", c->relation);
    rh_json_add_string(row, "mode", rh_lock_mode_name(c->mode));
    rh_record_figure(row, "hold_s", c->hold_s);
    add_policies(row, "policies", c->policies, c->policy_count);
    rh_json_add_count(row, "recommended", c->recommended);
    rh_json_add_string(row, "reason", c->why);
    rh_json *indexes = rh_json_add_array(row, "invalid_indexes");
    for (size_t i = 0; i < c->invalid_index_count; i++) {
        rh_json *index = rh_json_add_object(indexes, NULL);
        rh_json_add_string(index, "name", c->invalid_indexes[i].name);
        rh_json_add_bool(index, "dropped", c->invalid_indexes[i].dropped);
    }
}

rh_json *rh_record_lock_policy(const rh_lock_policy_search *search)
{
    if (!search->measured && search->not_tried_count == 0)
        return NULL;
    rh_json *object = rh_json_object();
    rh_json_add_bool(object, "measured", search->measured);
    rh_json_add_int(object, "attempts", search->attempts);
    rh_json_add_int(object, "trials", search->tries);
    rh_json_add_string(object, "backoff", search->backoff);
    rh_record_figure(object, "rate_per_s", search->rate_per_s);
    rh_record_figure(object, "elapsed_s", search->elapsed_s);
    rh_json_add_bool(object, "with_disturbers", search->disturbed);
    rh_json *cases = rh_json_add_array(object, "cases");
    for (size_t i = 0; i < search->case_count; i++)
        add_case(cases, &search->cases[i]);
    add_policies(object, "overall", search->overall, search->overall_count);
    rh_json_add_count(object, "recommended", search->measured ? search->recommended : RH_UNKNOWN);
    rh_json_add_string(object, "reason", search->why);
    rh_json *settings = rh_json_add_array(object, "settings");
    for (size_t i = 0; i < search->setting_count; i++) {
        rh_json *setting = rh_json_add_object(settings, NULL);
        rh_json_add_string(setting, "target", search->settings[i].where);
        rh_json_add_string(setting, "text", search->settings[i].text);
    }
    rh_record_strings(object, "not_tried", search->not_tried, search->not_tried_count);
    return object;
}
