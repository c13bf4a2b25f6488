/* One file of SQL → statements with class, expected lock and hazards. */
#include "script.h"
#include "classify.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/sql_parser.h"
#include <string.h>

/* Past this the file is no migration but a dump. */
static const int64_t FILE_LIMIT = INT64_C(256) * 1024 * 1024;

static bool check_no_nul(const char *path, const char *text, size_t length, rh_error *error)
{
    size_t at = strlen(text);
    if (at == length)
        return true;
    int line = 1;
    for (size_t i = 0; i < at; i++)
        line += text[i] == '\n';
    rh_error_set(error, RH_ERROR_SCENARIO, "the file holds a NUL byte");
    rh_error_hint(error, "PostgreSQL takes none: save the file as UTF-8 text.");
    return rh_error_at(error, path, line, 0);
}

static void fill_statement(rh_statement *statement, rh_hazard_context *context)
{
    rh_arena *arena = context->arena;
    rh_json *tree = strlen(statement->sql) <= RH_PARSE_LIMIT ? rh_sql_parse(statement->sql, NULL) : NULL;
    statement->redacted_sql = rh_sql_redact(statement->sql, arena);
    statement->prediction =
        (rh_prediction){RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED, NULL};
    rh_classify(statement, tree, arena);
    rh_hazards_of_statement(context, statement, tree);
    rh_json_free(tree);
}

bool rh_script_load(const char *path, const rh_framework_rules *rules, rh_hazard_context *context,
                    rh_script *script, rh_error *error)
{
    rh_arena *arena = context->arena;
    script->file = path;
    script->rule = rules->transaction;
    rh_arena *scratch = rh_arena_new();
    size_t length = 0;
    char *text = rh_file_read(path, FILE_LIMIT, scratch, &length, error);
    bool ok =
        text && check_no_nul(path, text, length, error) && rh_script_check_safety(path, text, scratch, error);
    if (!ok) {
        rh_arena_free(scratch);
        return false;
    }
    rh_sha256_bytes(text, length, script->sha256);

    rh_sql_span *spans;
    size_t count;
    rh_error unfinished = {0};
    ok = rh_sql_split(text, path, scratch, &spans, &count, &unfinished);
    if (!ok && count == 0) { /* not UTF-8 */
        if (error && !rh_error_is_set(error))
            rh_error_move(error, &unfinished);
    } else {
        ok = true; /* an unfinished quote is a statement that fails when it runs */
        bool mark = rules->byte_order_mark_sent && strncmp(text, "\xef\xbb\xbf", 3) == 0;
        script->statements = rh_arena_alloc(arena, (count ? count : 1) * sizeof *script->statements);
        script->statement_count = count;
        for (size_t i = 0; i < count; i++) {
            rh_statement *statement = &script->statements[i];
            size_t start = i == 0 && mark ? 0 : spans[i].offset;
            statement->ordinal = (int)i + 1;
            statement->line = spans[i].line;
            statement->column = spans[i].column;
            statement->sql = rh_arena_strndup(arena, text + start, spans[i].offset + spans[i].length - start);
            fill_statement(statement, context);
        }
        rh_hazards_of_script(context, script);
    }
    rh_error_release(&unfinished);
    rh_arena_free(scratch);
    return ok;
}
