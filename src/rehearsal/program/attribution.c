#include "attribution.h"
#include "locks.h"
#include <stdlib.h>
#include <string.h>

/* Statements in a row: one interval's, or those of several. */
typedef struct span {
    rh_sent_statements *sent;
    rh_arena *arena;
    size_t first, end;
} span;

/* ---- what a statement can have done, by its text ---- */

static rh_statement_class class_of(const rh_sent_statement *d)
{
    return d->statement ? d->statement->class_expected : RH_CLASS_UNCLASSIFIED;
}

/* Its text does not say what it does. */
static bool is_opaque(const rh_sent_statement *d)
{
    return class_of(d) == RH_CLASS_PROCEDURE || class_of(d) == RH_CLASS_UNCLASSIFIED;
}

static bool is_data_change(const rh_sent_statement *d)
{
    return class_of(d) == RH_CLASS_DATA_CHANGE || class_of(d) == RH_CLASS_BACKFILL_BATCH;
}

/* Several statements in one message; a semicolon in a literal only makes it seem so. */
static bool is_several(const rh_sent_statement *d)
{
    const char *semicolon = strchr(d->sql, ';');
    return semicolon && semicolon[strspn(semicolon, "; \t\r\n")] != '\0';
}

static bool begins_with(const rh_sent_statement *d, const char *word)
{
    return !is_several(d) && rh_program_begins_with(d->sql, &word, 1);
}

static bool only_touches_catalogs(const rh_sent_statement *d)
{
    static const char *const words[] = {"drop", "comment", "grant", "revoke"};
    return !is_several(d) && rh_program_begins_with(d->sql, words, sizeof words / sizeof *words);
}

static bool names(const rh_sent_statement *d, const rh_relation_change *c)
{
    return rh_sql_mentions(d->sql, c->work.relation) ||
           (c->name_before && rh_sql_mentions(d->sql, c->name_before));
}

static bool names_table(const rh_sent_statement *d, const rh_relation_change *c)
{
    return c->work.kind == 'i' ? c->work.table && rh_sql_mentions(d->sql, c->work.table) : names(d, c);
}

/* Its transaction's locks are known, and none of them is one under which files can be made. */
static bool is_excluded_by_locks(const span *s, const rh_sent_statement *d, const rh_relation_change *c)
{
    const char *table = c->work.kind == 'i' ? c->work.table : c->work.relation;
    if (!d->run->locks_complete || !table)
        return false;
    for (size_t i = s->first; i < s->end; i++) {
        const rh_sent_statement *other = &s->sent->items[i];
        for (size_t k = 0; other->transaction == d->transaction && k < other->run->lock_count; k++) {
            const rh_lock *lock = &other->run->locks[k];
            if (lock->mode >= RH_LOCK_SHARE_UPDATE_EXCLUSIVE &&
                (strcmp(lock->relation, table) == 0 ||
                 (c->name_before && strcmp(lock->relation, c->name_before) == 0)))
                return false;
        }
    }
    return true;
}

/* How a statement can be behind a change, from the surest to the vaguest. */
typedef enum tier { NAMES_INDEX, NAMES_TABLE, UNNAMED } tier;

static bool can_make_files(const span *s, const rh_sent_statement *d, const rh_relation_change *c, tier t)
{
    if (!d->ok || class_of(d) == RH_CLASS_TRANSACTION || only_touches_catalogs(d) ||
        is_excluded_by_locks(s, d, c))
        return false;
    if (t == UNNAMED)
        return !is_data_change(d);
    if (class_of(d) == RH_CLASS_QUERY || is_data_change(d))
        return false;
    if (t == NAMES_INDEX)
        return c->work.kind == 'i' && names(d, c);
    return names_table(d, c) || is_opaque(d);
}

static bool shows_change(const rh_sent_statement *d, const rh_relation_change *c)
{
    rh_statement_class class_ = class_of(d);
    return c->work.kind == 'i' ? class_ == RH_CLASS_INDEX_BUILD || class_ == RH_CLASS_INDEX_CONCURRENT
                               : class_ == RH_CLASS_REWRITE;
}

/* ---- what it did ---- */

static rh_relation_work *add_work(const span *s, rh_sent_statement *d, const rh_relation_work *done)
{
    rh_statement_work *work = d->run->work;
    if (!work) {
        work = rh_arena_alloc(s->arena, sizeof *work);
        *work = (rh_statement_work){.counted = true, .target_pages = RH_UNKNOWN};
        d->run->work = work;
    }
    rh_relation_work *added = rh_arena_add(s->arena, &work->relations, &work->relation_count);
    *added = *done;
    return added;
}

