/* Whether an archive has all the data that its table of contents lists, and nothing else. */
#include "backup/toc.h"
#include "pgrehearse/adapters/files.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { HEAD = 16 };

static char folder[64], path[128], digest[65];
static rh_toc_entry entries[3], *by_id[3];
static rh_toc toc;
static rh_error error;

/* Two tables and the large objects, in an archive whose table of contents takes HEAD bytes. */
static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/pgrehearse-toc-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/dump", folder);
    static const char *const tags[] = {"a", "b", "BLOBS"},
                             *const descs[] = {"TABLE DATA", "TABLE DATA", "BLOBS"},
                             *const files[] = {"3001.dat", "3002.dat", "blobs.toc"};
    for (int i = 0; i < 3; i++) {
        entries[i] = (rh_toc_entry){.id = 3001 + i,
                                    .tag = tags[i],
                                    .desc = descs[i],
                                    .schema = i < 2 ? "public" : "",
                                    .definition = "",
                                    .copy_statement = i < 2 ? "COPY t FROM stdin;" : "",
                                    .has_data = true,
                                    .file = files[i],
                                    .offset = -1};
        by_id[i] = &entries[i];
    }
    toc = (rh_toc){.format = RH_TOC_CUSTOM,
                   .entries = entries,
                   .by_id = by_id,
                   .entry_count = 3,
                   .integer_size = 4,
                   .bytes = HEAD};
    return 0;
}

static int end(void **state)
{
    (void)state;
    rh_error_release(&error);
    return rh_tree_remove(folder, NULL) ? 0 : -1;
}

static bool checked(void)
{
    return rh_toc_check(path, &toc, digest, NULL, "backup", &error);
}

static void refused(const char *message)
{
    assert_false(checked());
    if (!strstr(error.message, message))
        fail_msg("\"%s\" lacks \"%s\"", error.message, message);
}

/* ---- custom ---- */

/* WHAT: numbers of four bytes with their sign, but "x" a byte of data and "k" the next as one byte. */
static void write_custom(const char *what)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int i = 0; i < HEAD; i++)
        fputc('h', file);
    for (const char *at = what; *at;) {
        char *next = NULL;
        if (*at == ' ')
            at++;
        else if (*at == 'x')
            fputc('x', file), at++;
        else if (*at == 'k')
            fputc((int)strtol(at + 1, &next, 10), file), at = next;
        else {
            const long number = strtol(at, &next, 10);
            fputc(number < 0, file);
            for (int i = 0; i < 4; i++)
                fputc((int)(labs(number) >> (8 * i) & 255), file);
            at = next;
        }
    }
    fclose(file);
}

#define BLOCK_A "k1 3001 3 xxx 2 xx 0"
#define BLOCK_B "k1 3002 0"
#define BLOCK_BLOBS "k3 3003 777 2 xx 0 778 0 0"

static void blocks_in_any_order_are_whole(void **state)
{
    (void)state;
    write_custom(BLOCK_B BLOCK_BLOBS BLOCK_A);
    assert_true(checked());
    assert_int_equal(strlen(digest), 64);
}

static void a_block_is_where_its_entry_says(void **state)
{
    (void)state;
    entries[0].offset = HEAD;
    write_custom(BLOCK_A BLOCK_B BLOCK_BLOBS);
    assert_true(checked());
}

static void a_block_elsewhere_is_another(void **state)
{
    (void)state;
    entries[0].offset = HEAD + 1;
    write_custom(BLOCK_A BLOCK_B BLOCK_BLOBS);
    refused("not those that its table of contents lists");
}

static void a_block_that_is_missing(void **state)
{
    (void)state;
    write_custom(BLOCK_A BLOCK_BLOBS);
    refused("the data of public.b are missing");
}

static void a_block_that_is_cut_off(void **state)
{
    (void)state;
    write_custom(BLOCK_B BLOCK_BLOBS "k1 3001 3 xxx 2 x");
    refused("the data of public.a are cut off");
}

