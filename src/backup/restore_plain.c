/* Restores plain SQL: each statement is read, checked, and sent to the server separately. */
#include "csv_export.h"
#include "database.h"
#include "dump_stream.h"
#include "headings.h"
#include "restoring.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char stage[] = "restore";

/* Longer ones are rows of an INSERT that the server would hardly take either (it has 1 GB for all of it). */
enum { LONGEST_STATEMENT = 256 * 1024 * 1024 };

typedef struct plain {
    rh_restoring *r;
    rh_pg *session; /* the one that restores */
    rh_headings headings;
    bool elsewhere;                   /* connected to another database of a pg_dumpall */
    char connected[RH_NAME_SIZE];     /* the database of the first \connect */
    char authorization[RH_NAME_SIZE]; /* the role of the SET SESSION AUTHORIZATION in force; "": none */
    int64_t statements;               /* that have come */
    rh_text statement;                /* of which only a part has come */
    int64_t statement_line;
    bool skipping; /* the COPY data that come belong to nothing that is restored */
    bool copying;
    size_t made;                  /* statements that define something or add rows */
    int64_t copy_line, copy_rows; /* its first line of data; rows that were sent */
    rh_dump_entry copy_entry;
} plain;

static void read_comments(plain *p, const char *bytes, size_t length)
{
    if (!p->elsewhere)
        rh_headings_read(&p->headings, bytes, length);
}

/* ---- to the server ---- */

static bool fail_at(plain *p, int64_t line, rh_error_code code, const char *message, const char *hint,
                    rh_error *error)
{
    rh_error_set(error, code, "%s", message);
    rh_error_hint(error, "%s", hint);
    return rh_error_at(error, rh_dump_path(p->r->facts), (int)line, 0);
}

/* Rows that are not there end the restore; anything else goes on. */
static bool failed(plain *p, const rh_dump_entry *entry, const char *sql, int64_t line, rh_error *failure)
{
    size_t before = p->r->failed;
    if (rh_pg_transaction_state(p->session) == 'E') /* nothing behind it can succeed */
        rh_restoring_count_failure(p->r, entry, false, (int)line, failure);
    else
        rh_restoring_failed(p->r, entry, sql, (int)line, failure);
    return p->r->failed == before;
}

/* What the statement changed of what we know. */
static void note_done(plain *p, const rh_dump_statement *s, const char *sql)
{
    rh_restoring *r = p->r;
    if (s->kind == RH_STATEMENT_SCHEMA && !rh_names_have(&r->schemas, s->name))
        rh_names_add(&r->schemas, r->arena, s->name);
    else if (s->kind == RH_STATEMENT_EXTENSION)
        rh_names_add(&r->extensions, r->arena, s->name);
    else if (s->kind == RH_STATEMENT_SET && strcmp(s->name, "client_encoding") == 0)
        r->encoding = rh_arena_strdup(r->arena, sql);
    else if (s->kind == RH_STATEMENT_AUTHORIZATION)
        memcpy(p->authorization, s->role_count > 0 ? s->roles[0] : "", s->role_count > 0 ? RH_NAME_SIZE : 1);
    else if (s->kind == RH_STATEMENT_DROP && strcmp(s->value, "schema") == 0)
        rh_names_forget(&r->schemas, s->name);
    else if (s->kind == RH_STATEMENT_DROP && strcmp(s->value, "extension") == 0)
        rh_names_forget(&r->extensions, s->name);
    else if (s->kind == RH_STATEMENT_DROP && strcmp(s->value, "language") == 0)
        rh_names_forget(&r->languages, s->name);
}

/* What the role of the dump's SET SESSION AUTHORIZATION may not do here is done by staging's own; a schema
 * gets its owner all the same. */
static bool send_as_ourselves(plain *p, const rh_dump_statement *s, const char *sql, rh_error *failure)
{
    rh_error again = {0};
    char *schema = rh_quote_identifier(s->name), *role = rh_quote_identifier(p->authorization);
    bool fine = rh_pg_execute(p->session, "RESET SESSION AUTHORIZATION", &again) &&
                (s->kind == RH_STATEMENT_SCHEMA
                     ? rh_pg_executef(p->session, &again, "CREATE SCHEMA %s AUTHORIZATION %s", schema, role)
                     : rh_pg_execute_one(p->session, sql, &again));
    rh_pg_executef(p->session, NULL, "SET SESSION AUTHORIZATION %s", role);
    free(schema);
    free(role);
    rh_error_release(&again);
    if (fine)
        rh_error_release(failure);
    return fine;
}

