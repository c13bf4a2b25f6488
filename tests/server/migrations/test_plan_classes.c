/* What plan expects a statement to do to a table, beside what it does on the server: the files of the table
 * and of its indexes before and after, and whether the table was read through. */
#include "../../unit/migrations/plan_fixture.h"
#include "../cluster.h"
#include "pgrehearse/adapters/pg.h"

/* clang-format off */
static const char TYPES[] =
    "ALTER DATABASE postgres SET timezone TO 'UTC';\n"
    "CREATE DOMAIN plain AS text; CREATE DOMAIN plain2 AS text; CREATE DOMAIN ck AS text CHECK (VALUE <> 'q');\n"
    "CREATE DOMAIN nn AS text NOT NULL; CREATE DOMAIN v10 AS varchar(10); CREATE DOMAIN v AS varchar; CREATE DOMAIN over AS plain;\n"
    "CREATE DOMAIN overck AS ck; CREATE DOMAIN posint AS int; CREATE DOMAIN \"C d\" AS text COLLATE \"C\";\n"
    "CREATE TYPE mood AS ENUM ('a','b'); CREATE TYPE pair AS (x int, y int);\n"
    "CREATE FUNCTION fixed() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';\n"
    "CREATE FUNCTION loose() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';\n";

/* A column c of the first type, with an index where the type has one, is given the second. */
static const char *const CHANGES[][2] = {
    {"cidr", "inet"}, {"inet", "cidr USING c::cidr"},
    {"text", "plain"}, {"plain", "text"}, {"plain", "plain2"}, {"text", "ck"}, {"ck", "text"}, {"ck", "ck"}, {"text", "nn"}, {"nn", "text"},
    {"v10", "varchar(20)"}, {"v10", "varchar"}, {"v10", "text"}, {"varchar(10)", "v10"}, {"varchar(5)", "v10"}, {"varchar(10)", "v"}, {"text", "v10"},
    {"over", "text"}, {"text", "over"}, {"overck", "text"}, {"text", "overck"}, {"int", "posint"}, {"posint", "int"}, {"posint", "bigint"},
    {"varchar(10)", "varchar(20)"}, {"varchar(20)", "varchar(10)"}, {"varchar(10)", "varchar"}, {"varchar", "varchar(10)"}, {"varchar(10)", "text"},
    {"text", "varchar"}, {"text", "varchar(10)"}, {"text", "bpchar"}, {"varchar", "bpchar"}, {"varchar(5)", "char(5)"}, {"char(5)", "text"},
    {"char(5)", "varchar"}, {"char(5)", "varchar(5)"}, {"char(5)", "char(6)"}, {"char(5)", "bpchar"}, {"char(5)", "char(5)"},
    {"numeric(10,2)", "numeric(12,2)"}, {"numeric(10,2)", "numeric(12,3)"}, {"numeric(10,2)", "numeric"}, {"numeric", "numeric(10,2)"},
    {"numeric(10)", "numeric(12)"}, {"numeric(10)", "numeric(12,0)"}, {"numeric(10,-2)", "numeric(12,0)"},
    {"numeric(10,-1)", "numeric(12,0)"}, {"decimal(5,2)", "dec(6,2)"},
    {"timestamp(3)", "timestamp(5)"}, {"timestamp(3)", "timestamp"}, {"timestamp", "timestamp(6)"}, {"timestamp", "timestamp(5)"},
    {"timestamp(5)", "timestamp(3)"}, {"timestamptz(3)", "timestamptz(6)"}, {"time(3)", "time(4)"}, {"time", "time(6)"}, {"timetz(3)", "timetz"},
    {"timetz", "timetz(6)"}, {"timestamp", "timestamptz"}, {"timestamptz", "timestamp"}, {"timestamp(3)", "timestamptz"},
    {"timestamp(3)", "timestamptz(3)"}, {"timestamp", "timestamptz(6)"}, {"timestamp", "timestamptz(3)"}, {"timestamptz(3)", "timestamp(3)"},
    {"timestamp", "date"}, {"date", "timestamp"}, {"timestamp", "timestamptz USING c AT TIME ZONE 'UTC'"}, {"timestamp", "timestamptz USING c::timestamptz"},
    {"interval", "interval(6)"}, {"interval(3)", "interval(5)"}, {"interval(3)", "interval"}, {"interval(5)", "interval(3)"},
    {"interval day", "interval"}, {"interval", "interval day"}, {"interval hour", "interval day to hour"}, {"interval day to second", "interval"},
    {"interval day to second(3)", "interval day to second"}, {"interval day to second(3)", "interval(4)"}, {"interval hour to minute", "interval day to minute"},
    {"interval day to hour", "interval hour"}, {"interval year", "interval month"}, {"interval month", "interval year to month"}, {"interval minute", "interval hour"},
    {"bit varying(5)", "bit varying(8)"}, {"bit varying(5)", "bit varying"}, {"bit varying(8)", "bit varying(5)"}, {"bit(5)", "bit(8)"},
    {"bit(5)", "bit varying(5)"}, {"bit(5)", "bit varying"}, {"bit varying(5)", "bit(5)"}, {"bit(5)", "bit(5)"},
    {"int", "bigint"}, {"int", "oid"}, {"oid", "int"}, {"int", "regclass"}, {"regclass", "oid"}, {"oid", "regclass"}, {"json", "jsonb"}, {"json", "text"},
    {"jsonb", "text"}, {"mood", "text"}, {"name", "text"}, {"bytea", "text"}, {"uuid", "text"}, {"text", "text"}, {"int", "int"}, {"int", "int4"}, {"pair", "pair"},
    {"text[]", "varchar[]"}, {"varchar(5)[]", "varchar(8)[]"}, {"varchar(5)[]", "text[]"}, {"int[]", "bigint[]"}, {"numeric(5,2)[]", "numeric(6,2)[]"}, {"text[]", "text[]"},
    {"text", "text COLLATE \"C\""}, {"text COLLATE \"C\"", "text"}, {"varchar(5) COLLATE \"C\"", "varchar(8) COLLATE \"C\""}, {"varchar(5)", "text COLLATE \"C\""},
    {"varchar(5) COLLATE \"C\"", "text"}, {"text COLLATE \"C\"", "text COLLATE \"POSIX\""}, {"text", "text COLLATE pg_catalog.\"default\""}, {"text", "\"C d\""}, {"\"C d\"", "text"},
    {"varchar(10)", "varchar(20) USING c"}, {"varchar(10)", "varchar(20) USING c::varchar(20)"}, {"varchar(10)", "varchar(20) USING c::text"},
    {"varchar(10)", "text USING c::text"}, {"varchar(10)", "text USING lower(c)"}, {"text", "text USING (c)"},
};

