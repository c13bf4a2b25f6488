/* Profiles from files: what is read, implausible figures, and the message for each kind of damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/adapters/files.h"
#include "pgrehearse/profile/profile.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/rh_test_profile_XXXXXX";
static char path[64];
static rh_arena *arena;
static rh_profile profile;

static int set_up(void **state)
{
    (void)state;
    arena = rh_arena_new();
    profile = (rh_profile){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

static void write_file(const char *text)
{
    rh_error error = {0};
    snprintf(path, sizeof path, "%s/profile", folder);
    assert_true(rh_file_write(path, text, strlen(text), &error));
}

static void reads(const char *text)
{
    rh_error error = {0};
    write_file(text);
    if (!rh_profile_read(path, arena, &profile, &error))
        fail_msg("%s (line %d)", error.message, error.line);
}

static void complains(const char *text, int line, const char *message)
{
    rh_error error = {0};
    write_file(text);
    assert_false(rh_profile_read(path, arena, &profile, &error));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    if (!strstr(error.message, message))
        fail_msg("\"%s\" is not in \"%s\"", message, error.message);
    assert_string_equal(error.file, path);
    assert_int_equal(error.line, line);
    assert_non_null(error.hint);
    rh_error_release(&error);
}

static bool warnings(const char *part)
{
    for (size_t i = 0; i < profile.warning_count; i++)
        if (strstr(profile.warnings[i], part))
            return true;
    return false;
}

static const char *why_unknown(const char *what)
{
    for (size_t i = 0; i < profile.unknown_count; i++)
        if (strcmp(profile.unknown[i].what, what) == 0)
            return profile.unknown[i].why;
    return NULL;
}

#define HEAD "{\"format\": \"pgrehearse profile\", \"version\": 1,\n"
#define SERVER                                                                                               \
    "\"server\": {\"version\": \"15.4\", \"version_num\": 150004, \"database\": \"shop\", \"clock_s\": "     \
    "1700000000}"

static void reads_what_is_there(void **state)
{
    (void)state;
    reads(HEAD SERVER
          ",\"identity\": {\"system_identifier\": \"18446744073709551615\"},"
          "\"size\": {\"database_bytes\": 5000000000},"
          "\"settings\": [{\"name\": \"work_mem\", \"value\": \"64MB\", \"is_default\": false}],"
          "\"relations\": [{\"schema\": \"public\", \"name\": \"orders\", \"pages\": 100, \"tuples\": 5000, "
          "\"bytes\": 819200},"
          " {\"schema\": \"public\", \"name\": \"fresh\", \"tuples\": null, \"bytes\": null}],"
          "\"counters\": [{\"schema\": \"public\", \"name\": \"orders\", \"clock_s\": 100, \"inserts\": 10, "
          "\"updates\": 1, \"deletes\": 0, \"sequential_scans\": 4, \"index_scans\": 6},"
          " {\"schema\": \"public\", \"name\": \"fresh\", \"clock_s\": 100, \"inserts\": 0},"
          " {\"schema\": \"public\", \"name\": \"orders\", \"clock_s\": 102, \"inserts\": 50, \"updates\": "
          "2, \"deletes\": 0, \"sequential_scans\": 6, \"index_scans\": 10}],"
          "\"activity\": [{\"clock_s\": 100, \"commits\": 1000, \"wal_bytes\": 5}, {\"clock_s\": 102, "
          "\"commits\": 1500, \"wal_bytes\": 2005}],"
          "\"ages\": [{\"schema\": \"public\", \"name\": \"orders\", \"mode\": \"RowExclusiveLock\", "
          "\"up_to_s\": 0.5, \"transactions\": 7}, {\"looks\": 40, \"watched_s\": 10}],"
          "\"probe\": {\"cpu\": {\"rows\": 1000000, \"seconds\": 0.25, \"cut_short\": false}, \"random\": "
          "{\"reads\": 200, \"seconds\": 0.1},"
          "  \"wal\": {\"flush_s\": 0.002, \"cut_short\": true}}}");
    assert_string_equal(profile.source, "json");
    assert_int_equal(strlen(profile.sha256), 64);
    assert_string_equal(profile.system_identifier, "18446744073709551615");
    assert_int_equal(profile.database_bytes, 5000000000);
    assert_string_equal(profile.settings[0].value, "64MB");
    assert_int_equal(profile.relations[0].tuples, 5000);
    assert_int_equal(profile.relations[1].tuples, RH_UNKNOWN);
    assert_int_equal(profile.relations[1].bytes, RH_UNKNOWN);
    assert_true(profile.relations[0].inserts_per_s == 20);
    assert_true(profile.relations[0].updates_per_s == 0.5);
    assert_true(profile.relations[0].scans_per_s == 3);
    assert_true(isnan(profile.relations[1].inserts_per_s)); /* one reading */
    assert_true(profile.commits_per_s == 250);
    assert_true(profile.wal_bytes_per_s == 1000);
    assert_int_equal(profile.samples, 40);
    assert_true(profile.watched_s == 10);
    assert_true(profile.ages[0].transactions == 7);
    assert_true(profile.probe.value[RH_PROBE_CPU] == 4e6);
    assert_true(profile.probe.value[RH_PROBE_RANDOM] == 0.0005);
    assert_true(profile.probe.cut_short[RH_PROBE_WAL]);
    assert_true(isnan(profile.probe.value[RH_PROBE_SORT]));
    assert_int_equal(profile.disk_free_bytes, RH_UNKNOWN);
    assert_int_equal(profile.in_recovery, -1);
    assert_int_equal(profile.warning_count, 0);
    assert_non_null(why_unknown("indexes"));
    assert_null(why_unknown("relations"));
}

