#include "backfill_program.h"
#include "pgrehearse/base/text.h"
#include <string.h>

/* "{batch}" and the like: those that are known. */
static bool check_placeholders(rh_reader *reader, const char *name, rh_yaml_node *node, const char *text)
{
    static const char *const known[] = {"{batch}", "{pause_ms}", "{pause_s}", "{workers}", "{from}", "{to}"};
    for (const char *at = strchr(text, '{'); at; at = strchr(at + 1, '{')) {
        const size_t letters = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_");
        bool found = letters == 0 || at[letters + 1] != '}';
        for (size_t i = 0; !found && i < sizeof known / sizeof *known; i++)
            found = rh_starts_with(at, known[i]);
        if (found)
            continue;
        rh_value_fail(reader, node, "%s has {%.*s}, which has no value", name, (int)letters, at + 1);
        return rh_error_hint(reader->error,
                             "there are {batch}, {pause_ms}, {pause_s}, {workers}, and {from} and {to}");
    }
    return true;
}

static bool read_arguments(rh_reader *reader, const char *name, rh_yaml_node *node,
                           const char *const **arguments)
{
    const char **list = NULL;
    size_t count = 0;
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE || rh_yaml_count(node) == 0) {
        rh_value_fail(reader, node, "%s must be a list: the program and its arguments", name);
        return rh_error_hint(reader->error, "write command: [bin/backfill, --batch, \"{batch}\"]");
    }
    for (size_t i = 0; i < rh_yaml_count(node); i++) {
        const char *text = rh_value_text(reader, name, rh_yaml_item(node, i));
        if (!text || !check_placeholders(reader, name, rh_yaml_item(node, i), text))
            return false;
        *rh_arena_add(reader->arena, &list, &count) = text;
    }
    *rh_arena_add(reader->arena, &list, &count) = NULL;
    *arguments = list;
    return true;
}

bool rh_backfill_read_command(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    b->command_where = rh_value_where(reader, node);
    return read_arguments(reader, name, node, &b->command);
}

bool rh_backfill_read_resume(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    b->resume_where = rh_value_where(reader, node);
    return read_arguments(reader, name, node, &b->resume);
}

bool rh_backfill_read_range(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    b->range_where = rh_value_where(reader, node);
    return read_arguments(reader, name, node, &b->range);
}

bool rh_backfill_read_stop(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    static const rh_key_word words[] = {{"none", 0, NULL}, {"TERM", 1, NULL}};
    int word;
    if (!rh_value_word(reader, name, node, words, 2, &word))
        return false;
    b->stops = word == 1;
    return true;
}

static bool mentions(const char *const *arguments, const char *placeholder)
{
    for (; arguments && *arguments; arguments++)
        if (strstr(*arguments, placeholder))
            return true;
    return false;
}

/* {from} and {to} stand in one place, both. */
static bool check_range(rh_reader *reader, rh_yaml_node *node, const rh_backfill *b)
{
    const bool in_command = mentions(b->command, "{from}") || mentions(b->command, "{to}");
    const char *const *arguments = b->range ? b->range : b->command;
    if (b->range && in_command)
        return rh_value_fail(reader, node, "{from} and {to} are both in command and in range");
    if (!b->range && !in_command)
        return true;
    if (!mentions(arguments, "{from}") || !mentions(arguments, "{to}")) {
        rh_value_fail(reader, node, "%s has no {%s}", b->range ? "range" : "command",
                      mentions(arguments, "{from}") ? "to" : "from");
        return rh_error_hint(reader->error, "a part is the rows from one key to another: write range: "
                                            "[\"--from={from}\", \"--to={to}\"]");
    }
    if (b->key_count > 1)
        return rh_value_fail(reader, node, "{from} and {to} need a key of one column");
    if (!mentions(b->command, "{batch}") && b->batch_count != 1) {
        rh_value_fail(reader, node, "command has no {batch}");
        return rh_error_hint(
            reader->error,
            "write sweep: {batch: 1000}, the rows that its own batches have, or give it {batch}");
    }
    return true;
}

/* What the sweep varies reaches the program. */
static bool check_settings(rh_reader *reader, rh_yaml_node *node, const rh_backfill *b)
{
    const bool pauses = mentions(b->command, "{pause_ms}") || mentions(b->command, "{pause_s}");
    for (size_t i = 0; i < b->pause_count; i++)
        if (b->pauses[i].share > 0)
            return rh_value_fail(reader, node, "the pause of a program is a duration, not %s",
                                 b->pauses[i].text);
    if (b->batch_count > 1 && !mentions(b->command, "{batch}"))
        return rh_value_fail(reader, node, "sweep.batch has %zu values, and command no {batch}",
                             b->batch_count);
    if (b->pause_count > 1 && !pauses)
        return rh_value_fail(reader, node, "sweep.pause has %zu values, and command no {pause_ms}",
                             b->pause_count);
    if (b->worker_count > 1 && !mentions(b->command, "{workers}"))
        return rh_value_fail(reader, node, "sweep.workers has %zu values, and command no {workers}",
                             b->worker_count);
    return true;
}

bool rh_backfill_check_program(rh_reader *reader, rh_yaml_node *node, rh_backfill *b)
{
    static const rh_backfill_pause none = {"0", 0, 0}, some = {"100ms", RH_SECOND / 10, 0};
    if (!b->command)
        return (!b->resume && !b->range) ||
               rh_value_fail(reader, node, "%s without command", b->resume ? "resume" : "range");
    if (!check_range(reader, node, b) || !check_settings(reader, node, b))
        return false;
    if (b->pause_count == 0) {
        *rh_arena_add(reader->arena, &b->pauses, &b->pause_count) = none;
        if (mentions(b->command, "{pause_ms}") || mentions(b->command, "{pause_s}"))
            *rh_arena_add(reader->arena, &b->pauses, &b->pause_count) = some;
    }
    return true;
}
