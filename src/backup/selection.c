/* Signs that pg_dump chose among the objects of a database. Where nothing else needs what was left out, the
 * backup restores without an error, and the rehearsal would not know. */
#include "dump_stream.h"
#include "restoring.h"
#include "statement.h"
#include "toc.h"
#include "pgrehearse/base/text.h"
#include "embedded/backup.h"
#include <string.h>

/* ---- the numbers of an archive's entries ---- */

static bool is_relation(const rh_toc_entry *entry)
{
    static const char *const descs[] = {"TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE"};
    for (size_t i = 0; i < sizeof descs / sizeof *descs; i++)
        if (strcmp(entry->desc, descs[i]) == 0)
            return true;
    return false;
}

/* CREATE TYPE name AS (…: a composite type has a relation, too, but its entry has the number of the type. */
static bool is_composite(const rh_toc_entry *entry)
{
    rh_dump_words words = {entry->definition, entry->definition + strlen(entry->definition)};
    char schema[RH_NAME_SIZE], name[RH_NAME_SIZE];
    rh_dump_word word;
    return strcmp(entry->desc, "TYPE") == 0 && rh_dump_words_skip(&words, "create") &&
           rh_dump_words_skip(&words, "type") && rh_dump_words_name(&words, schema, name) &&
           rh_dump_words_skip(&words, "as") && rh_dump_words_next(&words, &word) &&
           rh_dump_word_is(&word, "(");
}

rh_toc_hidden rh_toc_hidden_relations(const rh_toc *toc, rh_arena *arena)
{
    const rh_toc_entry *first = NULL, *last = NULL;
    rh_toc_hidden hidden = {0};
    int64_t accounted = 0;
    for (size_t i = 0; i < toc->entry_count; i++) {
        const rh_toc_entry *entry = &toc->entries[i];
        if (!is_relation(entry))
            continue;
        accounted++;
        first = !first || entry->id < first->id ? entry : first;
        last = !last || entry->id > last->id ? entry : last;
    }
    if (!first)
        return hidden;
    for (size_t i = 0; i < toc->entry_count; i++) {
        const rh_toc_entry *entry = &toc->entries[i];
        bool between = entry->oid > first->oid && entry->oid < last->oid;
        accounted += between && is_composite(entry);
        if (between && strcmp(entry->desc, "EXTENSION") == 0)
            *rh_arena_add(arena, &hidden.extensions, &hidden.extension_count) = entry->tag;
    }
    int64_t numbered = last->id - first->id + 1;
    hidden.relations = numbered > accounted ? numbered - accounted : 0;
    return hidden;
}

/* ---- after the restore ---- */

static void report(rh_restoring *r, const char *what, const char *why)
{
    if (r->target->partial)
        rh_restoring_skip(r, what, why);
    else
        rh_restoring_add_missing(r, what,
                                 rh_arena_printf(r->arena, "%s; backup.partial: true accepts that", why));
}

/* Relations of extensions are restored with those. An extension that is older than all tables may have got
 * some by a later update. */
static bool check_hidden(rh_restoring *r, rh_error *error)
{
    int64_t hidden = r->hidden.relations, between = 0, all = 0;
    if (hidden == 0 || r->extension_skipped)
        return true;
    rh_pg_result *counts = rh_pg_query(r->pg, rh_sql_extension_relations, 0, NULL, error);
    for (size_t i = 0; counts && i < rh_pg_rows(counts); i++) {
        int64_t count = rh_pg_int(counts, i, 1, 0);
        all += count;
        for (size_t k = 0; k < r->hidden.extension_count; k++)
            if (strcmp(r->hidden.extensions[k], rh_pg_value(counts, i, 0)) == 0)
                between += count;
    }
    rh_pg_result_free(counts);
    if (hidden > all)
        report(r,
               rh_arena_printf(r->arena, "%lld relation%s", (long long)(hidden - all),
                               hidden - all == 1 ? "" : "s"),
               "by the numbers of its entries, pg_dump saw more relations than it dumped (--schema, --table, "
               "--exclude-schema or --exclude-table; or temporary tables of that time)");
    else if (hidden > between && r->facts->selection_unknown)
        r->facts->selection_unknown = rh_arena_printf(
            r->arena,
            "pg_dump saw %lld relation%s that it did not dump: of extensions, or left out by --schema, --table, "
            "--exclude-schema or --exclude-table",
            (long long)hidden, hidden == 1 ? "" : "s");
    return counts != NULL;
}

/* Since PostgreSQL 15, pg_dump creates the schema public only where it was named. */
static void check_public(rh_restoring *r)
{
    enum { FIRST_WITHOUT = 15 };
    const char *version = r->facts->dump_version;
    if (r->contents.creates_public && version && rh_leading_int(version) >= FIRST_WITHOUT)
        report(r, "objects in other schemas",
               "it has CREATE SCHEMA public, which pg_dump writes with --schema=public only");
}

/* Columns that may refer to large objects, of which the backup has none. */
static bool check_large_objects(rh_restoring *r, rh_error *error)
{
    if (r->contents.large_objects > 0 || r->contents.entries == 0)
        return true;
    rh_pg_result *columns = rh_pg_query(r->pg, rh_sql_oid_columns, 0, NULL, error);
    bool ok = columns != NULL;
    for (size_t i = 0; ok && i < rh_pg_rows(columns); i++) {
        rh_pg_result *filled = rh_pg_query(r->pg, rh_pg_value(columns, i, 1), 0, NULL, error);
        ok = filled != NULL;
        if (ok && rh_pg_bool(filled, 0, 0))
            rh_restoring_skip(
                r, "large objects",
                rh_arena_printf(r->arena,
                                "the backup has none, and %s may refer to some (pg_dump --no-blobs?)",
                                rh_pg_value(columns, i, 0)));
        rh_pg_result_free(filled);
    }
    rh_pg_result_free(columns);
    return ok;
}

bool rh_restoring_check_selection(rh_restoring *r, rh_error *error)
{
    rh_backup_facts *facts = r->facts;
    if (!facts->dumpall_database && facts->missing_count == 0)
        facts->selection_unknown =
            facts->csv ? "nothing in CSV files and definitions tells whether the database has other tables"
            : facts->shape == RH_SHAPE_PLAIN
                ? "nothing in a plain dump tells whether pg_dump was given --schema, --table, --exclude-schema or "
                  "--exclude-table"
                : "it has every relation between its oldest and its newest, but nothing tells whether pg_dump left "
                  "out older or newer ones";
    check_public(r);
    return check_hidden(r, error) && check_large_objects(r, error);
}