static void a_block_without_its_last_length(void **state)
{
    (void)state;
    write_custom(BLOCK_B BLOCK_BLOBS "k1 3001 3 xxx");
    refused("the data of public.a are cut off");
}

static void a_block_of_a_negative_length(void **state)
{
    (void)state;
    write_custom(BLOCK_B BLOCK_BLOBS "k1 3001 -3 xxx 0");
    refused("the data of public.a are cut off or damaged");
}

static void large_objects_that_are_cut_off(void **state)
{
    (void)state;
    write_custom(BLOCK_A BLOCK_B "k3 3003 777 2 xx 0 778 0");
    refused("the data of BLOBS are cut off");
}

static void a_block_that_begins_and_ends(void **state)
{
    (void)state;
    write_custom(BLOCK_A BLOCK_B BLOCK_BLOBS "k1");
    refused("it ends where a table's data begin");
}

static void a_block_given_twice(void **state)
{
    (void)state;
    write_custom(BLOCK_A BLOCK_B BLOCK_BLOBS BLOCK_A);
    refused("not those that its table of contents lists");
}

static void a_block_of_no_entry(void **state)
{
    (void)state;
    write_custom(BLOCK_A BLOCK_B BLOCK_BLOBS "k1 3009 0");
    refused("not those that its table of contents lists");
}

static void a_block_of_an_entry_without_data(void **state)
{
    (void)state;
    entries[1].has_data = false;
    write_custom(BLOCK_A BLOCK_B BLOCK_BLOBS);
    refused("not those that its table of contents lists");
}

static void large_objects_in_the_place_of_a_table(void **state)
{
    (void)state;
    write_custom("k3 3001 0" BLOCK_B BLOCK_BLOBS);
    refused("not those that its table of contents lists");
}

static void a_file_shorter_than_its_table_of_contents(void **state)
{
    (void)state;
    write_custom("");
    toc.bytes = HEAD + 1;
    refused("it became shorter");
}

static void no_file(void **state)
{
    (void)state;
    assert_false(checked());
    assert_int_equal(error.code, RH_ERROR_IO);
}

/* ---- directory ---- */

