/* Restores pg_dump's custom, directory and tar formats with pg_restore. */
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "dump_lexer.h"
#include "restoring.h"
#include "statement.h"
#include "toc.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

static const char stage[] = "restore";
enum { COMMAND_SIZE = 400, MOST_ENTRY = 400 };

/* What pg_restore says, line by line. */
typedef struct account {
    rh_restoring *r;
    rh_toc toc;
    int64_t done, total;
    size_t errors;
    const rh_toc_entry *entry; /* of the last "from TOC entry"; NULL: none */
    bool pending;              /* a failure is being reported: */
    char *message;             /* the server's, or pg_restore's */
    char command[COMMAND_SIZE];
    int64_t copy_line;
    rh_text list; /* for --use-list; empty: everything */
    rh_text code; /* what a failure may name (code_of) */
} account;

/* The code of the definitions, made when something fails for the first time. */
static const char *code_of(account *a)
{
    enum { MOST_BYTES = 4 << 20 };
    bool made = a->code.length > 0;
    for (size_t i = 0; !made && i < a->toc.entry_count && a->code.length < MOST_BYTES; i++) {
        rh_text_printf(&a->code, "%s ", a->toc.entries[i].tag);
        rh_redact_code(a->toc.entries[i].definition, &a->code);
    }
    return rh_text_string(&a->code);
}

static rh_dump_entry entry_of(const rh_toc_entry *entry)
{
    return entry ? (rh_dump_entry){entry->desc, entry->schema, entry->tag, entry->owner}
                 : (rh_dump_entry){"", "", "", ""};
}

/* pg_restore reports no SQLSTATE; that of a syntax error is known where our own parser finds one, too. */
static const char *sqlstate_of(const rh_toc_entry *entry)
{
    char fingerprint[17];
    return entry && *entry->definition && !rh_sql_fingerprint(entry->definition, fingerprint) ? "42601" : "";
}

/* The failure that was being reported is complete. */
static void settle(account *a)
{
    rh_restoring *r = a->r;
    if (!a->pending)
        return;
    rh_dump_entry entry = entry_of(a->entry);
    rh_dump_statement statement;
    rh_dump_statement_read(a->command, strlen(a->command), &statement);
    bool rows = rh_restore_moves_rows(&entry, &statement);
    rh_error failure = {0};
    rh_error_set(&failure, rh_restore_failure_code(a->message), "%s%s",
                 a->copy_line ? rh_arena_printf(r->arena, "row %lld: ", (long long)a->copy_line) : "",
                 rh_restore_redact(a->message, code_of(a), rows, r->arena));
    const char *sqlstate = sqlstate_of(a->entry);
    if (*sqlstate)
        rh_error_sqlstate(&failure, sqlstate);
    rh_failure_kind meaning = failure.code != RH_ERROR_BACKUP
                                  ? RH_FAILURE_FINAL
                                  : rh_restore_failure(r, &entry, &statement, sqlstate);
    /* What failed may be the whole definition, of which the command is the beginning, or one of its last
     * parts. */
    bool whole = a->entry && *a->entry->definition && meaning == RH_FAILURE_RETRY;
    if (rows || meaning != RH_FAILURE_HARMLESS || *a->command == 0)
        rh_restoring_failed(r, &entry, whole ? a->entry->definition : a->command, 0, &failure);
    else
        rh_restoring_skip(r, rh_dump_entry_name(&entry, r->arena), failure.message);
    rh_error_release(&failure);
    free(a->message);
    a->message = NULL;
    a->pending = false;
    a->entry = NULL;
    a->command[0] = 0;
    a->copy_line = 0;
}