/* On the table below. */
static const char TABLE[] =
    "CREATE TABLE t (id int NOT NULL, c varchar(10), n numeric(8,2), b text COLLATE \"C\", CONSTRAINT c_ck CHECK (c <> ''), v int);\n"
    "CREATE UNIQUE INDEX t_id ON t (id); CREATE INDEX t_lower ON t (lower(c)); CREATE INDEX t_n ON t (n) WHERE n > 0;\n"
    "CREATE UNLOGGED TABLE u (id int); CREATE TABLE p (id int, k int) PARTITION BY RANGE (id);\n"
    "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE r (id int PRIMARY KEY, tid int);\n"
    "ALTER TABLE t ADD CONSTRAINT nv CHECK (n > -5) NOT VALID; ALTER TABLE r ADD CONSTRAINT rf FOREIGN KEY (tid) REFERENCES r(id) NOT VALID;\n";
static const char ROWS[] =
    "INSERT INTO t SELECT i, 'a', 1, 'b', i FROM generate_series(1, 5) i; INSERT INTO u VALUES (1); INSERT INTO p VALUES (1, 1); INSERT INTO r VALUES (1, 1);\n";
static const char *const STATEMENTS[] = {
    "ALTER TABLE t SET LOGGED", "ALTER TABLE t SET UNLOGGED", "ALTER TABLE u SET LOGGED", "ALTER TABLE u SET UNLOGGED",
    "ALTER TABLE t SET ACCESS METHOD heap", "ALTER TABLE p SET LOGGED", "ALTER TABLE p SET TABLESPACE pg_default",
    "ALTER TABLE t ALTER c TYPE varchar(20)", "ALTER TABLE t ALTER n TYPE numeric(9,2)", "ALTER TABLE t ALTER b TYPE text", "ALTER TABLE t ALTER b TYPE varchar COLLATE \"C\"",
    "ALTER TABLE t ADD d int", "ALTER TABLE t ADD d int DEFAULT 5", "ALTER TABLE t ADD d int NOT NULL DEFAULT 5", "ALTER TABLE t ADD d timestamptz DEFAULT now()",
    "ALTER TABLE t ADD d timestamptz NOT NULL DEFAULT current_timestamp", "ALTER TABLE t ADD d timestamptz DEFAULT clock_timestamp()", "ALTER TABLE t ADD d uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE t ADD d float DEFAULT random()", "ALTER TABLE t ADD d serial", "ALTER TABLE t ADD d int GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ADD d int GENERATED ALWAYS AS (id + 1) STORED", "ALTER TABLE t ADD d int DEFAULT fixed()", "ALTER TABLE t ADD d int DEFAULT loose()",
    "ALTER TABLE t ADD d plain", "ALTER TABLE t ADD d ck", "ALTER TABLE t ADD d plain DEFAULT 'x'", "ALTER TABLE t ADD d int[] DEFAULT '{}'", "ALTER TABLE t ADD d jsonb DEFAULT '{}'::jsonb",
    "ALTER TABLE t ADD d int DEFAULT 1 CHECK (d > 0)", "ALTER TABLE t ADD d int CHECK (d > 0)", "ALTER TABLE t ADD d int UNIQUE", "ALTER TABLE t ADD d int REFERENCES r", "ALTER TABLE t ADD d int DEFAULT 1 REFERENCES r",
    "ALTER TABLE t DROP c", "ALTER TABLE t ALTER v SET NOT NULL", "ALTER TABLE t ALTER id SET NOT NULL", "ALTER TABLE t ALTER id DROP NOT NULL", "ALTER TABLE t ALTER v SET DEFAULT 5",
    "ALTER TABLE t ADD CHECK (v > 0)", "ALTER TABLE t ADD CHECK (v > 0) NOT VALID", "ALTER TABLE t VALIDATE CONSTRAINT nv", "ALTER TABLE t VALIDATE CONSTRAINT c_ck", "ALTER TABLE r VALIDATE CONSTRAINT rf",
    "ALTER TABLE r ADD FOREIGN KEY (tid) REFERENCES r", "ALTER TABLE t ADD FOREIGN KEY (v) REFERENCES r NOT VALID",
    "ALTER TABLE t ADD PRIMARY KEY USING INDEX t_id", "ALTER TABLE t ADD PRIMARY KEY (id)", "ALTER TABLE t ADD UNIQUE USING INDEX t_id", "ALTER TABLE t ADD UNIQUE (v)", "ALTER TABLE t ADD EXCLUDE (v WITH =)",
    "CREATE INDEX ON t (v)", "CREATE UNIQUE INDEX ON t (v, id)", "CREATE INDEX IF NOT EXISTS t_id ON t (id)", "DROP INDEX t_id",
    "ALTER TABLE t CLUSTER ON t_id", "ALTER TABLE t RENAME c TO cc", "ALTER TABLE t SET (fillfactor = 70)", "ALTER TABLE t ALTER c SET STATISTICS 5", "ALTER TABLE t ALTER c SET STORAGE PLAIN",
    "ALTER TABLE t REPLICA IDENTITY FULL", "ALTER TABLE t ENABLE ROW LEVEL SECURITY", "ALTER TABLE t ALTER b SET COMPRESSION pglz",
    "CREATE TRIGGER tg BEFORE INSERT ON t EXECUTE FUNCTION suppress_redundant_updates_trigger()", "ALTER DOMAIN plain ADD CHECK (VALUE <> 'z')", "CREATE STATISTICS s ON id, v FROM t", "COMMENT ON TABLE t IS 'x'",
};
/* clang-format on */

