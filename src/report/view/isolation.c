/* The sentence about the staging server's isolation. */
#include "view.h"

const char *rh_view_isolation(const rh_view *view)
{
    const rh_json *isolation = rh_json_path(view->report, "staging.isolation");
    const rh_json *attempts = rh_json_get(isolation, "attempts"), *layers = rh_json_get(isolation, "layers");
    size_t active = 0;
    if (!isolation)
        return NULL;
    for (size_t i = 0; i < rh_json_count(layers); i++)
        active += rh_json_bool(rh_json_get(rh_json_at(layers, i), "active"));
    if (!rh_json_bool(rh_json_get(isolation, "proven"))) {
        const char *reason = rh_view_string(isolation, "reason");
        return rh_view_printf(view, "not proven: %s", reason ? reason : "no reason given");
    }
    return rh_view_printf(view,
                          "proven: %zu attempts to leave the staging server's confinement were denied "
                          "(%zu of %zu layers)",
                          rh_json_count(attempts), active, rh_json_count(layers));
}