static void on_line(void *user, const char *line)
{
    static const char from[] = "pg_restore: from TOC entry ",
                      error[] = "pg_restore: error: ", command[] = "Command was: ", context[] = "CONTEXT:  ";
    account *a = user;
    if (rh_starts_with(line, from)) {
        settle(a);
        a->entry = rh_toc_find(&a->toc, strtoll(line + sizeof from - 1, NULL, 10));
    } else if (rh_starts_with(line, error)) {
        const rh_toc_entry *entry = a->entry;
        settle(a);
        const char *message = line + sizeof error - 1, *server = strstr(message, "ERROR:  ");
        a->entry = entry;
        a->pending = true;
        a->message = rh_strdup(server ? server + 8 : message);
        a->errors++;
    } else if (rh_starts_with(line, command) && a->pending) {
        strncpy(a->command, line + sizeof command - 1, COMMAND_SIZE - 1);
    } else if (a->pending && rh_starts_with(line + (rh_starts_with(line, context) ? sizeof context - 1 : 0),
                                            "COPY ")) { /* of its lines, the outermost is the last */
        const char *number = strchr(line, ',');
        number = number ? number + strcspn(number, "0123456789:") : "";
        a->copy_line = strtoll(number, NULL, 10);
    } else if (rh_starts_with(line, "pg_restore: creating ") ||
               rh_starts_with(line, "pg_restore: executing ") ||
               rh_starts_with(line, "pg_restore: processing data for ")) {
        a->done++;
        rh_progress_update(a->r->progress, stage, line + sizeof "pg_restore: " - 1, a->done, a->total,
                           RH_UNIT_ITEMS);
    }
}

/* ---- before: what the table of contents asks for ---- */

static bool refuse(const rh_restoring *r, const rh_toc_entry *entry, const char *what, rh_error *error)
{
    rh_error_set(error, RH_ERROR_REFUSED, "the backup's entry %s %s has %s", entry->desc, entry->tag, what);
    rh_error_hint(error, "pg_dump does not write such an entry: where does this backup come from?");
    return rh_error_at(error, r->facts->path, 0, 0);
}

/* Looks for what reaches out of the database among the statements of one entry: WHAT it has. */
static bool note_danger(void *user, const rh_dump_piece *piece, rh_error *error)
{
    const char **what = user;
    rh_dump_statement statement;
    (void)error;
    rh_dump_statement_read(piece->bytes + piece->start, piece->length - piece->start, &statement);
    if (statement.kind == RH_STATEMENT_SUBSCRIPTION && !statement.not_enabled)
        *what = "a subscription that connects at once";
    else if (statement.kind == RH_STATEMENT_SYSTEM)
        *what = "a change of the server's settings (ALTER SYSTEM)";
    else if (statement.kind == RH_STATEMENT_TABLESPACE)
        *what = "a tablespace";
    else if (statement.kind == RH_STATEMENT_ROLE || statement.kind == RH_STATEMENT_ROLE_CHANGE)
        *what = "a role";
    return true;
}

static bool check_entry(const rh_restoring *r, const rh_toc_entry *entry, rh_error *error)
{
    rh_dump_statement statement;
    if (*entry->copy_statement) {
        rh_dump_statement_read(entry->copy_statement, strlen(entry->copy_statement), &statement);
        if (statement.kind != RH_STATEMENT_COPY_IN)
            return refuse(r, entry, "a COPY that is not from the backup itself", error);
    }
    static const char *const words[] = {"copy", "subscription", "system", "tablespace",
                                        "role", "user",         "group"};
    bool suspicious = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        suspicious = suspicious || strcasestr(entry->definition, words[i]);
    if (!suspicious)
        return true;
    rh_error found = {0};
    const char *what = NULL;
    rh_dump_lexer *lexer = rh_dump_lexer_new(r->facts->path, note_danger, &what);
    rh_dump_lexer_feed(lexer, entry->definition, strlen(entry->definition), &found);
    rh_dump_lexer_feed(lexer, "\n;", 2, &found);
    rh_dump_lexer_free(lexer);
    bool copies = rh_error_is_set(&found);
    rh_error_release(&found);
    if (copies)
        return refuse(r, entry, "a COPY of a file or a program, or text that cannot be read safely", error);
    return !what || refuse(r, entry, what, error);
}

