/* Plain SQL: a checked stream into psql. */
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/backup/database.h"
#include "pgrehearse/backup/dump_stream.h"
#include "pgrehearse/backup/restoring.h"
#include "pgrehearse/backup/statement.h"
#include "pgrehearse/base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char stage[] = "restore";

/* SPAN_COUNT: more statements than can be on their way to psql (our buffer, the pipe, its own buffer). */
enum { BATCH = 128 * 1024, SPAN_COUNT = 1 << 16, CONTEXT_SIZE = 200 };

/* Where a statement or a block of COPY data stands in the dump. */
typedef struct span {
    int64_t first, last;
    int64_t omitted; /* blank lines before it that psql did not get */
    bool copy;
} span;

typedef struct plain {
    rh_restoring *r;
    rh_process *psql;
    rh_text batch;
    bool restricted; /* psql's first line was \restrict */
    bool psql_ended;
    char connected[RH_NAME_SIZE]; /* the database of the first \connect */
    span *spans;                  /* a ring */
    size_t span_count;
    int64_t omitted;
    /* What psql said: */
    int64_t failed_line; /* as psql counts; 0: nothing */
    const char *message;
    int64_t copy_line; /* within the data, from 1; 0 unknown */
} plain;

bool rh_psql_can_restrict(const char *version_line)
{
    static const int least_minor[][2] = {{13, 22}, {14, 19}, {15, 14}, {16, 10}, {17, 6}};
    const char *p = strchr(version_line, ')');
    if (!p)
        return false;
    char *end;
    long major = strtol(p + 1, &end, 10);
    int minor = *end == '.' ? rh_leading_int(end + 1) : 0;
    for (size_t i = 0; i < sizeof least_minor / sizeof *least_minor; i++)
        if (major == least_minor[i][0])
            return minor >= least_minor[i][1];
    return major > 17;
}

/* "psql:<stdin>:12: ERROR:  message", "CONTEXT:  COPY t, line 3, …" */
static void hear(void *user, const char *line)
{
    static const char prefix[] = "psql:<stdin>:", context[] = "CONTEXT:  COPY ";
    plain *p = user;
    if (rh_starts_with(line, prefix) && !p->message) {
        const char *at = line + sizeof prefix - 1, *error = strstr(at, "ERROR:  ");
        if (!error)
            error = strstr(at, "FATAL:  ");
        const char *own = strstr(at, ": error: ");
        if (error || own) {
            p->failed_line = strtoll(at, NULL, 10);
            p->message = rh_arena_strdup(p->r->arena, error ? error + 8 : own + 9);
        }
    } else if (rh_starts_with(line, "psql: error: ") && !p->message) {
        p->message = rh_arena_strdup(p->r->arena, line + sizeof "psql: error: " - 1);
    } else if (rh_starts_with(line, context) && p->message && p->copy_line == 0) {
        const char *number = strstr(line, ", line ");
        p->copy_line = number ? strtoll(number + 7, NULL, 10) : 0;
    }
}

/* ---- to psql ---- */

static bool flush(plain *p, const char *bytes, size_t length, rh_error *error)
{
    rh_error own = {0};
    bool fine = (p->batch.length == 0 || rh_process_write(p->psql, p->batch.data, p->batch.length, &own)) &&
                (length == 0 || rh_process_write(p->psql, bytes, length, &own));
    rh_text_clear(&p->batch);
    if (fine)
        return true;
    if (own.code == RH_ERROR_IO) { /* psql has ended: it says why, and that is the error */
        p->psql_ended = true;
        rh_error_release(&own);
    } else {
        rh_error_move(error, &own);
    }
    return false;
}

