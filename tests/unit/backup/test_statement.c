/* What a dump's statements are about, and what their failures mean. */
#include "pgrehearse/backup/restoring.h"
#include "pgrehearse/backup/statement.h"
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
    expect("SET SESSION AUTHORIZATION 'chris';", RH_STATEMENT_OTHER, "", "chris");
    expect("CREATE SCHEMA s AUTHORIZATION w;", RH_STATEMENT_SCHEMA, "s", "w");
    expect("CREATE POLICY p ON t FOR SELECT TO r, q USING (a TO b);", RH_STATEMENT_OTHER, "", "r,q");
    expect("CREATE USER MAPPING FOR m SERVER s;", RH_STATEMENT_OTHER, "", "m");
}

static void kinds_are_told(void **state)
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

static void failures_are_judged(void **state)
{
    (void)state;
    assert_true(rh_restore_failure_is_harmless("schema \"public\" already exists", "CREATE SCHEMA public;"));
    assert_true(rh_restore_failure_is_harmless("role \"x\" does not exist", "ALTER TABLE t OWNER TO x;"));
    assert_true(rh_restore_failure_is_harmless("role \"x\" does not exist", "GRANT ALL ON t TO x;"));
    assert_true(rh_restore_failure_is_harmless("unrecognized configuration parameter \"transaction_timeout\"",
                                               "SET transaction_timeout = 0;"));
    assert_true(rh_restore_failure_is_harmless("must be owner of extension plpgsql",
                                               "COMMENT ON EXTENSION plpgsql IS 'x';"));
    assert_false(rh_restore_failure_is_harmless("relation \"t\" already exists", "CREATE TABLE t ();"));
    assert_false(
        rh_restore_failure_is_harmless("relation \"t\" does not exist", "ALTER TABLE t OWNER TO x;"));
    assert_false(rh_restore_failure_is_harmless("invalid input syntax for type integer: \"x\"", ""));
}

static void no_value_survives(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    assert_string_equal(rh_restore_redact("invalid input syntax for type integer: \"secret\"", arena),
                        "invalid input syntax for type integer: \"…\"");
    assert_string_equal(rh_restore_redact("duplicate key value violates unique constraint \"t_pkey\"", arena),
                        "duplicate key value violates unique constraint \"t_pkey\"");
    assert_string_equal(rh_restore_redact("value \"9\" of column \"a\" and \"b", arena),
                        "value \"…\" of column \"a\" and \"…\"");
    rh_arena_free(arena);
}

static void psql_versions_are_known(void **state)
{
    (void)state;
    assert_true(rh_psql_can_restrict("psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"));
    assert_false(rh_psql_can_restrict("psql (PostgreSQL) 15.13"));
    assert_true(rh_psql_can_restrict("psql (PostgreSQL) 18.1"));
    assert_false(rh_psql_can_restrict("psql (PostgreSQL) 12.22"));
    assert_false(rh_psql_can_restrict(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_are_found),         cmocka_unit_test(kinds_are_told),
        cmocka_unit_test(failures_are_judged),     cmocka_unit_test(no_value_survives),
        cmocka_unit_test(psql_versions_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
