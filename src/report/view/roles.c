/* The roles of the sessions, and the backup's database. */
#include "view.h"
#include <string.h>

static const char *role(const rh_view *view, const rh_json *record)
{
    const char *name = rh_view_string(record, "name"), *why = rh_view_string(record, "reason");
    bool superuser = rh_json_bool(rh_json_get(record, "superuser"));
    return rh_view_printf(view, "%s%s (%s)", superuser ? "the superuser " : "", name ? name : "?",
                          why ? why : "unknown");
}

const char *rh_view_roles(const rh_view *view)
{
    const rh_json *migrations = rh_json_path(view->report, "roles.migrations");
    const rh_json *workload = rh_json_path(view->report, "roles.workload");
    if (!migrations || !workload)
        return NULL;
    if (!rh_json_get(view->report, "load"))
        return rh_view_printf(view, "migrations ran as %s.", role(view, migrations));
    return rh_view_printf(view, "migrations ran as %s, the load as %s.", role(view, migrations),
                          role(view, workload));
}