static bool forward(plain *p, const rh_dump_piece *piece, rh_error *error)
{
    bool copy = piece->kind == RH_DUMP_COPY_DATA;
    if (piece->first) {
        p->spans[p->span_count++ % SPAN_COUNT] = (span){piece->line, piece->end_line, p->omitted, copy};
    } else if (p->span_count > 0) {
        p->spans[(p->span_count - 1) % SPAN_COUNT].last = piece->end_line;
    }
    if (piece->length >= BATCH)
        return flush(p, piece->bytes, piece->length, error);
    rh_text_append_bytes(&p->batch, piece->bytes, piece->length);
    return p->batch.length < BATCH || flush(p, NULL, 0, error);
}

/* Leaves it out, but keeps its line breaks: psql's line numbers stay the dump's, but for floods of blank
 * lines. */
static bool drop(plain *p, const rh_dump_piece *piece)
{
    enum { MOST_BLANK = 1000 };
    int64_t kept = 0;
    for (size_t i = 0; i < piece->length; i++) {
        if (piece->bytes[i] != '\n')
            continue;
        if (kept++ < MOST_BLANK)
            rh_text_append_char(&p->batch, '\n');
        else
            p->omitted++;
    }
    return true;
}

static bool drop_because(plain *p, const rh_dump_piece *piece, const char *what, const char *name,
                         const char *why)
{
    rh_restoring_skip(p->r, rh_arena_printf(p->r->arena, "%s%s%s", what, *name ? " " : "", name), why);
    return drop(p, piece);
}

/* ---- what to do with a statement ---- */

static bool fail_at(plain *p, const rh_dump_piece *piece, rh_error_code code, const char *message,
                    const char *hint, rh_error *error)
{
    rh_error_set(error, code, "%s", message);
    rh_error_hint(error, "%s", hint);
    return rh_error_at(error, p->r->facts->path, (int)piece->line, 0);
}

static bool take_set(plain *p, const rh_dump_piece *piece, const rh_dump_statement *statement,
                     rh_error *error)
{
    bool tablespace = strcmp(statement->name, "default_tablespace") == 0 && *statement->value;
    if (tablespace && !rh_names_have(&p->r->tablespaces, statement->value))
        return drop_because(p, piece, "tablespace", statement->value,
                            "it does not exist in staging: the default one is used");
    if (!rh_restoring_knows_setting(p->r, statement->name, error))
        return !rh_error_is_set(error) &&
               drop_because(p, piece, "setting", statement->name, "staging's PostgreSQL does not know it");
    return forward(p, piece, error);
}

/* CREATE ROLE and the like, of a pg_dumpall. */
static bool take_role(plain *p, const rh_dump_piece *piece, const rh_dump_statement *statement,
                      rh_error *error)
{
    bool exists = rh_names_have(&p->r->roles, statement->name);
    bool create = statement->kind == RH_STATEMENT_ROLE;
    if (!p->r->target->create_roles)
        return drop_because(p, piece, "role", statement->name, "staging's roles are not ours to change");
    if (create == exists)
        return drop_because(p, piece, "role", statement->name,
                            exists ? "it exists already" : "it does not exist in staging");
    if (create)
        rh_names_add(&p->r->roles, p->r->arena, statement->name);
    return forward(p, piece, error);
}

/* Roles that the statement needs: made, or the statement is left out. */
static bool take_with_roles(plain *p, const rh_dump_piece *piece, const rh_dump_statement *statement,
                            rh_error *error)
{
    bool all = true;
    for (size_t i = 0; i < statement->role_count; i++) {
        all = rh_restoring_role(p->r, statement->roles[i], error) && all;
        if (rh_error_is_set(error))
            return false;
    }
    if (all)
        return forward(p, piece, error);
    if (statement->only_roles)
        return drop(p, piece); /* the role itself is noted */
    return drop_because(p, piece, "a statement at line",
                        rh_arena_printf(p->r->arena, "%lld", (long long)piece->line),
                        "it needs a role that does not exist in staging");
}

