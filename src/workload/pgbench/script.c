/* Reading pgbench scripts. */
#include "script.h"
#include "expression.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

typedef struct reading {
    const char *text, *path;
    rh_arena *arena;
    rh_pgbench_script *script;
    rh_error *error;
    size_t *open_ifs; /* the jump of each \if or \elif whose end is to come; nested */
    size_t open_count;
    size_t **ends; /* by nesting: jumps from the ends of its branches */
    size_t *end_counts;
    bool *saw_else;
    size_t nesting;
} reading;

enum { MAX_NESTING = 64 };

size_t rh_pgbench_script_variable(rh_pgbench_script *script, const char *name, size_t length, rh_arena *arena)
{
    for (size_t i = 0; i < script->variable_count; i++)
        if (strncmp(script->variables[i], name, length) == 0 && script->variables[i][length] == 0)
            return i;
    const char **slot = rh_arena_add(arena, &script->variables, &script->variable_count);
    *slot = rh_arena_strndup(arena, name, length);
    return script->variable_count - 1;
}

static bool fail(const reading *r, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool fail(const reading *r, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    rh_error_set(r->error, RH_ERROR_SCENARIO, "%s", rh_arena_vprintf(r->arena, format, args));
    va_end(args);
    return rh_error_at(r->error, r->path, line, 0);
}

static rh_pgbench_script_step *add_step(const reading *r, rh_step_type type, int line)
{
    rh_pgbench_script *s = r->script;
    rh_pgbench_script_step *step = rh_arena_add(r->arena, &s->steps, &s->step_count);
    step->type = type;
    step->line = line;
    return step;
}

static rh_expression *expression(const reading *r, int line, const char *command, const char *text)
{
    const char *why = NULL;
    rh_expression *e = rh_expression_parse(text, r->script, r->arena, &why);
    if (!e)
        fail(r, line, "\\%s: %s", command, why ? why : "its expression is empty");
    return e;
}

/* ---- SQL ---- */

/* :name becomes a parameter; constants, quotes, comments and casts stay. */
static bool add_sql(const reading *r, const char *sql, int line)
{
    rh_sql_token *tokens;
    size_t count, copied = 0;
    if (!rh_sql_scan(sql, r->arena, &tokens, &count, r->error))
        return rh_error_at(r->error, r->path, line, 0);
    rh_pgbench_script_step *step = add_step(r, RH_STEP_SEND, line);
    rh_text out = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        if (strcmp(tokens[i].kind, "\\") == 0)
            ok = fail(r, line,
                      "a backslash within a statement: \\gset and similar commands are not supported here");
        bool variable = strcmp(tokens[i].kind, ":") == 0 && i + 1 < count &&
                        tokens[i + 1].start == tokens[i].end &&
                        (isalpha((unsigned char)sql[tokens[i].end]) || sql[tokens[i].end] == '_');
        if (!variable || !ok)
            continue;
        size_t length = tokens[i + 1].end - tokens[i + 1].start;
        size_t *slot = rh_arena_add(r->arena, &step->parameters, &step->parameter_count);
        *slot = rh_pgbench_script_variable(r->script, sql + tokens[i + 1].start, length, r->arena);
        rh_text_append_bytes(&out, sql + copied, tokens[i].start - copied);
        rh_text_printf(&out, "$%zu", step->parameter_count);
        copied = tokens[i + 1].end;
    }
    rh_text_append(&out, sql + copied);
    step->sql = rh_arena_strdup(r->arena, rh_text_string(&out));
    step->command = r->script->command_count++;
    size_t first = 0;
    while (first < count && strstr(tokens[first].kind, "COMMENT"))
        first++;
    static const char *const reads[] = {"select",   "begin", "end",   "commit",
                                        "rollback", "start", "table", NULL};
    bool harmless = false;
    for (int i = 0; reads[i] && first < count; i++)
        harmless = harmless || rh_sql_token_is(sql, &tokens[first], reads[i]);
    r->script->writes = r->script->writes || !harmless;
    rh_text_release(&out);
    return ok;
}

static bool add_statements(const reading *r, const char *chunk, int line)
{
    rh_sql_span *spans;
    size_t count;
    if (!rh_sql_split(chunk, r->path, r->arena, &spans, &count, r->error)) {
        if (r->error)
            r->error->line += line - 1;
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!add_sql(r, rh_arena_strndup(r->arena, chunk + spans[i].offset, spans[i].length),
                     line + spans[i].line - 1))
            return false;
    return true;
}

