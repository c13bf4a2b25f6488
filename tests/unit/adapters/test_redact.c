/* What is shown of a message: words of PostgreSQL's own and of the code that was sent, never a value. */
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/adapters/pg.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void expect(const char *sqlstate, const char *function, const char *message, const char *sql,
                   const char *shown)
{
    char *found = rh_pg_redact_message(sqlstate, function, message, sql);
    if (strcmp(found, shown) != 0)
        fail_msg("\"%s\" instead of \"%s\"", found, shown);
    free(found);
}

static void names_of_the_statement_stay(void **state)
{
    (void)state;
    expect("42P01", "parserOpenTable", "relation \"order_lines\" does not exist", "SELECT * FROM order_lines",
           "relation \"order_lines\" does not exist");
    expect("42883", "ParseFuncOrColumn", "function no_such(unknown) does not exist",
           "SELECT no_such('secret')", "function no_such(unknown) does not exist");
    expect("42703", "errorMissingColumn", "column t.y does not exist", "SELECT t.y FROM t",
           "column t.y does not exist");
    expect("42601", "scanner_yyerror", "syntax error at or near \"SELCT\"", "SELCT 1",
           "syntax error at or near \"SELCT\"");
    expect("42P01", NULL, "relation \"b\" does not exist",
           "DO LANGUAGE plpgsql $x$ BEGIN EXECUTE format('DROP TABLE b'); END $x$",
           "relation \"b\" does not exist");
    expect("25001", "PreventInTransactionBlock",
           "CREATE INDEX CONCURRENTLY cannot run inside a transaction block", NULL,
           "CREATE INDEX CONCURRENTLY cannot run inside a transaction block");
    expect("42501", "aclcheck_error", "permission denied for table audit_log", "SELECT * FROM v",
           "permission denied for table audit_log");
    expect("22001", "varchar", "value too long for type character varying(30)", "",
           "value too long for type character varying(30)");
}

static void names_of_settings_stay(void **state)
{
    (void)state;
    expect("42704", "find_option", "unrecognized configuration parameter \"app.tenant\"",
           "SELECT current_setting('app.tenant')", "unrecognized configuration parameter \"app.tenant\"");
    expect("22023", NULL, "invalid value for parameter \"app_mode\": \"roe\"", "SET app_mode = 'roe'",
           "invalid value for parameter \"app_mode\": \"«…»\"");
    expect("42704", NULL, "unrecognized configuration parameter \"jane@example.org\"", "",
           "unrecognized configuration parameter \"«…»\"");
    expect("42704", NULL, "unrecognized configuration parameter \"smith\"",
           "SELECT set_config(surname, 'x', false) FROM t", "unrecognized configuration parameter \"«…»\"");
    expect("P0001", "exec_stmt_raise", "parameter \"roe\"",
           "DO $$ BEGIN RAISE 'parameter \"%\"', name; END $$", "parameter \"«…»\"");
}

static void values_go(void **state)
{
    (void)state;
    expect("22P02", "pg_strtoint32", "invalid input syntax for type integer: \"jane.roe@example.org\"",
           "SELECT email::int FROM people", "invalid input syntax for type integer: \"«…»\"");
    expect("22P02", "enum_in", "invalid input value for enum state: \"active\"",
           "SELECT s::state FROM people", "invalid input value for enum state: \"«…»\"");
    expect("42601", "scanner_yyerror", "syntax error at or near \"'Roe'\"", "INSERT INTO t VALUES (1 'Roe')",
           "syntax error at or near \"'«…»'\"");
    expect("42883", NULL, "function jane@example.org() does not exist",
           "DO $$ BEGIN EXECUTE format('SELECT %I()', (SELECT email FROM people)); END $$",
           "function «…»() does not exist");
    expect("22003", NULL, "value \"4242424242424242\" is out of range for type integer", "",
           "value \"«…»\" is out of range for type integer");
    expect("22000", NULL, "RESTART value (4242424242424242) cannot be less than MINVALUE (1)", "",
           "RESTART value («…») cannot be less than MINVALUE (1)");
    expect("22P02", NULL, "ungültige Eingabesyntax für Typ integer: »Roe«", "SELECT x::int",
           "«…» integer: «…»");
    expect("22P02", NULL, "invalid input syntax for type integer: \"a\" b \"Roe\" c\"", "",
           "invalid input syntax for type integer: \"«…»\" «…» \"«…»\" «…»\"");
    expect("42704", NULL, "type \"secret\" does not exist", "SELECT $$secret$$ /* secret */ -- secret",
           "type \"«…»\" does not exist");
}