static bool take_statement(plain *p, const rh_dump_piece *piece, rh_error *error)
{
    rh_restoring *r = p->r;
    rh_dump_statement statement;
    rh_dump_statement_read(piece->bytes + piece->start, piece->length - piece->start, &statement);
    const char *name = statement.name;
    switch (statement.kind) {
    case RH_STATEMENT_SET:
        return take_set(p, piece, &statement, error);
    case RH_STATEMENT_DATABASE: /* known before the restore: rh_database_read_plain */
        return drop(p, piece);
    case RH_STATEMENT_DATABASE_GRANT:
        rh_database_note(&r->facts->database, piece->bytes + piece->start, piece->length - piece->start,
                         r->arena);
        return drop(p, piece);
    case RH_STATEMENT_ROLE:
    case RH_STATEMENT_ROLE_CHANGE:
        return take_role(p, piece, &statement, error);
    case RH_STATEMENT_SCHEMA:
        if (rh_names_have(&r->schemas, name))
            return drop_because(p, piece, "CREATE SCHEMA", name, "it exists already");
        break;
    case RH_STATEMENT_LANGUAGE:
        if (rh_names_have(&r->languages, name))
            return drop_because(p, piece, "CREATE LANGUAGE", name, "it exists already");
        break;
    case RH_STATEMENT_EXTENSION:
        if (rh_names_have(&r->extensions, name))
            return drop_because(p, piece, "CREATE EXTENSION", name, "it exists already");
        if (!rh_restoring_extension(r, name, error))
            return rh_error_at(error, r->facts->path, (int)piece->line, 0);
        break;
    case RH_STATEMENT_EXTENSION_COMMENT:
        if (!r->target->create_roles && rh_names_have(&r->extensions, name))
            return drop_because(p, piece, "COMMENT ON EXTENSION", name, "it belongs to the server");
        break;
    case RH_STATEMENT_SUBSCRIPTION:
        if (!statement.not_enabled)
            return fail_at(p, piece, RH_ERROR_REFUSED, "the dump has a subscription that connects at once",
                           "pg_dump writes them WITH (connect = false); take it out", error);
        break;
    case RH_STATEMENT_SYSTEM:
        return fail_at(p, piece, RH_ERROR_REFUSED, "the dump changes the server's settings (ALTER SYSTEM)",
                       "pg_dump never writes that: where does this backup come from?", error);
    case RH_STATEMENT_TABLESPACE:
        return drop_because(p, piece, "tablespace", name, "staging keeps everything in its own directory");
    default:
        break;
    }
    return take_with_roles(p, piece, &statement, error);
}

/* \restrict and \unrestrict are psql's own guard; ours is already on. \connect would leave staging's
 * database. */
static bool take_command(plain *p, const rh_dump_piece *piece, rh_error *error)
{
    rh_words words = {piece->bytes + piece->start, piece->bytes + piece->length};
    rh_word word;
    char name[RH_NAME_SIZE] = "";
    rh_words_skip(&words, "\\");
    if (rh_words_skip(&words, "restrict") || rh_words_skip(&words, "unrestrict"))
        return drop(p, piece);
    rh_words_next(&words, &word);      /* connect */
    while (rh_words_skip(&words, "-")) /* -reuse-previous=on "dbname='x'" */
        while (rh_words_next(&words, &word) && !rh_word_is(&word, "on") && !rh_word_is(&word, "off"))
            ;
    rh_words_name(&words, NULL, name);
    if (*p->connected && strcmp(p->connected, name) != 0)
        return fail_at(p, piece, RH_ERROR_BACKUP,
                       "the dump goes on in a second database (\\connect): it is of several",
                       "dump the one to rehearse on with pg_dump", error);
    memcpy(p->connected, name, sizeof name);
    return drop(p, piece);
}

static bool take(void *user, const rh_dump_piece *piece, rh_error *error)
{
    plain *p = user;
    switch (piece->kind) {
    case RH_DUMP_STATEMENT:
        return take_statement(p, piece, error);
    case RH_DUMP_COMMAND:
        return take_command(p, piece, error);
    case RH_DUMP_REST:
        return drop(p, piece) && (p->batch.length < BATCH || flush(p, NULL, 0, error));
    default:
        return forward(p, piece, error);
    }
}

