/* Extensions that the backup needs: missing ones, their packages, and their schemas. */
#include "dump_stream.h"
#include "restoring.h"
#include <stdlib.h>
#include <string.h>

/* Debian's package of an extension is postgresql-VERSION-NAME; only those that are known to exist. */
static const char *const PACKAGES[][2] = {
    {"address_standardizer", "postgis-3"},
    {"address_standardizer_data_us", "postgis-3"},
    {"debversion", "debversion"},
    {"extra_window_functions", "extra-window-functions"},
    {"first_last_agg", "first-last-agg"},
    {"hll", "hll"},
    {"hypopg", "hypopg"},
    {"icu_ext", "icu-ext"},
    {"ip4r", "ip4r"},
    {"jsquery", "jsquery"},
    {"mysql_fdw", "mysql-fdw"},
    {"numeral", "numeral"},
    {"ogr_fdw", "ogr-fdw"},
    {"orafce", "orafce"},
    {"periods", "periods"},
    {"pg_cron", "cron"},
    {"pg_fact_loader", "pg-fact-loader"},
    {"pg_partman", "partman"},
    {"pg_qualstats", "pg-qualstats"},
    {"pg_repack", "repack"},
    {"pg_similarity", "similarity"},
    {"pg_stat_kcache", "pg-stat-kcache"},
    {"pg_track_settings", "pg-track-settings"},
    {"pg_wait_sampling", "pg-wait-sampling"},
    {"pgaudit", "pgaudit"},
    {"pglogical", "pglogical"},
    {"pgmp", "pgmp"},
    {"pgrouting", "pgrouting"},
    {"pgtap", "pgtap"},
    {"pllua", "pllua"},
    {"plpgsql_check", "plpgsql-check"},
    {"plprofiler", "plprofiler"},
    {"plproxy", "plproxy"},
    {"plr", "plr"},
    {"plsh", "plsh"},
    {"pointcloud", "pointcloud"},
    {"postgis", "postgis-3"},
    {"postgis_raster", "postgis-3"},
    {"postgis_sfcgal", "postgis-3"},
    {"postgis_tiger_geocoder", "postgis-3"},
    {"postgis_topology", "postgis-3"},
    {"powa", "powa"},
    {"prefix", "prefix"},
    {"q3c", "q3c"},
    {"rdkit", "rdkit"},
    {"repmgr", "repmgr"},
    {"rum", "rum"},
    {"semver", "semver"},
    {"set_user", "set-user"},
    {"tdigest", "tdigest"},
    {"tds_fdw", "tds-fdw"},
    {"unit", "unit"},
    {"vector", "pgvector"},
};
/* The server's own languages: postgresql-NAME-VERSION. */
static const char *const LANGUAGES[][2] = {{"plperl", "plperl"},
                                           {"plperlu", "plperl"},
                                           {"plpython3u", "plpython3"},
                                           {"pltcl", "pltcl"},
                                           {"pltclu", "pltcl"}};

/* NULL: none is known. */
static const char *package_of(const char *extension, int major, rh_arena *arena)
{
    for (size_t i = 0; i < sizeof PACKAGES / sizeof *PACKAGES; i++)
        if (strcmp(extension, PACKAGES[i][0]) == 0)
            return rh_arena_printf(arena, "postgresql-%d-%s", major, PACKAGES[i][1]);
    for (size_t i = 0; i < sizeof LANGUAGES / sizeof *LANGUAGES; i++)
        if (strcmp(extension, LANGUAGES[i][0]) == 0)
            return rh_arena_printf(arena, "postgresql-%s-%d", LANGUAGES[i][1], major);
    return NULL;
}

bool rh_restoring_extension(rh_restoring *r, const char *extension, const char *schema, rh_error *error)
{
    if (!rh_names_have(&r->available_extensions, extension)) {
        if (!rh_names_have(&r->missing_extensions, extension))
            rh_names_add(&r->missing_extensions, r->arena, extension);
        return true;
    }
    if (!*schema || rh_names_have(&r->schemas, schema))
        return true;
    char *quoted = rh_quote_identifier(schema);
    bool fine = rh_pg_executef(r->pg, error, "CREATE SCHEMA %s", quoted);
    free(quoted);
    if (!fine)
        return false;
    rh_names_add(&r->schemas, r->arena, schema);
    rh_restoring_skip(r, rh_arena_printf(r->arena, "SCHEMA %s", schema),
                      rh_arena_printf(r->arena,
                                      "the backup does not create it, but the extension %s needs it: created",
                                      extension));
    return true;
}

bool rh_restoring_have_extensions(const rh_restoring *r, rh_error *error)
{
    const rh_names *missing = &r->missing_extensions;
    if (missing->count == 0)
        return true;
    int major = rh_pg_server_version(r->pg) / 10000;
    rh_text names = {0}, packages = {0}, skip = {0};
    for (size_t i = 0; i < missing->count; i++) {
        const char *package = package_of(missing->names[i], major, r->arena);
        rh_text_printf(&names, "%s\"%s\"", i ? ", " : "", missing->names[i]);
        rh_text_printf(&skip, "%s\"EXTENSION %s\"", i ? ", " : "", missing->names[i]);
        if (package)
            rh_text_printf(&packages, "%s%s", packages.length ? ", " : "", package);
    }
    rh_error_set(error, RH_ERROR_BACKUP,
                 "the backup needs the extension%s %s, which staging's PostgreSQL %d does not have",
                 missing->count == 1 ? "" : "s", names.data, major);
    if (packages.length)
        rh_error_hint(error,
                      "install what can be had (Debian: %s), and leave the rest out with backup.skip: [%s]",
                      packages.data, skip.data);
    else
        rh_error_hint(error, "install %s there, or leave %s out with backup.skip: [%s]",
                      missing->count == 1 ? "it" : "them", missing->count == 1 ? "it" : "them", skip.data);
    rh_text_release(&names);
    rh_text_release(&packages);
    rh_text_release(&skip);
    return rh_error_at(error, rh_dump_path(r->facts), r->missing_extension_line, 0);
}
