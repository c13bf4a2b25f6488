/* The class of a statement by its measured effect: new files are a rewrite, new indexes an index build,
 * sequential scans of a whole table a scan, counts of changed rows a data change. If several apply, the class
 * is the heaviest, as with the parse tree. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/sql/classify.h"
#include <string.h>

/* The relations on which one run did most, of each kind of work. Relations that its own transaction created
 * do not count, because no other session uses them; the relations that they were filled from do. */
typedef struct most_work {
    const rh_relation_work *rewritten; /* the largest table */
    const rh_relation_work *built;     /* an index on a table that was there before the transaction */
    const rh_relation_work *read;      /* the table of which most was read */
    const rh_relation_work *emptied;   /* the largest table that has no row any more */
    const rh_relation_work *changed;   /* the table of which most rows were changed */
    size_t indexes;                    /* built */
    int64_t pages_written;
} most_work;

static bool is_table(const rh_relation_work *r)
{
    return r->kind != 'i';
}

static int64_t rows_changed(const rh_relation_work *r)
{
    return r->rows_inserted + r->rows_updated + r->rows_deleted;
}

static const rh_relation_work *find(const rh_statement_work *work, const char *relation)
{
    for (size_t i = 0; relation && i < work->relation_count; i++)
        if (strcmp(work->relations[i].relation, relation) == 0)
            return &work->relations[i];
    return NULL;
}

/* TRUNCATE gives new files too, without reading or writing a row. */
static bool is_rewrite(const rh_relation_work *r, rh_statement_class expected)
{
    return is_table(r) && r->rewritten && !r->is_private &&
           (r->blocks_read > 0 || r->pages_after > 0 || expected == RH_CLASS_REWRITE);
}

/* TRUNCATE, or what has its effect: new files without a page, and nothing was read. */
static bool is_emptied(const rh_relation_work *r)
{
    return is_table(r) && r->rewritten && !r->is_private && r->pages_before > 0 && r->pages_after == 0 &&
           r->blocks_read <= 0;
}

static bool is_build(const rh_statement_work *work, const rh_relation_work *r)
{
    const rh_relation_work *table = find(work, r->table);
    return r->kind == 'i' && (r->created || r->rewritten) &&
           !(table && (table->is_private || table->created || table->rewritten));
}

static void find_most_work(const rh_statement_work *work, rh_statement_class expected, most_work *f)
{
    for (size_t i = 0; i < work->relation_count; i++) {
        const rh_relation_work *r = &work->relations[i];
        if ((r->created || r->rewritten) && r->pages_after > 0)
            f->pages_written += r->pages_after;
        if (is_rewrite(r, expected) && (!f->rewritten || r->pages_before > f->rewritten->pages_before))
            f->rewritten = r;
        if (is_emptied(r) && (!f->emptied || r->pages_before > f->emptied->pages_before))
            f->emptied = r;
        if (is_build(work, r)) {
            f->built = f->built ? f->built : r;
            f->indexes++;
        }
        if (!work->counted || !is_table(r))
            continue;
        if (!r->is_private && r->pages_before > 0 && r->scans > 0 && 2 * r->blocks_read >= r->pages_before &&
            (!f->read || r->blocks_read > f->read->blocks_read))
            f->read = r;
        if (rows_changed(r) > 0 && (!f->changed || rows_changed(r) > rows_changed(f->changed)))
            f->changed = r;
    }
}

/* ---- sentences ---- */

static const char *count(int64_t number, char buffer[32])
{
    return rh_count_format(number, buffer, 32);
}

static const char *rewrite_sentence(const most_work *f, rh_arena *arena)
{
    char pages[32];
    const rh_relation_work *r = f->rewritten;
    if (r->pages_after > 0)
        return rh_arena_printf(arena, "%s lies in new files (%s pages written, its indexes with it)",
                               r->relation, count(f->pages_written, pages));
    return rh_arena_printf(arena, "%s lies in new files", r->relation);
}

static const char *build_sentence(const most_work *f, rh_arena *arena)
{
    char pages[32];
    const char *more = f->indexes > 1 ? rh_arena_printf(arena, " and %zu more", f->indexes - 1) : "";
    const char *how = f->built->created ? "was built" : "was rebuilt";
    if (f->pages_written > 0)
        return rh_arena_printf(arena, "index %s%s on %s %s (%s pages written)", f->built->relation, more,
                               f->built->table ? f->built->table : "its table", how,
                               count(f->pages_written, pages));
    return rh_arena_printf(arena, "index %s%s on %s %s", f->built->relation, more,
                           f->built->table ? f->built->table : "its table", how);
}