static void csv_is_the_same(void **state)
{
    (void)state;
    reads("\xef\xbb\xbfpart,fact\r\n"
          "server,\"{\"\"version\"\": \"\"13.2\"\", \"\"version_num\"\": 130002, \"\"clock_s\"\": "
          "1700000000}\"\r\n"
          "relations,\"{\"\"schema\"\": \"\"a,b\"\", \"\"name\"\": \"\"x\"\", \"\"bytes\"\": 8192}\"\r\n"
          "ages,\"{\"\"up_to_s\"\": null, \"\"transactions\"\": 2, \"\"clock_s\"\": 10}\"\r\n"
          "ages,\"{\"\"up_to_s\"\": 2, \"\"transactions\"\": 1}\"\r\n"
          "ages,\"{\"\"up_to_s\"\": null, \"\"transactions\"\": 2, \"\"clock_s\"\": 12.5}\"\r\n"
          "probe.sort,\"{\"\"rows\"\": 100000, \"\"seconds\"\": 0.1}\"\r\n"
          "probe.wal,\"{\"\"why\"\": \"\"a standby writes no WAL\"\"}\"\r\n"
          "unknown,\"{\"\"what\"\": \"\"machine\"\", \"\"why\"\": \"\"permission denied\"\"}\"\r\n"
          "end,{}\r\n");
    assert_string_equal(profile.source, "csv");
    assert_string_equal(profile.relations[0].schema, "a,b");
    assert_int_equal(profile.samples, 2);
    assert_true(profile.watched_s == 2.5);
    assert_true(profile.probe.value[RH_PROBE_SORT] == 1e6);
    assert_string_equal(why_unknown("probe.wal"), "a standby writes no WAL");
    assert_string_equal(why_unknown("machine"), "permission denied");
    assert_non_null(why_unknown("disk"));
    assert_null(why_unknown("replicas")); /* none is an answer */
    assert_non_null(why_unknown("size"));
    assert_null(why_unknown("what came last"));
}

static void a_script_that_was_stopped(void **state)
{
    (void)state;
    reads("part,fact\nserver,\"{\"\"version\"\": \"\"13.2\"\", \"\"version_num\"\": 130002}\"\n");
    assert_non_null(why_unknown("what came last"));
    complains("part,fact\nserver,\"{\"\"version", 2, "never closed");
    complains("part,fact\nserver\n", 2, "truncated");
    complains("part,fact\nserver,{\n", 2, "not a JSON object");
    complains("part,fact\nserver,[]\n", 2, "not a JSON object");
    complains("part,fact\nnovelty,{}\n", 2, "unknown section \"novelty\"");
}

