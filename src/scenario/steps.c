#include "steps.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/sql_parser.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SQL_FILE_LIMIT = 256 << 20 };

/* A program with a "/" in its name lies beside the scenario, wherever the tool is called from. */
static const char *program(rh_reader *reader, rh_yaml_node *node, const char *name)
{
    if (!strchr(name, '/'))
        return name;
    const char *path = rh_path_beside(reader->scenario->path, name, reader->arena);
    if (access(path, X_OK) == 0)
        return path;
    rh_value_fail(reader, node, "\"%s\" is not an executable program", rh_yaml_scalar(node));
    rh_error_hint(reader->error, "looked for an executable %s", path);
    return NULL;
}

const char **rh_command_read(rh_reader *reader, const char *key, rh_yaml_node *node)
{
    size_t count = rh_yaml_count(node);
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE || count == 0) {
        rh_value_fail(reader, node, "%s must be a list: the program and its arguments", key);
        rh_error_hint(reader->error, "write %s: [make, test], or %s: [sh, -c, \"…\"] for a shell's line", key,
                      key);
        return NULL;
    }
    const char **argv = rh_arena_alloc(reader->arena, (count + 1) * sizeof *argv);
    for (size_t i = 0; i < count; i++) {
        rh_yaml_node *item = rh_yaml_item(node, i);
        const char *text = rh_value_text(reader, "an item of command", item);
        if (text && i == 0)
            text = program(reader, item, text);
        if (!text)
            return NULL;
        argv[i] = text;
    }
    return argv;
}

static bool is_larger(const char *path, int64_t limit)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_size > limit;
}

static bool read_step(rh_reader *reader, const char *list, rh_yaml_node *node, rh_step *step)
{
    step->where = rh_value_where(reader, node);
    rh_yaml_node *sql = rh_yaml_get(node, "sql"), *command = rh_yaml_get(node, "command");
    if (rh_yaml_node_kind(node) != RH_YAML_MAPPING || rh_yaml_count(node) != 1 || (!sql && !command)) {
        rh_value_fail(reader, node, "each step of %s is either sql or command", list);
        return rh_error_hint(reader->error, "write - sql: FILE or - command: [PROGRAM, ARGUMENT]");
    }
    if (command) {
        step->kind = RH_STEP_COMMAND;
        step->argv = rh_command_read(reader, "command", command);
        return step->argv != NULL;
    }
    step->kind = RH_STEP_SQL;
    step->path = rh_value_path(reader, "sql", sql);
    if (step->path && rh_directory_exists(step->path))
        return rh_value_fail(reader, sql, "sql must be a file, and \"%s\" is a directory",
                             rh_yaml_scalar(sql));
    if (step->path && is_larger(step->path, SQL_FILE_LIMIT)) {
        rh_value_fail(reader, sql, "sql: \"%s\" is larger than 256 MB", rh_yaml_scalar(sql));
        return rh_error_hint(reader->error, "run it by command: [psql, -f, FILE]");
    }
    return step->path != NULL;
}

bool rh_steps_read(rh_reader *reader, const char *list, rh_yaml_node *node, rh_step **steps,
                   size_t *step_count)
{
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE) {
        rh_value_fail(reader, node, "%s must be a list of steps", list);
        return rh_error_hint(reader->error, "begin each with a dash: - sql: FILE");
    }
    for (size_t i = 0; i < rh_yaml_count(node); i++) {
        rh_step *step = rh_arena_add(reader->arena, steps, step_count);
        if (!read_step(reader, list, rh_yaml_item(node, i), step))
            return false;
    }
    return true;
}

static bool fail_migration_step(rh_reader *reader, const char *list, rh_yaml_node *node)
{
    rh_value_fail(reader, node, "each step of %s has a command, and may have after and down", list);
    return rh_error_hint(reader->error,
                         "write - {after: MIGRATION, command: [PROGRAM, ARGUMENT], down: [PROGRAM]}");
}

static bool read_migration_step(rh_reader *reader, const char *list, rh_yaml_node *node,
                                rh_migration_step *step)
{
    step->where = rh_value_where(reader, node);
    if (rh_yaml_node_kind(node) != RH_YAML_MAPPING)
        return fail_migration_step(reader, list, node);
    rh_yaml_node *after = rh_yaml_get(node, "after"), *command = rh_yaml_get(node, "command"),
                 *down = rh_yaml_get(node, "down");
    if (!command || rh_yaml_count(node) != 1 + (size_t)(after != NULL) + (size_t)(down != NULL))
        return fail_migration_step(reader, list, node);
    if (after && !(step->after = rh_value_text(reader, "after", after)))
        return false;
    if (down && !(step->down = rh_command_read(reader, "down", down)))
        return false;
    step->command = rh_command_read(reader, "command", command);
    return step->command != NULL;
}

bool rh_migration_steps_read(rh_reader *reader, const char *list, rh_yaml_node *node,
                             rh_migration_step **steps, size_t *step_count)
{
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE) {
        rh_value_fail(reader, node, "%s must be a list of programs", list);
        return rh_error_hint(reader->error, "begin each with a dash: - command: [PROGRAM, ARGUMENT]");
    }
    for (size_t i = 0; i < rh_yaml_count(node); i++) {
        rh_migration_step *step = rh_arena_add(reader->arena, steps, step_count);
        if (!read_migration_step(reader, list, rh_yaml_item(node, i), step))
            return false;
    }
    return true;
}

bool rh_steps_check_verify(rh_reader *reader, const rh_step *steps, size_t step_count)
{
    for (size_t i = 0; i < step_count; i++) {
        const rh_step *step = &steps[i];
        rh_sql_span *spans;
        size_t count;
        if (step->kind != RH_STEP_SQL)
            continue;
        const char *text = rh_file_read(step->path, SQL_FILE_LIMIT, reader->arena, NULL, reader->error);
        if (!text || !rh_sql_split(text, step->path, reader->arena, &spans, &count, reader->error))
            return false;
        if (count > 0)
            continue;
        rh_error_set(reader->error, RH_ERROR_SCENARIO, "%s has no statement, so it checks nothing",
                     step->path);
        rh_error_hint(reader->error, "write queries that return a row for each fault, or remove the step");
        return rh_error_at(reader->error, step->where.file, step->where.line, step->where.column);
    }
    return true;
}
