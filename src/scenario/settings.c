#include "settings.h"
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 4 * 1024 * 1024, INCLUDE_DEPTH = 5 };

typedef struct list {
    rh_reader *reader;
    rh_setting **settings;
    size_t *count;
} list;

/* Options that only report how a server was built or made: setting them stops it from starting. */
static const char *const PRESET[] = {
    "block_size",
    "data_checksums",
    "data_directory_mode",
    "debug_assertions",
    "huge_pages_status",
    "in_hot_standby",
    "integer_datetimes",
    "lc_collate",
    "lc_ctype",
    "max_function_args",
    "max_identifier_length",
    "max_index_keys",
    "num_os_semaphores",
    "segment_size",
    "server_encoding",
    "server_version",
    "server_version_num",
    "shared_memory_size",
    "shared_memory_size_in_huge_pages",
    "ssl_library",
    "wal_block_size",
    "wal_segment_size",
};

static bool is_preset(const char *name)
{
    for (size_t i = 0; i < sizeof PRESET / sizeof *PRESET; i++)
        if (strcasecmp(name, PRESET[i]) == 0)
            return true;
    return false;
}

static bool is_setting_name(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_.$", *name))
            return false;
    return true;
}

/* The last one counts, as in postgresql.conf. */
static void set(list *all, const char *name, const char *value)
{
    if (is_preset(name))
        return;
    rh_setting *setting = NULL;
    for (size_t i = 0; i < *all->count && !setting; i++)
        if (strcasecmp((*all->settings)[i].name, name) == 0)
            setting = &(*all->settings)[i];
    if (!setting)
        setting = rh_arena_add(all->reader->arena, all->settings, all->count);
    *setting = (rh_setting){name, value};
}

/* ---- a map ---- */

static bool read_map(list *all, const char *key, rh_yaml_node *map)
{
    for (size_t i = 0; i < rh_yaml_count(map); i++) {
        rh_yaml_node *name = rh_yaml_key(map, i), *value = rh_yaml_value(map, i);
        if (!is_setting_name(rh_yaml_scalar(name)))
            return rh_value_fail(all->reader, name, "\"%s\" is not a PostgreSQL setting",
                                 rh_yaml_scalar(name));
        const char *full = rh_arena_printf(all->reader->arena, "%s.%s", key, rh_yaml_scalar(name));
        const char *text = rh_value_text(all->reader, full, value);
        if (!text)
            return false;
        set(all, rh_arena_strdup(all->reader->arena, rh_yaml_scalar(name)), text);
    }
    return true;
}

/* ---- CSV of pg_settings ---- */

/* SETTING in units of UNIT ("8kB", "ms", "" for none) as PostgreSQL accepts it in one word. -1 is a word of
 * its own ("off", "automatic"), and 0 needs no unit. */
static const char *with_unit(rh_arena *arena, const char *setting, const char *unit)
{
    if (!*unit || !*setting || strcmp(setting, "-1") == 0 || strcmp(setting, "0") == 0)
        return setting;
    char *end;
    long factor = strtol(unit, &end, 10);
    if (end == unit)
        return rh_arena_printf(arena, "%s%s", setting, unit);
    long long number = strtoll(setting, NULL, 10);
    return rh_arena_printf(arena, "%lld%s", number * factor, end);
}

static const char *field(const rh_csv_row *row, int column)
{
    return column >= 0 && (size_t)column < row->count && row->fields[column] ? row->fields[column] : "";
}

static bool read_csv(list *all, rh_yaml_node *node, const char *path)
{
    rh_csv_table table;
    if (!rh_csv_read(path, all->reader->arena, &table, all->reader->error)) {
        if (all->reader->error)
            all->reader->error->code = RH_ERROR_SCENARIO;
        return false;
    }
    int name = rh_csv_column(&table, "name"), setting = rh_csv_column(&table, "setting"),
        unit = rh_csv_column(&table, "unit"), context = rh_csv_column(&table, "context"),
        source = rh_csv_column(&table, "source");
    for (size_t i = 0; i < table.row_count; i++) {
        const rh_csv_row *row = &table.rows[i];
        if (!is_setting_name(field(row, name)) || row->count <= (size_t)setting) {
            rh_value_fail(all->reader, node, "not a row of pg_settings: \"%s\"", field(row, name));
            rh_error_hint(all->reader->error,
                          "make it with: \\copy (select name, setting, unit, context, source from "
                          "pg_settings) to 'settings.csv' csv header");
            return rh_error_at(all->reader->error, path, row->line, 1);
        }
        if (strcmp(field(row, context), "internal") != 0 && strcmp(field(row, source), "default") != 0)
            set(all, field(row, name), with_unit(all->reader->arena, field(row, setting), field(row, unit)));
    }
    return true;
}

/* Is the first line a header with the columns name and setting? */
static bool looks_like_csv(const char *text)
{
    if (rh_starts_with(text, "\xef\xbb\xbf"))
        text += 3;
    size_t length = strcspn(text, "\r\n");
    bool name = false, setting = false;
    for (size_t i = 0; i < length;) {
        size_t end = i + strcspn(text + i, ",\r\n");
        size_t from = i, to = end;
        while (from < to && strchr("\" ", text[from]))
            from++;
        while (to > from && strchr("\" ", text[to - 1]))
            to--;
        name = name || (to - from == 4 && strncmp(text + from, "name", 4) == 0);
        setting = setting || (to - from == 7 && strncmp(text + from, "setting", 7) == 0);
        i = end + 1;
    }
    return name && setting;
}

