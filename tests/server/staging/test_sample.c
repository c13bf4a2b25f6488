/* The page sample: its size, its closure over foreign keys of every shape, and what comes with it. */
#include "fixture.h"

static const char SCHEMA[] =
    "CREATE SCHEMA \"Odd Name\";"
    "CREATE TABLE country (code text PRIMARY KEY, name text);"
    "INSERT INTO country SELECT 'c' || i, repeat('x', 20) FROM generate_series(1, 50) i;"
    /* large, referred to, refers to itself */
    "CREATE TABLE person (id int PRIMARY KEY, country text REFERENCES country, boss int REFERENCES person, "
    "filler text,"
    "  twice int GENERATED ALWAYS AS (id * 2) STORED);"
    "INSERT INTO person SELECT i, 'c' || (1 + i % 50), CASE WHEN i > 1 THEN i / 2 END, repeat('p', 200)"
    "  FROM generate_series(1, 40000) i;"
    /* a cycle of two tables */
    "CREATE TABLE team (id int PRIMARY KEY, lead int REFERENCES person, filler text);"
    "INSERT INTO team SELECT i, 1 + (i * 7) % 40000, repeat('t', 200) FROM generate_series(1, 10000) i;"
    "ALTER TABLE person ADD team int;"
    "UPDATE person SET team = 1 + id % 10000 WHERE id % 3 = 0;"
    "ALTER TABLE person ADD FOREIGN KEY (team) REFERENCES team;"
    /* two columns, odd names, partitions on both sides */
    "CREATE TABLE \"Odd Name\".\"Part\" (\"Key\" int, day date, filler text, PRIMARY KEY (\"Key\", day)) "
    "PARTITION BY RANGE (\"Key\");"
    "CREATE TABLE part_a PARTITION OF \"Odd Name\".\"Part\" FOR VALUES FROM (0) TO (10000);"
    "CREATE TABLE part_b PARTITION OF \"Odd Name\".\"Part\" FOR VALUES FROM (10000) TO (100000);"
    "INSERT INTO \"Odd Name\".\"Part\" SELECT i, '2026-01-01', repeat('q', 200) FROM generate_series(1, "
    "20000) i;"
    "CREATE TABLE line (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, b date, filler text,"
    "  FOREIGN KEY (a, b) REFERENCES \"Odd Name\".\"Part\" (\"Key\", day));"
    "INSERT INTO line (a, b, filler) SELECT 1 + i % 20000, CASE WHEN i % 5 > 0 THEN '2026-01-01'::date END, "
    "repeat('l', 200)"
    "  FROM generate_series(1, 60000) i;"
    "CREATE INDEX ON line (a);"
    "CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM line;"
    "CREATE SEQUENCE free_sequence; SELECT setval('free_sequence', 777);"
    "CREATE TABLE schema_migrations (version bigint, dirty bool); INSERT INTO schema_migrations VALUES (7, "
    "false);"
    "CREATE FUNCTION no_insert() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trigger''; "
    "END';"
    "CREATE TRIGGER t BEFORE INSERT ON person FOR EACH ROW EXECUTE FUNCTION no_insert();"
    "ALTER DATABASE pgrehearse SET search_path = \"$user\", public, \"Odd Name\";"
    "ALTER DATABASE pgrehearse SET statement_timeout = '1min'";

static int64_t number(fixture *f, const char *sql)
{
    return strtoll(fixture_value(f, sql), NULL, 10);
}

