/* pg_dump's own formats, through pg_restore. */
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/backup/dump_lexer.h"
#include "pgrehearse/backup/restoring.h"
#include "pgrehearse/backup/statement.h"
#include "pgrehearse/backup/toc.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

static const char stage[] = "restore";
enum { MOST_FAILURES = 1000, COMMAND_SIZE = 400 };

/* One failure that pg_restore told. */
typedef struct failure {
    const char *entry;   /* "SCHEMA public", NULL: not about one */
    const char *message; /* the server's, or pg_restore's */
    char command[COMMAND_SIZE];
} failure;

/* What pg_restore says, line by line. */
typedef struct account {
    rh_restoring *r;
    int64_t done, total;
    const char *entry; /* of the last "from TOC entry" */
    failure *failures;
    size_t count;
} account;

/* "6; 2615 2200 SCHEMA - public postgres" → "SCHEMA public": without the ids, the missing schema and the
 * owner. */
static const char *entry_name(const char *line, rh_arena *arena)
{
    const char *p = strchr(line, ';');
    for (int i = 0; p && i < 3; i++) {
        p = strchr(p, ' ');
        p = p ? p + 1 : NULL;
    }
    if (!p)
        return rh_arena_strdup(arena, line);
    char *name = rh_arena_strdup(arena, p), *owner = strrchr(name, ' ');
    if (owner)
        *owner = 0;
    char *no_schema = strstr(name, " - ");
    if (no_schema)
        memmove(no_schema + 1, no_schema + 3, strlen(no_schema + 3) + 1);
    return name;
}

static void hear(void *user, const char *line)
{
    static const char from[] = "pg_restore: from TOC entry ",
                      error[] = "pg_restore: error: ", command[] = "Command was: ";
    account *a = user;
    rh_arena *arena = a->r->arena;
    if (rh_starts_with(line, from)) {
        a->entry = entry_name(line + sizeof from - 1, arena);
    } else if (rh_starts_with(line, error) && a->count < MOST_FAILURES) {
        failure *added = rh_arena_add(arena, &a->failures, &a->count, sizeof *added);
        const char *message = line + sizeof error - 1, *server = strstr(message, "ERROR:  ");
        added->entry = a->entry;
        added->message = rh_arena_strdup(arena, server ? server + 8 : message);
        a->entry = NULL;
    } else if (rh_starts_with(line, command) && a->count > 0) {
        strncpy(a->failures[a->count - 1].command, line + sizeof command - 1, COMMAND_SIZE - 1);
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

static bool prepare(rh_restoring *r, account *a, bool *no_owner, rh_error *error)
{
    rh_toc toc;
    rh_error own = {0};
    if (!rh_toc_read_path(r->facts->path, r->arena, &toc, error))
        return false;
    for (size_t i = 0; i < toc.entry_count && !rh_error_is_set(&own); i++) {
        const rh_toc_entry *entry = &toc.entries[i];
        bool silent = strcmp(entry->desc, "ENCODING") == 0 || strcmp(entry->desc, "STDSTRINGS") == 0 ||
                      strcmp(entry->desc, "SEARCHPATH") == 0 || strncmp(entry->desc, "DATABASE", 8) == 0;
        a->total += !silent;
        if (strcmp(entry->desc, "EXTENSION") == 0 && !rh_restoring_extension(r, entry->tag, &own))
            break;
        if (!check_entry(r, entry, &own) || (!silent && !check_roles(r, entry, no_owner, &own)))
            break;
    }
    bool fine = !rh_error_is_set(&own);
    if (!fine)
        rh_error_move(error, &own);
    return fine;
}

/* ---- after: what failed, and whether it matters ---- */

static bool judge(rh_restoring *r, const account *a, int status, const char *errors, rh_error *error)
{
    const failure *first = NULL;
    size_t real = 0;
    for (size_t i = 0; i < a->count; i++) {
        const failure *f = &a->failures[i];
        const char *message = rh_restore_redact(f->message, r->arena);
        if (f->entry && rh_restore_failure_is_harmless(f->message, f->command)) {
            rh_restoring_skip(r, f->entry, message);
        } else {
            real++;
            first = first ? first : f;
        }
    }
    if (!first && status > 1) {
        rh_error_set(error, RH_ERROR_BACKUP, "pg_restore ended with status %d: %s", status,
                     rh_restore_redact(errors, r->arena));
        return rh_error_at(error, r->facts->path, 0, 0);
    }
    if (!first && status == 1 && a->count == 0) {
        const char *last = strrchr(errors, '\n') ? errors : "no message";
        rh_error_set(error, RH_ERROR_BACKUP, "pg_restore failed: %s", rh_restore_redact(last, r->arena));
        return rh_error_at(error, r->facts->path, 0, 0);
    }
    if (!first)
        return true;
    const char *message = rh_restore_redact(first->message, r->arena);
    if (first->entry)
        rh_error_set(error, rh_restore_failure_code(first->message), "could not restore %s: %s", first->entry,
                     message);
    else
        rh_error_set(error, rh_restore_failure_code(first->message), "pg_restore failed: %s", message);
    if (real > 1)
        rh_error_hint(error, "%zu more failed after it; the first is the one to look at", real - 1);
    return rh_error_at(error, r->facts->path, 0, 0);
}

bool rh_restore_archive(rh_restoring *r, rh_error *error)
{
    account a = {.r = r};
    bool no_owner = false, tar = r->facts->shape == RH_SHAPE_PGDUMP_TAR;
    if (!prepare(r, &a, &no_owner, error))
        return false;
    if (tar && r->target->jobs > 1)
        rh_progress_note(r->progress, stage,
                         "pg_restore reads tar archives with one job only; custom and directory formats "
                         "restore in parallel");
    char *dbname = NULL;
    for (size_t i = 0; r->environment[i]; i++)
        if (rh_starts_with(r->environment[i], "PGDATABASE="))
            dbname =
                rh_pg_conninfo_with("", 1, (const char *[]){"dbname"},
                                    (const char *[]){r->environment[i] + sizeof "PGDATABASE=" - 1}, error);
    const char *argv[16];
    size_t n = 0;
    argv[n++] = rh_arena_printf(r->arena, "%s/pg_restore", r->target->bindir);
    argv[n++] = rh_arena_printf(r->arena, "--dbname=%s", dbname ? dbname : "");
    argv[n++] = "--verbose";
    argv[n++] = "--no-password";
    argv[n++] = "--no-tablespaces";
    if (!tar)
        argv[n++] = rh_arena_printf(r->arena, "--jobs=%d", r->target->jobs > 0 ? r->target->jobs : 1);
    if (no_owner) {
        argv[n++] = "--no-owner";
        argv[n++] = "--no-acl";
    }
    argv[n++] = r->facts->path;
    argv[n] = NULL;
    free(dbname);
    rh_process_options options = {.argv = argv,
                                  .environment = r->environment,
                                  .no_exec = true,
                                  .no_network = rh_pg_is_unix_socket(r->pg)};
    int status = 0;
    rh_process *process = rh_process_start(&options, error);
    if (process)
        rh_process_on_line(process, hear, &a);
    bool fine = process && rh_process_wait(process, 0, &status, error) &&
                judge(r, &a, status, rh_process_errors(process), error);
    rh_process_free(process);
    return fine;
}