/* ---- meta commands ---- */

static bool add_set(const reading *r, const char *arguments, int line)
{
    size_t length = 0;
    while (isalnum((unsigned char)arguments[length]) || arguments[length] == '_')
        length++;
    if (length == 0 || !isspace((unsigned char)arguments[length]))
        return fail(r, line, "\\set needs a variable's name and an expression");
    rh_expression *e = expression(r, line, "set", arguments + length);
    if (!e)
        return false;
    rh_pgbench_script_step *step = add_step(r, RH_STEP_SET, line);
    step->expression = e;
    step->variable = rh_pgbench_script_variable(r->script, arguments, length, r->arena);
    return true;
}

/* \sleep 10 ms; \sleep :pause; \sleep 5us: seconds without a unit. */
static bool add_sleep(const reading *r, const char *arguments, int line)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}};
    size_t length = 0;
    if (*arguments == ':')
        length++;
    while (length && (isalnum((unsigned char)arguments[length]) || arguments[length] == '_'))
        length++;
    if (!length)
        length = strspn(arguments, "0123456789");
    const char *unit = arguments + length + strspn(arguments + length, " \t");
    int64_t us = *unit ? 0 : 1000000;
    for (int i = 0; i < 3; i++)
        if (strcasecmp(unit, units[i].name) == 0)
            us = units[i].us;
    if (length == 0 || us == 0)
        return fail(r, line, "\\sleep needs a whole number or :variable, and us, ms or s");
    rh_expression *e = expression(r, line, "sleep", rh_arena_strndup(r->arena, arguments, length));
    if (!e)
        return false;
    rh_pgbench_script_step *step = add_step(r, RH_STEP_SLEEP, line);
    step->expression = e;
    step->unit_us = us;
    return true;
}

/* A branch ends here: it jumps to the end of the whole, and the test before it jumps to what follows. */
static void end_branch(const reading *r, int line, bool more)
{
    size_t level = r->nesting - 1;
    if (more) {
        add_step(r, RH_STEP_JUMP, line);
        *rh_arena_add(r->arena, &r->ends[level], &r->end_counts[level]) = r->script->step_count - 1;
    }
    if (r->open_ifs[level] != SIZE_MAX)
        r->script->steps[r->open_ifs[level]].target = r->script->step_count;
    r->open_ifs[level] = SIZE_MAX;
}

static bool add_test(const reading *r, const char *command, const char *arguments, int line)
{
    rh_expression *e = expression(r, line, command, arguments);
    if (!e)
        return false;
    rh_pgbench_script_step *step = add_step(r, RH_STEP_JUMP, line);
    step->expression = e;
    r->open_ifs[r->nesting - 1] = r->script->step_count - 1;
    return true;
}

static bool add_branch(reading *r, const char *command, const char *arguments, int line)
{
    if (strcmp(command, "if") == 0) {
        if (r->nesting == MAX_NESTING)
            return fail(r, line, "\\if is nested too deeply");
        size_t level = r->nesting++;
        r->ends[level] = NULL;
        r->end_counts[level] = 0;
        r->saw_else[level] = false;
        return add_test(r, command, arguments, line);
    }
    if (r->nesting == 0)
        return fail(r, line, "\\%s without \\if", command);
    size_t level = r->nesting - 1;
    if (strcmp(command, "endif") == 0) {
        end_branch(r, line, false);
        for (size_t i = 0; i < r->end_counts[level]; i++)
            r->script->steps[r->ends[level][i]].target = r->script->step_count;
        r->nesting--;
        return true;
    }
    if (r->saw_else[level])
        return fail(r, line, "\\%s after \\else", command);
    end_branch(r, line, true);
    r->saw_else[level] = strcmp(command, "else") == 0;
    return r->saw_else[level] || add_test(r, command, arguments, line);
}

static bool add_meta(reading *r, const char *text, int line)
{
    size_t length = 0;
    while (isalpha((unsigned char)text[length]))
        length++;
    const char *command = rh_arena_strndup(r->arena, text, length);
    const char *arguments = text + length + strspn(text + length, " \t");
    if (strcmp(command, "set") == 0)
        return add_set(r, arguments, line);
    if (strcmp(command, "sleep") == 0)
        return add_sleep(r, arguments, line);
    if (strcmp(command, "if") == 0 || strcmp(command, "elif") == 0 || strcmp(command, "else") == 0 ||
        strcmp(command, "endif") == 0)
        return add_branch(r, command, arguments, line);
    static const char *const refused[] = {"gset",          "aset",        "shell",        "setshell",
                                          "startpipeline", "endpipeline", "syncpipeline", NULL};
    for (int i = 0; refused[i]; i++)
        if (strcmp(command, refused[i]) == 0) {
            fail(r, line, "\\%s is not supported", command);
            return rh_error_hint(r->error, "supported are \\set, \\sleep and \\if; remove the line");
        }
    fail(r, line, "\\%s is not a command of pgbench", command);
    return rh_error_hint(r->error, "supported are \\set, \\sleep and \\if");
}