static const char *change_sentence(const rh_relation_work *r, rh_arena *arena)
{
    char rows[32], all[32];
    if (r->rows_before > 0 && !r->is_private)
        return rh_arena_printf(arena, "%s row%s of %s changed, which had about %s",
                               count(rows_changed(r), rows), rh_plural(rows_changed(r)), r->relation,
                               count(r->rows_before, all));
    return rh_arena_printf(arena, "%s row%s of %s changed", count(rows_changed(r), rows),
                           rh_plural(rows_changed(r)), r->relation);
}

static const char *scan_sentence(const rh_relation_work *r, rh_arena *arena)
{
    char blocks[32], pages[32];
    return rh_arena_printf(arena, "%s was read from end to end (%s blocks fetched, it has %s)", r->relation,
                           count(r->blocks_read, blocks), count(r->pages_before, pages));
}

static const char *emptied_sentence(const rh_relation_work *r, rh_arena *arena)
{
    char rows[32];
    if (r->rows_before > 0)
        return rh_arena_printf(arena, "%s was emptied: it had about %s row%s, and lies in new files",
                               r->relation, count(r->rows_before, rows), rh_plural(r->rows_before));
    return rh_arena_printf(arena, "%s was emptied, and lies in new files", r->relation);
}

static const char *nothing_sentence(const char *table, int64_t pages, rh_arena *arena)
{
    char text[32];
    if (table && pages > 0)
        return rh_arena_printf(
            arena, "%s was not read through (it has %s pages) and has no new files: catalogs only", table,
            count(pages, text));
    return "no table was read through, changed or given new files: catalogs only";
}

/* ---- classes ---- */

/* Commands whose class says what they are for, whatever they do to get there. */
static bool is_by_purpose(rh_statement_class class_)
{
    return class_ == RH_CLASS_MAINTENANCE || class_ == RH_CLASS_VALIDATION ||
           class_ == RH_CLASS_FOREIGN_KEY || class_ == RH_CLASS_QUERY;
}

/* Its text names no class. */
static bool is_unspecific(rh_statement_class class_)
{
    return class_ == RH_CLASS_UNCLASSIFIED || class_ == RH_CLASS_PROCEDURE;
}

/* Where nothing stands out, that says nothing. */
static bool is_silent(rh_statement_class class_)
{
    return is_unspecific(class_) || class_ == RH_CLASS_QUERY || class_ == RH_CLASS_MAINTENANCE ||
           class_ == RH_CLASS_INDEX_BUILD || class_ == RH_CLASS_INDEX_CONCURRENT;
}

/* A batch that changed more than half of its table is none. */
static rh_statement_class class_of_change(const rh_statement *statement, const rh_relation_work *r)
{
    const bool most = r->rows_before > 0 && 2 * rows_changed(r) > r->rows_before;
    return statement->class_expected == RH_CLASS_BACKFILL_BATCH && !most ? RH_CLASS_BACKFILL_BATCH
                                                                         : RH_CLASS_DATA_CHANGE;
}

static rh_statement_class class_of_scan(rh_statement_class expected)
{
    return expected == RH_CLASS_DATA_CHANGE || expected == RH_CLASS_BACKFILL_BATCH || is_by_purpose(expected)
               ? expected
               : RH_CLASS_HEAP_SCAN;
}

/* What a statement that the parser does not know is for, by the tag that the server answered with. An ALTER
 * TABLE may read or rewrite its table. */
static rh_statement_class class_of_tag(const char *tag)
{
    static const struct {
        const char *word;
        rh_statement_class class_;
    } words[] = {{"ALTER TABLE", RH_CLASS_HEAP_SCAN}, {"ALTER", RH_CLASS_CATALOG},
                 {"CREATE", RH_CLASS_CATALOG},        {"DROP", RH_CLASS_CATALOG},
                 {"COMMENT", RH_CLASS_CATALOG},       {"GRANT", RH_CLASS_CATALOG},
                 {"REVOKE", RH_CLASS_CATALOG},        {"INSERT", RH_CLASS_DATA_CHANGE},
                 {"UPDATE", RH_CLASS_DATA_CHANGE},    {"DELETE", RH_CLASS_DATA_CHANGE},
                 {"MERGE", RH_CLASS_DATA_CHANGE},     {"SELECT", RH_CLASS_QUERY},
                 {"VACUUM", RH_CLASS_MAINTENANCE},    {"ANALYZE", RH_CLASS_MAINTENANCE}};
    for (size_t i = 0; tag && i < sizeof words / sizeof *words; i++)
        if (rh_starts_with(tag, words[i].word))
            return words[i].class_;
    return RH_CLASS_UNCLASSIFIED;
}

