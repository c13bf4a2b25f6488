#include "record.h"

rh_json *rh_record_isolation(const rh_isolation *isolation)
{
    rh_json *object = rh_json_object();
    rh_json_add_bool(object, "proven", isolation->proven);
    rh_json_add_string(object, "reason", isolation->why_not);
    rh_json_add_string(object, "account", isolation->account);
    rh_json *layers = rh_json_add_array(object, "layers");
    for (size_t i = 0; i < isolation->layer_count; i++) {
        rh_json *layer = rh_json_add_object(layers, NULL);
        rh_json_add_string(layer, "name", isolation->layers[i].name);
        rh_json_add_bool(layer, "active", isolation->layers[i].active);
        rh_json_add_string(layer, "detail", isolation->layers[i].detail);
    }
    rh_json *attempts = rh_json_add_array(object, "attempts");
    for (size_t i = 0; i < isolation->attempt_count; i++) {
        const rh_isolation_attempt *made = &isolation->attempts[i];
        rh_json *attempt = rh_json_add_object(attempts, NULL);
        rh_json_add_string(attempt, "name", made->name);
        rh_json_add_string(attempt, "attempt", made->what);
        rh_json_add_bool(attempt, "succeeded", made->succeeded);
        rh_json_add_bool(attempt, "succeeded_unconfined", made->succeeded_unconfined);
    }
    return object;
}
