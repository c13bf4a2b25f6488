/* The psql script: the same SQL, for a DBA who does not run other programs on production. */
#include "pgrehearse/base/clock.h"
#include "sections.h"
#include "pgrehearse/profile/profile.h"
#include "embedded/profile.h"
#include <stdlib.h>

static const rh_usec LOOK_EVERY = 250000;
enum { LOOKS_MAX = 20000 };

static void head(const rh_profile_options *options, rh_text *script)
{
    rh_text_append(
        script,
        "-- Facts about this database for pgrehearse, as CSV on standard output:\n"
        "--     psql -X -f profile.sql \"postgresql://...\" > profile.csv\n"
        "-- It reads catalogs and statistics in a read-only transaction, measures the hardware for about\n"
        "-- five seconds, and changes nothing. A role with pg_monitor suffices. What fails is reported on\n"
        "-- standard error, and in the CSV as unknown.\n");
    rh_text_append(
        script,
        options->most_common_values
            ? "-- It has values of the data in it: the most common ones of each column, as requested.\n"
            : "-- No value of the data is read into it.\n");
    rh_text_append(
        script, "-- pgrehearse reads the CSV as production.profile.\n"
                "\\set QUIET on\n\\set ON_ERROR_STOP off\n\\set ON_ERROR_ROLLBACK on\n\\set VERBOSITY terse\n"
                "\\set SHOW_CONTEXT never\n\\timing off\n\\encoding UTF8\n"
                "\\qecho part,fact\n");
}

/* Rows for a part, unless what ran before failed. */
static void add_copy(const char *name, const char *select, rh_text *script)
{
    rh_text_printf(script, "COPY (SELECT '%s', to_jsonb(t) FROM (\n%s\n) AS t) TO STDOUT (FORMAT csv);\n",
                   name, select);
}

static void add_failure(const char *name, rh_text *script)
{
    rh_text_printf(script,
                   "\\if :ERROR\nCOPY (SELECT 'unknown', jsonb_build_object('what', '%s', 'why', "
                   ":'LAST_ERROR_MESSAGE'::text)) TO STDOUT (FORMAT csv);\n",
                   name);
}

static void add_part(const rh_part *part, rh_text *script)
{
    rh_text_append_char(script, '\n');
    if (part->before)
        rh_text_printf(script, "%s\n\\gset rh_\n", part->before);
    add_copy(part->name, part->sql, script);
    add_failure(part->name, script);
    rh_text_append(script, "\\endif\n");
}

static void add_facts(bool again, bool values, rh_text *script)
{
    size_t count;
    const rh_part *parts = rh_profile_parts(&count);
    rh_text_printf(script, "\n%s", rh_sql_profile_begin);
    for (size_t i = 0; i < count; i++)
        if ((!again || parts[i].again) && (!parts[i].requested || values))
            add_part(&parts[i], script);
    rh_text_append(script, "COMMIT;\n");
}

/* AGAIN: the second round, which is left out where it fails. */
static void add_probe(rh_probe_kind kind, bool again, rh_text *script)
{
    const rh_probe_part *part = rh_profile_probe_part(kind);
    rh_text_append_char(script, '\n');
    if (!part->own)
        rh_text_append(script, rh_sql_profile_begin);
    else
        rh_text_append(script, "SET search_path = pg_catalog;\nSET statement_timeout = '1500ms';\n");
    rh_text_printf(script, "%s;\n", part->sql);
    if (again)
        rh_text_append(script, "\\if :ERROR\n");
    else
        add_failure(part->name, script);
    rh_text_printf(script,
                   "\\else\nCOPY (SELECT '%s%s', current_setting('pgrehearse.probe')::jsonb) TO STDOUT "
                   "(FORMAT csv);\n\\endif\n",
                   again ? "probe_again." : "probe.", rh_probe_name(kind));
    rh_text_append(script, part->own ? "RESET ALL;\n" : "COMMIT;\n");
}

/* The look is kept in a variable, so that a thousand of them do not make a thousand copies of it. */
static void add_watch(rh_usec duration, rh_text *script)
{
    int64_t samples = duration / LOOK_EVERY;
    rh_usec pause = LOOK_EVERY;
    if (samples > LOOKS_MAX) {
        samples = LOOKS_MAX;
        pause = duration / LOOKS_MAX;
    }
    if (samples == 0)
        return;
    rh_text_append(script, "\nSELECT $look$");
    add_copy("ages", rh_sql_profile_ages, script);
    rh_text_printf(script, "$look$ AS look, $begin$%s$begin$ AS begin\n\\gset rh_\n", rh_sql_profile_begin);
    for (int64_t i = 0; i < samples; i++)
        rh_text_printf(script, "SELECT pg_sleep(%.3f)\n\\gset rh_\n:rh_begin\n:rh_look\nCOMMIT;\n",
                       rh_seconds(pause));
}

void rh_profile_script(const rh_profile_options *options, rh_text *script)
{
    head(options, script);
    rh_text_append(script, "SELECT clock_timestamp() AS began\n\\gset rh_\n");
    add_facts(false, options->most_common_values, script);
    for (int round = 0; round < 2; round++)
        for (int kind = 0; kind < RH_PROBE_COUNT; kind++)
            if (options->probes & 1u << kind)
                add_probe((rh_probe_kind)kind, round > 0, script);
    add_watch(options->watch, script);
    rh_text_append(script, "\nSELECT pg_sleep(greatest(0, 1.2 - extract(epoch FROM clock_timestamp() - "
                           ":'rh_began'::timestamptz))::float8)\n\\gset rh_\n");
    add_facts(true, false, script);
    rh_text_append(script, "\n\\qecho end,{}\n");
}
