/* The profile beside staging: staging that is production, a profile of another database, and what differs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted.h"
#include "pgrehearse/profile/profile.h"
#include <string.h>

#define IDENTITY "FROM pg_control_system()"
#define TABLES "The tables of the restored copy"

static rh_profile profile;
static rh_profile_relation relations[7];
static rh_production_facts facts;
static rh_arena *arena;
static rh_error error;

/* Of production, of today: the tables t0 and t1 of 4 MB. */
static int begin(void **state)
{
    (void)state;
    script_begin();
    arena = rh_arena_new();
    facts = (rh_production_facts){0};
    for (int i = 0; i < 7; i++)
        relations[i] = (rh_profile_relation){
            .schema = "public", .name = rh_arena_printf(arena, "t%d", i), .tuples = 100, .bytes = 4 << 20};
    profile = (rh_profile){.path = "/p.json",
                           .database = "shop",
                           .system_identifier = "7001",
                           .version_num = 150004,
                           .taken_s = (double)rh_clock_wall() / 1e6,
                           .in_recovery = 0,
                           .database_bytes = RH_UNKNOWN,
                           .samples = 20,
                           .relations = relations,
                           .relation_count = 2};
    return 0;
}

static int end(void **state)
{
    (void)state;
    rh_error_release(&error);
    rh_arena_free(arena);
    return script_open_connections();
}

/* ---- the guard ---- */

static void the_same_server_is_refused(void **state)
{
    (void)state;
    bool checked = false;
    script_rows(IDENTITY, "7001");
    assert_false(rh_profile_guard(&profile, "", &checked, &error));
    assert_int_equal(error.code, RH_ERROR_REFUSED);
    assert_true(checked);
}

static void another_server_is_not(void **state)
{
    (void)state;
    bool checked = false;
    script_rows(IDENTITY, "7002");
    assert_true(rh_profile_guard(&profile, "", &checked, &error));
    assert_true(checked);
}

static void one_that_does_not_say_was_not_checked(void **state)
{
    (void)state;
    bool checked = true;
    script_rows(IDENTITY, "")->action = SCRIPT_REFUSE;
    assert_true(rh_profile_guard(&profile, "", &checked, &error));
    assert_false(checked);
}

static void a_profile_without_identifier_checks_nothing(void **state)
{
    (void)state;
    bool checked = true;
    profile.system_identifier = NULL;
    assert_true(rh_profile_guard(&profile, "", &checked, &error));
    assert_false(checked);
    assert_int_equal(script_sent(NULL, IDENTITY), 0);
}

static void a_server_that_cannot_be_reached_is_an_error(void **state)
{
    (void)state;
    bool checked;
    script_add((script_rule){.role = ": guard", .action = SCRIPT_LOSE});
    assert_false(rh_profile_guard(&profile, "", &checked, &error));
    assert_int_equal(error.code, RH_ERROR_LOST);
}

/* ---- the comparison ---- */

static bool compared(const char *tables)
{
    script_rows(TABLES, tables);
    return rh_profile_compare(&profile, "", arena, &facts, &error);
}

static void says(const char *sentence)
{
    for (size_t i = 0; i < facts.sentence_count; i++)
        if (strstr(facts.sentences[i], sentence))
            return;
    fail_msg("no sentence has \"%s\"; the first: %s", sentence,
             facts.sentence_count ? facts.sentences[0] : "");
}

static void tables_of_the_same_size_need_no_word(void **state)
{
    (void)state;
    assert_true(compared("public t0 4194304 9 public.t0;public t1 4194304 9 public.t1"));
    assert_int_equal(facts.sentence_count, 0);
    assert_ptr_equal(facts.profile, &profile);
}

static void none_in_common_is_another_database(void **state)
{
    (void)state;
    assert_false(compared("public x 4194304 9 public.x;s t0 4194304 9 s.t0"));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_string_equal(error.file, "/p.json");
    assert_non_null(strstr(error.message, "none of the 2 tables of the backup"));
}

static void an_empty_backup_is_not(void **state)
{
    (void)state;
    assert_true(compared(""));
    says("the backup lacks 2 of the 2 tables in production's profile: public.t0, public.t1");
}

static void a_table_that_the_profile_lacks_is_unlisted(void **state)
{
    (void)state;
    assert_true(compared("public t0 4194304 9 public.t0;public t1 4194304 9 public.t1;s New 1 1 s.\"New\""));
    says("lacks 1 of the backup's 3 tables: s.New");
    assert_int_equal(facts.unlisted_count, 1);
    assert_string_equal(facts.unlisted[0], "s.\"New\"");
}