static test_cluster *cluster;
static rh_pg *server;

static const char LOOK[] =
    "SELECT coalesce(string_agg(pg_relation_filenode(c.oid)::text, ' ' ORDER BY c.oid) FILTER (WHERE relkind = 'r'), ''),"
    " coalesce(string_agg(pg_relation_filenode(c.oid)::text, ' ' ORDER BY c.oid) FILTER (WHERE relkind = 'i'), ''),"
    " coalesce(sum(pg_stat_get_xact_numscans(c.oid)) FILTER (WHERE relkind = 'r'), 0)::text"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' AND relkind IN ('r', 'i')";

typedef struct look {
    const char *heap, *indexes, *scans;
} look;

static look look_now(rh_arena *arena)
{
    rh_error error = {0};
    rh_pg_result *result = rh_pg_query(server, LOOK, 0, NULL, &error);
    if (!result)
        fail_msg("%s", error.message);
    const look l = {rh_arena_strdup(arena, rh_pg_value(result, 0, 0)),
                    rh_arena_strdup(arena, rh_pg_value(result, 0, 1)),
                    rh_arena_strdup(arena, rh_pg_value(result, 0, 2))};
    rh_pg_result_free(result);
    return l;
}

/* An index file that was not there before. */
static bool has_new(const char *before, const char *after, rh_arena *arena)
{
    char *copy = rh_arena_strdup(arena, after), *state = NULL;
    for (char *file = strtok_r(copy, " ", &state); file; file = strtok_r(NULL, " ", &state))
        if (!strstr(before, file))
            return true;
    return false;
}