/* New files alone: what was read and which rows were changed is counted apart. */
static void add_files(const span *s, rh_sent_statement *d, const rh_relation_change *c)
{
    rh_relation_work *work = add_work(s, d, &c->work);
    work->is_private = false;
    work->blocks_read = work->scans = 0;
    work->rows_inserted = work->rows_updated = work->rows_deleted = 0;
    if (begins_with(d, "truncate"))
        work->pages_after = 0; /* whatever came into them later */
}

static void leave_unattributed(rh_sent_statement *d, const char *why)
{
    if (!d->unattributed_reason)
        d->unattributed_reason = why;
}

/* ---- files ---- */

static const rh_relation_change *change_of_table(const rh_sample_interval *interval, const char *table)
{
    for (size_t i = 0; table && i < interval->count; i++)
        if (interval->changes[i].work.kind != 'i' && strcmp(interval->changes[i].work.relation, table) == 0)
            return &interval->changes[i];
    return NULL;
}

/* The only statement that can have made the files of C, or the only one of those whose text shows it; NULL:
 * none, or it is not known. */
static rh_sent_statement *writer_of(const span *s, const rh_relation_change *c)
{
    for (tier t = NAMES_INDEX; t <= UNNAMED; t++) {
        rh_sent_statement *found = NULL, *shows = NULL;
        size_t count = 0, shows_count = 0;
        for (size_t i = s->first; i < s->end; i++) {
            rh_sent_statement *d = &s->sent->items[i];
            if (!can_make_files(s, d, c, t))
                continue;
            found = d;
            count++;
            if (shows_change(d, c) && ++shows_count == 1)
                shows = d;
            if (begins_with(d, "truncate")) /* is what gives new files for sure */
                shows_count += 2;
        }
        if (count == 0)
            continue;
        rh_sent_statement *writer = count == 1 ? found : shows_count == 1 ? shows : NULL;
        const char *why = rh_arena_printf(
            s->arena, "%s %s between two samples, and any of %zu statements can have caused it",
            c->work.relation, c->work.kind == 'i' && c->work.created ? "was built" : "was given new files",
            count);
        for (size_t i = s->first; i < s->end; i++)
            if (&s->sent->items[i] != writer && can_make_files(s, &s->sent->items[i], c, t))
                leave_unattributed(&s->sent->items[i], why);
        return writer;
    }
    return NULL;
}

/* Indexes follow their table when that is new or lies in new files. */
static void attribute_files(const span *s, const rh_sample_interval *interval)
{
    for (size_t i = 0; i < interval->count; i++) {
        const rh_relation_change *c = &interval->changes[i];
        const rh_relation_change *table = change_of_table(interval, c->work.table);
        bool follows = c->work.kind == 'i' && table &&
                       (table->work.created || (table->work.rewritten && !c->work.created));
        if (c->dropped || follows || !(c->work.rewritten || (c->work.created && c->work.kind == 'i')))
            continue;
        rh_sent_statement *writer = writer_of(s, c);
        if (!writer)
            continue;
        add_files(s, writer, c);
        for (size_t k = 0; c->work.kind != 'i' && k < interval->count; k++)
            if (interval->changes[k].work.kind == 'i' && interval->changes[k].work.rewritten &&
                strcmp(interval->changes[k].work.table, c->work.relation) == 0)
                add_files(s, writer, &interval->changes[k]);
    }
}

/* ---- blocks and rows ---- */

/* The changes of several intervals as one, by relation. */
static rh_sample_interval merge(const rh_sample_interval *intervals, size_t count, rh_arena *arena)
{
    rh_sample_interval all = {.published = true};
    for (size_t n = 0; n < count; n++)
        for (size_t i = 0; i < intervals[n].count; i++) {
            const rh_relation_change *c = &intervals[n].changes[i];
            rh_relation_change *same = NULL;
            for (size_t k = 0; n > 0 && k < all.count && !same; k++)
                same = all.changes[k].oid == c->oid ? &all.changes[k] : NULL;
            if (!same) {
                *rh_arena_add(arena, &all.changes, &all.count) = *c;
                continue;
            }
            same->dropped = c->dropped;
            same->work.rewritten |= c->work.rewritten;
            same->work.blocks_read += c->work.blocks_read;
            same->work.scans += c->work.scans;
            same->work.rows_inserted += c->work.rows_inserted;
            same->work.rows_updated += c->work.rows_updated;
            same->work.rows_deleted += c->work.rows_deleted;
        }
    return all;
}

static bool made_files_of(const rh_sent_statement *d, const char *table)
{
    const rh_statement_work *work = d->run->work;
    for (size_t i = 0; work && i < work->relation_count; i++) {
        const rh_relation_work *r = &work->relations[i];
        if (!r->created && !r->rewritten)
            continue;
        if (strcmp(r->relation, table) == 0 || (r->table && strcmp(r->table, table) == 0))
            return true;
    }
    return false;
}

