/* Which statement of a program did what became of the relations, and when that cannot be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rehearsal/program/work.h"
#include "pgrehearse/sql/classify.h"
#include <string.h>

enum { LIMIT = 8 };

static rh_arena *arena;
static rh_statement statements[LIMIT];
static rh_statement_run runs[LIMIT];
static rh_sent_statement sent[LIMIT];
static rh_sent_statements all;
static rh_committed_relation before[] = {
    {.oid = 1, .kind = 'r', .name = "public.orders", .pages = 100, .relpages = 100, .reltuples = 1000},
    {.oid = 2, .kind = 'r', .name = "other.orders", .pages = 7, .relpages = 7, .reltuples = 70},
    {.oid = 3, .kind = 'r', .name = "public.items", .pages = 50, .relpages = 50, .reltuples = 500},
};
static const char *const search_path[] = {"public", "other", NULL};

static int begin(void **state)
{
    (void)state;
    arena = rh_arena_new();
    memset(statements, 0, sizeof statements);
    memset(runs, 0, sizeof runs);
    memset(sent, 0, sizeof sent);
    all = (rh_sent_statements){
        .items = sent, .before = {before, 3}, .search_path = search_path, .counted = true};
    return 0;
}

static int end(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

/* One more statement, of a transaction of its own. */
static rh_sent_statement *sends(size_t interval, rh_statement_class class_, const char *relation,
                                const char *sql)
{
    size_t i = all.count++;
    statements[i] =
        (rh_statement){.sql = sql, .class_ = class_, .class_expected = class_, .expected_relation = relation};
    runs[i].rows = -1;
    sent[i] = (rh_sent_statement){.statement = &statements[i],
                                  .sql = sql,
                                  .run = &runs[i],
                                  .interval = interval,
                                  .transaction = (int)i + 1,
                                  .ok = true};
    return &sent[i];
}

static void intervals(rh_sample_interval *list, size_t count)
{
    all.intervals = list;
    all.interval_count = count;
    rh_attribute_changes(&all, arena);
    for (size_t i = 0; i < all.count; i++)
        rh_classify_measured(&statements[i], &runs[i], arena);
}

static rh_relation_change scanned(const char *name, int64_t pages, int64_t blocks, int64_t scans)
{
    return (rh_relation_change){.oid = 1,
                                .name_before = name,
                                .work = {.relation = name,
                                         .kind = 'r',
                                         .valid = true,
                                         .pages_before = pages,
                                         .rows_before = 10 * pages,
                                         .pages_after = -1,
                                         .blocks_read = blocks,
                                         .scans = scans}};
}

static rh_relation_change rewritten(const char *name, int64_t pages)
{
    rh_relation_change c = scanned(name, pages, pages, 1);
    c.work.rewritten = true;
    c.work.pages_after = pages;
    return c;
}

static rh_relation_change built(const char *name, const char *table)
{
    return (rh_relation_change){.oid = 9,
                                .work = {.relation = name,
                                         .table = table,
                                         .kind = 'i',
                                         .created = true,
                                         .is_private = true,
                                         .valid = true,
                                         .pages_before = -1,
                                         .pages_after = 5}};
}

static void assert_class(const rh_sent_statement *d, rh_statement_class class_)
{
    assert_true(d->statement->class_measured);
    assert_string_equal(rh_statement_class_name(d->statement->class_), rh_statement_class_name(class_));
    assert_null(d->unattributed_reason);
}

static void assert_untold(const rh_sent_statement *d, const char *why)
{
    assert_false(d->statement->class_measured);
    assert_non_null(d->unattributed_reason);
    assert_non_null(strstr(d->unattributed_reason, why));
}