/* Every role that the entry needs; *MISSING when one will not be there. */
static bool check_roles(rh_restoring *r, const rh_toc_entry *entry, bool *missing, rh_error *error)
{
    bool acl = strstr(entry->desc, "ACL") || strcmp(entry->desc, "POLICY") == 0 ||
               strcmp(entry->desc, "USER MAPPING") == 0;
    if (*entry->owner && !rh_restoring_role(r, entry->owner, error))
        *missing = true;
    /* An entry's privileges are several statements; each is read by itself. */
    const char *at = acl ? entry->definition : "", *end;
    for (; *at && !rh_error_is_set(error); at = end) {
        rh_dump_statement statement;
        end = strstr(at, ";\n");
        end = end ? end + 2 : at + strlen(at);
        rh_dump_statement_read(at, (size_t)(end - at), &statement);
        for (size_t i = 0; i < statement.role_count; i++)
            if (!rh_restoring_role(r, statement.roles[i], error))
                *missing = true;
    }
    return !rh_error_is_set(error);
}

static bool is_setting(const rh_toc_entry *entry)
{
    return strcmp(entry->desc, "ENCODING") == 0 || strcmp(entry->desc, "STDSTRINGS") == 0 ||
           strcmp(entry->desc, "SEARCHPATH") == 0 || strncmp(entry->desc, "DATABASE", 8) == 0;
}

/* One entry that is restored. */
static bool prepare_entry(rh_restoring *r, const rh_toc_entry *entry, bool *no_owner, rh_error *error)
{
    rh_dump_statement statement;
    if (strcmp(entry->desc, "EXTENSION") == 0) {
        rh_dump_statement_read(entry->definition, strlen(entry->definition), &statement);
        if (!rh_restoring_extension(r, entry->tag, statement.schema, error))
            return false;
    }
    return check_entry(r, entry, error) && (is_setting(entry) || check_roles(r, entry, no_owner, error));
}

/* A schema that the archive makes itself is not made for an extension. */
static void note_schemas(rh_restoring *r, const rh_toc *toc, rh_names *own)
{
    for (size_t i = 0; i < toc->entry_count; i++)
        if (strcmp(toc->entries[i].desc, "SCHEMA") == 0 && !rh_names_have(&r->schemas, toc->entries[i].tag)) {
            rh_names_add(own, r->arena, toc->entries[i].tag);
            rh_names_add(&r->schemas, r->arena, toc->entries[i].tag);
        }
}

static bool prepare(rh_restoring *r, account *a, bool *no_owner, rh_error *error)
{
    rh_error own = {0};
    rh_names schemas = {0};
    bool skips = r->target->skip_count > 0;
    if (!rh_toc_read_path(r->facts->path, r->arena, &a->toc, error))
        return false;
    r->hidden = rh_toc_hidden_relations(&a->toc, r->arena);
    note_schemas(r, &a->toc, &schemas);
    for (size_t i = 0; i < a->toc.entry_count && !rh_error_is_set(&own); i++) {
        const rh_toc_entry *entry = &a->toc.entries[i];
        rh_dump_entry listed = entry_of(entry);
        rh_contents_add(&r->contents, &listed, entry->definition);
        if (strcmp(entry->desc, "ENCODING") == 0)
            r->encoding = entry->definition;
        if (!is_setting(entry) && rh_restoring_excludes(r, &listed, entry->definition))
            continue;
        if (skips)
            rh_text_printf(&a->list, "%lld;\n", (long long)entry->id);
        a->total += !is_setting(entry);
        prepare_entry(r, entry, no_owner, &own);
    }
    for (size_t i = 0; i < schemas.count; i++)
        rh_names_forget(&r->schemas, schemas.names[i]);
    if (!rh_error_is_set(&own) && rh_restoring_have_extensions(r, &own))
        rh_restoring_check_contents(r, &own);
    bool fine = !rh_error_is_set(&own);
    if (!fine)
        rh_error_move(error, &own);
    return fine;
}

/* ---- after: what failed, and whether it matters ---- */