static bool send(plain *p, const rh_dump_statement *s, const char *sql, int64_t line, rh_error *error)
{
    rh_error failure = {0};
    rh_dump_entry entry = rh_headings_entry_of(&p->headings, s);
    bool standard = rh_pg_standard_strings(p->session);
    p->made += s->defines || s->kind == RH_STATEMENT_COPY_IN || s->kind == RH_STATEMENT_INSERT;
    if (s->kind == RH_STATEMENT_COPY_IN) {
        p->copying = rh_pg_copy_in_begin(p->session, sql, &failure);
        p->skipping = !p->copying;
        p->copy_entry = entry;
        p->copy_line = 0;
        p->copy_rows = 0;
        return p->copying || failed(p, &entry, sql, line, &failure);
    }
    bool fine = rh_pg_execute_one(p->session, sql, &failure);
    if (!fine && *p->authorization && strcmp(failure.sqlstate, "42501") == 0)
        fine = send_as_ourselves(p, s, sql, &failure);
    if (fine)
        note_done(p, s, sql);
    /* Or the server reads the dump otherwise than it was read here. */
    bool about_strings = s->kind == RH_STATEMENT_SET && strcmp(s->name, "standard_conforming_strings") == 0;
    if (!about_strings && standard != rh_pg_standard_strings(p->session)) {
        rh_error_release(&failure);
        return fail_at(
            p, line, RH_ERROR_REFUSED,
            "the dump changes how strings are read (standard_conforming_strings) inside a statement",
            "pg_dump never writes that: where does this backup come from?", error);
    }
    return fine || failed(p, &entry, sql, line, &failure);
}

/* ---- what to do with a statement ---- */

static bool drop_because(plain *p, const char *what, const char *name, const char *why)
{
    rh_restoring_skip(p->r, rh_arena_printf(p->r->arena, "%s%s%s", what, *name ? " " : "", name), why);
    return true;
}

/* Whether a SET is sent. */
static bool handle_set(plain *p, const rh_dump_statement *s, rh_error *error)
{
    bool tablespace = strcmp(s->name, "default_tablespace") == 0 && *s->value;
    if (tablespace && !rh_names_have(&p->r->tablespaces, s->value))
        return !drop_because(p, "tablespace", s->value,
                             "it does not exist in staging: the default one is used");
    if (rh_restoring_knows_setting(p->r, s->name, error))
        return true;
    if (!rh_error_is_set(error))
        drop_because(p, "setting", s->name, "staging's PostgreSQL does not know it");
    return false;
}

/* CREATE ROLE and the like, of a pg_dumpall: whether it is sent. */
static bool handle_role(plain *p, const rh_dump_statement *s, bool drops)
{
    bool exists = rh_names_have(&p->r->roles, s->name);
    bool create = s->kind == RH_STATEMENT_ROLE;
    p->r->facts->roles_known = true;
    if (!p->r->target->create_roles)
        return !drop_because(p, "role", s->name, "roles of a given server are not changed");
    if (drops)
        return false;
    if (create == exists)
        return !drop_because(p, "role", s->name,
                             exists ? "it exists already" : "it does not exist in staging");
    if (create) {
        rh_names_add(&p->r->roles, p->r->arena, s->name);
        drop_because(p, "role", s->name, "created as the dump has it");
    }
    return true;
}

/* Roles that the statement needs: made, or it is not sent. */
static bool handle_with_roles(plain *p, const rh_dump_statement *s, int64_t line, rh_error *error)
{
    bool all = true;
    for (size_t i = 0; i < s->role_count; i++) {
        all = rh_restoring_role(p->r, s->roles[i], error) && all;
        if (rh_error_is_set(error))
            return false;
    }
    if (!all && !s->only_roles) /* else the role itself is noted */
        drop_because(p, "a statement at line", rh_arena_printf(p->r->arena, "%lld", (long long)line),
                     "it needs a role that does not exist in staging");
    return all;
}

static bool handle_extension(plain *p, const rh_dump_statement *s, int64_t line, rh_error *error)
{
    if (rh_names_have(&p->r->extensions, s->name))
        return !drop_because(p, "CREATE EXTENSION", s->name, "it exists already");
    if (!rh_restoring_extension(p->r, s->name, s->schema, error))
        return rh_error_at(error, rh_dump_path(p->r->facts), (int)line, 0);
    if (p->r->missing_extensions.count == 1 && p->r->missing_extension_line == 0)
        p->r->missing_extension_line = (int)line;
    return !rh_names_have(&p->r->missing_extensions, s->name);
}

