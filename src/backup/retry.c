/* Statements of the backup that failed: recorded, retried at the end, or counted. */
#include "dump_stream.h"
#include "restoring.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_LATER = 10000, MOST_NAMED = 10 };

static const char *name_of(rh_restoring *r, const rh_dump_entry *entry, int line)
{
    return *entry->desc ? rh_dump_entry_name(entry, r->arena)
                        : rh_arena_printf(r->arena, "the statement at line %d", line);
}

static bool is_final(rh_error_code code)
{
    return code != RH_ERROR_SQL && code != RH_ERROR_BACKUP;
}

void rh_restoring_count_failure(rh_restoring *r, const rh_dump_entry *entry, bool rows, int line,
                                rh_error *failure)
{
    const char *name = name_of(r, entry, line);
    if (*entry->desc && r->failed < MOST_NAMED)
        rh_text_printf(&r->failed_names, "%s\"%s\"", r->failed_names.length ? ", " : "", name);
    /* Rows fail when their table did: the definition is the cause. */
    if (r->failed++ == 0 || (r->first_is_rows && !rows)) {
        r->first_is_rows = rows;
        r->first_entry = *entry;
        rh_error_move(&r->first_failure, failure);
        if (r->first_failure.code == RH_ERROR_SQL)
            r->first_failure.code = RH_ERROR_BACKUP;
        rh_error_context(&r->first_failure, "could not restore %s", name);
        rh_error_at(&r->first_failure, rh_dump_path(r->facts), line, 0);
    }
    rh_error_release(failure);
}

void rh_restoring_failed(rh_restoring *r, const rh_dump_entry *entry, const char *sql, int line,
                         rh_error *failure)
{
    rh_dump_statement statement;
    rh_dump_statement_read(sql, strlen(sql), &statement);
    rh_failure_kind meaning = is_final(failure->code)
                                  ? RH_FAILURE_FINAL
                                  : rh_restore_failure(r, entry, &statement, failure->sqlstate);
    if (meaning == RH_FAILURE_HARMLESS) {
        rh_restoring_skip(r, name_of(r, entry, line), failure->message);
    } else if (meaning == RH_FAILURE_RETRY && r->later_count < MOST_LATER) {
        rh_later *later = rh_arena_add(r->arena, &r->later, &r->later_count);
        *later = (rh_later){*entry, rh_arena_strdup(r->arena, sql), line};
    } else if (meaning != RH_FAILURE_SILENT) {
        rh_restoring_count_failure(r, entry, rh_restore_moves_rows(entry, &statement), line, failure);
    }
    rh_error_release(failure);
}

/* Where the object's own functions may look for what they do not qualify: its schema, public, and those of
 * the extensions. */
static bool widen_search_path(rh_pg *pg, const rh_dump_entry *entry, rh_error *error)
{
    static const char sql[] =
        "SELECT pg_catalog.set_config('search_path', pg_catalog.string_agg(pg_catalog.quote_ident(nspname), "
        "', ' "
        "ORDER BY nspname <> $1, nspname <> 'public', nspname), false) FROM pg_catalog.pg_namespace "
        "WHERE nspname IN ($1, 'public') OR oid IN (SELECT extnamespace FROM pg_catalog.pg_extension)";
    rh_pg_result *result = rh_pg_query(pg, sql, 1, &entry->schema, error);
    rh_pg_result_free(result);
    return result != NULL;
}

/* One more try, by the search_path that a session has; then by a wider one. */
static bool try_again(rh_restoring *r, rh_pg *pg, const rh_later *later, rh_error *failure)
{
    const char *how = "with the database's own search_path";
    bool fine = rh_pg_execute(pg, later->sql, failure);
    if (!fine && failure->code == RH_ERROR_SQL && strncmp(failure->sqlstate, "42", 2) == 0) {
        rh_error again = {0};
        how = "with a search_path of its own schema, public and the extensions' schemas";
        fine = widen_search_path(pg, &later->entry, &again) && rh_pg_execute(pg, later->sql, &again);
        rh_pg_execute(pg, "RESET search_path", NULL);
        rh_error_release(&again);
    }
    if (fine) {
        rh_error_release(failure);
        rh_restoring_skip(
            r, name_of(r, &later->entry, later->line),
            rh_arena_printf(r->arena,
                            "it failed in its place and was restored at the end, %s. pg_restore alone "
                            "would not restore it: give its functions their search_path (ALTER "
                            "FUNCTION … SET search_path)",
                            how));
    }
    return fine;
}

static bool settle(rh_restoring *r, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(r->target->conninfo, "restore", error);
    if (!pg)
        return false;
    rh_pg_execute(pg, "SET check_function_bodies = false; SET row_security = off", NULL);
    if (r->encoding)
        rh_pg_execute(pg, r->encoding, NULL);
    for (size_t i = 0; i < r->later_count; i++) {
        rh_later *later = &r->later[i];
        rh_dump_statement statement;
        rh_error failure = {0};
        if (try_again(r, pg, later, &failure))
            continue;
        rh_dump_statement_read(later->sql, strlen(later->sql), &statement);
        if (!is_final(failure.code) &&
            rh_restore_failure(r, &later->entry, &statement, failure.sqlstate) == RH_FAILURE_HARMLESS)
            rh_restoring_skip(r, name_of(r, &later->entry, later->line), failure.message);
        else
            rh_restoring_count_failure(r, &later->entry, false, later->line, &failure);
        bool over = r->failed > 0 && is_final(r->first_failure.code);
        rh_error_release(&failure);
        if (over)
            break;
    }
    rh_pg_close(pg);
    return true;
}

bool rh_restoring_finish(rh_restoring *r, rh_error *error)
{
    bool lost = r->failed > 0 && r->first_failure.code != RH_ERROR_BACKUP;
    if (!lost && r->later_count > 0 && !settle(r, error))
        return false;
    if (r->failed == 0)
        return true;
    if (r->first_failure.code == RH_ERROR_BACKUP)
        rh_error_hint(&r->first_failure, "%s",
                      rh_restore_hint(&r->first_entry, r->first_failure.sqlstate,
                                      rh_text_string(&r->failed_names), r->arena));
    if (r->failed > 1)
        rh_error_context(&r->first_failure, "%zu entries could not be restored; the first", r->failed);
    if (error)
        rh_error_move(error, &r->first_failure);
    return false;
}