static void no_profile_at_all(void **state)
{
    (void)state;
    complains("", 1, "not a profile");
    complains("name,setting\nwork_mem,4096\n", 1, "not a profile");
    complains("{}", 1, "not a profile");
    complains("[]", 1, "not a profile");
    complains("{\"format\": \"something else\"}", 1, "not a profile");
    complains("{\"format\": \"pgrehearse profile\", \"version\": 2}", 1, "format version 2");
    complains("{\"format\": \"pgrehearse profile\",\n\"version\": 1,\n oops}", 3, "is not valid JSON");
    complains(HEAD "\"server\": {}}", 0, "does not say which server");
    complains(HEAD "\"server\": []}", 0, "does not say which server");
    rh_error error = {0};
    assert_false(rh_profile_read("/nonexistent/profile.json", arena, &profile, &error));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    rh_error_release(&error);
}

static void implausible_figures(void **state)
{
    (void)state;
    reads(HEAD "\"server\": {\"version\": \"15.4\", \"version_num\": 150004, \"clock_s\": 99999999999},"
               "\"size\": {\"database_bytes\": 1000000},"
               "\"relations\": [{\"schema\": \"a\", \"name\": \"huge\", \"bytes\": 2000000},"
               " {\"schema\": \"a\", \"name\": \"negative\", \"bytes\": -5, \"tuples\": \"many\"},"
               " {\"schema\": \"a\", \"name\": \"dense\", \"bytes\": 8192, \"tuples\": 100000},"
               " {\"name\": \"homeless\"}, null, 7],"
               "\"counters\": [{\"schema\": \"a\", \"name\": \"huge\", \"clock_s\": 100, \"inserts\": 10},"
               " {\"schema\": \"a\", \"name\": \"huge\", \"clock_s\": 101, \"inserts\": 3},"
               " {\"schema\": null, \"name\": 4}],"
               "\"activity\": [{\"clock_s\": 100, \"commits\": 1}, {\"clock_s\": 90, \"commits\": 100}],"
               "\"probe\": {\"cpu\": {\"rows\": 1000, \"seconds\": 0}, \"sequential\": {\"bytes\": 1e14, "
               "\"seconds\": 0.0001},"
               " \"wal\": {\"flush_s\": -1}, \"sort\": \"fast\"}}");
    assert_true(isnan(profile.taken_s));
    assert_true(warnings("clock_s is out of range"));
    assert_int_equal(profile.relation_count, 3);
    assert_int_equal(profile.relations[0].bytes, RH_UNKNOWN);
    assert_true(warnings("a.huge: 2000000 bytes are more than the whole database's"));
    assert_int_equal(profile.relations[1].bytes, RH_UNKNOWN);
    assert_true(warnings("a.negative: bytes is out of range: -5"));
    assert_true(warnings("a.negative: tuples is not a number"));
    assert_int_equal(profile.relations[2].tuples, RH_UNKNOWN);
    assert_true(isnan(profile.relations[0].inserts_per_s));
    assert_true(warnings("a.huge: a counter decreased"));
    assert_true(isnan(profile.commits_per_s));
    assert_true(warnings("-10 s apart"));
    for (int kind = 0; kind < RH_PROBE_COUNT; kind++)
        assert_true(isnan(profile.probe.value[kind]));
    assert_true(warnings("probe cpu"));
    assert_true(warnings("probe sequential: out of range: 1e+18"));
    assert_true(warnings("probe wal"));
    assert_true(warnings("probe sort"));
}

/* Of 0.5 s the hashing had the CPU for 0.3; of a wait that was longer than the measured part a quarter is
 * left. */
static void a_wait_for_a_cpu_is_no_part_of_a_probe(void **state)
{
    (void)state;
    reads(HEAD SERVER ", \"probe\": {\"cpu\": {\"rows\": 3000000, \"seconds\": 0.5, \"cpu_wait_s\": 0.2},"
                      " \"cached\": {\"bytes\": 1e8, \"seconds\": 0.4, \"cpu_wait_s\": 3},"
                      " \"sequential\": {\"bytes\": 32000000, \"seconds\": 0.16, \"cpu_wait_s\": 0.1}}}");
    assert_float_equal(profile.probe.value[RH_PROBE_CPU], 1e7, 1);
    assert_float_equal(profile.probe.value[RH_PROBE_CACHED], 1e9, 1);
    assert_float_equal(profile.probe.value[RH_PROBE_SEQUENTIAL], 2e8, 1);
}

/* The places that took longer than others are the device's; a faster device than all of them together is a
 * mistake. */
