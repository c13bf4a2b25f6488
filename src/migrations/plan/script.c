/* Reads an SQL file into statements with class, expected locks and hazards. */
#include "script.h"
#include "group.h"
#include "symlinks.h"
#include "tool_marks.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/sql/hazards.h"
#include <string.h>

/* Each takes about 1 kB. INSERTs that go together count once. */
enum { MOST_STATEMENTS = 500000 };

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

/* Each piece that the tool sends is a statement. One of several statements is sent as it is where they would
 * otherwise lose the implicit transaction that they share. */
static void refine_pieces(const rh_sql_reading *reading, rh_arena *scratch, rh_sql_span **spans,
                          size_t *count)
{
    *spans = NULL;
    *count = 0;
    for (size_t i = 0; i < reading->piece_count; i++) {
        const rh_sql_span *piece = &reading->pieces[i];
        rh_sql_span *parts;
        size_t part_count = 0;
        char *text = rh_arena_strndup(scratch, reading->text + piece->offset, piece->length);
        bool whole = !rh_sql_split(text, NULL, scratch, &parts, &part_count, NULL) ||
                     (part_count > 1 && reading->rule != RH_TRANSACTION_ONE);
        if (whole)
            *rh_arena_add(scratch, spans, count) = *piece;
        for (size_t p = 0; !whole && p < part_count; p++) {
            rh_sql_span *span = rh_arena_add(scratch, spans, count);
            *span = parts[p];
            span->offset += piece->offset;
            span->column += span->line == 1 ? piece->column - 1 : 0;
            span->line += piece->line - 1;
        }
    }
}

static bool refuse_many(const char *path, const rh_sql_span *span, rh_error *error)
{
    rh_error_set(error, RH_ERROR_UNSUPPORTED, "more than %d statements in one file", MOST_STATEMENTS);
    rh_error_hint(error, "Load rows by COPY or by INSERTs of many rows into one table, or in prepare:.");
    return rh_error_at(error, path, span->line, span->column);
}

/* False: more statements than fit into memory with their data. */
static bool add_statements(rh_hazard_context *context, const rh_framework_rules *rules,
                           const rh_sql_reading *reading, const rh_sql_span *spans, size_t count,
                           rh_script *script, rh_error *error)
{
    rh_arena *arena = context->arena;
    const char *text = reading->text;
    bool mark = rules->byte_order_mark_sent && strncmp(text, "\xef\xbb\xbf", 3) == 0;
    script->statements = rh_arena_alloc(arena, sizeof *script->statements);
    script->statement_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t start = i == 0 && mark ? 0 : spans[i].offset;
        const rh_grouped_statement given = {
            rh_arena_strndup(arena, text + start, spans[i].offset + spans[i].length - start), spans[i].line,
            spans[i].column};
        if (count > RH_GROUP_FROM && rh_group_with_last(script, &given, reading->rule, arena))
            continue;
        if (script->statement_count >= MOST_STATEMENTS)
            return refuse_many(script->file, &spans[i], error);
        rh_statement *statement = rh_arena_add(arena, &script->statements, &script->statement_count);
        *statement = (rh_statement){.ordinal = (int)script->statement_count,
                                    .line = given.line,
                                    .column = given.column,
                                    .sql = given.sql};
        statement->file = reading->piece_files ? rh_arena_strdup(arena, reading->piece_files[i]) : NULL;
        rh_statement_fill(statement, context);
    }
    if (count > RH_GROUP_FROM)
        rh_group_statements(script, arena);
    return true;
}

static bool split(const char *path, const rh_sql_reading *reading, rh_arena *scratch, rh_sql_span **spans,
                  size_t *count, rh_error *error)
{
    rh_error unfinished = {0};
    if (reading->piece_files) {
        *spans = reading->pieces;
        *count = reading->piece_count;
        return true;
    }
    bool ok = rh_sql_split(reading->text, path, scratch, spans, count, &unfinished);
    if (!ok && *count == 0 && error && !rh_error_is_set(error)) /* not UTF-8 */
        rh_error_move(error, &unfinished);
    rh_error_release(&unfinished);
    if (!ok && *count == 0)
        return false;
    if (reading->pieces) /* an unfinished quote is a statement that fails when it runs */
        refine_pieces(reading, scratch, spans, count);
    return true;
}

bool rh_script_load(rh_migration *migration, rh_direction direction, const rh_framework_rules *rules,
                    rh_hazard_context *context, rh_error *error)
{
    rh_arena *scratch = rh_arena_new();
    rh_script *script = direction == RH_UP ? &migration->up : &migration->down;
    const char *path = script->file;
    rh_sql_reading reading = {.rule = script->rule, .own = migration->framework_data};
    rh_sql_span *spans = NULL;
    size_t length = 0, count = 0;
    reading.text = rh_linked_check(path, error) ? rh_file_read(path, 0, scratch, &length, error) : NULL;
    bool ok = reading.text && check_no_nul(path, reading.text, length, error);
    if (ok)
        rh_sha256_bytes(reading.text, length, script->sha256);
    ok = ok && (rules->read || direction == RH_DOWN || rules->history_table ||
                rh_marks_check_direction(path, reading.text, error));
    ok = ok && (!rules->read || rules->read(path, direction, scratch, &reading, error));
    if (ok && reading.missing) {
        *script = (rh_script){.rule = reading.rule};
        rh_arena_free(scratch);
        return true;
    }
    ok = ok && (reading.piece_files || rh_script_check_safety(path, reading.text, error)) &&
         split(path, &reading, scratch, &spans, &count, error);
    if (ok) {
        script->file = path;
        script->rule = reading.rule;
        const rh_session found = context->session;
        rh_session_begin_file(&context->session, reading.rule == RH_TRANSACTION_ONE ||
                                                     (reading.rule == RH_TRANSACTION_OWN && count > 1));
        ok = add_statements(context, rules, &reading, spans, count, script, error);
        ok = ok && (!rules->settle || rules->settle(script, &reading, error));
        rh_hazards_of_script(context, &found, script, 0);
        ok = ok && rh_ignores_read(path, reading.text, context->arena, script, error);
        for (size_t i = 0; ok && i < script->statement_count; i++)
            rh_hazards_silence(&script->statements[i]);
    }
    rh_arena_free(scratch);
    return ok;
}