static void the_only_statement_that_names_it_is_attributed(void **state)
{
    (void)state;
    rh_sent_statement *type = sends(0, RH_CLASS_REWRITE, "orders", "ALTER TABLE orders ALTER a TYPE text");
    rh_sent_statement *check = sends(1, RH_CLASS_HEAP_SCAN, "orders", "ALTER TABLE orders ADD CHECK (a > 0)");
    rh_sent_statement *index = sends(1, RH_CLASS_CATALOG, "items", "ALTER TABLE public.items ADD UNIQUE (a)");
    rh_sent_statement *nothing =
        sends(1, RH_CLASS_HEAP_SCAN, "other.orders", "ALTER TABLE other.orders ALTER b SET NOT NULL");
    rh_relation_change first[] = {rewritten("public.orders", 100)};
    rh_relation_change second[] = {built("public.items_a_key", "public.items"),
                                   scanned("public.orders", 100, 100, 1), scanned("public.items", 50, 50, 1)};
    second[2].oid = 3;
    intervals((rh_sample_interval[]){{first, 1, true}, {second, 3, true}}, 2);
    assert_class(type, RH_CLASS_REWRITE);
    assert_class(index, RH_CLASS_INDEX_BUILD);
    assert_true(index->statement->class_differs);
    /* both tables are called orders: which of the two was meant cannot be told by the name alone */
    assert_untold(check, "2 statements");
    assert_untold(nothing, "2 statements");
}

static void what_did_nothing_is_of_the_catalogs(void **state)
{
    (void)state;
    rh_sent_statement *type = sends(0, RH_CLASS_REWRITE, "orders", "ALTER TABLE orders ALTER a TYPE text");
    rh_sent_statement *build = sends(0, RH_CLASS_INDEX_BUILD, "orders", "CREATE INDEX i ON orders (a)");
    rh_sent_statement *add = sends(0, RH_CLASS_CATALOG, "orders", "ALTER TABLE orders ADD b int");
    rh_relation_change changes[] = {built("public.i", "public.orders"),
                                    scanned("public.orders", 100, 103, 2)};
    intervals((rh_sample_interval[]){{changes, 2, true}},
              1); /* a build in parallel: two scans, one reading */
    assert_class(type, RH_CLASS_CATALOG);
    assert_true(type->statement->class_differs);
    assert_class(build, RH_CLASS_INDEX_BUILD);
    assert_class(add, RH_CLASS_CATALOG);
}

static void several_possible_statements(void **state)
{
    (void)state;
    rh_sent_statement *type = sends(0, RH_CLASS_REWRITE, "orders", "ALTER TABLE orders ALTER a TYPE text");
    rh_sent_statement *add = sends(0, RH_CLASS_CATALOG, "orders", "ALTER TABLE orders ADD b int");
    rh_sent_statement *elsewhere = sends(0, RH_CLASS_CATALOG, "items", "ALTER TABLE items ADD b int");
    rh_relation_change changes[] = {rewritten("public.orders", 100)};
    intervals((rh_sample_interval[]){{changes, 1, true}}, 1);
    assert_class(type, RH_CLASS_REWRITE); /* the only one that says so */
    assert_untold(add, "given new files");
    assert_class(elsewhere, RH_CLASS_CATALOG);
}

static void locks_exclude_statements(void **state)
{
    (void)state;
    static rh_lock lock = {.relation = "public.orders", .mode = RH_LOCK_ACCESS_EXCLUSIVE};
    rh_sent_statement *block = sends(0, RH_CLASS_PROCEDURE, NULL, "DO $$ $$");
    rh_sent_statement *other = sends(0, RH_CLASS_PROCEDURE, NULL, "CALL p()");
    block->run->locks_complete = other->run->locks_complete = true;
    block->run->locks = &lock;
    block->run->lock_count = 1;
    rh_relation_change changes[] = {rewritten("public.orders", 100)};
    intervals((rh_sample_interval[]){{changes, 1, true}}, 1);
    assert_class(block, RH_CLASS_REWRITE);
    assert_false(other->statement->class_measured);
}

