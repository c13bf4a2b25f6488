/* Reads a profile: JSON as "pgrehearse profile" writes it, or the CSV of its psql script. */
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/adapters/files.h"
#include "sections.h"
#include "pgrehearse/profile/profile.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const int64_t LARGEST = INT64_C(256) << 20;

/* Puts one row of the CSV where the JSON has it. */
static bool add_fact(rh_json *root, const char *part, rh_json *fact)
{
    const rh_part *known = rh_profile_part(part);
    if (rh_starts_with(part, "probe.")) {
        const char *why = rh_json_string(rh_json_get(fact, "why"));
        if (!why) {
            rh_json_add(rh_json_get(root, "probe"), part + strlen("probe."), fact);
            return true;
        }
        rh_json *unknown = rh_json_add_object(rh_json_get(root, "unknown"), NULL);
        rh_json_add_string(unknown, "what", part);
        rh_json_add_string(unknown, "why", why);
        rh_json_free(fact);
    } else if (rh_starts_with(part, "probe_again.")) {
        rh_json *again = rh_json_get(root, "probe_again");
        if (!again)
            again = rh_json_add_object(root, "probe_again");
        rh_json_add(again, part + strlen("probe_again."), fact);
    } else if (strcmp(part, "unknown") == 0 || (known && known->many)) {
        if (!rh_json_get(root, part))
            rh_json_add_array(root, part);
        rh_json_add(rh_json_get(root, part), NULL, fact);
    } else if (known || strcmp(part, "end") == 0) {
        rh_json_add(root, part, fact);
    } else {
        rh_json_free(fact);
        return false;
    }
    return true;
}

static bool add_row(rh_json *root, const rh_csv_row *row, int part, int fact, const char *path,
                    rh_error *error)
{
    if ((int)row->count <= part || (int)row->count <= fact) {
        rh_error_set(error, RH_ERROR_SCENARIO, "a row of the profile is truncated");
        rh_error_hint(error, "let psql run the script to its end, and copy the complete file");
        return rh_error_at(error, path, row->line, 0);
    }
    rh_json *value = rh_json_parse(row->fields[fact], strlen(row->fields[fact]), path, NULL);
    if (!rh_json_is_object(value)) {
        rh_json_free(value);
        rh_error_set(error, RH_ERROR_SCENARIO, "the profile's fact about \"%.40s\" is not a JSON object",
                     row->fields[part]);
        rh_error_hint(error, "use the script's output as it is");
        return rh_error_at(error, path, row->line, 0);
    }
    if (add_fact(root, row->fields[part], value))
        return true;
    rh_error_set(error, RH_ERROR_SCENARIO, "the profile has an unknown section \"%.40s\"", row->fields[part]);
    rh_error_hint(error, "a newer pgrehearse made it; use that one, or make the profile again");
    return rh_error_at(error, path, row->line, 0);
}

static rh_json *read_csv(const char *path, rh_arena *arena, rh_error *error)
{
    rh_csv_table table;
    rh_error failure = {0};
    if (!rh_csv_read(path, arena, &table, &failure)) {
        rh_error_set(error, RH_ERROR_SCENARIO, "%s", failure.message);
        rh_error_hint(error, "let psql run the script to its end, and copy the complete file");
        rh_error_at(error, failure.file ? failure.file : path, failure.line, failure.column);
        rh_error_release(&failure);
        return NULL;
    }
    int part = rh_csv_column(&table, "part"), fact = rh_csv_column(&table, "fact");
    if (part < 0 || fact < 0) {
        rh_error_set(error, RH_ERROR_SCENARIO, "this is not a profile of production");
        rh_error_hint(error, "make one: pgrehearse profile --url URL --output FILE, or with --sql");
        rh_error_at(error, path, 1, 0);
        return NULL;
    }
    rh_json *root = rh_json_object();
    rh_json_add_string(root, "format", "pgrehearse profile");
    rh_json_add_int(root, "version", 1);
    rh_json_add_object(root, "probe");
    rh_json_add_array(root, "unknown");
    size_t parts;
    const rh_part *list = rh_profile_parts(&parts);
    for (size_t i = 0; i < parts; i++)
        if (list[i].many && !list[i].requested) /* no rows is an answer, too */
            rh_json_add_array(root, list[i].name);
    for (size_t i = 0; i < table.row_count; i++) {
        if (!add_row(root, &table.rows[i], part, fact, path, error)) {
            rh_json_free(root);
            return NULL;
        }
    }
    rh_json *disk = rh_json_add_object(rh_json_get(root, "unknown"), NULL);
    rh_json_add_string(disk, "what", "disk");
    rh_json_add_string(disk, "why", "PostgreSQL does not report it to clients");
    if (!rh_json_get(root, "end")) {
        rh_json *rest = rh_json_add_object(rh_json_get(root, "unknown"), NULL);
        rh_json_add_string(rest, "what", "what came last");
        rh_json_add_string(rest, "why", "the script did not run to its end");
    }
    return root;
}

static rh_json *read_json(const char *path, const char *text, size_t length, rh_error *error)
{
    rh_error failure = {0};
    rh_json *root = rh_json_parse(text, length, path, &failure);
    if (!root) {
        rh_error_set(error, RH_ERROR_SCENARIO, "%s", failure.message);
        rh_error_hint(error, "make the profile again, or repair the file at that place");
        rh_error_at(error, path, failure.line, failure.column);
    }
    rh_error_release(&failure);
    return root;
}

bool rh_profile_read(const char *path, rh_arena *arena, rh_profile *profile, rh_error *error)
{
    size_t length;
    rh_error failure = {0};
    const char *text = rh_file_read(path, LARGEST, arena, &length, &failure);
    if (!text) {
        rh_error_set(error, RH_ERROR_SCENARIO, "%s", failure.message);
        rh_error_hint(error, "name a file that \"pgrehearse profile\" wrote");
        rh_error_at(error, path, 0, 0);
        rh_error_release(&failure);
        return false;
    }
    const char *first = text;
    if (strncmp(first, "\xef\xbb\xbf", 3) == 0)
        first += 3;
    length -= (size_t)(first - text);
    size_t blank = 0;
    while (isspace((unsigned char)first[blank]))
        blank++;
    bool csv = first[blank] != '{' && first[blank] != '[';
    rh_json *root = csv ? read_csv(path, arena, error) : read_json(path, first, length, error);
    bool ok = root && rh_profile_parse(root, path, arena, profile, error);
    rh_json_free(root);
    if (!ok)
        return false;
    profile->source = csv ? "csv" : "json";
    return rh_sha256_path(path, profile->sha256, NULL, NULL, NULL, error);
}
