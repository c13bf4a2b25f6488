#include "attribution_parts.h"
#include "attribution.h"
#include <string.h>

rh_relation_work *rh_attribution_add_work(const rh_sent_span *s, rh_sent_statement *d,
                                          const rh_relation_work *done)
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

void rh_attribution_leave(rh_sent_statement *d, const char *why)
{
    if (!d->unattributed_reason)
        d->unattributed_reason = why;
}

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
    if (rh_sent_class(d) == RH_CLASS_TRANSACTION || rh_sent_changes_only_catalogs(d) ||
        rh_sent_begins_with(d, "truncate"))
        return false;
    return rh_sent_names(d, c) || rh_sent_is_opaque(d);
}

/* What making files reads: an index build the whole table, twice when concurrent; a rewrite the old files
 * once and the new ones for each index. */
static void take_off_files(const rh_sent_span *s, const rh_relation_change *c, int64_t *blocks,
                           int64_t *scans)
{
    const char *table = c->work.relation;
    for (size_t i = s->first; i < s->end; i++) {
        const rh_sent_statement *d = &s->sent->items[i];
        const rh_statement_work *work = d->run->work;
        const int times = rh_sent_class(d) == RH_CLASS_INDEX_CONCURRENT ? 2 : 1;
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

static void attribute_reading(const rh_sent_span *s, const rh_relation_change *c)
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
        rh_relation_work *work = rh_attribution_add_work(s, reader, &c->work);
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
            rh_attribution_leave(&s->sent->items[i], why);
}

/* Rows that no data change of the program's own counts in its tag: a DO block's, a function's. */
static void attribute_hidden_changes(const rh_sent_span *s, const rh_relation_change *c)
{
    rh_sent_statement *opaque = NULL, *query = NULL;
    size_t opaque_count = 0, query_count = 0, changes = 0, named_changes = 0;
    if (c->dropped || c->work.rows_inserted + c->work.rows_updated + c->work.rows_deleted <= 0)
        return;
    for (size_t i = s->first; i < s->end; i++) {
        rh_sent_statement *d = &s->sent->items[i];
        changes += rh_sent_is_data_change(d);
        named_changes += rh_sent_is_data_change(d) && rh_sent_names(d, c);
        if (rh_sent_is_opaque(d) && ++opaque_count)
            opaque = d;
        else if (rh_sent_class(d) == RH_CLASS_QUERY && ++query_count)
            query = d;
    }
    rh_sent_statement *writer = opaque_count == 1                       ? opaque
                                : opaque_count == 0 && query_count == 1 ? query
                                                                        : NULL;
    if (!writer || named_changes > 0 || (changes > 0 && !rh_sent_names(writer, c)))
        return;
    rh_attribution_add_work(s, writer, &c->work);
}

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
static void attribute_rows(const rh_sent_span *s, rh_sent_statement *d)
{
    const rh_committed_relation *target = resolve(s->sent, d->statement->expected_relation, s->arena);
    const char *name = target ? target->name : d->statement->expected_relation;
    if (rh_sent_is_several(d))
        rh_attribution_leave(d, "it is several statements in one message, which are answered together");
    if (rh_sent_is_several(d) || d->run->rows < 0 || !name)
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
    rh_attribution_add_work(s, d, &work);
}

/* Nothing that became of any relation can have been its doing. */
static void attribute_nothing(const rh_sent_span *s, rh_sent_statement *d)
{
    const rh_committed_relation *target = resolve(s->sent, d->statement->expected_relation, s->arena);
    if (!target && d->statement->expected_relation && rh_sent_class(d) != RH_CLASS_CATALOG) {
        rh_attribution_leave(d, rh_arena_printf(s->arena, "%s was created while the program ran",
                                                d->statement->expected_relation));
        return;
    }
    rh_statement_work *work = rh_arena_alloc(s->arena, sizeof *work);
    *work = (rh_statement_work){.counted = true, .target_pages = target ? target->pages : RH_UNKNOWN};
    if (rh_sent_begins_with(d, "truncate"))
        work->target_pages = 0;
    d->run->work = work;
}

static bool is_known_by_no_change(const rh_sent_statement *d)
{
    rh_statement_class class_ = rh_sent_class(d);
    return class_ == RH_CLASS_CATALOG || class_ == RH_CLASS_HEAP_SCAN || class_ == RH_CLASS_REWRITE ||
           class_ == RH_CLASS_VALIDATION || class_ == RH_CLASS_FOREIGN_KEY;
}

static void conclude(const rh_sent_span *s, rh_sent_statement *d, bool published)
{
    if (!d->statement || !d->ok || rh_sent_class(d) == RH_CLASS_TRANSACTION)
        return;
    if (d->undone) {
        d->run->work = NULL;
        rh_attribution_leave(
            d, "its transaction was rolled back, so that no effect is visible to another session");
        return;
    }
    if (rh_sent_is_data_change(d))
        attribute_rows(s, d);
    if (d->run->work)
        d->unattributed_reason = NULL;
    else if (!is_known_by_no_change(d) || d->unattributed_reason)
        return;
    else if (!s->sent->counted)
        rh_attribution_leave(d, "before PostgreSQL 15 a server does not publish counts of reads in time");
    else if (!published)
        rh_attribution_leave(d, "its session had not published its reads at the last sample");
    else
        attribute_nothing(s, d);
}

static rh_sent_span span_of(rh_sent_statements *sent, size_t first_interval, size_t end_interval,
                            rh_arena *arena)
{
    rh_sent_span s = {.sent = sent, .arena = arena};
    while (s.first < sent->count && sent->items[s.first].interval < first_interval)
        s.first++;
    for (s.end = s.first; s.end < sent->count && sent->items[s.end].interval < end_interval;)
        s.end++;
    return s;
}

void rh_attribute_changes(rh_sent_statements *sent, rh_arena *arena)
{
    for (size_t i = 0; i < sent->interval_count; i++) {
        rh_sent_span s = span_of(sent, i, i + 1, arena);
        rh_attribute_files(&s, &sent->intervals[i]);
    }
    for (size_t first = 0, end; first < sent->interval_count; first = end) {
        for (end = first + 1; end < sent->interval_count && !sent->intervals[end - 1].published;)
            end++;
        const bool published = sent->counted && sent->intervals[end - 1].published;
        rh_sent_span s = span_of(sent, first, end, arena);
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
