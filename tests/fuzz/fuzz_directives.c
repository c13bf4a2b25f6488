/* The readers of directives, on anything: what is refused has a reason; what is read keeps the text's length
 * where it says so, its line ends, and pieces in order within the text. For libFuzzer (-fsanitize=fuzzer,
 * with RH_FUZZER defined), or by itself over mutations of a fixed corpus. */
#include "migrations/frameworks/frameworks.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void failed(const char *text, const char *framework, int line)
{
    fprintf(stderr, "line %d, %s: input [%s]\n", line, framework, text);
    abort();
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void check_pieces(const char *text, const char *framework, const rh_sql_reading *reading)
{
    size_t at = 0, length = strlen(reading->text);
    for (size_t i = 0; i < reading->piece_count; i++) {
        const rh_sql_span *piece = &reading->pieces[i];
        if (piece->offset < at || piece->offset + piece->length > length || piece->line < 1 ||
            piece->column < 1)
            failed(text, framework, __LINE__);
        at = piece->offset + piece->length;
    }
}

static void read_one(const rh_framework_rules *rules, const char *text, rh_direction direction)
{
    rh_arena *arena = rh_arena_new();
    rh_sql_reading reading = {.text = rh_arena_strdup(arena, text), .rule = rules->transaction};
    rh_error error = {0};
    bool ok = rules->read("/nowhere/1_x.sql", direction, arena, &reading, &error);
    if (ok == rh_error_is_set(&error))
        failed(text, rules->name, __LINE__);
    if (ok && !reading.piece_files && !rules->list && count_lines(reading.text) != count_lines(text) &&
        !strstr(text, "${"))
        failed(text, rules->name, __LINE__);
    if (ok)
        check_pieces(text, rules->name, &reading);
    rh_error_release(&error);
    rh_arena_free(arena);
}

static void name_one(const rh_framework_rules *rules, const char *text)
{
    rh_arena *arena = rh_arena_new();
    char *name = rh_arena_strndup(arena, text, strcspn(text, "\n"));
    rh_migration_file file = {.file = name};
    if (rules->recognise(name, arena, &file) && (!file.id || !file.name))
        failed(text, rules->name, __LINE__);
    if (file.id && rules->compare(&file, &file) != 0)
        failed(text, rules->name, __LINE__);
    rh_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rh_arena *arena = rh_arena_new();
    char *text = rh_arena_strndup(arena, (const char *)data, size);
    for (size_t i = 0; rh_framework_rules_at(i); i++) {
        const rh_framework_rules *rules = rh_framework_rules_at(i);
        name_one(rules, text);
        if (!rules->read)
            continue;
        read_one(rules, text, RH_UP);
        read_one(rules, text, RH_DOWN);
    }
    rh_arena_free(arena);
    return 0;
}

#ifndef RH_FUZZER
#include "mutate.h"

static const char *const corpus[] = {
    "-- x\n-- migrate:up transaction:false a:b\nselect 1;\n--migrate:down\r\nselect 2",
    "-- about\n-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\nselect ';\n';\n-- +goose "
    "StatementEnd\nselect 2; -- x\n-- +goose Down\nselect 3;\n",
    "-- +goose Up\nselect 1;\n-- +goose StatementBegin\n-- +goose StatementEnd\nselect 2;\nselect 3;\n",
    "-- +goose ENVSUB ON\n-- +goose Up\r\nselect '$X';\r\n-- +goose ENVSUB OFF\r\nselect $$\r\n;\r\n$$;\r\n",
    "select '${flyway:filename}', ${none}; -- ${x}\ncreate index concurrently i on t (a)",
    "\\set x 'a' :y\nselect :x, :'x', $$ \\! $$;\n\\echo `id`\n\\i x.sql\nselect E'\\'' \\g\n",
    "-- morph:nontransactional\nselect {{ .Name }}",
    "V1_2.03__a_b.sql\nU1__x.sql",
    "20240101-000000_a/up.sql\n20200101_a.postgres.autocommit.up.sql",
    "001.do.a.b.sql\n001.undo.js",
    "000001_a.up.down.sql\n9.down.sql",
};

int main(void)
{
    mutate_all(corpus, sizeof corpus / sizeof *corpus, 5000, LLVMFuzzerTestOneInput);
    return 0;
}
#endif