/* ---- postgresql.conf (documentation, section 20.1.2) ---- */

static bool read_conf(list *all, rh_yaml_node *node, const char *path, int depth);

static const char *skip_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\f')
        p++;
    return p;
}

/* 'quoted' with '' and backslashes, or a bare word up to a blank or a comment. *END: behind it; NULL when a
 * quote is left open. */
static const char *conf_value(rh_arena *arena, const char *p, const char **end)
{
    if (*p != '\'') {
        size_t length = strcspn(p, " \t\r\f#");
        *end = p + length;
        return rh_arena_strndup(arena, p, length);
    }
    rh_text text = {0};
    for (p++; *p && (*p != '\'' || p[1] == '\''); p++) {
        if (*p == '\'' || (*p == '\\' && p[1]))
            p++;
        rh_text_append_char(&text, *p);
    }
    *end = *p ? p + 1 : NULL;
    const char *value = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return value;
}

static bool fail_conf(list *all, rh_yaml_node *node, const char *path, int line, const char *what,
                      const char *word)
{
    rh_value_fail(all->reader, node, "%s: \"%s\"", what, word);
    return rh_error_at(all->reader->error, path, line, 1);
}

static bool include(list *all, rh_yaml_node *node, const char *path, int line, int depth, const char *how,
                    const char *value)
{
    rh_arena *arena = all->reader->arena;
    const char *target = rh_path_beside(path, value, arena);
    if (depth >= INCLUDE_DEPTH)
        return fail_conf(all, node, path, line, "included too deeply", value);
    if (strcasecmp(how, "include_dir") == 0) {
        char **names;
        size_t count;
        if (rh_directory_exists(target)) {
            if (!rh_directory_list(target, arena, &names, &count, all->reader->error))
                return false;
            for (size_t i = 0; i < count; i++)
                if (rh_ends_with(names[i], ".conf") && names[i][0] != '.' &&
                    !read_conf(all, node, rh_arena_printf(arena, "%s/%s", target, names[i]), depth + 1))
                    return false;
            return true;
        }
    } else if (rh_file_exists(target)) {
        return read_conf(all, node, target, depth + 1);
    } else if (strcasecmp(how, "include_if_exists") == 0) {
        return true;
    }
    fail_conf(all, node, path, line, "an included file is missing", value);
    return rh_error_hint(all->reader->error,
                         "copy it beside this file or remove the line; or give a CSV of production's "
                         "pg_settings instead");
}

/* One line, without its newline. */
static bool read_conf_line(list *all, rh_yaml_node *node, const char *path, int line, int depth,
                           const char *text)
{
    rh_arena *arena = all->reader->arena;
    const char *p = skip_blanks(text);
    if (!*p || *p == '#')
        return true;
    const char *name = rh_arena_strndup(arena, p, strcspn(p, " \t\r\f=#"));
    p = skip_blanks(p + strlen(name));
    if (*p == '=')
        p = skip_blanks(p + 1);
    const char *end, *value = conf_value(arena, p, &end);
    if (!is_setting_name(name) || !end || (*skip_blanks(end) && *skip_blanks(end) != '#') || end == p) {
        fail_conf(all, node, path, line, "not a line of postgresql.conf", name);
        return rh_error_hint(all->reader->error,
                             "each line is NAME = VALUE; put a value with blanks in single quotes");
    }
    if (rh_starts_with(name, "include"))
        return include(all, node, path, line, depth, name, value);
    set(all, name, value);
    return true;
}

static bool read_conf_text(list *all, rh_yaml_node *node, const char *path, char *text, int depth)
{
    int line = 1;
    for (char *rest = text, *one; (one = strsep(&rest, "\n")) != NULL; line++)
        if (!read_conf_line(all, node, path, line, depth, one))
            return false;
    return true;
}

static bool read_conf(list *all, rh_yaml_node *node, const char *path, int depth)
{
    char *text = rh_file_read(path, FILE_LIMIT, all->reader->arena, NULL, all->reader->error);
    return text && read_conf_text(all, node, path, text, depth);
}

bool rh_settings_read(rh_reader *reader, const char *key, rh_yaml_node *node, rh_setting **settings,
                      size_t *count)
{
    list all = {reader, settings, count};
    if (rh_yaml_node_kind(node) == RH_YAML_MAPPING)
        return read_map(&all, key, node);
    const char *path = rh_value_path(reader, key, node);
    if (!path)
        return false;
    if (!rh_file_exists(path))
        return rh_value_fail(reader, node, "%s: \"%s\" is not a file", key, rh_yaml_scalar(node));
    rh_error failure = {0};
    char *text = rh_file_read(path, FILE_LIMIT, reader->arena, NULL, &failure);
    if (!text)
        rh_value_fail(reader, node, "%s: %s", key, failure.message);
    rh_error_release(&failure);
    if (!text)
        return false;
    return looks_like_csv(text) ? read_csv(&all, node, path) : read_conf_text(&all, node, path, text, 0);
}