static void only_five_names_are_listed(void **state)
{
    (void)state;
    profile.relation_count = 7;
    assert_true(compared("s x 1 1 s.x;public t6 4194304 9 public.t6"));
    says("public.t0, public.t1, public.t2, public.t3, public.t4 and 1 more");
}

static void one_that_is_much_smaller_on_production_is_named(void **state)
{
    (void)state;
    assert_true(compared("public t0 5300000 9 public.t0;public t1 5200000 9 public.t1"));
    assert_int_equal(facts.sentence_count, 1);
    says("smaller on production than in the backup: public.t0");
}

static void small_tables_differ_by_chance(void **state)
{
    (void)state;
    relations[0].bytes = 8192;
    assert_true(compared("public t0 1000000 9 public.t0;public t1 4194304 9 public.t1"));
    assert_int_equal(facts.sentence_count, 0);
}

static void unknown_rows_and_sizes_are_named(void **state)
{
    (void)state;
    relations[0].tuples = RH_UNKNOWN;
    relations[1].bytes = RH_UNKNOWN;
    assert_true(compared("public t0 4194304 9 public.t0;public t1 4194304 9 public.t1"));
    says("never analysed these tables, so their rows are not known: public.t0");
    says("the sizes of these tables on production are not known: public.t1");
}

static void a_partitioned_table_has_no_size(void **state)
{
    (void)state;
    relations[0].is_partitioned = true;
    relations[0].bytes = RH_UNKNOWN;
    assert_true(compared("public t0 - 9 public.t0;public t1 4194304 9 public.t1"));
    assert_int_equal(facts.sentence_count, 0);
}

static void what_differs_of_the_servers(void **state)
{
    (void)state;
    profile.version_num = 130009;
    profile.taken_s -= 40 * 86400.0;
    profile.in_recovery = 1;
    profile.database_bytes = 79 << 20;
    script_rows("pg_database_size", "104857600");
    assert_true(compared("public t0 4194304 9 public.t0;public t1 4194304 9 public.t1"));
    says("production is PostgreSQL 13, staging PostgreSQL 15");
    says("profile is 40 days old");
    says("was taken on a standby");
    says("is smaller than the restored backup");
    assert_int_equal(facts.sentence_count, 4);
}

static void what_the_profile_does_not_know(void **state)
{
    (void)state;
    const char *warnings[] = {"a negative size"};
    rh_skipped unknown[] = {{.what = "wal", .why = "permission denied"}};
    profile.warnings = warnings;
    profile.unknown = unknown;
    profile.warning_count = profile.unknown_count = 1;
    profile.probe.cut_short[RH_PROBE_RANDOM] = true;
    profile.relation_count = 0;
    profile.samples = 1;
    assert_true(compared("public t0 4194304 9 public.t0"));
    says("production's profile: a negative size");
    says("not known of production: wal (permission denied)");
    says("probe \"random\" ended early");
    says("has no tables");
    says("--watch");
}

static void a_lost_server_ends_the_comparison(void **state)
{
    (void)state;
    script_rows(TABLES, "")->action = SCRIPT_LOSE;
    assert_false(compared(""));
    assert_int_equal(error.code, RH_ERROR_LOST);
}

static void settings_that_staging_has_get_productions_value(void **state)
{
    (void)state;
    rh_profile_setting there[] = {{.name = "work_mem", .value = "8MB"}, {.name = "port", .value = "1"}};
    rh_setting_fact here[] = {{.name = "work_mem"}, {.name = "wal_level"}};
    rh_staging_facts staging = {.settings = here, .setting_count = 2};
    profile.settings = there;
    profile.setting_count = 2;
    rh_profile_settings(&profile, &staging);
    assert_string_equal(here[0].production_value, "8MB");
    assert_null(here[1].production_value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
        test(the_same_server_is_refused),
        test(another_server_is_not),
        test(one_that_does_not_say_was_not_checked),
        test(a_profile_without_identifier_checks_nothing),
        test(a_server_that_cannot_be_reached_is_an_error),
        test(tables_of_the_same_size_need_no_word),
        test(none_in_common_is_another_database),
        test(an_empty_backup_is_not),
        test(a_table_that_the_profile_lacks_is_unlisted),
        test(only_five_names_are_listed),
        test(one_that_is_much_smaller_on_production_is_named),
        test(small_tables_differ_by_chance),
        test(unknown_rows_and_sizes_are_named),
        test(a_partitioned_table_has_no_size),
        test(what_differs_of_the_servers),
        test(what_the_profile_does_not_know),
        test(a_lost_server_ends_the_comparison),
        test(settings_that_staging_has_get_productions_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
