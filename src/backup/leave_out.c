/* What backup.skip leaves out, and what the backup itself lacks. */
#include "pgrehearse/backup/restoring.h"
#include "pgrehearse/backup/toc.h"
#include "pgrehearse/base/text.h"
#include <string.h>

bool rh_restoring_leaves_out(rh_restoring *r, const rh_dump_entry *entry, const char *definition)
{
    bool left_out = false;
    for (size_t i = 0; i < r->target->skip_count; i++) {
        if (!rh_skip_covers(r->target->skip[i].entry, entry, definition))
            continue;
        r->skip_used[i] = left_out = true;
    }
    if (left_out) {
        r->extension_skipped = r->extension_skipped || strcmp(entry->desc, "EXTENSION") == 0;
        rh_restoring_skip(r, rh_dump_entry_name(entry, r->arena), "backup.skip leaves it out");
    }
    return left_out;
}

/* True when backup.skip says that it is known that these rows are not there. */
static bool accepts(rh_restoring *r, const rh_dump_entry *data)
{
    bool accepted = false;
    for (size_t i = 0; i < r->target->skip_count; i++)
        if (rh_skip_covers(r->target->skip[i].entry, data, ""))
            r->skip_used[i] = accepted = true;
    if (accepted)
        rh_restoring_skip(r, rh_dump_entry_name(data, r->arena),
                          "the backup has no rows of it, which backup.skip accepts");
    return accepted;
}

static bool fail_of_definitions(const rh_restoring *r, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "the backup makes no table: it holds only %s",
                 r->contents.data_count > 0 ? "rows (pg_dump --data-only or --section=data)"
                                            : "keys, indexes and the like (--section=post-data)");
    rh_error_hint(error, "rehearse on a whole dump: pg_dump without --data-only, --section and --table");
    return rh_error_at(error, r->facts->path, 0, 0);
}

static bool fail_of_skip(const rh_skip *skip, const rh_contents *contents, rh_error *error)
{
    const char *nearest = rh_nearest(skip->entry, contents->names, contents->name_count);
    rh_error_set(error, RH_ERROR_SCENARIO, "backup.skip: the backup has no entry \"%s\"%s%s%s", skip->entry,
                 nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    rh_error_hint(error,
                  "pg_restore --list names the entries: TYPE schema.name, as in \"TABLE DATA public.log\"");
    return rh_error_at(error, skip->where.file, skip->where.line, skip->where.column);
}

bool rh_restoring_check_skips(const rh_restoring *r, rh_error *error)
{
    for (size_t i = 0; i < r->target->skip_count; i++)
        if (!r->skip_used[i])
            return fail_of_skip(&r->target->skip[i], &r->contents, error);
    return true;
}

/* A table's rows may be named, too, when the dump lacks them. */
static bool toc_has(const rh_toc *toc, const char *skip)
{
    for (size_t i = 0; i < toc->entry_count; i++) {
        const rh_toc_entry *entry = &toc->entries[i];
        rh_dump_entry listed = {entry->desc, entry->schema, entry->tag, entry->owner};
        rh_dump_entry rows = {"TABLE DATA", entry->schema, entry->tag, entry->owner};
        if (rh_skip_covers(skip, &listed, entry->definition) ||
            (strcmp(entry->desc, "TABLE") == 0 && rh_skip_covers(skip, &rows, "")))
            return true;
    }
    return false;
}

bool rh_backup_check_skip(const rh_backup_facts *facts, const rh_skip *skip, size_t count, rh_arena *arena,
                          rh_error *error)
{
    rh_toc toc;
    if (count == 0 || facts->shape == RH_SHAPE_PLAIN)
        return true;
    if (!rh_toc_read_path(facts->path, arena, &toc, error))
        return false;
    rh_contents contents = {.arena = arena};
    for (size_t i = 0; i < toc.entry_count; i++) {
        const rh_toc_entry *entry = &toc.entries[i];
        rh_contents_add(&contents, &(rh_dump_entry){entry->desc, entry->schema, entry->tag, entry->owner},
                        entry->definition);
    }
    for (size_t i = 0; i < count; i++)
        if (!toc_has(&toc, skip[i].entry))
            return fail_of_skip(&skip[i], &contents, error);
    return true;
}

static void note_unlogged(rh_restoring *r)
{
    size_t count;
    const rh_dump_entry *tables = rh_contents_empty_unlogged(&r->contents, &count);
    for (size_t i = 0; i < count; i++) {
        rh_dump_entry data = {"TABLE DATA", tables[i].schema, tables[i].tag, tables[i].owner};
        if (!accepts(r, &data))
            rh_restoring_skip(r, rh_dump_entry_name(&data, r->arena),
                              "the table is unlogged and the dump has no rows of it: it is empty in staging");
    }
}

bool rh_restoring_check_contents(rh_restoring *r, rh_error *error)
{
    static const char *const whys[] = {
        [RH_LACK_ALL] = "the dump is of an empty database, or leaves everything out",
        [RH_LACK_DATA] = "the dump has definitions only (--schema-only, --no-data or --section=pre-data)",
        [RH_LACK_POST_DATA] = "the dump has none at all: was it made without --section=post-data?",
    };
    rh_dump_entry *tables;
    size_t count;
    rh_lack lack = rh_contents_lack(&r->contents, &tables, &count);
    if (lack == RH_LACK_DEFINITIONS)
        return fail_of_definitions(r, error);
    if (lack == RH_LACK_ALL)
        rh_restoring_skip(r, "nothing", whys[lack]); /* a fresh database is whole, and all migrations are pending */
    else if (lack == RH_LACK_DATA)
        rh_restoring_lacks(r, "the rows of all tables", whys[lack]);
    else if (lack == RH_LACK_POST_DATA)
        rh_restoring_lacks(r, "keys, indexes, triggers and rules", whys[lack]);
    for (size_t i = 0; i < count; i++) {
        rh_dump_entry data = {"TABLE DATA", tables[i].schema, tables[i].tag, tables[i].owner};
        if (!accepts(r, &data))
            rh_restoring_lacks(
                r, rh_dump_entry_name(&data, r->arena),
                "the dump has the table without its rows (--exclude-table-data); backup.skip can "
                "accept that");
    }
    note_unlogged(r);
    return rh_restoring_check_skips(r, error);
}