/* ---- lines ---- */

/* The line at AT without its end; *NEXT is where the following one begins, *LINES is raised. A backslash
 * command goes on after a backslash at the end of its line. */
static char *meta_line(const reading *r, const char *at, const char **next, int *lines)
{
    rh_text text = {0};
    for (;;) {
        size_t length = strcspn(at, "\n");
        size_t kept = length;
        while (kept > 0 && isspace((unsigned char)at[kept - 1]))
            kept--;
        bool goes_on = kept > 0 && at[kept - 1] == '\\' && at[length];
        rh_text_append_bytes(&text, at, goes_on ? kept - 1 : kept);
        at += length + (at[length] == '\n');
        ++*lines;
        if (!goes_on)
            break;
        rh_text_append_char(&text, ' ');
    }
    *next = at;
    char *result = rh_arena_strdup(r->arena, rh_text_string(&text));
    rh_text_release(&text);
    return result;
}

static bool flush(const reading *r, const char *from, const char *to, int line)
{
    return from == to || add_statements(r, rh_arena_strndup(r->arena, from, (size_t)(to - from)), line);
}

static bool read_lines(reading *r)
{
    const char *at = r->text, *chunk = at;
    int line = 1, chunk_line = 1;
    while (*at) {
        const char *first = at + strspn(at, " \t");
        if (*first != '\\') {
            at += strcspn(at, "\n");
            at += *at == '\n';
            line++;
            continue;
        }
        int began = line;
        if (!flush(r, chunk, at, chunk_line) || !add_meta(r, meta_line(r, first + 1, &at, &line), began))
            return false;
        chunk = at;
        chunk_line = line;
    }
    return flush(r, chunk, at, chunk_line);
}

static bool is_given(const rh_pgbench_script *script, size_t variable)
{
    for (size_t i = 0; i < script->step_count; i++)
        if (script->steps[i].type == RH_STEP_SET && script->steps[i].variable == variable)
            return true;
    return variable < RH_SCRIPT_BUILT_IN;
}

/* A variable in SQL that nothing ever sets: known before the load runs. */
static bool check_variables(const reading *r)
{
    const rh_pgbench_script *script = r->script;
    for (size_t i = 0; i < script->step_count; i++)
        for (size_t p = 0; p < script->steps[i].parameter_count; p++) {
            size_t variable = script->steps[i].parameters[p];
            if (is_given(script, variable))
                continue;
            fail(r, script->steps[i].line, "the variable :%s is never set", script->variables[variable]);
            return rh_error_hint(r->error, "write \\set %s EXPRESSION above it; there is no -D here",
                                 script->variables[variable]);
        }
    return true;
}

bool rh_pgbench_script_read(const char *text, const char *path, rh_arena *arena, rh_pgbench_script *script,
                            rh_error *error)
{
    static const char *const given[] = {"scale", "client_id", "random_seed", "default_seed"};
    size_t ifs[MAX_NESTING], *ends[MAX_NESTING], counts[MAX_NESTING];
    bool saw_else[MAX_NESTING];
    reading r = {.text = text,
                 .path = path,
                 .arena = arena,
                 .script = script,
                 .error = error,
                 .open_ifs = ifs,
                 .ends = ends,
                 .end_counts = counts,
                 .saw_else = saw_else};
    *script = (rh_pgbench_script){.path = path};
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        r.text += 3;
    for (size_t i = 0; i < RH_SCRIPT_BUILT_IN; i++)
        rh_pgbench_script_variable(script, given[i], strlen(given[i]), arena);
    if (!read_lines(&r))
        return false;
    if (r.nesting > 0)
        return fail(&r, script->steps[script->step_count - 1].line, "\\if without \\endif");
    if (!check_variables(&r))
        return false;
    if (script->command_count == 0) {
        rh_error_set(error, RH_ERROR_SCENARIO, "there is no statement in this script");
        return rh_error_at(error, path, 1, 0);
    }
    return true;
}
