/* What a dump lists, what it lacks, and what backup.skip leaves out of it. */
#include "backup/contents.h"
#include "backup/toc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static rh_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = rh_arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

static void headings_are_read(void **state)
{
    (void)state;
    rh_dump_entry entry;
    static const char table[] = "-- Name: a; Type: b; Type: TABLE; Schema: s.x; Owner: me; Tablespace: fast";
    assert_true(rh_dump_entry_read_heading(table, strlen(table), arena, &entry));
    assert_string_equal(entry.tag, "a; Type: b");
    assert_string_equal(entry.desc, "TABLE");
    assert_string_equal(entry.schema, "s.x");
    assert_string_equal(entry.owner, "me");
    static const char data[] = "-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: -";
    assert_true(rh_dump_entry_read_heading(data, strlen(data), arena, &entry));
    assert_string_equal(rh_dump_entry_name(&entry, arena), "TABLE DATA public.t");
    static const char schema[] = "-- Name: audit; Type: SCHEMA; Schema: -; Owner: me";
    assert_true(rh_dump_entry_read_heading(schema, strlen(schema), arena, &entry));
    assert_string_equal(rh_dump_entry_name(&entry, arena), "SCHEMA audit");
    assert_false(rh_dump_entry_read_heading("-- Name: t", 10, arena, &entry));
    assert_false(rh_dump_entry_read_heading("-- Roles", 8, arena, &entry));
}

static bool covers(const char *skip, const char *desc, const char *schema, const char *tag, const char *sql)
{
    return rh_skip_covers(skip, &(rh_dump_entry){desc, schema, tag, "boss"}, sql);
}

static void skips_name_entries(void **state)
{
    (void)state;
    assert_true(covers("TABLE DATA public.log", "TABLE DATA", "public", "log", ""));
    assert_true(covers("table data public log", "TABLE DATA", "public", "log", ""));
    assert_true(covers("3402; 0 16386 TABLE DATA public log boss", "TABLE DATA", "public", "log", ""));
    assert_true(covers("TABLE DATA public.\"Odd Log\"", "TABLE DATA", "public", "Odd Log", ""));
    assert_true(covers("EXTENSION pg_cron", "EXTENSION", "", "pg_cron", ""));
    assert_true(covers("2; 3079 16425 EXTENSION - pg_cron ", "EXTENSION", "", "pg_cron", ""));
    assert_false(covers("TABLE DATA public.log", "TABLE", "public", "log", ""));
    assert_false(covers("TABLE DATA public.log", "TABLE DATA", "audit", "log", ""));
    assert_false(covers("TABLE DATA public.log", "TABLE DATA", "public", "logs", ""));
    assert_false(covers("TABLE DATA log", "TABLE DATA", "public", "log", ""));
    /* and what belongs to them */
    assert_true(covers("SCHEMA audit", "TABLE", "audit", "log", ""));
    assert_true(covers("SCHEMA audit", "COMMENT", "", "SCHEMA audit", ""));
    assert_false(covers("SCHEMA audit", "TABLE", "audit2", "log", ""));
    assert_true(covers("EXTENSION hll", "COMMENT", "", "EXTENSION hll", ""));
    assert_true(covers("TABLE public.log", "TABLE DATA", "public", "log", ""));
    assert_true(covers("TABLE public.log", "CONSTRAINT", "public", "log log_pkey", ""));
    assert_true(covers("TABLE public.log", "ACL", "public", "TABLE log", ""));
    assert_true(covers("TABLE public.log", "INDEX", "public", "i",
                       "CREATE INDEX i ON ONLY public.log USING btree (a);"));
    assert_false(covers("TABLE public.log", "INDEX", "public", "i", "CREATE INDEX i ON public.logs (a);"));
    assert_false(covers("TABLE public.log", "FUNCTION", "public", "log", ""));
    /* and what cannot be without them */
    static const char identity[] = "ALTER TABLE public.log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY "
                                   "(SEQUENCE NAME public.log_id_seq);",
                      owned[] = "ALTER SEQUENCE public.log_id_seq OWNED BY public.log.id;",
                      key[] =
                          "ALTER TABLE ONLY app.a ADD CONSTRAINT k FOREIGN KEY (\"references\") REFERENCES "
                          "public.log(id);";
    assert_true(covers("TABLE public.log", "SEQUENCE", "public", "log_id_seq", identity));
    assert_true(covers("TABLE public.log", "SEQUENCE OWNED BY", "public", "log_id_seq", owned));
    assert_true(covers("TABLE public.log", "FK CONSTRAINT", "app", "a k", key));
    assert_true(covers("SCHEMA public", "FK CONSTRAINT", "app", "a k", key));
    assert_false(covers("TABLE public.logs", "SEQUENCE", "public", "log_id_seq", identity));
    assert_false(covers("TABLE public.id", "SEQUENCE OWNED BY", "public", "log_id_seq", owned));
    assert_false(covers("TABLE app.log", "FK CONSTRAINT", "app", "a k", key));
    assert_false(covers("TABLE public.log", "SEQUENCE", "public", "s", "CREATE SEQUENCE public.s;"));
    assert_true(covers("POST-DATA", "INDEX ATTACH", "public", "i", ""));
    assert_true(covers(" post-data ", "FK CONSTRAINT", "public", "a a_fkey", ""));
    assert_false(covers("POST-DATA", "TABLE", "public", "a", ""));
    assert_false(covers("POST-DATA x", "INDEX", "public", "i", ""));
}