static const char *measured(const char *setup, const char *sql, rh_arena *arena)
{
    rh_error error = {0};
    if (!rh_pg_execute(server, "BEGIN; SET LOCAL client_min_messages = error", &error) ||
        !rh_pg_execute(server, setup, &error))
        fail_msg("%s: %s", setup, error.message);
    const look before = look_now(arena);
    const char *class_ = "nothing";
    if (rh_pg_execute(server, sql, &error)) {
        const look after = look_now(arena);
        class_ = has_new(before.heap, after.heap, arena)         ? "rewrite"
                 : has_new(before.indexes, after.indexes, arena) ? "index"
                 : strcmp(before.scans, after.scans) != 0        ? "scan"
                                                                 : "nothing";
    } else {
        class_ = rh_arena_strdup(arena, error.message);
    }
    rh_error_release(&error);
    assert_true(rh_pg_execute(server, "ROLLBACK", NULL));
    return class_;
}

static const char *planned(const char *const *definitions, const char *sql)
{
    fixture *f = fixture_begin();
    fixture_file(f, "1.sql", sql);
    f->plan.schema = definitions;
    f->plan.schema_count = 1;
    assert_true(fixture_plan(f, NULL));
    const rh_statement_class class_ = f->plan.migrations[0].up.statements[0].class_expected;
    fixture_end(f);
    switch (class_) {
    case RH_CLASS_REWRITE:
        return "rewrite";
    case RH_CLASS_INDEX_BUILD:
        return "index";
    case RH_CLASS_HEAP_SCAN:
    case RH_CLASS_VALIDATION:
    case RH_CLASS_FOREIGN_KEY:
        return "scan";
    case RH_CLASS_CATALOG:
        return "nothing";
    default:
        return "other";
    }
}

static size_t compare(const char *definitions, const char *rows, const char *sql)
{
    rh_arena *arena = rh_arena_new();
    const char *plan = planned(&definitions, sql);
    const char *server_says = measured(rh_arena_printf(arena, "%s%s", definitions, rows), sql, arena);
    const size_t wrong = strcmp(plan, server_says) != 0;
    if (wrong)
        print_error("%s\n  plan   %s\n  server %s\n", sql, plan, server_says);
    rh_arena_free(arena);
    return wrong;
}

static void test_types(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof CHANGES / sizeof *CHANGES; i++) {
        rh_arena *arena = rh_arena_new();
        const bool none = strncmp(CHANGES[i][0], "json", 4) == 0 && CHANGES[i][0][4] == '\0';
        const char *setup = rh_arena_printf(arena, "%sCREATE TABLE x (id int, c %s);\n%s", TYPES,
                                            CHANGES[i][0], none ? "" : "CREATE INDEX xi ON x (c);\n");
        const size_t one =
            compare(setup, "", rh_arena_printf(arena, "ALTER TABLE x ALTER COLUMN c TYPE %s", CHANGES[i][1]));
        if (one)
            print_error("  from   %s\n", CHANGES[i][0]);
        wrong += one;
        rh_arena_free(arena);
    }
    assert_int_equal(wrong, 0);
}

static void test_statements(void **state)
{
    (void)state;
    size_t wrong = 0;
    rh_arena *arena = rh_arena_new();
    const char *setup = rh_arena_printf(arena, "%s%s", TYPES, TABLE);
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++)
        wrong += compare(setup, ROWS, STATEMENTS[i]);
    rh_arena_free(arena);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types), cmocka_unit_test(test_statements)};
    cluster = test_cluster_start();
    rh_error error = {0};
    server = rh_pg_connect(test_cluster_conninfo(cluster), "test", &error);
    if (!server ||
        !rh_pg_execute(server, "SET timezone = 'UTC'; ALTER DATABASE postgres SET timezone = 'UTC'", &error))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rh_pg_close(server);
    test_cluster_stop(cluster);
    return failed;
}