static void distinguishes_the_device_from_a_cache(void **state)
{
    (void)state;
    reads(HEAD SERVER ", \"probe\": {\"sequential\": {\"bytes\": 32000000, \"seconds\": 0.16, "
                      "\"uncached_bytes\": 8000000, \"uncached_seconds\": 0.08}, "
                      "\"write\": {\"bytes\": 16000000, \"seconds\": 0.2, \"cut_short\": false}}}");
    assert_true(profile.probe.value[RH_PROBE_SEQUENTIAL] == 2e8);
    assert_true(profile.probe.uncached_bytes_per_s == 1e8);
    assert_true(profile.probe.value[RH_PROBE_WRITE] == 8e7);
    reads(HEAD SERVER ", \"probe\": {\"sequential\": {\"bytes\": 32000000, \"seconds\": 0.16, "
                      "\"uncached_bytes\": 8000000, \"uncached_seconds\": 0.01}}}");
    assert_true(isnan(profile.probe.uncached_bytes_per_s));
    reads(HEAD SERVER ", \"probe\": {\"sequential\": {\"bytes\": 32000000, \"seconds\": 0.16}}}");
    assert_true(isnan(profile.probe.uncached_bytes_per_s));
}

static void reads_most_common_values(void **state)
{
    (void)state;
    reads(HEAD SERVER
          ", \"values\": [{\"schema\": \"public\", \"table\": \"orders\", \"column\": \"status\", "
          "\"values\": [\"sent\", \"new\"], \"frequencies\": [0.7, 0.25]},"
          " {\"schema\": \"public\", \"table\": \"orders\", \"column\": \"sum\", \"values\": [\"1\"], "
          "\"frequencies\": [0.7, 0.2]},"
          " {\"schema\": \"public\", \"table\": \"orders\", \"column\": \"more\", \"values\": [\"1\", "
          "\"2\"], \"frequencies\": [0.7, 0.5]},"
          " {\"schema\": \"public\", \"table\": \"orders\", \"column\": \"less\", \"values\": [1], "
          "\"frequencies\": [-1]}]}");
    assert_int_equal(profile.value_count, 1);
    assert_string_equal(profile.values[0].column, "status");
    assert_int_equal(profile.values[0].count, 2);
    assert_string_equal(profile.values[0].values[1], "new");
    assert_true(profile.values[0].frequencies[1] == 0.25);
    assert_true(warnings("orders.sum are not valid"));
    assert_true(warnings("orders.more are"));
    assert_true(warnings("orders.less are"));
    reads(HEAD SERVER "}");
    assert_int_equal(profile.value_count, 0);
    assert_null(why_unknown("values")); /* nobody asked */
}

#define PART(name, kind, of, figures)                                                                        \
    "{\"schema\": \"s\", \"name\": \"" name "\", \"kind\": \"" kind "\", " of figures "}"
#define OF(parent) "\"parent_schema\": \"s\", \"parent\": \"" parent "\", "
#define SIZES(rows, bytes)                                                                                   \
    "\"pages\": 10, \"tuples\": " rows ", \"bytes\": " bytes ", \"toast_bytes\": 0, \"index_bytes\": 8192"
#define COUNTS(name, at, n)                                                                                  \
    "{\"schema\": \"s\", \"name\": \"" name "\", \"clock_s\": " at ", \"inserts\": " n ", \"updates\": 0, "  \
    "\"deletes\": 0, \"sequential_scans\": 0, \"index_scans\": 0}"