static void add(rh_contents *contents, const char *desc, const char *tag, const char *sql)
{
    rh_contents_add(contents, &(rh_dump_entry){desc, "public", tag, ""}, sql);
}

static void expect(rh_contents *contents, rh_missing_part lack, const char *tables)
{
    rh_dump_entry *found;
    size_t count;
    char names[100] = "";
    assert_int_equal(rh_contents_missing_part(contents, &found, &count), lack);
    for (size_t i = 0; i < count; i++)
        strcat(strcat(names, found[i].tag), " ");
    assert_string_equal(names, tables);
}

static void what_is_missing_is_found(void **state)
{
    (void)state;
    rh_contents c = {.arena = arena};
    add(&c, "ENCODING", "ENCODING", "");
    expect(&c, RH_MISSING_ALL, "");
    add(&c, "TABLE", "b", "CREATE TABLE public.b (i int);");
    expect(&c, RH_MISSING_DATA, "");
    add(&c, "TABLE DATA", "b", "");
    expect(&c, RH_MISSING_NOTHING, "");
    add(&c, "TABLE", "a", "CREATE TABLE public.a (i int);");
    expect(&c, RH_MISSING_POST_DATA, "a ");
    add(&c, "INDEX", "i", "");
    expect(&c, RH_MISSING_TABLE_DATA, "a ");
    add(&c, "TABLE DATA", "a", "");
    /* These keep no rows of their own, or none that a dump must have. */
    add(&c, "TABLE", "p", "CREATE TABLE public.p (i int) PARTITION BY RANGE (i);");
    add(&c, "TABLE", "u", "CREATE UNLOGGED TABLE public.u (i int);");
    add(&c, "FOREIGN TABLE", "f", "CREATE FOREIGN TABLE public.f (i int) SERVER s;");
    add(&c, "VIEW", "v", "CREATE VIEW public.v AS SELECT 1;");
    expect(&c, RH_MISSING_NOTHING, "");
    size_t unlogged;
    assert_string_equal(rh_contents_empty_unlogged(&c, &unlogged)->tag, "u");
    assert_int_equal(unlogged, 1);
    rh_contents one = {.arena = arena};
    add(&one, "TABLE", "a", "CREATE TABLE public.a (i int NOT NULL);");
    add(&one, "TABLE DATA", "a", "");
    expect(&one, RH_MISSING_POST_DATA, "");
    rh_contents rows = {.arena = arena};
    add(&rows, "TABLE DATA", "a", "");
    expect(&rows, RH_MISSING_DEFINITIONS, "");
    rh_contents keys = {.arena = arena};
    add(&keys, "CONSTRAINT", "a a_pkey", "");
    expect(&keys, RH_MISSING_DEFINITIONS, "");
}

static rh_toc_entry numbered(int64_t id, int64_t oid, const char *desc, const char *definition)
{
    return (rh_toc_entry){.id = id, .oid = oid, .desc = desc, .tag = "x", .definition = definition};
}

static void relations_that_were_not_dumped_leave_gaps(void **state)
{
    (void)state;
    rh_toc_entry entries[] = {
        numbered(9, 16385, "TYPE", "CREATE TYPE public.old AS (\n\ta integer\n);\n"), /* before all tables */
        numbered(2, 16388, "EXTENSION", "CREATE EXTENSION x"),
        numbered(20, 16390, "TABLE", ""),
        numbered(21, 16391, "SEQUENCE", ""),
        numbered(22, 16392, "VIEW", ""),
        numbered(40, 16395, "TYPE", "CREATE TYPE public.mood AS ENUM (\n\t'a'\n);\n"),
        numbered(41, 16399, "TYPE",
                 "CREATE TYPE public.pair AS (\n\ta integer\n);\n"), /* number 23 is its relation's */
        numbered(3, 16400, "EXTENSION", "CREATE EXTENSION y"),
        numbered(24, 16401, "MATERIALIZED VIEW", ""),
        numbered(25, 16405, "FOREIGN TABLE", ""),
    };
    rh_toc toc = {.entries = entries, .entry_count = sizeof entries / sizeof *entries};
    rh_toc_hidden hidden = rh_toc_hidden_relations(&toc, arena);
    assert_int_equal(hidden.relations, 0);
    assert_int_equal(hidden.extension_count, 1);
    assert_ptr_equal(hidden.extensions[0], entries[7].tag);
    entries[9].id = 28;
    assert_int_equal(rh_toc_hidden_relations(&toc, arena).relations, 3);
    toc.entry_count = 2;
    assert_int_equal(rh_toc_hidden_relations(&toc, arena).relations, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headings_are_read),
        cmocka_unit_test(skips_name_entries),
        cmocka_unit_test(what_is_missing_is_found),
        cmocka_unit_test(relations_that_were_not_dumped_leave_gaps),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
