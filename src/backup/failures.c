/* Classifies errors of statements of the backup, and gives hints. */
#include "pgrehearse/adapters/sql_parser.h"
#include "restoring.h"
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

static bool is_class(const char *sqlstate, const char *class_)
{
    return strncmp(sqlstate, class_, 2) == 0;
}

/* An object, schema, function or column that is not there. */
static bool is_undefined(const char *sqlstate)
{
    static const char *const states[] = {"42P01", "42704", "3F000", "42883", "42703"};
    return is_one_of(sqlstate, states, sizeof states / sizeof *states);
}

/* pg_dump writes no comment and no label that a version of PostgreSQL cannot parse: its bytes have changed.
 */
static bool is_damaged_text(const rh_dump_entry *entry, const rh_dump_statement *statement,
                            const char *sqlstate)
{
    static const char *const texts[] = {"COMMENT", "SECURITY LABEL"};
    return strcmp(sqlstate, "42601") == 0 && (statement->kind == RH_STATEMENT_COMMENT ||
                                              is_one_of(entry->desc, texts, sizeof texts / sizeof *texts));
}

bool rh_restore_moves_rows(const rh_dump_entry *entry, const rh_dump_statement *statement)
{
    static const char *const descs[] = {"TABLE DATA", "BLOB", "BLOBS"};
    return statement->kind == RH_STATEMENT_COPY_IN || statement->kind == RH_STATEMENT_INSERT ||
           is_one_of(entry->desc, descs, sizeof descs / sizeof *descs);
}

/* Rows of a table that no entry makes: of an extension, and one was left out. */
static bool is_of_skipped_extension(const rh_restoring *r, const rh_dump_entry *entry,
                                    const rh_dump_statement *statement, const char *sqlstate)
{
    bool data = rh_restore_moves_rows(entry, statement) || strcmp(entry->desc, "SEQUENCE SET") == 0;
    return r->extension_skipped && data && (!*sqlstate || is_undefined(sqlstate)) &&
           !rh_contents_have_table(&r->contents, entry->schema, entry->tag);
}

rh_failure_kind rh_restore_failure(rh_restoring *r, const rh_dump_entry *entry,
                                   const rh_dump_statement *statement, const char *sqlstate)
{
    static const char *const attributes[] = {"ACL", "DEFAULT ACL", "COMMENT", "SECURITY LABEL"};
    bool privileges = strcmp(sqlstate, "42501") == 0, undefined = is_undefined(sqlstate);
    if (is_of_skipped_extension(r, entry, statement, sqlstate))
        return RH_FAILURE_HARMLESS;
    if (rh_restore_moves_rows(entry, statement) || is_damaged_text(entry, statement, sqlstate))
        return RH_FAILURE_FINAL;
    if (statement->only_roles || is_one_of(entry->desc, attributes, sizeof attributes / sizeof *attributes))
        return RH_FAILURE_HARMLESS;
    switch (statement->kind) {
    case RH_STATEMENT_COMMENT:
    case RH_STATEMENT_EXTENSION_COMMENT:
    case RH_STATEMENT_ROLE:
    case RH_STATEMENT_ROLE_CHANGE:
        return RH_FAILURE_HARMLESS;
    case RH_STATEMENT_SET:
        return rh_restoring_knows_setting(r, statement->name, NULL) ? RH_FAILURE_RETRY : RH_FAILURE_HARMLESS;
    case RH_STATEMENT_SCHEMA:
        return rh_names_have(&r->schemas, statement->name) ? RH_FAILURE_HARMLESS : RH_FAILURE_RETRY;
    case RH_STATEMENT_LANGUAGE:
        return rh_names_have(&r->languages, statement->name) ? RH_FAILURE_HARMLESS : RH_FAILURE_RETRY;
    case RH_STATEMENT_DROP:
        return undefined || privileges || strcmp(sqlstate, "2BP01") == 0 ? RH_FAILURE_SILENT
                                                                         : RH_FAILURE_FINAL;
    case RH_STATEMENT_PRIVILEGED:
    case RH_STATEMENT_SUBSCRIPTION: /* they need a superuser */
        return privileges || (undefined && !r->target->create_roles) ? RH_FAILURE_HARMLESS : RH_FAILURE_RETRY;
    default: /* at the end, another statement might do harm */
        return statement->defines ? RH_FAILURE_RETRY : RH_FAILURE_FINAL;
    }
}

const char *rh_restore_hint(const rh_dump_entry *entry, const char *sqlstate, const char *names,
                            rh_arena *arena)
{
    const char *skip = *names ? rh_arena_printf(arena, "leave it out with backup.skip: [%s]", names)
                              : "fix it on production, or leave its statement out of the dump";
    if (is_class(sqlstate, "08") || is_class(sqlstate, "HV"))
        return rh_arena_printf(arena, "staging is isolated and reaches no other server: %s", skip);
    if (strcmp(sqlstate, "42501") == 0)
        return rh_arena_printf(arena, "staging's role may not do that: let a superuser restore, or %s", skip);
    if (strcmp(sqlstate, "22P05") == 0)
        return rh_arena_printf(
            arena,
            "the encoding of the backup's database lacks a character, and psql refuses it, too: "
            "dump again without --encoding, or %s",
            skip);
    static const char *const calling[] = {"INDEX", "MATERIALIZED VIEW DATA", "TABLE DATA", "CONSTRAINT",
                                          "CHECK CONSTRAINT"};
    if (is_undefined(sqlstate) && !is_one_of(entry->desc, calling, sizeof calling / sizeof *calling))
        return rh_arena_printf(
            arena,
            "was the dump made of some tables or schemas only (-t, -n, -N)? rehearse on a complete one, or %s",
            skip);
    if (is_undefined(sqlstate))
        return rh_arena_printf(
            arena,
            "pg_dump leaves search_path empty: a function that it calls needs ALTER FUNCTION "
            "… SET search_path on production; or %s",
            skip);
    if (strcmp(entry->desc, "TABLE DATA") == 0)
        return rh_arena_printf(
            arena,
            "a constraint or generated column may call a function that reads another table or needs a search_path, which a dump does not contain: fix it on production, or %s",
            skip);
    return skip;
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

rh_error_code rh_restore_failure_code(const char *message)
{
    if (has(message, "No space left on device") || has(message, "Disk quota exceeded"))
        return RH_ERROR_NO_SPACE;
    if (has(message, "server closed the connection") || has(message, "terminating connection") ||
        has(message, "connection to server") || has(message, "no connection to the server") ||
        has(message, "SSL connection has been closed"))
        return RH_ERROR_LOST;
    return RH_ERROR_BACKUP;
}

const char *rh_restore_redact(const char *message, const char *code, bool data, rh_arena *arena)
{
    if (data && rh_restore_failure_code(message) == RH_ERROR_NO_SPACE)
        return "no space left on the device of the staging server";
    if (data)
        return "the server refused the rows; its message may hold data and is not shown";
    char *shown = rh_redact(message, &(rh_redaction){.names = &code, .name_count = 1});
    const char *redacted = rh_arena_strdup(arena, shown);
    free(shown);
    return redacted;
}
