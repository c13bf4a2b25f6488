/* The table of contents of pg_dump's own formats: a flipped bit is found, or hurts nothing that counts. */
#include "backup/toc.h"
#include "pgrehearse/base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bytes {
    char *data;
    size_t length, at;
} bytes;

static size_t read_bytes(void *user, void *buffer, size_t size)
{
    bytes *b = user;
    size_t left = b->length - b->at, n = size < left ? size : left;
    memcpy(buffer, b->data + b->at, n);
    b->at += n;
    return n;
}

static bool read_toc(bytes *b, rh_arena *arena, rh_toc *toc)
{
    b->at = 0;
    return rh_toc_read((rh_toc_source){read_bytes, b}, "backup", arena, toc, NULL) &&
           rh_toc_check_entries("backup", toc, NULL);
}

/* As rh_toc_check finds it: the table of contents ends where the first block of data begins. */
static bool ends_at_data(const rh_toc *toc, const rh_toc *whole)
{
    if (toc->bytes != whole->bytes)
        return false;
    for (size_t i = 0; i < whole->entry_count; i++) {
        const rh_toc_entry *a = &whole->entries[i], *b = rh_toc_find(toc, a->id);
        if (a->has_data && (!b || !b->has_data || (b->offset >= 0 && b->offset != a->offset)))
            return false;
    }
    return true;
}

static bytes read_dump(const char *path)
{
    bytes b = {0};
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot read %s", path);
    b.data = malloc(1 << 20);
    b.length = fread(b.data, 1, 1 << 20, file);
    fclose(file);
    return b;
}

/* How an accepted flip changed the entries: 0 not at all, else a letter for the first thing that differs. */
static char difference(const rh_toc *a, const rh_toc *b)
{
    if (a->entry_count != b->entry_count)
        return 'n';
    for (size_t i = 0; i < a->entry_count; i++) {
        const rh_toc_entry *x = &a->entries[i], *y = &b->entries[i];
        if (x->has_data != y->has_data || (x->has_data && x->id != y->id))
            return 'd';
        if (strcmp(x->copy_statement, y->copy_statement) != 0)
            return 'c';
        if (x->section != y->section)
            return 's';
        if (strcmp(x->desc, y->desc) != 0)
            return 'k';
        if (strcmp(x->owner, y->owner) != 0)
            return 'o';
        if (strcmp(x->schema, y->schema) != 0)
            return 'h';
        if (strcmp(x->definition, y->definition) != 0)
            return 't';
        if (strcmp(x->tag, y->tag) != 0)
            return 'g';
    }
    return 0;
}

/* Every thirteenth bit of a real dump: each bit of a byte, and each field, comes up. */
static void flipped_bits_are_found(void **state)
{
    (void)state;
    bytes b = read_dump(RH_SOURCE_DIRECTORY "/scenarios/quickstart/backup.dump");
    rh_arena *arena = rh_arena_new();
    rh_toc whole;
    assert_true(read_toc(&b, arena, &whole));
    for (size_t bit = 0; bit < (size_t)whole.bytes * 8; bit += 13) {
        rh_arena *scratch = rh_arena_new();
        rh_toc toc;
        b.data[bit / 8] ^= (char)(1 << bit % 8);
        if (read_toc(&b, scratch, &toc) && ends_at_data(&toc, &whole)) {
            char what = difference(&whole, &toc);
            /* The last letter of an owner's name may be another role's. */
            if (what && strchr("ndk", what))
                fail_msg("byte %zu bit %zu: not found, and it changes %c", bit / 8, bit % 8, what);
        }
        b.data[bit / 8] ^= (char)(1 << bit % 8);
        rh_arena_free(scratch);
    }
    rh_arena_free(arena);
    free(b.data);
}

/* Where NAME stands for the TIMES-th time in the table of contents. */
static char *find(bytes *b, const char *name, int times)
{
    char *at = b->data;
    for (int i = 0; i < times; i++) {
        at = memmem(at + (i > 0), b->length - (size_t)(at - b->data) - 1, name, strlen(name));
        assert_non_null(at);
    }
    return at;
}