static bool judge(account *a, int status, const char *errors, rh_error *error)
{
    rh_restoring *r = a->r;
    settle(a);
    if (status > 1)
        rh_error_set(error, RH_ERROR_BACKUP, "pg_restore ended with status %d", status);
    else if (status == 1 && a->errors == 0)
        rh_error_set(error, RH_ERROR_BACKUP, "pg_restore failed: %s",
                     rh_restore_redact(*errors ? errors : "no message", code_of(a), false, r->arena));
    if (r->failed == 0 && rh_error_is_set(error))
        return rh_error_at(error, r->facts->path, 0, 0);
    rh_error_release(error);
    return rh_restoring_finish(r, error);
}

/* Parallel jobs load tables in no fixed order. Where that may decide, it is the archive's. */
static int jobs_of(const rh_restoring *r, const rh_toc *toc)
{
    const rh_toc_entry *entry;
    if (r->target->jobs <= 1)
        return 1;
    if (r->facts->shape == RH_SHAPE_PGDUMP_TAR) {
        rh_progress_note(r->progress, stage,
                         "pg_restore reads tar archives with one job only; custom and directory formats "
                         "restore in parallel");
        return 1;
    }
    if (!(entry = rh_toc_order_matters(toc, r->arena)))
        return r->target->jobs;
    rh_progress_note(
        r->progress, stage,
        "one job restores: %s calls a function for each row, which may need the rows of another "
        "table",
        rh_dump_entry_name(&(rh_dump_entry){entry->desc, entry->schema, entry->tag, ""}, r->arena));
    return 1;
}

static const char **arguments(rh_restoring *r, const account *a, bool no_owner, rh_error *error)
{
    const int jobs = jobs_of(r, &a->toc);
    char *dbname = NULL;
    for (size_t i = 0; r->environment[i]; i++)
        if (rh_starts_with(r->environment[i], "PGDATABASE="))
            dbname =
                rh_pg_conninfo_with("", 1, (const char *[]){"dbname"},
                                    (const char *[]){r->environment[i] + sizeof "PGDATABASE=" - 1}, error);
    const char **argv = rh_arena_alloc(r->arena, 16 * sizeof *argv);
    size_t n = 0;
    argv[n++] = r->target->pg_restore;
    argv[n++] = rh_arena_printf(r->arena, "--dbname=%s", dbname ? dbname : "");
    argv[n++] = "--verbose";
    argv[n++] = "--no-password";
    argv[n++] = "--no-tablespaces";
    if (jobs > 1)
        argv[n++] = rh_arena_printf(r->arena, "--jobs=%d", jobs);
    if (no_owner) {
        argv[n++] = "--no-owner";
        argv[n++] = "--no-acl";
    }
    if (a->list.length)
        argv[n++] = "--use-list=/dev/stdin";
    argv[n++] = r->facts->path;
    argv[n] = NULL;
    free(dbname);
    return argv;
}

bool rh_restore_archive(rh_restoring *r, rh_error *error)
{
    account a = {.r = r};
    bool no_owner = false;
    if (!prepare(r, &a, &no_owner, error)) {
        rh_text_release(&a.list);
        rh_text_release(&a.code);
        return false;
    }
    rh_process_options options = {.argv = arguments(r, &a, no_owner, error),
                                  .environment = r->environment,
                                  .write_input = a.list.length > 0,
                                  .no_exec = true,
                                  .no_network = rh_pg_is_unix_socket(r->pg)};
    int status = 0;
    rh_process *process = rh_process_start(&options, error);
    if (process)
        rh_process_on_line(process, on_line, &a);
    if (process && a.list.length) {
        rh_process_write(process, a.list.data, a.list.length, NULL); /* when it has gone, it says why */
        rh_process_close_input(process);
    }
    bool fine = process && rh_process_wait(process, 0, &status, error) &&
                judge(&a, status, rh_process_errors(process), error);
    rh_process_free(process);
    rh_text_release(&a.list);
    rh_text_release(&a.code);
    free(a.message);
    return fine;
}
