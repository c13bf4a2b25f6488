/* Attributes new files of relations: a rewrite, TRUNCATE, an index that was built. */
#include "attribution_parts.h"
#include "attribution.h"
#include <string.h>

/* Its transaction's locks are known, and none of them is one under which files can be made. */
static bool is_excluded_by_locks(const rh_sent_span *s, const rh_sent_statement *d,
                                 const rh_relation_change *c)
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

/* How a statement can have caused a change, from the most to the least certain. */
typedef enum tier { NAMES_INDEX, NAMES_TABLE, UNNAMED } tier;

static bool can_make_files(const rh_sent_span *s, const rh_sent_statement *d, const rh_relation_change *c,
                           tier t)
{
    if (!d->ok || rh_sent_class(d) == RH_CLASS_TRANSACTION || rh_sent_changes_only_catalogs(d) ||
        is_excluded_by_locks(s, d, c))
        return false;
    if (t == UNNAMED)
        return !rh_sent_is_data_change(d);
    if (rh_sent_class(d) == RH_CLASS_QUERY || rh_sent_is_data_change(d))
        return false;
    if (t == NAMES_INDEX)
        return c->work.kind == 'i' && rh_sent_names(d, c);
    return rh_sent_names_table(d, c) || rh_sent_is_opaque(d);
}

static bool shows_change(const rh_sent_statement *d, const rh_relation_change *c)
{
    rh_statement_class class_ = rh_sent_class(d);
    return c->work.kind == 'i' ? class_ == RH_CLASS_INDEX_BUILD || class_ == RH_CLASS_INDEX_CONCURRENT
                               : class_ == RH_CLASS_REWRITE;
}

/* New files alone: what was read and which rows were changed is counted apart. */
static void add_files(const rh_sent_span *s, rh_sent_statement *d, const rh_relation_change *c)
{
    rh_relation_work *work = rh_attribution_add_work(s, d, &c->work);
    work->is_private = false;
    work->blocks_read = work->scans = 0;
    work->rows_inserted = work->rows_updated = work->rows_deleted = 0;
    if (rh_sent_begins_with(d, "truncate"))
        work->pages_after = 0; /* whatever came into them later */
}

static const rh_relation_change *change_of_table(const rh_sample_interval *interval, const char *table)
{
    for (size_t i = 0; table && i < interval->count; i++)
        if (interval->changes[i].work.kind != 'i' && strcmp(interval->changes[i].work.relation, table) == 0)
            return &interval->changes[i];
    return NULL;
}

/* The only statement that can have made the files of C, or the only one of those whose text shows it; NULL:
 * none, or it is not known. */
static rh_sent_statement *writer_of(const rh_sent_span *s, const rh_relation_change *c)
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
            if (rh_sent_begins_with(d, "truncate")) /* is what gives new files for sure */
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
                rh_attribution_leave(&s->sent->items[i], why);
        return writer;
    }
    return NULL;
}

void rh_attribute_files(const rh_sent_span *s, const rh_sample_interval *interval)
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
