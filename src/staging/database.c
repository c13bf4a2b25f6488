#include "database.h"
#include "pgrehearse/base/text.h"
#include "settings.h"
#include "embedded/staging.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *literal(rh_staging *staging, const char *text)
{
    char *quoted = rh_pg_quote_literal(text);
    const char *copy = rh_arena_strdup(staging->arena, quoted);
    free(quoted);
    return copy;
}

static const char *identifier(rh_staging *staging, const char *name)
{
    char *quoted = rh_quote_identifier(name);
    const char *copy = rh_arena_strdup(staging->arena, quoted);
    free(quoted);
    return copy;
}

/* ---- creating ---- */

/* Encodings that only clients have cannot be a database's. */
static const char *encoding_of(const rh_database_facts *origin)
{
    static const char *const client_only[] = {"SJIS",  "BIG5",           "GBK", "UHC", "GB18030",
                                              "JOHAB", "SHIFT_JIS_2004", NULL};
    if (origin->encoding)
        return origin->encoding;
    for (const char *const *name = client_only; *name; name++)
        if (origin->dump_encoding && strcasecmp(*name, origin->dump_encoding) == 0)
            return NULL;
    return origin->dump_encoding;
}

static bool is_unicode(const char *encoding)
{
    return !encoding || strcasecmp(encoding, "UTF8") == 0 || strcasecmp(encoding, "UTF-8") == 0;
}

static void put(rh_staging *staging, rh_text *sql, const char *option, const char *value)
{
    if (value)
        rh_text_printf(sql, " %s %s", option, literal(staging, value));
}

/* How close to the backup's database a CREATE DATABASE comes. */
typedef enum likeness { LIKE_BACKUP, LIKE_LIBC, LIKE_ENCODING, LIKE_TEMPLATE, LIKENESS_COUNT } likeness;

/* The options of CREATE DATABASE, in TEXT; false when they are no others than those of the next likeness. */
static bool put_options(rh_staging *staging, likeness like, rh_text *sql)
{
    const rh_database_facts *o = staging->origin;
    const char *encoding = encoding_of(o);
    bool libc = !o->provider || strcmp(o->provider, "libc") == 0;
    bool known = staging->major >= (o->provider && strcmp(o->provider, "builtin") == 0 ? 17 : 15);
    if (like == LIKE_BACKUP && !libc && known) {
        const char *option = strcmp(o->provider, "icu") == 0 ? "ICU_LOCALE" : "BUILTIN_LOCALE";
        put(staging, sql, "ENCODING", encoding);
        put(staging, sql, "LC_COLLATE", o->collate);
        put(staging, sql, "LC_CTYPE", o->ctype);
        rh_text_printf(sql, " LOCALE_PROVIDER %s", strcmp(o->provider, "icu") == 0 ? "icu" : "builtin");
        put(staging, sql, option, o->locale);
        if (o->icu_rules && staging->major >= 16)
            rh_text_printf(sql, " ICU_RULES %s", o->icu_rules);
        return true;
    }
    if (like <= LIKE_LIBC && o->collate && !staging->locale_missing) {
        put(staging, sql, "ENCODING", encoding);
        put(staging, sql, "LC_COLLATE", o->collate);
        put(staging, sql, "LC_CTYPE", o->ctype);
        rh_text_append(sql, staging->major >= 15 ? " LOCALE_PROVIDER libc" : "");
        return like == LIKE_LIBC || libc;
    }
    if (like == LIKE_ENCODING && !is_unicode(encoding))
        rh_text_printf(sql, " ENCODING %s LC_COLLATE 'C' LC_CTYPE 'C'", literal(staging, encoding));
    return like == LIKE_TEMPLATE || sql->length > 0;
}

static const char *origin_locale(const rh_database_facts *origin)
{
    return origin->locale ? origin->locale : origin->collate;
}