/* ---- psql itself ---- */

static bool start_psql(plain *p, rh_error *error)
{
    rh_restoring *r = p->r;
    const char *program = rh_arena_printf(r->arena, "%s/psql", r->target->bindir);
    const char *ask[] = {program, "--version", NULL};
    const char *argv[] = {
        program,    "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--output=/dev/null",
        "--file=-", NULL};
    rh_process_options options = {.argv = ask, .no_exec = true, .no_network = true};
    rh_text version = {0};
    if (!rh_process_run(&options, 10 * RH_SECOND, &version, error))
        return false;
    p->restricted = rh_psql_can_restrict(rh_text_string(&version));
    rh_text_release(&version);
    options = (rh_process_options){.argv = argv,
                                   .environment = r->environment,
                                   .directory = "/",
                                   .write_input = true,
                                   .no_exec = true,
                                   .no_network = rh_pg_is_unix_socket(r->pg),
                                   .uid = r->target->uid,
                                   .gid = r->target->gid};
    p->psql = rh_process_start(&options, error);
    if (!p->psql)
        return false;
    rh_process_on_line(p->psql, hear, p);
    if (p->restricted) { /* the second line of defence: psql itself refuses commands */
        unsigned char key[16];
        if (getrandom(key, sizeof key, 0) != sizeof key)
            return rh_error_set(error, RH_ERROR_INTERNAL, "the system gives no random numbers");
        rh_text_append(&p->batch, "\\restrict ");
        for (size_t i = 0; i < sizeof key; i++)
            rh_text_printf(&p->batch, "%02x", key[i]);
        rh_text_append(&p->batch, "\n");
    }
    return true;
}

/* The line of the dump that psql's LINE is about: the beginning of the statement, or the row of COPY data. */
static int64_t dump_line(const plain *p, int64_t line)
{
    line -= p->restricted;
    size_t oldest = p->span_count > SPAN_COUNT ? p->span_count - SPAN_COUNT : 0;
    for (size_t i = p->span_count; i > oldest; i--) {
        const span *s = &p->spans[(i - 1) % SPAN_COUNT];
        int64_t at = line + s->omitted;
        if (s->first > at || s->last < at || (p->copy_line > 0 && !s->copy))
            continue;
        return s->copy && p->copy_line > 0 ? s->first + p->copy_line - 1 : s->first;
    }
    return line + p->omitted;
}

/* psql has failed: its own words, at the dump's line. */
static bool tell(plain *p, int status, rh_error *error)
{
    const char *message = p->message ? p->message : "psql ended without a word";
    int64_t line = p->failed_line > 0 ? dump_line(p, p->failed_line) : 0;
    rh_error_set(error, rh_restore_failure_code(message), "the dump could not be restored: %s%s",
                 rh_restore_redact(message, p->r->arena),
                 p->message ? "" : rh_arena_printf(p->r->arena, " (status %d)", status));
    rh_error_hint(error, "what came before that line was restored; nothing of it is used");
    return rh_error_at(error, p->r->facts->path, (int)line, 0);
}

bool rh_restore_plain(rh_restoring *r, rh_error *error)
{
    plain p = {.r = r};
    int status = 0;
    p.spans = rh_alloc(SPAN_COUNT * sizeof *p.spans);
    bool fine = start_psql(&p, error) && rh_dump_stream(r->facts, take, &p, r->progress, stage, error) &&
                flush(&p, NULL, 0, error);
    if (fine || p.psql_ended) {
        rh_process_close_input(p.psql);
        fine = rh_process_wait(p.psql, 0, &status, error) &&
               ((status == 0 && !p.psql_ended) || tell(&p, status, error));
    }
    rh_process_free(p.psql); /* a dump that is refused or cut is not ended gracefully: psql is killed */
    rh_text_release(&p.batch);
    free(p.spans);
    return fine;
}
