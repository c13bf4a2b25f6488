/* What a file is, by its content; and what is said of what is no backup. */
#include "pgrehearse/backup/backup.h"
#include "backup/file_type.h"
#include "pgrehearse/base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/rh-inspect-XXXXXX";

static void shell(const char *command)
{
    rh_text line = {0};
    rh_text_printf(&line, "cd %s && ", directory);
    rh_text_append(&line, command);
    assert_int_equal(system(line.data), 0);
    rh_text_release(&line);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

static bool inspect(const char *name, rh_arena *arena, rh_backup_facts *facts, rh_error *error)
{
    return rh_backup_inspect(rh_arena_printf(arena, "%s/%s", directory, name), arena, facts, NULL, error);
}

static void expect_no_backup(const char *name, const char *said)
{
    rh_arena *arena = rh_arena_new();
    rh_backup_facts facts;
    rh_error error = {0};
    if (inspect(name, arena, &facts, &error))
        fail_msg("%s was taken for a backup", name);
    if (!strstr(error.message, said))
        fail_msg("%s: \"%s\" has no \"%s\"", name, error.message, said);
    assert_true(error.code == RH_ERROR_BACKUP || error.code == RH_ERROR_IO);
    if (error.code == RH_ERROR_BACKUP)
        assert_non_null(error.hint);
    assert_non_null(error.file);
    rh_error_release(&error);
    rh_arena_free(arena);
}

static void expect_plain(const char *name, const char *compression, const char *container, const char *entry)
{
    rh_arena *arena = rh_arena_new();
    rh_backup_facts facts;
    rh_error error = {0};
    if (!inspect(name, arena, &facts, &error))
        fail_msg("%s: %s", name, error.message);
    assert_int_equal(facts.shape, RH_SHAPE_PLAIN);
    assert_string_equal(facts.compression, compression);
    assert_string_equal(facts.container, container);
    if (entry)
        assert_string_equal(facts.entry, entry);
    else
        assert_null(facts.entry);
    assert_int_equal(strlen(facts.sha256), 64);
    assert_true(facts.bytes > 0);
    assert_int_equal(rh_backup_needed_major(&facts), 0);
    rh_arena_free(arena);
}

static void plain_dumps_are_recognised(void **state)
{
    (void)state;
    shell("printf -- '--\\n-- PostgreSQL database dump\\n--\\n\\n-- Dumped from database version 9.6.1\\n-- "
          "Dumped by pg_dump version 15.2 (Ubuntu)\\n\\nSET statement_timeout = 0;\\n' > dump.png"
          " && gzip -c dump.png > d.txt && zstd -q -c dump.png > d.zst && lz4 -q -c dump.png > d.lz4 && xz "
          "-c dump.png > d.xz && bzip2 -c dump.png > d.bz2"
          " && echo 'Please read me first.' > README && mkdir -p in && cp dump.png in/x && tar czf d.tgz "
          "README in && zip -qr d.zip README in"
          " && printf '\\357\\273\\277CREATE TABLE t (i int);' > bom && printf '\\\\restrict abc\\nSET x = "
          "1;' > restricted && printf 'insert into t values (1);\\n' > small");
    expect_plain("dump.png", "none", "none", NULL);
    expect_plain("d.txt", "gzip", "none", NULL);
    expect_plain("d.zst", "zstd", "none", NULL);
    expect_plain("d.lz4", "lz4", "none", NULL);
    expect_plain("d.xz", "xz", "none", NULL);
    expect_plain("d.bz2", "bzip2", "none", NULL);
    expect_plain("d.tgz", "gzip", "tar", "in/x");
    expect_plain("d.zip", "none", "zip", "in/x");
    expect_plain("bom", "none", "none", NULL);
    expect_plain("restricted", "none", "none", NULL);
    expect_plain("small", "none", "none", NULL);
    rh_arena *arena = rh_arena_new();
    rh_backup_facts facts;
    assert_true(inspect("d.xz", arena, &facts, NULL));
    assert_string_equal(facts.dump_version, "15.2 (Ubuntu)");
    assert_int_equal(facts.server_major, 9);
    rh_arena_free(arena);
}

static void csv_files_beside_their_definitions_are_recognised(void **state)
{
    (void)state;
    shell(
        "mkdir export && cd export && printf -- '-- Dumped from database version 14.3\\nCREATE TABLE t (id int, "
        "a text);\\n' > ddl && printf 'id,a\\n1,\\n2,\"x\ny\"\\n' > t.csv && gzip -c t.csv > s.u.csv.gz && echo "
        "'not CSV' > notes.txt && echo no > .hidden.csv");
    rh_arena *arena = rh_arena_new();
    rh_backup_facts facts;
    rh_error error = {0};
    if (!inspect("export", arena, &facts, &error))
        fail_msg("%s", error.message);
    assert_int_equal(facts.shape, RH_SHAPE_CSV);
    assert_int_equal(facts.server_major, 14);
    assert_string_equal(facts.compression, "mixed");
    assert_string_equal(rh_base_name(facts.csv->definitions), "ddl");
    assert_int_equal(facts.csv->file_count, 2);
    assert_string_equal(facts.csv->files[0].stem, "s.u");
    assert_string_equal(facts.csv->files[1].stem, "t");
    assert_int_equal(facts.csv->files[0].rows, 2);
    rh_rows rows;
    assert_true(rh_backup_read_table(&facts, NULL, "t", arena, &rows, &error));
    assert_int_equal(rows.row_count, 2);
    assert_string_equal(rows.columns[1], "a");
    assert_null(rows.rows[0][1]);
    assert_string_equal(rows.rows[1][1], "x\ny");
    rh_listed_tables tables;
    assert_true(rh_backup_list_tables(&facts, arena, &tables, &error));
    assert_int_equal(tables.count, 1);
    rh_arena_free(arena);
}

static void expect_bad_csv(const char *make, const char *file, const char *said, int line, int column)
{
    char command[500];
    snprintf(command, sizeof command,
             "rm -rf bad && mkdir bad && cd bad && echo 'CREATE TABLE t (id int);' > a.sql && %s", make);
    shell(command);
    rh_arena *arena = rh_arena_new();
    rh_backup_facts facts;
    rh_error error = {0};
    if (inspect("bad", arena, &facts, &error))
        fail_msg("%s: was taken", make);
    if (!strstr(error.message, said))
        fail_msg("%s: \"%s\" has no \"%s\"", make, error.message, said);
    assert_int_equal(error.code, RH_ERROR_BACKUP);
    assert_string_equal(rh_base_name(error.file), file);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    rh_error_release(&error);
    rh_arena_free(arena);
}

static void bad_csv_files_are_refused_by_place(void **state)
{
    (void)state;
    expect_bad_csv("printf 'a,b\\n1,2\\n3\\n' > t.csv", "t.csv", "the row has 1 field, and the header has 2",
                   3, 1);
    expect_bad_csv("printf 'a,b\\n1,2,3\\n' > t.csv", "t.csv", "has 3 fields", 2, 5);
    expect_bad_csv("printf 'a;b\\n1;2\\n' > t.csv", "t.csv", "separated by semicolons", 1, 1);
    expect_bad_csv("printf '' > t.csv", "t.csv", "the file is empty", 0, 0);
    expect_bad_csv("printf 'a\\n1\\n\\351\\n' > t.csv", "t.csv", "not UTF-8", 3, 1);
    expect_bad_csv("echo a > t.csv && echo 'SET a = 1;' > b.sql", "b.sql",
                   "two files of SQL, a.sql and b.sql", 0, 0);
    expect_bad_csv("ln -s /etc/passwd t.csv", "t.csv", "a symbolic link", 0, 0);
    expect_bad_csv("echo a > t && tar cf t.csv t", "t.csv", "a tar archive, not CSV", 0, 0);
}

static void what_is_no_backup_is_named(void **state)
{
    (void)state;
    shell(": > empty; : | gzip > empty.gz; printf '\\211PNG\\r\\n\\032\\n12345' > image; cp /bin/true "
          "program; echo 'Dear all, nothing to see' > letter;"
          "gzip -c letter > letter.gz; printf -- '-- MySQL dump 10.13\\n\\nCREATE TABLE t (i int);\\n' > "
          "mysql; gzip -c mysql > mysql.gz;"
          "printf 'CREATE TABLE `t` (i int) ENGINE=InnoDB;\\n' > innodb; printf 'USE [shop]\\nGO\\nSET "
          "ANSI_NULLS ON\\nGO\\n' > mssql;"
          "printf 'PRAGMA foreign_keys=OFF;\\nBEGIN TRANSACTION;\\n' > sqlite; printf "
          "'\\377\\376S\\000E\\000T\\000' > utf16;"
          "mkdir -p nothing data && echo 15 > data/PG_VERSION; mkdir -p base/base && echo 15 > "
          "base/PG_VERSION && tar cf base.tar -C base PG_VERSION base;"
          "printf '<html><body>Log in</body></html>' > page; printf 'version "
          "https://git-lfs.github.com/spec/v1\\n' > lfs;"
          "printf 'SET a = 1;' > a.sql; printf 'SET b = 1;' > b.sql; tar cf two.tar a.sql b.sql; tar cf "
          "letters.tar letter; head -c 5000 /dev/urandom > noise; printf '\\001\\002\\003' >> noise;"
          "printf 'PGDMP' > head; printf 'PGDMP\\001\\143\\000\\004\\010\\001' > future; printf "
          "'PGDMP\\001\\016\\000\\004\\010\\001' | gzip > wrapped.gz; mkfifo pipe");
    expect_no_backup("empty", "an empty file");
    expect_no_backup("empty.gz", "gzip data that hold nothing");
    expect_no_backup("image", "a PNG image");
    expect_no_backup("program", "an ELF program");
    expect_no_backup("letter", "text, but no SQL");
    expect_no_backup("letter.gz", "gzip data that hold text, but no SQL");
    expect_no_backup("mysql", "a MySQL dump");
    expect_no_backup("mysql.gz", "gzip data that hold a MySQL dump");
    expect_no_backup("innodb", "a MySQL dump");
    expect_no_backup("mssql", "a SQL Server script");
    expect_no_backup("sqlite", "a SQLite dump");
    expect_no_backup("utf16", "text in UTF-16");
    expect_no_backup("nothing", "a directory without pg_dump's toc.dat");
    shell("mkdir tables && echo id >tables/orders.csv");
    expect_no_backup("tables", "a folder of CSV files");
    expect_no_backup("data", "a server's data directory");
    expect_no_backup("base.tar", "a pg_basebackup in a tar file");
    expect_no_backup("page", "an HTML page");
    expect_no_backup("lfs", "a Git LFS pointer");
    expect_no_backup("two.tar", "holds 2 files that may be the dump: a.sql, b.sql");
    expect_no_backup("letters.tar", "no entry is SQL");
    expect_no_backup("head", "truncated");
    expect_no_backup("future", "version 1.99");
    expect_no_backup("wrapped.gz", "gzip data that hold a pg_dump archive");
    shell(
        "echo 'With best regards; yours.' > letter2; echo 'Set the table; please.' > letter3; echo 'Do it now; "
        "thanks.' > letter4; echo 'Comment follows; see below.' > letter5; echo 'Update: it works; good.' > letter6");
    expect_no_backup("letter2", "text, but no SQL");
    expect_no_backup("letter3", "text, but no SQL");
    expect_no_backup("letter4", "text, but no SQL");
    expect_no_backup("letter5", "text, but no SQL");
    expect_no_backup("letter6", "text, but no SQL");
    expect_no_backup("pipe", "a named pipe");
    shell(
        "mkdir piped && mkfifo piped/toc.dat; mkdir linked && ln -s /dev/zero linked/toc.dat; ln -s loop loop");
    expect_no_backup("piped", "toc.dat is a named pipe, not a file");
    expect_no_backup("linked", "toc.dat is a symbolic link, not a file");
    expect_no_backup("loop", "cannot read the backup");
    expect_no_backup("missing", "cannot read the backup");
    assert_false(rh_is_sql_dump("", 0));
}

static void a_dump_of_several_databases_is_refused(void **state)
{
    (void)state;
    shell("printf -- '--\\n-- PostgreSQL database cluster dump\\n--\\n\\nCREATE ROLE a;\\n\\\\connect "
          "one\\nCREATE TABLE a ();\\n\\\\connect \"two x\"\\nCREATE TABLE b ();\\n' > all;"
          "printf -- '--\\n-- PostgreSQL database cluster dump\\n--\\n\\n\\\\connect template1\\nCREATE "
          "TABLE a ();\\n"
          "\\\\connect postgres\\nCREATE EXTENSION x;\\n\\\\connect -reuse-previous=on \"dbname='\"'\"'my "
          "shop'\"'\"'\"\\nCREATE TABLE b ();\\n' > mine;"
          "printf -- '--\\n-- PostgreSQL database cluster dump\\n--\\n\\nCREATE ROLE a;\\n\\\\connect "
          "one\\nSELECT 1;\\n' > one");
    expect_no_backup("all", "pg_dumpall of 2 databases (one, two x)");
    expect_plain("one", "none", "none", NULL);
    rh_arena *arena = rh_arena_new();
    rh_backup_facts facts;
    assert_true(inspect("mine", arena, &facts, NULL));
    assert_string_equal(facts.dumpall_database, "my shop");
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_dumps_are_recognised),
        cmocka_unit_test(csv_files_beside_their_definitions_are_recognised),
        cmocka_unit_test(bad_csv_files_are_refused_by_place),
        cmocka_unit_test(what_is_no_backup_is_named),
        cmocka_unit_test(a_dump_of_several_databases_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