bool rh_database_create(rh_staging *staging, rh_pg *pg, const char *name, rh_error *error)
{
    for (likeness like = LIKE_BACKUP; like < LIKENESS_COUNT; like++) {
        rh_text options = {0};
        rh_error failed = {0};
        bool fits = put_options(staging, like, &options);
        bool ok = fits && rh_pg_executef(pg, &failed, "CREATE DATABASE %s TEMPLATE template0%s", name,
                                         rh_text_string(&options));
        rh_text_release(&options);
        if (ok)
            return true;
        bool last = like == LIKE_TEMPLATE || (fits && failed.code != RH_ERROR_SQL);
        if (fits && !last && !staging->locale_missing && origin_locale(staging->origin)) {
            staging->locale_missing = origin_locale(staging->origin);
            staging->locale_why = rh_arena_strdup(staging->arena, failed.message);
        }
        if (last && error)
            rh_error_move(error, &failed);
        rh_error_release(&failed);
        if (last)
            return false;
    }
    return false;
}

/* ---- settings ---- */

const char *rh_database_refusal(const char *name, const char *value)
{
    /* Of a session or of a database they are harmless, though a server's file must not have them. */
    static const char *const fine[] = {"default_transaction_read_only",
                                       "role",
                                       "lc_messages",
                                       "lc_monetary",
                                       "lc_numeric",
                                       "lc_time",
                                       "password_encryption"};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        if (strcasecmp(name, fine[i]) == 0)
            return NULL;
    return rh_settings_refusal(name, value);
}

/* SQL before the setting's name: "ALTER ROLE a IN DATABASE b". */
static bool apply_setting(rh_staging *staging, rh_pg *pg, const char *whose, rh_database_setting *setting,
                          rh_error *error)
{
    rh_error failed = {0};
    setting->why_not = rh_database_refusal(setting->name, setting->value);
    if (setting->why_not)
        return true;
    if (rh_pg_executef(pg, &failed, "%s SET %s TO %s", whose, identifier(staging, setting->name),
                       setting->value))
        return true;
    bool refused = failed.code == RH_ERROR_SQL;
    if (refused)
        setting->why_not =
            rh_arena_printf(staging->arena, "the staging server refuses it: %s", failed.message);
    else if (error)
        rh_error_move(error, &failed);
    rh_error_release(&failed);
    return refused;
}

/* Until 14 every role may create objects in the schema public, which pg_dump does not say. */
static bool open_public_schema(rh_staging *staging, rh_error *error)
{
    if (staging->origin_major == 0 || staging->origin_major >= 15 || staging->major < 15)
        return true;
    rh_pg *pg = rh_staging_connect(staging, staging->database, ": settings", error);
    bool ok = pg && rh_pg_execute(pg, "GRANT CREATE ON SCHEMA public TO PUBLIC", error);
    rh_pg_close(pg);
    return ok;
}

bool rh_database_settings(rh_staging *staging, rh_pg *pg, rh_error *error)
{
    const char *whose = rh_arena_printf(staging->arena, "ALTER DATABASE %s", staging->database);
    bool ok = open_public_schema(staging, error);
    for (size_t i = 0; ok && i < staging->origin->setting_count; i++)
        if (!staging->origin->settings[i].role)
            ok = apply_setting(staging, pg, whose, &staging->origin->settings[i], error);
    return ok;
}

/* A setting that the program's own sessions must not inherit, and what they have instead. Not here: where
 * names are found, the time zone, and what objects of the database read. */
static const rh_setting NEUTRAL[] = {
    {"statement_timeout", "0"},
    {"lock_timeout", "0"},
    {"transaction_timeout", "0"},
    {"idle_in_transaction_session_timeout", "0"},
    {"idle_session_timeout", "0"},
    {"default_transaction_read_only", "off"},
    {"default_transaction_isolation", "read\\ committed"},
    {"default_transaction_deferrable", "off"},
    {"standard_conforming_strings", "on"},
    {"transform_null_equals", "off"},
    {"array_nulls", "on"},
    {"bytea_output", "hex"},
    {"extra_float_digits", "1"},
    {"xmloption", "content"},
    {"row_security", "on"},
    {"role", "none"},
    {"session_replication_role", "origin"},
    {"client_min_messages", "notice"},
    {"lc_messages", "C"},
};

const char *rh_database_options(const rh_database_facts *origin, rh_arena *arena)
{
    rh_text options = {0};
    for (size_t n = 0; n < sizeof NEUTRAL / sizeof *NEUTRAL; n++)
        for (size_t i = 0; i < origin->setting_count; i++) {
            const rh_database_setting *setting = &origin->settings[i];
            if (setting->role || setting->why_not || strcasecmp(setting->name, NEUTRAL[n].name) != 0)
                continue;
            rh_text_printf(&options, "%s-c %s=%s", options.length ? " " : "", NEUTRAL[n].name,
                           NEUTRAL[n].value);
            break;
        }
    const char *copy = options.length ? rh_arena_strdup(arena, options.data) : NULL;
    rh_text_release(&options);
    return copy;
}

