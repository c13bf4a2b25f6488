/* What a dump's statements are about, and what their failures mean. */
#include "backup/restoring.h"
#include "backup/statement.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static void expect(const char *sql, rh_dump_statement_kind kind, const char *name, const char *roles)
{
    rh_dump_statement statement;
    char seen[500] = "";
    rh_dump_statement_read(sql, strlen(sql), &statement);
    for (size_t i = 0; i < statement.role_count; i++) {
        strcat(seen, i ? "," : "");
        strcat(seen, statement.roles[i]);
    }
    if (statement.kind != kind || strcmp(statement.name, name) != 0 || strcmp(seen, roles) != 0)
        fail_msg("%s: kind %d, name \"%s\", roles \"%s\"", sql, statement.kind, statement.name, seen);
}

static void roles_are_found(void **state)
{
    (void)state;
    expect("ALTER TABLE public.t OWNER TO app;", RH_STATEMENT_OTHER, "", "app");
    expect("ALTER FUNCTION f(a int) OWNER TO \"App \"\"x\";", RH_STATEMENT_OTHER, "", "App \"x");
    expect("ALTER TABLE t OWNER TO CURRENT_USER;", RH_STATEMENT_OTHER, "", "");
    expect("GRANT SELECT ON TABLE t TO a, PUBLIC, GROUP b WITH GRANT OPTION;", RH_STATEMENT_OTHER, "", "a,b");
    expect("GRANT SELECT(a, \"to\") ON TABLE t TO x GRANTED BY y;", RH_STATEMENT_OTHER, "", "x,y");
    expect("REVOKE GRANT OPTION FOR ALL ON SCHEMA public FROM z;", RH_STATEMENT_OTHER, "", "z");
    expect("ALTER DEFAULT PRIVILEGES FOR ROLE o IN SCHEMA s REVOKE ALL ON TABLES FROM p;", RH_STATEMENT_OTHER,
           "", "o,p");
    expect("SET SESSION AUTHORIZATION 'chris';", RH_STATEMENT_AUTHORIZATION, "", "chris");
    expect("CREATE SCHEMA s AUTHORIZATION w;", RH_STATEMENT_SCHEMA, "s", "w");
    expect("CREATE POLICY p ON t FOR SELECT TO r, q USING (a TO b);", RH_STATEMENT_OTHER, "", "r,q");
    expect("CREATE USER MAPPING FOR m SERVER s;", RH_STATEMENT_OTHER, "", "m");
}

static void kinds_are_distinguished(void **state)
{
    (void)state;
    expect("SET transaction_timeout = 0;", RH_STATEMENT_SET, "transaction_timeout", "");
    expect("SET LOCAL a TO b", RH_STATEMENT_SET, "a", "");
    expect("CREATE DATABASE x WITH TEMPLATE = template0;", RH_STATEMENT_DATABASE, "x", "");
    expect("DROP DATABASE IF EXISTS \"X y\";", RH_STATEMENT_DATABASE, "X y", "");
    expect("COMMENT ON DATABASE x IS 'y';", RH_STATEMENT_DATABASE, "x", "");
    expect("COMMENT ON EXTENSION plpgsql IS 'y';", RH_STATEMENT_EXTENSION_COMMENT, "plpgsql", "");
    expect("CREATE SCHEMA public;", RH_STATEMENT_SCHEMA, "public", "");
    expect("CREATE SCHEMA IF NOT EXISTS public;", RH_STATEMENT_OTHER, "", "");
    expect("CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA public;", RH_STATEMENT_EXTENSION,
           "uuid-ossp", "");
    expect("CREATE TRUSTED PROCEDURAL LANGUAGE plpgsql;", RH_STATEMENT_LANGUAGE, "plpgsql", "");
    expect("CREATE OR REPLACE PROCEDURAL LANGUAGE plpgsql;", RH_STATEMENT_OTHER, "", "");
    expect("CREATE ROLE r;", RH_STATEMENT_ROLE, "r", "");
    expect("ALTER ROLE r WITH LOGIN PASSWORD 'x';", RH_STATEMENT_ROLE_CHANGE, "r", "");
    expect("ALTER SYSTEM SET work_mem = 77;", RH_STATEMENT_SYSTEM, "", "");
    expect("CREATE TABLESPACE fast OWNER a LOCATION '/x';", RH_STATEMENT_TABLESPACE, "fast", "");
    expect("DROP TABLESPACE IF EXISTS fast;", RH_STATEMENT_TABLESPACE, "fast", "");
    expect("ALTER TABLE t SET TABLESPACE fast;", RH_STATEMENT_OTHER, "", "");
    expect("COPY s.t (a) FROM stdin;", RH_STATEMENT_COPY_IN, "t", "");
    expect("COPY t FROM stdin (FORMAT 'binary');", RH_STATEMENT_COPY_OTHER, "t", "");
    expect("COPY t FROM PROGRAM 'stdin';", RH_STATEMENT_COPY_OTHER, "t", "");
    expect("CREATE SUBSCRIPTION s CONNECTION 'connect = false' PUBLICATION p;", RH_STATEMENT_SUBSCRIPTION,
           "s", "");
    expect("", RH_STATEMENT_OTHER, "", "");
    rh_dump_statement statement;
    static const char subscription[] =
        "CREATE SUBSCRIPTION s CONNECTION 'connect = false' PUBLICATION p WITH (connect = true);";
    rh_dump_statement_read(subscription, strlen(subscription), &statement);
    assert_false(statement.not_enabled);
    static const char harmless[] =
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false, slot_name = 's');";
    rh_dump_statement_read(harmless, strlen(harmless), &statement);
    assert_true(statement.not_enabled);
}