static void counts_published_late(void **state)
{
    (void)state;
    rh_sent_statement *check = sends(0, RH_CLASS_HEAP_SCAN, "orders", "ALTER TABLE orders ADD CHECK (a > 0)");
    rh_sent_statement *later = sends(1, RH_CLASS_CATALOG, "items", "ALTER TABLE items ADD b int");
    rh_sent_statement *unknown = sends(2, RH_CLASS_CATALOG, "items", "ALTER TABLE items ADD c int");
    rh_relation_change changes[] = {scanned("public.orders", 100, 100, 1)};
    intervals((rh_sample_interval[]){{NULL, 0, false}, {changes, 1, true}, {NULL, 0, false}}, 3);
    assert_class(check, RH_CLASS_HEAP_SCAN);
    assert_class(later, RH_CLASS_CATALOG);
    assert_untold(unknown, "had not published");
}

static void rows_are_in_the_answer(void **state)
{
    (void)state;
    rh_sent_statement *update = sends(0, RH_CLASS_DATA_CHANGE, "orders", "UPDATE orders SET a = 1");
    rh_sent_statement *batch =
        sends(0, RH_CLASS_BACKFILL_BATCH, "items", "UPDATE items SET a = 1 WHERE id < 9");
    rh_sent_statement *several = sends(0, RH_CLASS_DATA_CHANGE, "items", "SELECT 1; UPDATE items SET a = 1");
    rh_sent_statement *undone = sends(0, RH_CLASS_DATA_CHANGE, "orders", "DELETE FROM orders");
    update->run->rows = 1000;
    batch->run->rows = 400;
    several->run->rows = undone->run->rows = 3;
    undone->undone = true;
    intervals((rh_sample_interval[]){{NULL, 0, false}}, 1);
    assert_class(update, RH_CLASS_DATA_CHANGE);
    assert_class(batch, RH_CLASS_DATA_CHANGE); /* most of the table is no batch */
    assert_true(batch->statement->class_differs);
    assert_untold(several, "several statements");
    assert_untold(undone, "rolled back");
}

static void what_a_block_changed(void **state)
{
    (void)state;
    rh_sent_statement *block = sends(0, RH_CLASS_PROCEDURE, NULL, "DO $$ BEGIN DELETE FROM orders; END $$");
    rh_sent_statement *version = sends(0, RH_CLASS_DATA_CHANGE, "versions", "UPDATE versions SET v = 2");
    rh_relation_change changes[] = {scanned("public.orders", 100, 300, 0)};
    changes[0].work.rows_deleted = 1000;
    intervals((rh_sample_interval[]){{changes, 1, true}}, 1);
    assert_class(block, RH_CLASS_DATA_CHANGE);
    assert_false(version->statement->class_measured); /* its tag had no rows */
}

static void when_a_session_publishes(void **state)
{
    (void)state;
    rh_publishing p;
    rh_publishing_begin(&p, 0);
    rh_publishing_transaction(&p, RH_SECOND / 10, RH_SECOND / 5); /* too soon after the last time */
    assert_true(p.pending);
    rh_publishing_transaction(&p, RH_SECOND / 2, 2 * RH_SECOND); /* a long one: at its end for sure */
    assert_false(p.pending);
    rh_publishing_transaction(&p, 3 * RH_SECOND - 10, 3 * RH_SECOND + 10); /* perhaps */
    assert_true(p.pending);
    rh_publishing_transaction(&p, 7 * RH_SECOND / 2, 7 * RH_SECOND / 2 + 10); /* perhaps at that */
    assert_true(p.pending);
    rh_publishing_transaction(&p, 5 * RH_SECOND, 5 * RH_SECOND + 10);
    assert_false(p.pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_only_statement_that_names_it_is_attributed, begin, end),
        cmocka_unit_test_setup_teardown(what_did_nothing_is_of_the_catalogs, begin, end),
        cmocka_unit_test_setup_teardown(several_possible_statements, begin, end),
        cmocka_unit_test_setup_teardown(locks_exclude_statements, begin, end),
        cmocka_unit_test_setup_teardown(counts_published_late, begin, end),
        cmocka_unit_test_setup_teardown(rows_are_in_the_answer, begin, end),
        cmocka_unit_test_setup_teardown(what_a_block_changed, begin, end),
        cmocka_unit_test(when_a_session_publishes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