static bool can_read(const rh_sent_statement *d, const rh_relation_change *c)
{
    if (class_of(d) == RH_CLASS_TRANSACTION || only_touches_catalogs(d) || begins_with(d, "truncate"))
        return false;
    return names(d, c) || is_opaque(d);
}

/* What making files reads: an index build the whole table, twice when concurrent; a rewrite the old files
 * once and the new ones for each index. */
static void take_off_files(const span *s, const rh_relation_change *c, int64_t *blocks, int64_t *scans)
{
    const char *table = c->work.relation;
    for (size_t i = s->first; i < s->end; i++) {
        const rh_sent_statement *d = &s->sent->items[i];
        const rh_statement_work *work = d->run->work;
        const int times = class_of(d) == RH_CLASS_INDEX_CONCURRENT ? 2 : 1;
        int64_t pages = c->work.pages_before;
        for (size_t k = 0; work && k < work->relation_count; k++) {
            const rh_relation_work *r = &work->relations[k];
            const bool itself = r->rewritten && strcmp(r->relation, table) == 0;
            const bool index =
                r->kind == 'i' && (r->created || r->rewritten) && r->table && strcmp(r->table, table) == 0;
            if (!itself && !index)
                continue;
            *blocks -= times * pages;
            *scans -= times;
            if (itself && r->pages_after > 0) /* comes before its indexes */
                pages = r->pages_after;
        }
    }
}

static void attribute_reading(const span *s, const rh_relation_change *c)
{
    int64_t blocks = c->work.blocks_read, scans = c->work.scans;
    rh_sent_statement *reader = NULL;
    size_t count = 0;
    take_off_files(s, c, &blocks, &scans);
    const bool read_through = c->work.pages_before > 0 && scans > 0 && 2 * blocks >= c->work.pages_before;
    if (c->work.created || (!read_through && !c->dropped))
        return;
    for (size_t i = s->first; i < s->end; i++) {
        rh_sent_statement *d = &s->sent->items[i];
        if (can_read(d, c) && !made_files_of(d, c->work.relation)) {
            reader = d;
            count++;
        }
    }
    if (count == 1 && !c->dropped) {
        rh_relation_work *work = add_work(s, reader, &c->work);
        work->blocks_read = blocks;
        work->scans = scans;
        work->rows_inserted = work->rows_updated = work->rows_deleted = 0;
        return;
    }
    const char *why =
        c->dropped
            ? rh_arena_printf(s->arena, "%s was dropped before it could be sampled", c->work.relation)
            : rh_arena_printf(s->arena, "%s was read from end to end, and %zu statements can have done it",
                              c->work.relation, count);
    for (size_t i = s->first; i < s->end; i++)
        if (can_read(&s->sent->items[i], c) && !made_files_of(&s->sent->items[i], c->work.relation))
            leave_unattributed(&s->sent->items[i], why);
}

/* Rows that no data change of the program's own counts in its tag: a DO block's, a function's. */
static void attribute_hidden_changes(const span *s, const rh_relation_change *c)
{
    rh_sent_statement *opaque = NULL, *query = NULL;
    size_t opaque_count = 0, query_count = 0, changes = 0, named_changes = 0;
    if (c->dropped || c->work.rows_inserted + c->work.rows_updated + c->work.rows_deleted <= 0)
        return;
    for (size_t i = s->first; i < s->end; i++) {
        rh_sent_statement *d = &s->sent->items[i];
        changes += is_data_change(d);
        named_changes += is_data_change(d) && names(d, c);
        if (is_opaque(d) && ++opaque_count)
            opaque = d;
        else if (class_of(d) == RH_CLASS_QUERY && ++query_count)
            query = d;
    }
    rh_sent_statement *writer = opaque_count == 1                       ? opaque
                                : opaque_count == 0 && query_count == 1 ? query
                                                                        : NULL;
    if (!writer || named_changes > 0 || (changes > 0 && !names(writer, c)))
        return;
    add_work(s, writer, &c->work);
}

/* ---- what a statement's own answer tells ---- */

/* The relation that NAME, as a text has it, means; NULL when it was not there before the program. */
static const rh_committed_relation *resolve(const rh_sent_statements *sent, const char *name, rh_arena *arena)
{
    const rh_relation wanted = rh_relation_of(name, arena);
    const rh_committed_relation *found = NULL;
    size_t rank = SIZE_MAX;
    for (size_t i = 0; name && i < sent->before.count; i++) {
        const rh_committed_relation *r = &sent->before.relations[i];
        const rh_relation relation = rh_relation_of(r->name, arena);
        if (rh_relation_equal(relation, wanted))
            return r;
        if (wanted.schema || !relation.schema || !rh_relation_matches(relation, wanted))
            continue;
        for (size_t k = 0; sent->search_path[k] && k < rank; k++)
            if (strcmp(relation.schema, sent->search_path[k]) == 0) {
                found = r;
                rank = k;
            }
    }
    return found;
}

