/* The backup's database, and the roles of the sessions. */
#include "record.h"
#include <string.h>
#include <strings.h>

/* A custom setting may hold a password or a key: its value stays out of every report. */
static bool is_public(const rh_database_setting *setting)
{
    return !strchr(setting->name, '.');
}

rh_json *rh_record_database(const rh_database_facts *database)
{
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "name", database->name);
    rh_json_add_string(object, "owner", database->owner);
    rh_json_add_string(object, "encoding", database->encoding);
    rh_json_add_string(object, "locale_provider", database->provider);
    rh_json_add_string(object, "collate", database->collate);
    rh_json_add_string(object, "ctype", database->ctype);
    rh_json_add_string(object, "locale", database->locale);
    rh_json *settings = rh_json_add_array(object, "settings");
    for (size_t i = 0; i < database->setting_count; i++) {
        const rh_database_setting *setting = &database->settings[i];
        rh_json *item = rh_json_add_object(settings, NULL);
        rh_json_add_string(item, "name", setting->name);
        rh_json_add_string(item, "role", setting->role);
        rh_json_add_string(item, "value", is_public(setting) ? setting->value : NULL);
        rh_json_add_bool(item, "applied", !setting->why_not);
        rh_json_add_string(item, "reason", setting->why_not && *setting->why_not ? setting->why_not : NULL);
    }
    return object;
}

static rh_json *role_record(const rh_session_role *role)
{
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "name", role->name);
    rh_json_add_bool(object, "superuser", role->superuser);
    rh_json_add_string(object, "reason", role->why);
    return object;
}

rh_json *rh_record_roles(const rh_run *run)
{
    if (!run->migrations_role.name || !run->workload_role.name)
        return NULL;
    rh_json *object = rh_json_object();
    rh_json_add(object, "migrations", role_record(&run->migrations_role));
    rh_json_add(object, "workload", role_record(&run->workload_role));
    return object;
}