const char *rh_database_role_settings(rh_arena *arena)
{
    rh_text lines = {0};
    for (size_t n = 0; n < sizeof NEUTRAL / sizeof *NEUTRAL; n++) {
        rh_text_printf(&lines, "ALTER ROLE " RH_OWN_ROLE " SET %s = '", NEUTRAL[n].name);
        for (const char *c = NEUTRAL[n].value; *c; c++)
            if (*c != '\\') /* which libpq's options need */
                rh_text_append_char(&lines, *c);
        rh_text_append(&lines, "'\n");
    }
    const char *copy = rh_arena_strdup(arena, lines.data);
    rh_text_release(&lines);
    return copy;
}

bool rh_database_idles(const rh_database_facts *origin)
{
    for (size_t i = 0; i < origin->setting_count; i++)
        if (strcasecmp(origin->settings[i].name, "idle_session_timeout") == 0)
            return true;
    return false;
}

/* ---- owner and privileges ---- */

bool rh_database_copy_settings(rh_pg *pg, const char *from, const char *to, rh_error *error)
{
    const char *names[] = {from, to};
    rh_pg_result *statements = rh_pg_query(pg, rh_sql_database_like, 2, names, error);
    bool ok = statements != NULL;
    for (size_t i = 0; ok && i < rh_pg_rows(statements); i++) {
        rh_error failed = {0};
        ok = rh_pg_execute(pg, rh_pg_value(statements, i, 0), &failed) || failed.code == RH_ERROR_SQL;
        if (!ok && error)
            rh_error_move(error, &failed);
        rh_error_release(&failed);
    }
    rh_pg_result_free(statements);
    return ok;
}

/* A statement whose failure is the server's refusal: noted, not fatal. */
static bool try_statement(rh_staging *staging, rh_pg *pg, const char *what, const char *sql, rh_error *error)
{
    rh_error failed = {0};
    bool ok = rh_pg_execute(pg, sql, &failed);
    if (!ok && failed.code == RH_ERROR_SQL) {
        rh_staging_note(staging, "%s left out: %s", what, failed.message);
        ok = true;
    } else if (!ok && error) {
        rh_error_move(error, &failed);
    }
    rh_error_release(&failed);
    return ok;
}

bool rh_staging_apply_ownership(rh_staging *staging, rh_error *error)
{
    rh_database_facts *origin = staging->origin;
    rh_arena *arena = staging->arena;
    rh_pg *pg = rh_staging_connect(staging, staging->database, ": adopt", error);
    bool ok = pg != NULL;
    if (ok && origin->owner)
        ok = try_statement(staging, pg, "the owner of the database",
                           rh_arena_printf(arena, "ALTER DATABASE %s OWNER TO %s", staging->database,
                                           identifier(staging, origin->owner)),
                           error);
    for (size_t i = 0; ok && i < origin->grant_count; i++)
        ok = try_statement(staging, pg, "privileges on the database",
                           rh_arena_printf(arena, "%s%s%s", origin->grants[i].before, staging->database,
                                           origin->grants[i].after),
                           error);
    for (size_t i = 0; ok && i < origin->setting_count; i++) {
        rh_database_setting *setting = &origin->settings[i];
        if (setting->role)
            ok = apply_setting(staging, pg,
                               rh_arena_printf(arena, "ALTER ROLE %s IN DATABASE %s",
                                               identifier(staging, setting->role), staging->database),
                               setting, error);
    }
    rh_pg_close(pg);
    return ok;
}

void rh_database_release(rh_staging *staging, const char *name)
{
    rh_pg *pg = rh_staging_connect(staging, name, ": drop", NULL);
    rh_pg_result *result = pg ? rh_pg_query(pg, rh_sql_release_database, 0, NULL, NULL) : NULL;
    for (size_t i = 0; result && i < rh_pg_rows(result); i++)
        rh_pg_execute(pg, rh_pg_value(result, i, 0), NULL);
    rh_pg_result_free(result);
    rh_pg_close(pg);
}