/* Over two levels; a partition that does not tell leaves its ancestors unknown, and nobody else. */
static void partitions_add_up(void **state)
{
    (void)state;
    static const char relations[] =
        "\"size\": {\"database_bytes\": 5000000000}, \"relations\": [" PART("log", "p", "", "\"tuples\": null") "," PART(
            "log_26", "p", OF("log"),
            "\"tuples\": null") "," PART("log_25", "r", OF("log"),
                                         SIZES(
                                             "100",
                                             "81920")) "," PART("log_26a", "r", OF("log_26"),
                                                                SIZES(
                                                                    "50",
                                                                    "40960")) "," PART("log_26b", "r",
                                                                                       OF("log_26"),
                                                                                       SIZES(
                                                                                           "null",
                                                                                           "40960")) "," PART("empty",
                                                                                                              "p",
                                                                                                              "",
                                                                                                              "\"tuples\": null") "]";
    static const char counters[] =
        "\"counters\": [" COUNTS("log_25", "0", "0") "," COUNTS("log_25", "10", "20") "," COUNTS(
            "log_26a", "0", "0") "," COUNTS("log_26a", "10", "30") "," COUNTS("log_26b", "0",
                                                                              "5") "," COUNTS("log_26b", "10",
                                                                                              "5") "]";
    reads(rh_arena_printf(arena, "%s, %s, %s}", HEAD SERVER, relations, counters));
    const rh_profile_relation *log = &profile.relations[0], *log_26 = &profile.relations[1];
    assert_true(log->inserts_per_s == 5);
    assert_true(log_26->inserts_per_s == 3);
    assert_int_equal(log->bytes, 163840);
    assert_int_equal(log_26->bytes, 81920);
    assert_int_equal(log->index_bytes, 3 * 8192);
    assert_int_equal(log->tuples, RH_UNKNOWN);
    assert_int_equal(profile.relations[2].tuples, 100);
    assert_true(isnan(profile.relations[5].inserts_per_s));
    assert_int_equal(profile.relations[5].bytes, RH_UNKNOWN);
}

static void many_warnings_are_summarised(void **state)
{
    (void)state;
    rh_text text = {0};
    rh_text_append(&text, HEAD SERVER ", \"relations\": [");
    for (int i = 0; i < 500; i++)
        rh_text_printf(&text, "%s{\"schema\": \"s\", \"name\": \"t%d\", \"bytes\": -1}", i ? "," : "", i);
    rh_text_append(&text, "]}");
    reads(rh_text_string(&text));
    rh_text_release(&text);
    assert_int_equal(profile.relation_count, 500);
    assert_int_equal(profile.warning_count, 21);
    assert_string_equal(profile.warnings[20], "and 480 more invalid figures");
}

/* Every prefix of a good file is refused or read; none of them crashes. */
static void every_truncation(void **state)
{
    (void)state;
    static const char good[] =
        HEAD SERVER ", \"ages\": [{\"up_to_s\": 1, \"transactions\": 2}], \"unknown\": [{\"what\": \"x\"}]}";
    for (size_t length = 0; length < sizeof good - 1; length++) {
        rh_error error = {0};
        rh_json *root = rh_json_parse(good, length, "cut", NULL);
        if (root && rh_profile_parse(root, "cut", arena, &profile, &error))
            fail_msg("a prefix of %zu bytes was a profile", length);
        rh_json_free(root);
        rh_error_release(&error);
    }
}

static void script_has_every_part(void **state)
{
    (void)state;
    rh_text script = {0};
    rh_profile_options options = {.probes = 1u << RH_PROBE_CPU, .watch = 2 * RH_SECOND};
    rh_profile_script(&options, &script);
    const char *text = rh_text_string(&script);
    assert_non_null(strstr(text, "READ ONLY"));
    assert_non_null(strstr(text, "'probe.cpu'"));
    assert_null(strstr(text, "'probe.wal'"));
    assert_null(strstr(text, "pg_logical_emit_message"));
    size_t samples = 0;
    for (const char *at = text; (at = strstr(at, ":rh_look\n")) != NULL; at++)
        samples++;
    assert_int_equal(samples, 8);
    assert_non_null(strstr(text, "No value of the data"));
    assert_null(strstr(text, "most_common_vals"));
    rh_text_clear(&script);
    options.most_common_values = true;
    rh_profile_script(&options, &script);
    assert_non_null(strstr(rh_text_string(&script), "COPY (SELECT 'values'"));
    assert_null(strstr(rh_text_string(&script), "No value of the data"));
    rh_text_release(&script);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rh_tree_remove(folder, NULL) ? 0 : -1;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(reads_what_is_there),
        TEST(csv_is_the_same),
        TEST(a_script_that_was_stopped),
        TEST(no_profile_at_all),
        TEST(implausible_figures),
        TEST(a_wait_for_a_cpu_is_no_part_of_a_probe),
        TEST(distinguishes_the_device_from_a_cache),
        TEST(reads_most_common_values),
        TEST(partitions_add_up),
        TEST(many_warnings_are_summarised),
        TEST(every_truncation),
        TEST(script_has_every_part),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
