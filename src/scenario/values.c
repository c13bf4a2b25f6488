#include "values.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char OPTION[] = "--set ";

static bool from_command_line(const rh_yaml_node *node)
{
    return rh_yaml_line(node) == 0 || rh_starts_with(rh_yaml_name(node), OPTION);
}

/* "--set KEY", or "--set" where MESSAGE begins with the key or quotes it. */
static const char *option_of(const rh_yaml_node *node, const char *message)
{
    const char *name = rh_yaml_name(node);
    if (!rh_starts_with(name, OPTION))
        return name;
    const char *key = name + sizeof OPTION - 1;
    message += *message == '"';
    return rh_starts_with(message, key) ? "--set" : name;
}

bool rh_value_fail(rh_reader *reader, const rh_yaml_node *node, const char *format, ...)
{
    rh_text text = {0};
    va_list args;
    va_start(args, format);
    rh_text_vprintf(&text, format, args);
    va_end(args);
    bool option = from_command_line(node);
    rh_error_set(reader->error, option ? RH_ERROR_USAGE : RH_ERROR_SCENARIO, "%s", rh_text_string(&text));
    rh_error_at(reader->error, option ? option_of(node, rh_text_string(&text)) : rh_yaml_name(node),
                option ? 0 : rh_yaml_line(node), option ? 0 : rh_yaml_column(node));
    rh_text_release(&text);
    return false;
}

bool rh_value_not_yet(rh_reader *reader, const rh_yaml_node *node, const char *what, const char *instead)
{
    rh_value_fail(reader, node, "%s is not supported yet", what);
    return rh_error_hint(reader->error, "%s", instead);
}

rh_location rh_value_where(const rh_reader *reader, const rh_yaml_node *node)
{
    bool option = from_command_line(node);
    return (rh_location){rh_arena_strdup(reader->arena, rh_yaml_name(node)), option ? 0 : rh_yaml_line(node),
                         option ? 0 : rh_yaml_column(node)};
}

/* ---- text ---- */

/* Appends the value of the variable whose "${" AT points to, and returns where to go on; NULL on failure. */
static const char *expand_variable(rh_reader *reader, const char *key, rh_yaml_node *node, const char *at,
                                   rh_text *text)
{
    const char *name = at + 2;
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    if (length == 0 || name[length] != '}' || isdigit((unsigned char)*name)) {
        rh_value_fail(reader, node, "%s: \"${\" without a variable's name and \"}\"", key);
        rh_error_hint(reader->error, "write ${NAME}, or $$ for a dollar sign");
        return NULL;
    }
    const char *variable = rh_arena_strndup(reader->arena, name, length);
    const char *value = getenv(variable);
    if (!value) {
        rh_value_fail(reader, node, "%s: the environment variable %s is not set", key, variable);
        rh_error_hint(reader->error, "set it before the call, or write $$ for a dollar sign");
        return NULL;
    }
    rh_text_append(text, value);
    return name + length + 1;
}

const char *rh_value_text(rh_reader *reader, const char *key, rh_yaml_node *node)
{
    const char *raw = rh_yaml_scalar(node);
    if (!raw) {
        rh_yaml_kind kind = rh_yaml_node_kind(node);
        rh_value_fail(reader, node, "%s must be a single value, not %s", key,
                      kind == RH_YAML_SEQUENCE  ? "a list"
                      : kind == RH_YAML_MAPPING ? "a map of keys"
                                                : "nothing");
        return NULL;
    }
    rh_text text = {0};
    const char *at = raw;
    while (at && *at) {
        if (at[0] == '$' && at[1] == '$') {
            rh_text_append_char(&text, '$');
            at += 2;
        } else if (at[0] == '$' && at[1] == '{') {
            at = expand_variable(reader, key, node, at, &text);
        } else {
            rh_text_append_char(&text, *at++);
        }
    }
    const char *result = at ? rh_arena_strdup(reader->arena, rh_text_string(&text)) : NULL;
    rh_text_release(&text);
    return result;
}

/* The same, for values that are no use when empty. */
static const char *filled_text(rh_reader *reader, const char *key, rh_yaml_node *node)
{
    const char *text = rh_value_text(reader, key, node);
    if (text && !*text) {
        rh_value_fail(reader, node, "%s is empty", key);
        return NULL;
    }
    return text;
}

/* ---- numbers. Messages quote the text of the file: an expanded variable may be a secret. ---- */

bool rh_value_int(rh_reader *reader, const char *key, rh_yaml_node *node, int64_t low, int64_t high,
                  int64_t *value)
{
    const char *text = filled_text(reader, key, node);
    if (!text)
        return false;
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*end || !isdigit((unsigned char)text[strspn(text, "+-")]))
        return rh_value_fail(reader, node, "%s must be a whole number, not \"%s\"", key,
                             rh_yaml_scalar(node));
    if (errno || number < low || number > high)
        return rh_value_fail(reader, node, "%s must be between %lld and %lld", key, (long long)low,
                             (long long)high);
    *value = number;
    return true;
}

