#include "origin.h"
#include <string.h>

static void compare_version(rh_run *run)
{
    int backup_major = run->backup.server_major, staging_major = run->staging.server_version_num / 10000;
    if (backup_major == 0) {
        rh_run_not_measured(
            run, RH_UNMEASURED_SERVER_VERSION,
            "version: the backup does not name its PostgreSQL version; staging is PostgreSQL %d",
            staging_major);
    } else if (backup_major != staging_major) {
        bool embedded = run->staging.kind == RH_STAGING_EMBEDDED;
        rh_run_not_measured(
            run, RH_UNMEASURED_SERVER_VERSION,
            "version: the backup is of PostgreSQL %d, staging is PostgreSQL %d%s: locks, plans and "
            "durations may differ%s",
            backup_major, staging_major, embedded ? ", the nearest that is installed" : "",
            embedded ? rh_arena_printf(run->arena, " (Debian: apt install postgresql-%d)", backup_major)
                     : "");
    }
}

static void compare_locale(rh_run *run)
{
    const rh_database_facts *origin = &run->backup.database;
    const rh_staging_facts *staging = &run->staging;
    const char *used = staging->locale    ? staging->locale
                       : staging->collate ? staging->collate
                                          : "another one";
    if (staging->locale_missing)
        rh_run_inconclusive(
            run, RH_UNMEASURED_DATABASE_LOCALE,
            "locale: the backup's database has %s, staging does not (%s) and used %s: text sorts in "
            "another order there; indexes, sorts and comparisons of text are faster or slower than "
            "on production, and range partitions, unique indexes and checks of text may accept other "
            "rows. Install the locale (Debian: apt install locales)",
            staging->locale_missing, staging->locale_why, used);
    else if (!origin->collate)
        rh_run_not_measured(
            run, RH_UNMEASURED_DATABASE_LOCALE,
            "locale: the backup does not say the locale of its database, nor the database's owner "
            "and settings (a plain dump without --create); staging used %s, encoding %s",
            used, staging->encoding ? staging->encoding : "unknown");
}

void rh_origin_compare(rh_run *run)
{
    compare_version(run);
    compare_locale(run);
}

void rh_origin_settings(rh_run *run)
{
    const rh_database_facts *origin = &run->backup.database;
    for (size_t i = 0; i < origin->setting_count; i++) {
        const rh_database_setting *setting = &origin->settings[i];
        if (setting->why_not && *setting->why_not)
            rh_run_not_measured(run, RH_UNMEASURED_DATABASE_SETTINGS,
                                "setting %s of the backup's %s%s does not apply in staging: %s",
                                setting->name, setting->role ? "role " : "database",
                                setting->role ? setting->role : "", setting->why_not);
    }
}