/* Rows of the table that a data change names, by its command tag. */
static void attribute_rows(const span *s, rh_sent_statement *d)
{
    const rh_committed_relation *target = resolve(s->sent, d->statement->expected_relation, s->arena);
    const char *name = target ? target->name : d->statement->expected_relation;
    if (is_several(d))
        leave_unattributed(d, "it is several statements in one message, which are answered together");
    if (is_several(d) || d->run->rows < 0 || !name)
        return;
    rh_statement_work *known = d->run->work;
    for (size_t i = 0; known && i < known->relation_count; i++)
        if (strcmp(known->relations[i].relation, name) == 0) {
            known->relations[i].rows_updated = d->run->rows;
            return;
        }
    rh_relation_work work = {.relation = name,
                             .kind = 'r',
                             .is_private = !target,
                             .valid = true,
                             .pages_before = target ? target->pages : RH_UNKNOWN,
                             .rows_before = target ? target->reltuples : RH_UNKNOWN,
                             .pages_after = RH_UNKNOWN,
                             .rows_updated = d->run->rows};
    add_work(s, d, &work);
}

/* Nothing that became of any relation can have been its doing. */
static void attribute_nothing(const span *s, rh_sent_statement *d)
{
    const rh_committed_relation *target = resolve(s->sent, d->statement->expected_relation, s->arena);
    if (!target && d->statement->expected_relation && class_of(d) != RH_CLASS_CATALOG) {
        leave_unattributed(d, rh_arena_printf(s->arena, "%s was created while the program ran",
                                              d->statement->expected_relation));
        return;
    }
    rh_statement_work *work = rh_arena_alloc(s->arena, sizeof *work);
    *work = (rh_statement_work){.counted = true, .target_pages = target ? target->pages : RH_UNKNOWN};
    if (begins_with(d, "truncate"))
        work->target_pages = 0;
    d->run->work = work;
}

static bool is_known_by_no_change(const rh_sent_statement *d)
{
    rh_statement_class class_ = class_of(d);
    return class_ == RH_CLASS_CATALOG || class_ == RH_CLASS_HEAP_SCAN || class_ == RH_CLASS_REWRITE ||
           class_ == RH_CLASS_VALIDATION || class_ == RH_CLASS_FOREIGN_KEY;
}

static void conclude(const span *s, rh_sent_statement *d, bool published)
{
    if (!d->statement || !d->ok || class_of(d) == RH_CLASS_TRANSACTION)
        return;
    if (d->undone) {
        d->run->work = NULL;
        leave_unattributed(
            d, "its transaction was rolled back, so that no effect is visible to another session");
        return;
    }
    if (is_data_change(d))
        attribute_rows(s, d);
    if (d->run->work)
        d->unattributed_reason = NULL;
    else if (!is_known_by_no_change(d) || d->unattributed_reason)
        return;
    else if (!s->sent->counted)
        leave_unattributed(d, "before PostgreSQL 15 a server does not publish counts of reads in time");
    else if (!published)
        leave_unattributed(d, "its session had not published its reads at the last sample");
    else
        attribute_nothing(s, d);
}

/* ---- all ---- */

static span span_of(rh_sent_statements *sent, size_t first_interval, size_t end_interval, rh_arena *arena)
{
    span s = {.sent = sent, .arena = arena};
    while (s.first < sent->count && sent->items[s.first].interval < first_interval)
        s.first++;
    for (s.end = s.first; s.end < sent->count && sent->items[s.end].interval < end_interval;)
        s.end++;
    return s;
}

void rh_attribute_changes(rh_sent_statements *sent, rh_arena *arena)
{
    for (size_t i = 0; i < sent->interval_count; i++) {
        span s = span_of(sent, i, i + 1, arena);
        attribute_files(&s, &sent->intervals[i]);
    }
    for (size_t first = 0, end; first < sent->interval_count; first = end) {
        for (end = first + 1; end < sent->interval_count && !sent->intervals[end - 1].published;)
            end++;
        const bool published = sent->counted && sent->intervals[end - 1].published;
        span s = span_of(sent, first, end, arena);
        rh_sample_interval all = merge(&sent->intervals[first], end - first, arena);
        for (size_t i = 0; published && i < all.count; i++)
            if (all.changes[i].work.kind != 'i') {
                attribute_reading(&s, &all.changes[i]);
                attribute_hidden_changes(&s, &all.changes[i]);
            }
        for (size_t i = s.first; i < s.end; i++)
            conclude(&s, &sent->items[i], published);
    }
}