static void words_of_code_stay_and_values_are_removed(void **state)
{
    (void)state;
    static const char sql[] =
        "DO $$ BEGIN RAISE EXCEPTION 'bad row % of %', (SELECT email FROM people), 'Roe'; END $$";
    expect("P0001", "exec_stmt_raise", "bad row jane@example.org of Roe", sql, "bad row «…» of «…»");
    expect("23505", "exec_stmt_raise", "jane@example.org", sql,
           "a function raised an exception; its text may hold data and is not shown");
    expect("P0004", "exec_stmt_assert", "jane@example.org",
           "DO $$ BEGIN ASSERT false, (SELECT email FROM people); END $$",
           "a function raised an exception; its text may hold data and is not shown");
    expect("P0001", "exec_stmt_raise", "value is invalid", "UPDATE t SET a = 1",
           "a function raised an exception; its text may hold data and is not shown");
    expect("P0003", "exec_stmt_execsql", "query returned more than one row", sql,
           "query returned more than one row");
}

static void passwords(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"postgresql://u:S3cr@t!@h:1/x?a=b", "postgresql://u:***@h:1/x?a=b"},
        {"psql postgres://u:pw@h -c x", "psql postgres://u:***@h -c x"},
        {"host=h password=S3cr port=1", "host=h password=*** port=1"},
        {"host=h password='S3 c\\'r' port=1", "host=h password=*** port=1"},
        {"--db-password=x", "--db-password=***"},
        {"PGPASSWORD=x psql", "PGPASSWORD=*** psql"},
        {"https://h/?token=abc&x=1", "https://h/?token=***&x=1"},
        {"postgresql://u@h/x", "postgresql://u@h/x"},
        {"primary key: id", "primary key: id"},
        {"psql -c ALTER ROLE a PASSWORD 'x y' LOGIN", "psql -c ALTER ROLE a PASSWORD *** LOGIN"},
        {"tool --password x --user y", "tool --password *** --user y"},
        {"the password is wrong", "the password is wrong"},
        {"select 1", "select 1"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *shown = rh_redact_passwords(texts[i][0]);
        assert_string_equal(shown, texts[i][1]);
        free(shown);
    }
}

static void values_that_programs_quote_are_removed(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"ERROR:  invalid input syntax for type integer: \"Roe\"",
         "ERROR:  invalid input syntax for type integer: \"«…»\""},
        {"psql:mask.sql:3: ERROR:  value Roe is not good", "psql:mask.sql:3: ERROR:  value «…» is not «…»"},
        {"FEHLER:  »Roe« ist 1234567", "FEHLER:  «…»"},
        {"pq: invalid input syntax for type integer: \"Jane Roe\"",
         "pq: invalid input syntax for type integer: \"«…» «…»\""},
        {"KeyError: 'Roe'", "KeyError: '«…»'"},
        {"DETAIL: Key (name)=(Roe, Jane) already exists.", "DETAIL: Key (name)=(«…», «…») already exists."},
        {"./mask.sh: line 3: can't open x: it isn't there",
         "./mask.sh: line 3: can't open x: it isn't there"},
        {"sent jane@example.org 1234567 rows\nDETAIL:  Failing row contains (1, Roe).",
         "sent «…» «…» rows\nDETAIL:  Failing row contains (1, «…»)."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *shown = rh_redact_line(cases[i][0]);
        if (strcmp(shown, cases[i][1]) != 0)
            fail_msg("\"%s\" instead of \"%s\"", shown, cases[i][1]);
        free(shown);
    }
}

/* A message may be as long as a value: 64 MiB of it are neither gone through nor shown. */
static void long_messages_are_cut(void **state)
{
    (void)state;
    enum { WORDS = 8 << 20 };
    rh_text message = {0};
    for (size_t i = 0; i < WORDS; i++)
        rh_text_append(&message, i % 2 ? "relation" : " é-table ");
    char *shown = rh_pg_redact_message("22000", NULL, message.data, "SELECT 'é', relation, é");
    assert_true(strlen(shown) < 16 * 1024);
    assert_true(rh_ends_with(shown, "…"));
    free(shown);
    rh_text_release(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_statement_stay),
        cmocka_unit_test(names_of_settings_stay),
        cmocka_unit_test(values_go),
        cmocka_unit_test(words_of_code_stay_and_values_are_removed),
        cmocka_unit_test(passwords),
        cmocka_unit_test(values_that_programs_quote_are_removed),
        cmocka_unit_test(long_messages_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
