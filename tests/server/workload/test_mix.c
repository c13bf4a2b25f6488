/* The mix of schemas that make it hard: what cannot be made fresh is left out with a sentence, the rest runs
 * without an error. */
#include "load_support.h"
#include "pgrehearse/base/text.h"

static test_cluster *cluster;

static int start(void **state)
{
    (void)state;
    cluster = test_cluster_start();
    return cluster ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

/* Keys of every awkward kind: what an insert can make fresh, it does; what not, is said. */
static void test_awkward_keys(void **state)
{
    (void)state;
    rh_pg *pg = load_connect(cluster, "postgres");
    load_execute(
        pg,
        "CREATE TABLE plain (id int PRIMARY KEY, email varchar(40) UNIQUE, n int NOT NULL, "
        "twice int GENERATED ALWAYS AS (n * 2) STORED);"
        "INSERT INTO plain SELECT i, 'user' || i || '@example.org', i FROM generate_series(1, 500) i;"
        "CREATE UNIQUE INDEX ON plain (lower(email));"
        "CREATE TABLE ids (id uuid PRIMARY KEY, t text); INSERT INTO ids SELECT gen_random_uuid(), 'x' FROM "
        "generate_series(1, 50);"
        "CREATE TABLE codes (code char(2) PRIMARY KEY, name text); INSERT INTO codes VALUES ('de', "
        "'Germany'), ('fr', 'France');"
        "CREATE TABLE \"Odd \"\"Name\" (\"the key\" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, d date);"
        "INSERT INTO \"Odd \"\"Name\" (d) SELECT now() FROM generate_series(1, 20);"
        "CREATE TABLE links (a int REFERENCES plain, b uuid REFERENCES ids, PRIMARY KEY (a, b));"
        "INSERT INTO links SELECT p.id, i.id FROM plain p, ids i WHERE p.id < 10;"
        "CREATE TABLE one_to_one (id int PRIMARY KEY REFERENCES plain, v text); INSERT INTO one_to_one "
        "SELECT id, 'v' FROM plain;"
        "CREATE TABLE booked (id serial PRIMARY KEY, during int4range, EXCLUDE USING gist (during WITH &&));"
        "INSERT INTO booked (during) VALUES ('[1,2)'), ('[3,4)');"
        "CREATE TABLE small (id smallint PRIMARY KEY, v text); INSERT INTO small VALUES (1, 'a');"
        "CREATE TABLE empty (id int PRIMARY KEY);"
        "CREATE TABLE refused (id serial PRIMARY KEY, v int CHECK (v < 5)); INSERT INTO refused (v) VALUES "
        "(1);"
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'read only'; END "
        "$$;"
        "CREATE TRIGGER no BEFORE INSERT OR UPDATE ON refused FOR EACH ROW EXECUTE FUNCTION no();"
        "CREATE TABLE parts (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
        "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
        "INSERT INTO parts SELECT i, '2026-05-05', 'v' FROM generate_series(1, 300) i; ANALYZE");
    rh_arena *arena = rh_arena_new();
    rh_mix mix = load_mix(pg, arena);
    const char *inserts[] = {"plain", "ids", "links", "parts", "Odd \"Name"};
    const char *without[] = {"codes", "one_to_one", "booked", "small", "refused"};
    rh_text all = {0};
    for (size_t i = 0; i < mix.template_count; i++)
        rh_text_printf(&all, "[%s]", mix.templates[i].name);
    for (size_t i = 0; i < mix.left_out_count; i++)
        print_message("%s\n", mix.left_out[i]);
    for (size_t i = 0; i < sizeof inserts / sizeof *inserts; i++) {
        char name[64];
        snprintf(name, sizeof name, "[insert into public.%s]", inserts[i]);
        if (!strstr(all.data, name))
            fail_msg("no %s", name);
    }
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        char name[64];
        snprintf(name, sizeof name, "[insert into public.%s]", without[i]);
        if (strstr(all.data, name))
            fail_msg("%s", name);
    }
    assert_null(strstr(all.data, "parts_1"));
    assert_null(strstr(all.data, "public.empty"));
    rh_text_release(&all);

    int64_t before, after, distinct;
    assert_true(rh_pg_query_int(pg, "SELECT count(*) FROM plain", &before, NULL));
    rh_generator *generator = load_start(cluster, "postgres", &mix, 800, 8);
    load_sleep(2);
    rh_load load;
    rh_generator_finish(generator, arena, &load);
    load_show_errors(&load);
    rh_load_second sum = load_totals(&load);
    assert_int_equal(sum.errors, 0);
    assert_true(rh_pg_query_int(pg, "SELECT count(*) FROM plain", &after, NULL));
    assert_true(rh_pg_query_int(pg, "SELECT count(DISTINCT id) FROM plain", &distinct, NULL));
    assert_true(after > before);
    assert_int_equal(after, distinct);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

static void test_same_seed_same_mix(void **state)
{
    (void)state;
    rh_pg *pg = load_connect(cluster, "postgres");
    load_execute(pg, "CREATE SCHEMA s; CREATE TABLE s.t (id serial PRIMARY KEY, v text); "
                     "INSERT INTO s.t (v) SELECT 'v' || i FROM generate_series(1, 5000) i; ANALYZE s.t");
    rh_arena *arena = rh_arena_new();
    rh_mix first = load_mix(pg, arena), second = load_mix(pg, arena);
    assert_int_equal(first.template_count, second.template_count);
    for (size_t i = 0; i < first.template_count; i++) {
        const rh_template *a = &first.templates[i], *b = &second.templates[i];
        assert_string_equal(a->sql, b->sql);
        assert_int_equal(a->value_row_count, b->value_row_count);
        for (size_t r = 0; r < a->value_row_count; r++)
            for (size_t p = 0; p < a->parameter_count; p++)
                if (a->values[r][p] && strcmp(a->name, "read s.t by key") == 0)
                    assert_string_equal(a->values[r][p], b->values[r][p]);
    }
    rh_arena_free(arena);
    rh_pg_close(pg);
}

/* Tables of migration tools, by their names and columns, and two of an application with such names. */
static void test_only_tables_of_the_application_get_load(void **state)
{
    (void)state;
    static const char *const tools[] = {
        "schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
        "_sqlx_migrations (version bigint PRIMARY KEY, description text, success boolean, checksum bytea)",
        "atlas_schema_revisions (version text PRIMARY KEY, description text, applied bigint)",
        "refinery_schema_history (version integer PRIMARY KEY, name text, applied_on text, checksum text)",
        "databasechangelog (id text, author text, filename text, md5sum text)",
        "databasechangeloglock (id integer PRIMARY KEY, locked boolean)",
        "schema_version (version integer NOT NULL)",
        "_yoyo_migration (migration_hash text PRIMARY KEY, migration_id text)",
        "\"__EFMigrationsHistory\" (\"MigrationId\" text PRIMARY KEY, \"ProductVersion\" text)",
        "migrations (id serial PRIMARY KEY, timestamp bigint NOT NULL, name text NOT NULL)",
        "mikro_orm_migrations (id serial PRIMARY KEY, name text, executed_at timestamptz)",
        "kysely_migration_lock (id text PRIMARY KEY, is_locked integer)",
        "\"SequelizeMeta\" (name text PRIMARY KEY)",
        "seaql_migrations (version text PRIMARY KEY, applied_at bigint)",
        "alembic_version (version_num text PRIMARY KEY)",
        "django_migrations (id bigserial PRIMARY KEY, app text, name text, applied timestamptz)",
        "hdb_catalog.anything (id bigserial PRIMARY KEY, name text)",
        "graphile_migrate.migrations (hash text PRIMARY KEY, previous_hash text, filename text)",
        "supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text)",
        "pgroll.migrations (schema text PRIMARY KEY, name text)",
    };
    rh_pg *pg = load_connect(cluster, "postgres");
    load_execute(pg, "CREATE DATABASE tools");
    rh_pg_close(pg);
    pg = load_connect(cluster, "tools");
    load_execute(pg, "CREATE SCHEMA hdb_catalog; CREATE SCHEMA graphile_migrate; CREATE SCHEMA pgroll; "
                     "CREATE SCHEMA supabase_migrations; CREATE SCHEMA birds;");
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        rh_error error = {0};
        if (!rh_pg_executef(pg, &error, "CREATE TABLE %s", tools[i]))
            fail_msg("%s", error.message);
    }
    load_execute(pg, "CREATE TABLE changelog (id serial PRIMARY KEY, author text, entry text);"
                     "INSERT INTO changelog (author) SELECT 'a' || i FROM generate_series(1, 100) i;"
                     "CREATE TABLE birds.migrations (id serial PRIMARY KEY, species text, km integer);"
                     "INSERT INTO birds.migrations (km) SELECT i FROM generate_series(1, 100) i; ANALYZE");
    rh_arena *arena = rh_arena_new();
    rh_mix mix = load_mix(pg, arena);
    size_t log = 0, birds = 0;
    for (size_t i = 0; i < mix.template_count; i++) {
        log += strstr(mix.templates[i].name, "public.changelog") != NULL;
        birds += strstr(mix.templates[i].name, "birds.migrations") != NULL;
    }
    assert_true(log > 0);
    assert_true(birds > 0);
    assert_int_equal(mix.template_count, log + birds);
    size_t left_out = 0;
    for (size_t i = 0; i < mix.left_out_count; i++)
        left_out += strstr(mix.left_out[i], "belongs to a migration tool") != NULL;
    assert_int_equal(left_out, sizeof tools / sizeof *tools);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

static void test_empty_database_has_no_mix(void **state)
{
    (void)state;
    rh_pg *pg = load_connect(cluster, "postgres");
    load_execute(pg, "CREATE DATABASE nothing");
    rh_pg_close(pg);
    pg = load_connect(cluster, "nothing");
    rh_arena *arena = rh_arena_new();
    rh_mix mix = load_mix(pg, arena);
    assert_int_equal(mix.template_count, 0);
    rh_error error = {0};
    rh_generator_options options = {
        .conninfo = load_conninfo(cluster, "nothing"), .mix = &mix, .rate = 10, .connections = 1};
    assert_null(rh_generator_start(&options, &error));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    rh_error_release(&error);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_awkward_keys),
        cmocka_unit_test(test_same_seed_same_mix),
        cmocka_unit_test(test_only_tables_of_the_application_get_load),
        cmocka_unit_test(test_empty_database_has_no_mix),
    };
    return cmocka_run_group_tests_name("mix", tests, start, stop);
}