/* Whether S is sent to the server; false with ERROR set when the dump is refused. */
static bool wanted(plain *p, const rh_dump_statement *s, const char *sql, int64_t line, rh_error *error)
{
    rh_restoring *r = p->r;
    switch (s->kind) {
    case RH_STATEMENT_SET:
        return handle_set(p, s, error);
    case RH_STATEMENT_DATABASE: /* known before the restore */
        return false;
    case RH_STATEMENT_DATABASE_GRANT:
        if (!r->facts->dumpall_database)
            rh_database_note(&r->facts->database, sql, strlen(sql), r->arena);
        return false;
    case RH_STATEMENT_ROLE:
    case RH_STATEMENT_ROLE_CHANGE:
        return handle_role(p, s, strncasecmp(sql, "drop", 4) == 0);
    case RH_STATEMENT_SCHEMA:
        if (rh_names_have(&r->schemas, s->name))
            return !drop_because(p, "CREATE SCHEMA", s->name, "it exists already");
        break;
    case RH_STATEMENT_LANGUAGE:
        if (rh_names_have(&r->languages, s->name))
            return !drop_because(p, "CREATE LANGUAGE", s->name, "it exists already");
        break;
    case RH_STATEMENT_EXTENSION:
        return handle_extension(p, s, line, error);
    case RH_STATEMENT_COPY_IN:
        return rh_restoring_have_extensions(r, error);
    case RH_STATEMENT_SUBSCRIPTION:
        if (!s->not_enabled)
            return fail_at(p, line, RH_ERROR_REFUSED, "the dump has a subscription that connects at once",
                           "pg_dump writes them WITH (connect = false); take it out", error);
        break;
    case RH_STATEMENT_SYSTEM:
        return fail_at(p, line, RH_ERROR_REFUSED, "the dump changes the server's settings (ALTER SYSTEM)",
                       "pg_dump never writes that: where does this backup come from?", error);
    case RH_STATEMENT_TABLESPACE:
        return !drop_because(p, "tablespace", s->name, "staging keeps everything in its own directory");
    default:
        break;
    }
    return handle_with_roles(p, s, line, error);
}

static bool handle_statement(plain *p, const char *sql, size_t length, int64_t line, rh_error *error)
{
    rh_dump_statement statement;
    if (p->elsewhere)
        return true;
    rh_dump_statement_read(sql, length, &statement);
    rh_headings_finish(&p->headings, sql);
    rh_dump_entry entry = rh_headings_entry_of(&p->headings, &statement);
    bool out =
        *entry.desc && !rh_dump_statement_is_shared(&statement) && rh_restoring_excludes(p->r, &entry, sql);
    p->skipping = true; /* of COPY, until it has begun */
    return out || (wanted(p, &statement, sql, line, error) ? send(p, &statement, sql, line, error)
                                                           : !rh_error_is_set(error));
}

/* A statement, or the last part of one. */
static bool handle_part(plain *p, const rh_dump_piece *piece, rh_error *error)
{
    if (piece->first) {
        read_comments(p, piece->bytes, piece->start);
        p->statement_line = piece->line;
        rh_text_clear(&p->statement);
    }
    size_t start = piece->first ? piece->start : 0;
    if (p->statement.length + piece->length > LONGEST_STATEMENT)
        return fail_at(p, p->statement_line, RH_ERROR_BACKUP, "the dump has a statement of more than 256 MiB",
                       "dump its rows with COPY: pg_dump without --inserts", error);
    rh_text_append_bytes(&p->statement, piece->bytes + start, piece->length - start);
    if (!piece->last)
        return true;
    bool fine =
        handle_statement(p, rh_text_string(&p->statement), p->statement.length, p->statement_line, error);
    if (p->statement.length > RH_DUMP_HELD)
        rh_text_release(&p->statement);
    return fine;
}

/* ---- COPY ---- */

static bool end_copy(plain *p, rh_error *error)
{
    rh_error failure = {0};
    rh_pg_copy_place place;
    int64_t rows = rh_pg_copy_in_end(p->session, &place, &failure);
    p->copying = false;
    if (rows == p->copy_rows)
        return true;
    if (!rh_error_is_set(&failure))
        rh_error_set(&failure, RH_ERROR_BACKUP, "%lld rows were sent and %lld are there",
                     (long long)p->copy_rows, (long long)rows);
    (void)error;
    return failed(p, &p->copy_entry, "COPY t FROM stdin",
                  place.line > 0 ? p->copy_line + place.line - 1 : p->copy_line, &failure);
}