static rh_failure_kind judged(rh_restoring *r, const char *desc, const char *sql, const char *sqlstate)
{
    rh_dump_entry entry = {desc, "public", "t", ""};
    rh_dump_statement statement;
    rh_dump_statement_read(sql, strlen(sql), &statement);
    return rh_restore_failure(r, &entry, &statement, sqlstate);
}

/* By what the statement is and the server's code: whatever its message says. */
static void failures_are_judged(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_restore_target target = {.create_roles = true};
    rh_restoring r = {.target = &target, .arena = arena};
    rh_names_add(&r.schemas, arena, "public");
    rh_names_add(&r.unknown_settings, arena, "transaction_timeout");
    rh_names_add(&r.known_settings, arena, "work_mem");
    assert_int_equal(judged(&r, "SCHEMA", "CREATE SCHEMA public;", ""), RH_FAILURE_HARMLESS);
    assert_int_equal(judged(&r, "SCHEMA", "CREATE SCHEMA audit;", ""), RH_FAILURE_RETRY);
    assert_int_equal(judged(&r, "TABLE", "ALTER TABLE t OWNER TO x;", "42704"), RH_FAILURE_HARMLESS);
    assert_int_equal(judged(&r, "EVENT TRIGGER", "ALTER EVENT TRIGGER e OWNER TO x;", ""),
                     RH_FAILURE_HARMLESS);
    assert_int_equal(judged(&r, "ACL", "GRANT ALL ON t TO x;", "42704"), RH_FAILURE_HARMLESS);
    assert_int_equal(judged(&r, "COMMENT", "COMMENT ON EXTENSION plpgsql IS 'x';", "42501"),
                     RH_FAILURE_HARMLESS);
    assert_int_equal(judged(&r, "SECURITY LABEL", "SECURITY LABEL FOR anon ON COLUMN t.a IS 'x';", "22023"),
                     RH_FAILURE_HARMLESS);
    /* No version writes a comment that another cannot parse; privileges it does (GRANT MAINTAIN). */
    assert_int_equal(judged(&r, "COMMENT", "COMM{NT ON TABLE public.t IS 'x';", "42601"), RH_FAILURE_FINAL);
    assert_int_equal(judged(&r, "", "COMMENT ON TABLU public.t IS 'x';", "42601"), RH_FAILURE_FINAL);
    assert_int_equal(judged(&r, "ACL", "GRANT MAINTAIN ON t TO x;", "42601"), RH_FAILURE_HARMLESS);
    assert_int_equal(judged(&r, "", "SET transaction_timeout = 0;", "42704"), RH_FAILURE_HARMLESS);
    assert_int_equal(judged(&r, "", "DROP TABLE public.t;", "42P01"), RH_FAILURE_SILENT);
    assert_int_equal(judged(&r, "", "ALTER TABLE ONLY public.t DROP CONSTRAINT c;", "42P01"),
                     RH_FAILURE_SILENT);
    assert_int_equal(judged(&r, "PUBLICATION", "CREATE PUBLICATION p FOR ALL TABLES;", "42501"),
                     RH_FAILURE_HARMLESS);
    assert_int_equal(judged(&r, "INDEX", "CREATE INDEX i ON public.t (f(a));", "42883"), RH_FAILURE_RETRY);
    assert_int_equal(judged(&r, "TABLE", "CREATE TABLE t ();", "42P07"), RH_FAILURE_RETRY);
    /* An unknown setting in a function that a row meets is not a setting of the dump. */
    assert_int_equal(judged(&r, "TABLE DATA", "COPY t (a) FROM stdin;", "42704"), RH_FAILURE_FINAL);
    assert_int_equal(judged(&r, "TABLE DATA", "", ""), RH_FAILURE_FINAL);
    assert_int_equal(judged(&r, "", "INSERT INTO t VALUES (1);", "42P01"), RH_FAILURE_FINAL);
    assert_int_equal(judged(&r, "", "DELETE FROM t;", "42P01"), RH_FAILURE_FINAL);
    r.extension_skipped = true;
    assert_int_equal(judged(&r, "TABLE DATA", "COPY t (a) FROM stdin;", "42P01"), RH_FAILURE_HARMLESS);
    r.contents.arena = arena;
    rh_contents_add(&r.contents, &(rh_dump_entry){"TABLE", "public", "t", ""}, "CREATE TABLE t ();");
    assert_int_equal(judged(&r, "TABLE DATA", "COPY t (a) FROM stdin;", "42P01"), RH_FAILURE_FINAL);
    rh_arena_free(arena);
}

static void no_value_survives(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    static const char code[] = "ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY (a)";
    static const char *const messages[][2] = {
        {"invalid input syntax for type integer: \"secret\"",
         "invalid input syntax for type integer: \"«…»\""},
        {"duplicate key value violates unique constraint \"t_pkey\"",
         "duplicate key value violates unique constraint \"t_pkey\""},
        {"value \"9\" of column \"a\" and \"secret", "value \"«…»\" of column \"a\" and \"«…»"},
        {"no order for key \"carol.secret\" of 4111 1111", "no order for key \"«…»\" of «…»"},
    };
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        assert_string_equal(rh_restore_redact(messages[i][0], code, false, arena), messages[i][1]);
    assert_null(strstr(rh_restore_redact("customer x@y.test is not allowed", NULL, true, arena), "y.test"));
    static const char full[] = "could not extend file \"base/16384/16410\": No space left on device";
    assert_non_null(strstr(rh_restore_redact(full, NULL, true, arena), "no space left"));
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_are_found),
        cmocka_unit_test(kinds_are_distinguished),
        cmocka_unit_test(failures_are_judged),
        cmocka_unit_test(no_value_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