bool rh_value_real(rh_reader *reader, const char *key, rh_yaml_node *node, double low, double high,
                   double *value)
{
    const char *text = filled_text(reader, key, node);
    if (!text)
        return false;
    char *end;
    double number = strtod(text, &end);
    if (*end || text[strspn(text, "+-.0123456789eE")])
        return rh_value_fail(reader, node, "%s must be a number, not \"%s\"", key, rh_yaml_scalar(node));
    if (!(number >= low && number <= high))
        return rh_value_fail(reader, node, "%s must be between %g and %g", key, low, high);
    *value = number;
    return true;
}

bool rh_value_bool(rh_reader *reader, const char *key, rh_yaml_node *node, bool *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    const char *text = filled_text(reader, key, node);
    if (!text)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) {
            *value = i % 2;
            return true;
        }
    return rh_value_fail(reader, node, "%s must be true or false, not \"%s\"", key, rh_yaml_scalar(node));
}

bool rh_value_duration(rh_reader *reader, const char *key, rh_yaml_node *node, rh_usec *value)
{
    const char *text = filled_text(reader, key, node);
    if (!text)
        return false;
    if (rh_duration_parse(text, value))
        return true;
    const char *raw = rh_yaml_scalar(node);
    if (text[strspn(text, "0123456789.")] == 0) {
        rh_value_fail(reader, node, "%s has no unit: \"%s\"", key, raw);
        return rh_error_hint(reader->error, "write %sms, %ss, %smin or %sh", raw, raw, raw, raw);
    }
    rh_value_fail(reader, node, "%s must be a duration, not \"%s\"", key, raw);
    return rh_error_hint(reader->error, "write a number and one of us, ms, s, min, h, d: 250ms, 1.5s, 15min");
}

/* ---- words ---- */

static bool fail_word(rh_reader *reader, const char *key, rh_yaml_node *node, const rh_key_word *words,
                      size_t count)
{
    const char **names = rh_arena_alloc(reader->arena, count * sizeof *names);
    rh_text list = {0};
    for (size_t i = 0; i < count; i++) {
        names[i] = words[i].word;
        if (!words[i].instead)
            rh_text_printf(&list, "%s%s", list.length ? ", " : "", words[i].word);
    }
    const char *raw = rh_yaml_scalar(node), *nearest = rh_nearest(raw, names, count);
    if (nearest)
        rh_value_fail(reader, node, "%s cannot be \"%s\"; did you mean \"%s\"?", key, raw, nearest);
    else if (strcmp(key, "staging.kind") == 0) /* perhaps a password, or a URL with one */
        rh_value_fail(reader, node, "%s cannot be what is written there", key);
    else
        rh_value_fail(reader, node, "%s cannot be \"%s\"", key, raw);
    rh_error_hint(reader->error, "it is one of: %s", rh_text_string(&list));
    rh_text_release(&list);
    return false;
}

bool rh_value_word(rh_reader *reader, const char *key, rh_yaml_node *node, const rh_key_word *words,
                   size_t count, int *value)
{
    const char *text = filled_text(reader, key, node);
    if (!text)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i].word) == 0) {
            *value = words[i].value;
            if (!words[i].instead)
                return true;
            const char *what = rh_arena_printf(reader->arena, "%s: %s", key, text);
            return rh_value_not_yet(reader, node, what, words[i].instead);
        }
    return fail_word(reader, key, node, words, count);
}

bool rh_value_unknown_key(rh_reader *reader, rh_yaml_node *name, const char *section,
                          const char *const *known, size_t count)
{
    const char *word = rh_yaml_scalar(name), *nearest = rh_nearest(word, known, count);
    rh_text list = {0};
    for (size_t i = 0; i < count; i++)
        rh_text_printf(&list, "%s%s", i ? ", " : "", known[i]);
    if (nearest)
        rh_value_fail(reader, name, "unknown key \"%s\" in %s; did you mean \"%s\"?", word, section, nearest);
    else
        rh_value_fail(reader, name, "unknown key \"%s\" in %s", word, section);
    rh_error_hint(reader->error, "the keys of %s: %s", section, rh_text_string(&list));
    rh_text_release(&list);
    return false;
}

/* ---- paths ---- */

const char *rh_value_path(rh_reader *reader, const char *key, rh_yaml_node *node)
{
    const char *text = filled_text(reader, key, node);
    if (!text)
        return NULL;
    const char *path = rh_path_beside(reader->scenario->path, text, reader->arena);
    if (access(path, R_OK) == 0)
        return path;
    if (errno == ENOENT || errno == ENOTDIR)
        rh_value_fail(reader, node, "%s: there is no \"%s\"", key, rh_yaml_scalar(node));
    else
        rh_value_fail(reader, node, "%s: cannot read \"%s\": %s", key, rh_yaml_scalar(node), strerror(errno));
    if (strstr(rh_yaml_scalar(node), "${")) /* its value may be a secret */
        rh_error_hint(reader->error, "check the variable's value; a relative path begins at %s",
                      reader->scenario->directory);
    else
        rh_error_hint(reader->error, "looked for %s", path);
    return NULL;
}