/* What its text says, else the server. */
static rh_statement_class expected_of(const rh_statement *statement, const rh_statement_run *run)
{
    const bool unknown = statement->class_expected == RH_CLASS_UNCLASSIFIED && statement->parse_error;
    return unknown ? class_of_tag(run->command_tag) : statement->class_expected;
}

/* Nothing stood out: that says something only where there were rows by which it would have. */
static bool class_of_nothing(const rh_statement *statement, const rh_statement_run *run, rh_arena *arena,
                             rh_statement_class *class_, const char **sentence)
{
    const rh_statement_work *work = run->work;
    const rh_statement_class expected = expected_of(statement, run);
    static const char uncounted[] =
        "before PostgreSQL 15 a server reports with a delay what a statement outside of a transaction read and changed";
    if (!work->counted && !is_silent(expected))
        *sentence = uncounted;
    if (!work->counted)
        return false;
    switch (expected) {
    case RH_CLASS_DATA_CHANGE:
    case RH_CLASS_BACKFILL_BATCH:
        *class_ = expected;
        *sentence = "no row was changed";
        return true;
    case RH_CLASS_QUERY:
    case RH_CLASS_MAINTENANCE:
        if (statement->class_expected != RH_CLASS_UNCLASSIFIED)
            return false;
        *class_ = expected;
        *sentence = rh_arena_printf(arena, "the server answered %s, and no row was changed",
                                    run->command_tag ? run->command_tag : "");
        return true;
    case RH_CLASS_HEAP_SCAN:
    case RH_CLASS_VALIDATION:
    case RH_CLASS_FOREIGN_KEY:
    case RH_CLASS_REWRITE:
        *class_ = RH_CLASS_CATALOG;
        *sentence =
            work->target_pages > 0
                ? nothing_sentence(statement->expected_relation, work->target_pages, arena)
                : rh_arena_printf(arena, "%s is empty here, so neither a scan nor a rewrite would show",
                                  statement->expected_relation ? statement->expected_relation : "the table");
        return work->target_pages > 0;
    case RH_CLASS_CATALOG:
        *class_ = RH_CLASS_CATALOG;
        *sentence = nothing_sentence(statement->expected_relation, work->target_pages, arena);
        return true;
    default:
        return false;
    }
}

static bool classify(const rh_statement *statement, const rh_statement_run *run, rh_arena *arena,
                     rh_statement_class *class_, const char **sentence)
{
    const rh_statement_class expected = expected_of(statement, run);
    most_work f = {0};
    find_most_work(run->work, expected, &f);
    if (f.rewritten) {
        *class_ = expected == RH_CLASS_MAINTENANCE ? expected : RH_CLASS_REWRITE;
        *sentence = rewrite_sentence(&f, arena);
    } else if (f.emptied) {
        *class_ = RH_CLASS_DATA_CHANGE;
        *sentence = emptied_sentence(f.emptied, arena);
    } else if (f.built) {
        const rh_lock *lock = rh_lock_strongest(run->locks, run->lock_count);
        const bool concurrent =
            statement->needs_no_transaction && lock && lock->mode <= RH_LOCK_SHARE_UPDATE_EXCLUSIVE;
        *class_ = expected == RH_CLASS_MAINTENANCE ? expected
                  : concurrent                     ? RH_CLASS_INDEX_CONCURRENT
                                                   : RH_CLASS_INDEX_BUILD;
        *sentence = build_sentence(&f, arena);
    } else if (f.changed && expected != RH_CLASS_MAINTENANCE) {
        *class_ = class_of_change(statement, f.changed);
        *sentence = change_sentence(f.changed, arena);
    } else if (f.read) {
        *class_ = class_of_scan(expected);
        *sentence = scan_sentence(f.read, arena);
    } else {
        return class_of_nothing(statement, run, arena, class_, sentence);
    }
    return true;
}

void rh_classify_measured(rh_statement *statement, const rh_statement_run *run, rh_arena *arena)
{
    rh_statement_class class_;
    const char *sentence = NULL;
    if (!run->work || statement->class_expected == RH_CLASS_TRANSACTION)
        return;
    if (!classify(statement, run, arena, &class_, &sentence)) {
        if (sentence && !statement->class_measured)
            statement->class_evidence = rh_arena_printf(arena, "Not measured: %s.", sentence);
        return;
    }
    statement->class_measured = true;
    statement->class_ = class_;
    statement->class_differs =
        class_ != statement->class_expected && !is_unspecific(statement->class_expected);
    statement->class_evidence =
        statement->class_differs
            ? rh_arena_printf(arena, "Its text says %s; measured: %s.",
                              rh_statement_class_name(statement->class_expected), sentence)
            : rh_arena_printf(arena, "Measured: %s.", sentence);
}
