/* The readers of what stands beside the scripts, on anything: Flyway's settings and a script's .conf,
 * Diesel's metadata.toml, Sqitch's plan and configuration, and the comments that silence hazards. An error
 * has its reason, and its place in the file. For libFuzzer (-fsanitize=fuzzer, with RH_FUZZER defined), or by
 * itself over mutations of a fixed corpus. */
#include "migrations/frameworks/flyway.h"
#include "migrations/frameworks/frameworks.h"
#include "pgrehearse/sql/hazards.h"
#include "pgrehearse/adapters/files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static void failed(const char *text, int line)
{
    fprintf(stderr, "line %d: input [%s]\n", line, text);
    abort();
}

static void sweep(void)
{
    rh_tree_remove(folder, NULL);
}

/* One folder for all inputs, in memory where there is such a place. */
static const char *path_of(const char *name, rh_arena *arena)
{
    if (!*folder) {
        const char *shm = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(folder, sizeof folder, "%s/rh-fuzz-files-%d", shm, (int)getpid());
        if (mkdir(folder, 0700))
            abort();
        atexit(sweep);
    }
    return rh_arena_printf(arena, "%s/%s", folder, name);
}

static void write_file(const char *name, const char *text, rh_arena *arena)
{
    if (!rh_file_write(path_of(name, arena), text, strlen(text), NULL))
        abort();
}

static void check(const char *text, bool ok, rh_error *error, int line)
{
    if (ok == rh_error_is_set(error) || (!ok && error->line < 0))
        failed(text, line);
    rh_error_release(error);
}

static void read_script(const rh_framework_rules *rules, const char *sql, const char *text, rh_arena *arena)
{
    rh_error error = {0};
    rh_sql_reading reading = {.text = rh_arena_strdup(arena, sql), .rule = rules->transaction};
    const bool ok = rules->read(path_of("V1__x.sql", arena), RH_UP, arena, &reading, &error);
    check(text, ok, &error, __LINE__);
}

static void try_flyway(const char *text, const char *name, rh_arena *arena)
{
    static const char *const keys[] = {"mixed", "placeholders.a", "ignoreMigrationPatterns"};
    write_file(name, text, arena);
    const char *script = path_of("V1__x.sql", arena);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const rh_flyway_value found = rh_flyway_find(script, keys[i], arena);
        if (found.value && found.file && found.line < 1)
            failed(text, __LINE__);
    }
    rh_error error = {0};
    const bool ok =
        rh_flyway_check_settings(&(rh_plan){.history_table = "flyway_schema_history"}, script, arena, &error);
    check(text, ok, &error, __LINE__);
    rh_flyway_is_left_out(script, arena);
    read_script(&rh_framework_flyway, "select '${a}', '@a@', '${flyway:table}'", text, arena);
    unlink(path_of(name, arena));
}

static void try_diesel(const char *text, rh_arena *arena)
{
    write_file("metadata.toml", text, arena);
    read_script(&rh_framework_diesel, "select 1", text, arena);
    unlink(path_of("metadata.toml", arena));
}

static void try_sqitch(const char *plan, const char *config, rh_arena *arena)
{
    rh_migration_files list = {0};
    rh_error error = {0};
    write_file("sqitch.plan", plan, arena);
    write_file("sqitch.conf", config, arena);
    path_of("", arena);
    const bool ok = rh_framework_sqitch.list(folder, arena, &list, &error);
    for (size_t i = 0; ok && i < list.count; i++) {
        if (!list.files[i].id || !list.files[i].name || !list.files[i].path)
            failed(plan, __LINE__);
        rh_sql_reading reading = {.text = rh_arena_strdup(arena, "select :a, :'b';"),
                                  .own = list.files[i].own};
        rh_error refused = {0};
        check(plan, rh_framework_sqitch.read(path_of("x.sql", arena), RH_UP, arena, &reading, &refused),
              &refused, __LINE__);
    }
    check(plan, ok, &error, __LINE__);
    unlink(path_of("sqitch.plan", arena));
    unlink(path_of("sqitch.conf", arena));
}

static void try_ignores(const char *text, rh_arena *arena)
{
    rh_sql_span *spans;
    size_t count;
    rh_error error = {0};
    rh_sql_split(text, NULL, arena, &spans, &count, NULL);
    rh_script script = {.statements = rh_arena_alloc(arena, (count + 1) * sizeof *script.statements),
                        .statement_count = count};
    for (size_t i = 0; i < count; i++) {
        script.statements[i].ordinal = (int)i + 1;
        script.statements[i].line = spans[i].line;
        script.statements[i].column = spans[i].column;
        script.statements[i].sql = rh_arena_strndup(arena, text + spans[i].offset, spans[i].length);
    }
    check(text, rh_ignores_read("x.sql", text, arena, &script, &error), &error, __LINE__);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rh_arena *arena = rh_arena_new();
    char *text = rh_arena_strndup(arena, (const char *)data, size);
    try_flyway(text, "flyway.conf", arena);
    try_flyway(text, "flyway.toml", arena);
    try_flyway(text, "V1__x.sql.conf", arena);
    try_diesel(text, arena);
    try_sqitch(text, "[core]\n\tengine = pg\n", arena);
    try_sqitch("%project=x\n\na 2024-01-01T00:00:00Z A <a@b> # c\n", text, arena);
    try_ignores(text, arena);
    rh_arena_free(arena);
    return 0;
}

#ifndef RH_FUZZER
#include "mutate.h"

static const char *const corpus[] = {
    "# x\nflyway.mixed = true\nflyway.placeholders.a=b c\r\nflyway.table=flyway_schema_history\n",
    "[flyway]\nmixed = true # x\nignoreMigrationPatterns = [\"*:missing\", "
    "'x']\n[flyway.placeholders]\n\"a\" = "
    "'q\\'\nplaceholderPrefix=\"@\"",
    "executeInTransaction=${a}\nshouldExecute=${flyway:table}==x\nplaceholderReplacement=false\n",
    "# x\nrun_in_transaction = false # y\n[x]\nrun_in_transaction = true\n",
    "%syntax-version=1.0.0\n%project=shop\n%uri=https://x/\n\nusers 2024-01-01T10:00:00Z A B <a@b> # Adds\\n "
    "it\n"
    "@v1 2024-01-01T11:00:00Z A B <a@b> # tag\nusers [users@v1 !flips other:x] 2024-01-02T10:00:00Z A "
    "<a@b>\n",
    "[core]\n\tengine = pg\n\ttop_dir = .\n[core \"variables\"]\n\ta = \"b\\\"c\"\n[deploy]\n\tverify = "
    "true\n",
    "-- pgrehearse: ignore rename a reason\nalter table t rename to u;\n/* -- pgrehearse: ignore x */\n"
    "--pgrehearse:ignore drop-table known, drop-column\ndrop table t;",
};

int main(void)
{
    mutate_all(corpus, sizeof corpus / sizeof *corpus, 3000, LLVMFuzzerTestOneInput);
    return 0;
}
#endif