static void test_sample(void **state)
{
    fixture *f = *state;
    const char *why_not = "unset";
    assert_ok(f, fixture_start(f));
    fixture_sql(f, SCHEMA);
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    const char *whole = rh_arena_strdup(f->arena, rh_staging_conninfo(f->staging));
    assert_ok(f, rh_staging_sample(f->staging, 1.0 / 16, f->arena, &why_not, &f->error));
    if (why_not)
        fail_msg("%s", why_not);
    assert_string_not_equal(rh_staging_conninfo(f->staging), whole);

    int64_t lines = number(f, "SELECT count(*) FROM line"),
            persons = number(f, "SELECT count(*) FROM person");
    assert_in_range(lines, 60000 / 32, 60000 / 8);
    assert_in_range(persons, 40000 / 32,
                    40000 / 2); /* with bosses up to the first, and teams' leads with theirs */
    assert_int_equal(number(f, "SELECT count(*) FROM country"), 50);
    assert_int_equal(number(f, "SELECT count(*) FROM schema_migrations WHERE version = 7"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM person WHERE twice = id * 2"), persons);
    /* Every foreign key is there and valid, so every parent is. */
    assert_int_equal(
        number(f,
               "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated AND conparentid = 0"),
        5);
    assert_int_equal(number(f, "SELECT count(*) FROM line WHERE b IS NOT NULL AND NOT EXISTS (SELECT FROM "
                               "\"Odd Name\".\"Part\" p "
                               "WHERE p.\"Key\" = a AND p.day = b)"),
                     0);
    assert_true(number(f, "SELECT count(*) FROM part_a") > 0);
    assert_true(number(f, "SELECT count(*) FROM part_b") > 0);
    assert_int_equal(number(f, "SELECT n FROM m"), lines);
    assert_int_equal(number(f, "SELECT last_value FROM free_sequence"), 777);
    assert_int_equal(number(f, "SELECT nextval('line_id_seq')"), 60001);
    assert_int_equal(number(f, "SELECT count(*) FROM pg_index WHERE indrelid = 'line'::regclass"), 2);
    assert_true(number(f, "SELECT reltuples FROM pg_class WHERE relname = 'line'") > 0);
    assert_string_equal(fixture_value(f, "SHOW statement_timeout"), "1min");
    assert_string_equal(fixture_value(f, "SHOW search_path"), "\"$user\", public, \"Odd Name\"");

    /* A sample of another size replaces it; a reset ends it. */
    assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    assert_string_equal(rh_staging_conninfo(f->staging), whole);
    assert_int_equal(number(f, "SELECT count(*) FROM pg_database WHERE datname LIKE '%sample'"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM line"), 60000);
    assert_ok(f, rh_staging_sample(f->staging, 1.0 / 64, f->arena, &why_not, &f->error));
    assert_true(number(f, "SELECT count(*) FROM line") < lines / 2);
    assert_true(number(f, "SELECT count(*) FROM line") > 0);
}

/* A key that a migration will add is followed, one that cannot be made yet is passed over, and none stays. */
static void test_unsupported_keys(void **state)
{
    static const char *const keys[] = {"ALTER TABLE nowhere ADD FOREIGN KEY (a) REFERENCES child NOT VALID",
                                       "ALTER TABLE child ADD FOREIGN KEY (p) REFERENCES parent NOT VALID"};
    static const char lost[] =
        "SELECT count(*) FROM child WHERE NOT EXISTS (SELECT FROM parent WHERE parent.id = p)";
    fixture *f = *state;
    const char *why_not = NULL;
    assert_ok(f, fixture_start(f));
    fixture_sql(f, "CREATE TABLE parent (id int PRIMARY KEY, filler text); INSERT INTO parent SELECT i, "
                   "repeat('p', 200) FROM generate_series(1, 20000) i;"
                   "CREATE TABLE child (p int, filler text); INSERT INTO child SELECT 1 + i * 7 % 20000, "
                   "repeat('c', 200) FROM generate_series(1, 20000) i;");
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    assert_ok(f, rh_staging_sample(f->staging, 1.0 / 16, f->arena, &why_not, &f->error));
    assert_true(number(f, lost) > 0);
    assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    rh_staging_follow(f->staging, keys, 2);
    assert_ok(f, rh_staging_sample(f->staging, 1.0 / 16, f->arena, &why_not, &f->error));
    if (why_not)
        fail_msg("%s", why_not);
    assert_int_equal(number(f, lost), 0);
    assert_true(number(f, "SELECT count(*) FROM parent") < 10000);
    assert_int_equal(number(f, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"), 0);
}

/* What cannot come over is told, and does not stop the rest. */
static void test_what_cannot_be_sampled(void **state)
{
    fixture *f = *state;
    const char *why_not = NULL;
    assert_ok(f, fixture_start(f));
    fixture_sql(f, "CREATE TABLE good (a int PRIMARY KEY); INSERT INTO good VALUES (1), (2);"
                   "CREATE TABLE bad (a int); INSERT INTO bad VALUES (-1);"
                   "ALTER TABLE bad ADD CONSTRAINT positive CHECK (a > 0) NOT VALID;"
                   "CREATE TABLE empty (); CREATE TABLE orphan (a int); INSERT INTO orphan VALUES (5);"
                   "ALTER TABLE orphan ADD CONSTRAINT lost FOREIGN KEY (a) REFERENCES good NOT VALID;");
    /* A CHECK that NOT VALID spared the old row from is made with the table when it is marked as valid. */
    fixture_sql(f, "UPDATE pg_constraint SET convalidated = true WHERE conname IN ('positive', 'lost')");
    assert_ok(f, rh_staging_sample(f->staging, 0.5, f->arena, &why_not, &f->error));
    assert_non_null(why_not);
    assert_non_null(strstr(why_not, "bad"));
    assert_non_null(strstr(why_not, "positive"));
    assert_non_null(strstr(why_not, "lost"));
    assert_string_equal(fixture_value(f, "SELECT count(*) FROM good"), "2");
}

int main(void)
{
    rh_interrupt_install();
    const struct CMUnitTest tests[] = {TEST(test_sample), TEST(test_unsupported_keys),
                                       TEST(test_what_cannot_be_sampled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