static bool handle_copy(plain *p, const rh_dump_piece *piece, rh_error *error)
{
    if (p->skipping || p->elsewhere)
        return true;
    if (piece->first)
        p->copy_line = piece->line;
    for (const char *at = piece->bytes, *end = at + piece->length;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        p->copy_rows++;
    rh_error failure = {0};
    if (!rh_pg_copy_in_put(p->session, piece->bytes, piece->length, &failure)) {
        rh_pg_copy_in_end(p->session, &(rh_pg_copy_place){0}, &failure);
        p->copying = false;
        return failed(p, &p->copy_entry, "COPY t FROM stdin", p->copy_line, &failure);
    }
    if (!piece->last)
        return true;
    p->copy_rows--; /* the line that ends them */
    return end_copy(p, error);
}

/* ---- psql's commands ---- */

/* \restrict and \unrestrict are psql's own guard. \connect would leave staging's database. */
static bool handle_command(plain *p, const rh_dump_piece *piece, rh_error *error)
{
    rh_dump_words words = {piece->bytes + piece->start, piece->bytes + piece->length};
    char name[RH_NAME_SIZE] = "";
    read_comments(p, piece->bytes, piece->start);
    rh_dump_words_skip(&words, "\\");
    if (rh_dump_words_skip(&words, "restrict") || rh_dump_words_skip(&words, "unrestrict"))
        return true;
    rh_dump_connect_name(&words, name);
    const char *database = p->r->facts->dumpall_database;
    rh_headings_finish(&p->headings, "");
    p->headings.entry = (rh_dump_entry){"", "", "", ""};
    if (database) {
        p->elsewhere = strcmp(database, name) != 0;
        return true;
    }
    if (*p->connected && strcmp(p->connected, name) != 0)
        return fail_at(p, piece->line, RH_ERROR_BACKUP,
                       "the dump goes on in a second database (\\connect): it is of several",
                       "dump the one to rehearse on with pg_dump", error);
    memcpy(p->connected, name, sizeof name);
    return true;
}

/* ---- the rows of a CSV export ---- */

/* Once: behind the last statement that shapes a table, unless some are to be retried at the end first. */
static bool load_rows(plain *p, rh_error *error)
{
    rh_restoring *r = p->r;
    bool not_yet = p->statements < r->rows_after || r->later_count > 0 || r->failed > 0 ||
                   rh_pg_transaction_state(p->session) != 'I';
    if (!r->facts->csv || r->rows_loaded || not_yet)
        return true;
    r->rows_loaded = true;
    return rh_restoring_have_extensions(r, error) && rh_csv_load(r, error);
}

static bool finish_rows(rh_restoring *r, rh_error *error)
{
    return !r->facts->csv || ((r->rows_loaded || rh_csv_load(r, error)) && rh_csv_settle(r, error));
}

static bool take(void *user, const rh_dump_piece *piece, rh_error *error)
{
    plain *p = user;
    switch (piece->kind) {
    case RH_DUMP_STATEMENT:
    case RH_DUMP_PART:
        p->statements += piece->last;
        return handle_part(p, piece, error) && (!piece->last || load_rows(p, error));
    case RH_DUMP_COMMAND:
        return handle_command(p, piece, error);
    case RH_DUMP_COPY_DATA:
        return handle_copy(p, piece, error);
    default:
        read_comments(p, piece->bytes, piece->length);
        return true;
    }
}

/* What was read counts as whole only with pg_dump's last line. */
static bool check_end(plain *p, rh_error *error)
{
    rh_headings_finish(&p->headings, "");
    if (rh_pg_transaction_state(p->session) == 'T')
        return fail_at(p, 0, RH_ERROR_BACKUP, "the dump ends inside a transaction that it began",
                       "it has a BEGIN without its COMMIT: make the dump again", error);
    bool pg_dump = p->headings.seen || (p->made == 0 && p->r->facts->dump_version);
    if (pg_dump && !p->headings.complete)
        return fail_at(
            p, 0, RH_ERROR_BACKUP,
            "the dump is truncated: it ends without pg_dump's last line (\"PostgreSQL database dump "
            "complete\")",
            "compare the file's size with the original's, or make the dump again", error);
    return true;
}

bool rh_restore_plain(rh_restoring *r, rh_error *error)
{
    plain p = {.r = r, .headings = rh_headings_of(&r->contents)};
    p.session = rh_pg_connect(r->target->conninfo, "restore", error);
    bool fine = p.session != NULL && (!r->facts->csv || rh_csv_rows_after(r->facts, &r->rows_after, error)) &&
                rh_dump_stream(r->facts, take, &p, r->progress, stage, error);
    if (p.copying)
        rh_pg_copy_in_end(p.session, &(rh_pg_copy_place){0}, &(rh_error){.code = RH_ERROR_INTERRUPTED});
    fine = rh_restoring_have_extensions(r, error) && fine && check_end(&p, error);
    rh_pg_close(p.session);
    rh_text_release(&p.statement);
    if (r->first_is_rows && p.headings.seen && r->contents.relation_count == 0) /* their tables are nowhere */
        return rh_restoring_check_contents(r, error);
    if (rh_error_is_set(error) || !rh_restoring_finish(r, error) || !fine || !finish_rows(r, error))
        return false;
    if (!p.headings.seen && p.made > 0) /* nothing is known of what it should hold */
        return rh_restoring_check_skips(r, error);
    return rh_restoring_check_contents(r, error);
}