/* A letter of a name, in the entry's tag or in its definition. */
static void names_agree_with_definitions(void **state)
{
    (void)state;
    static const char *const names[] = {"order_items_pkey", "orders_customer_id_fkey", "customers"};
    bytes b = read_dump(RH_SOURCE_DIRECTORY "/scenarios/quickstart/backup.dump");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rh_arena *arena = rh_arena_new();
        rh_toc toc;
        char *at = find(&b, names[i], 1) + 2;
        *at ^= 2;
        assert_false(read_toc(&b, arena, &toc));
        *at ^= 2;
        assert_true(read_toc(&b, arena, &toc));
        rh_arena_free(arena);
    }
    free(b.data);
}

static void the_number_of_entries_is_found_wrong(void **state)
{
    (void)state;
    bytes b = read_dump(RH_SOURCE_DIRECTORY "/scenarios/quickstart/backup.dump");
    rh_arena *arena = rh_arena_new();
    rh_toc whole, toc;
    assert_true(read_toc(&b, arena, &whole));
    size_t at =
        11 + 5 + 7 * 5; /* behind the versions, the compression and the time: three texts, the number */
    for (int i = 0; i < 3; i++)
        at += 5 + (unsigned char)b.data[at + 1];
    assert_int_equal((unsigned char)b.data[at + 1] | (unsigned char)b.data[at + 2] << 8, whole.entry_count);
    for (int bit = 0; bit < 32; bit++) {
        b.data[at + 1 + (size_t)bit / 8] ^= (char)(1 << bit % 8);
        assert_false(read_toc(&b, arena, &toc) && ends_at_data(&toc, &whole));
        b.data[at + 1 + (size_t)bit / 8] ^= (char)(1 << bit % 8);
    }
    rh_arena_free(arena);
    free(b.data);
}

static const char *order_matters(const char *table, const char *domain)
{
    static rh_arena *arena;
    rh_arena_free(arena);
    arena = rh_arena_new();
    rh_toc_entry entries[] = {
        {.desc = "FUNCTION", .schema = "public", .tag = "known(text)", .definition = ""},
        {.desc = "FUNCTION", .schema = "public", .tag = "Odd One(text, integer)", .definition = ""},
        {.desc = "TABLE", .schema = "public", .tag = "t", .definition = table},
        {.desc = "DOMAIN", .schema = "public", .tag = "d", .definition = domain},
    };
    const rh_toc_entry *found = rh_toc_order_matters(&(rh_toc){.entries = entries, .entry_count = 4}, arena);
    return found ? rh_arena_strdup(arena, found->tag) : "";
}

static void functions_for_each_row_are_found(void **state)
{
    (void)state;
    assert_string_equal(
        order_matters("CREATE TABLE public.t (a text, CONSTRAINT c CHECK (public.known(a)));", ""), "t");
    assert_string_equal(
        order_matters("CREATE TABLE public.t (a text, CHECK ((public.\"Odd One\"(a, 1) > 0)));", ""), "t");
    assert_string_equal(
        order_matters("CREATE TABLE public.t (a text, b text GENERATED ALWAYS AS (public.known(a)) STORED);",
                      ""),
        "t");
    assert_string_equal(
        order_matters("CREATE TABLE public.t (a text) PARTITION BY LIST (public.known(a));", ""), "t");
    assert_string_equal(
        order_matters("CREATE TABLE public.t (a public.d);",
                      "CREATE DOMAIN public.d AS text CONSTRAINT c CHECK (public.known(VALUE));"),
        "d");
    /* A default is not computed for rows that are loaded; other functions are the server's. */
    assert_string_equal(
        order_matters("CREATE TABLE public.t (a text DEFAULT public.known('x'::text), known text, "
                      "CONSTRAINT known CHECK ((lower(a) = 'known')));",
                      "CREATE DOMAIN public.d AS text;"),
        "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(functions_for_each_row_are_found),
                                       cmocka_unit_test(flipped_bits_are_found),
                                       cmocka_unit_test(names_agree_with_definitions),
                                       cmocka_unit_test(the_number_of_entries_is_found_wrong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