static void write_member(const char *name, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", path, name);
    FILE *file = fopen(full, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void write_directory(void)
{
    toc.format = RH_TOC_DIRECTORY;
    assert_int_equal(mkdir(path, 0700), 0);
    write_member("toc.dat", "PGDMP");
    write_member("3001.dat", "1\tx\n\\.\n\n\n");
    write_member("3002.dat", "\\.\n\n\n");
    write_member("blobs.toc", "777 blob_777.dat\n");
    write_member("blob_777.dat", "bytes");
}

static void remove_member(const char *name)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", path, name);
    assert_int_equal(unlink(full), 0);
}

static void a_directory_is_whole(void **state)
{
    (void)state;
    write_directory();
    assert_true(checked());
    assert_string_equal(digest, "");
}

static void a_table_without_its_file(void **state)
{
    (void)state;
    write_directory();
    remove_member("3002.dat");
    refused("the data of public.b are missing");
}

static void rows_that_end_too_early(void **state)
{
    (void)state;
    write_directory();
    write_member("3001.dat", "1\tx\n");
    refused("the data of public.a end too early");
}

static void an_empty_file_ends_too_early(void **state)
{
    (void)state;
    write_directory();
    write_member("3001.dat", "");
    refused("the data of public.a end too early");
}

static void inserts_have_no_last_line(void **state)
{
    (void)state;
    write_directory();
    entries[0].copy_statement = "";
    write_member("3001.dat", "INSERT INTO a VALUES (1);\n");
    assert_true(checked());
}

static void a_large_object_without_its_file(void **state)
{
    (void)state;
    write_directory();
    remove_member("blob_777.dat");
    refused("the data of BLOBS are missing");
}

static void a_list_of_large_objects_that_is_cut_off(void **state)
{
    (void)state;
    write_directory();
    write_member("blobs.toc", "777 blob_777.dat\n77");
    refused("the data of BLOBS have a damaged list");
}

static void a_file_outside_of_the_backup(void **state)
{
    (void)state;
    write_directory();
    write_member("blobs.toc", "777 ../../etc/passwd\n");
    refused("a file outside of itself");
    assert_int_equal(error.code, RH_ERROR_REFUSED);
}

static void a_link_in_the_place_of_a_file(void **state)
{
    (void)state;
    char full[256];
    write_directory();
    remove_member("3001.dat");
    snprintf(full, sizeof full, "%s/3001.dat", path);
    assert_int_equal(symlink("/etc/passwd", full), 0);
    refused("in place of a file");
}

static void a_pipe_that_no_entry_names(void **state)
{
    (void)state;
    char full[256];
    write_directory();
    snprintf(full, sizeof full, "%s/other", path);
    assert_int_equal(mkfifo(full, 0600), 0);
    refused("in place of a file");
}

static void data_that_no_entry_names(void **state)
{
    (void)state;
    write_directory();
    write_member("3009.dat", "\\.\n\n\n");
    refused("data that its table of contents does not list");
}

static void files_of_others_do_no_harm(void **state)
{
    (void)state;
    write_directory();
    write_member("README", "by hand");
    assert_true(checked());
}

/* ---- tar ---- */

/* Of the files of a directory dump, those of MEMBERS. */
static void write_tar(const char *members)
{
    char command[1024];
    write_directory();
    toc.format = RH_TOC_TAR;
    snprintf(command, sizeof command, "cd %s && tar cf %s/t %s && rm -r %s && mv %s/t %s", path, folder,
             members, path, folder, path);
    assert_int_equal(system(command), 0);
}

static void a_tar_is_whole(void **state)
{
    (void)state;
    write_tar("toc.dat 3001.dat 3002.dat blobs.toc blob_777.dat");
    assert_true(checked());
}

static void a_tar_without_a_table(void **state)
{
    (void)state;
    write_tar("toc.dat 3001.dat blobs.toc blob_777.dat");
    refused("the data of public.b are missing");
}

static void a_tar_without_large_objects(void **state)
{
    (void)state;
    write_tar("toc.dat 3001.dat 3002.dat");
    refused("the data of BLOBS are missing");
}

static void large_objects_of_a_newer_version(void **state)
{
    (void)state;
    write_tar("toc.dat 3001.dat 3002.dat blobs.toc blob_777.dat");
    entries[2].file = "blobs_16.toc";
    assert_true(checked());
}

static void a_tar_with_data_that_no_entry_names(void **state)
{
    (void)state;
    write_tar("toc.dat 3001.dat 3002.dat blobs.toc");
    toc.entry_count = 1;
    refused("data that its table of contents does not list");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
        test(blocks_in_any_order_are_whole),
        test(a_block_is_where_its_entry_says),
        test(a_block_elsewhere_is_another),
        test(a_block_that_is_missing),
        test(a_block_that_is_cut_off),
        test(a_block_without_its_last_length),
        test(a_block_of_a_negative_length),
        test(large_objects_that_are_cut_off),
        test(a_block_that_begins_and_ends),
        test(a_block_given_twice),
        test(a_block_of_no_entry),
        test(a_block_of_an_entry_without_data),
        test(large_objects_in_the_place_of_a_table),
        test(a_file_shorter_than_its_table_of_contents),
        test(no_file),
        test(a_directory_is_whole),
        test(a_table_without_its_file),
        test(rows_that_end_too_early),
        test(an_empty_file_ends_too_early),
        test(inserts_have_no_last_line),
        test(a_large_object_without_its_file),
        test(a_list_of_large_objects_that_is_cut_off),
        test(a_file_outside_of_the_backup),
        test(a_link_in_the_place_of_a_file),
        test(a_pipe_that_no_entry_names),
        test(data_that_no_entry_names),
        test(files_of_others_do_no_harm),
        test(a_tar_is_whole),
        test(a_tar_without_a_table),
        test(a_tar_without_large_objects),
        test(large_objects_of_a_newer_version),
        test(a_tar_with_data_that_no_entry_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
