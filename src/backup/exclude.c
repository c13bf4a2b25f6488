/* Entries that backup.skip excludes, and parts that the backup lacks. */
#include "dump_stream.h"
#include "headings.h"
#include "restoring.h"
#include "toc.h"
#include "pgrehearse/base/text.h"
#include <string.h>

/* The value of a sequence, which names no table, goes with it. */
static bool follows_its_sequence(rh_restoring *r, const rh_dump_entry *entry, bool left_out)
{
    const bool value = strcmp(entry->desc, "SEQUENCE SET") == 0;
    if (!value && (!left_out || strcmp(entry->desc, "SEQUENCE") != 0))
        return left_out;
    const char *name = rh_arena_printf(r->arena, "%s.%s", entry->schema, entry->tag);
    if (!value)
        rh_names_add(&r->sequences_left_out, r->arena, name);
    return left_out || rh_names_have(&r->sequences_left_out, name);
}

bool rh_restoring_excludes(rh_restoring *r, const rh_dump_entry *entry, const char *definition)
{
    bool left_out = false;
    for (size_t i = 0; i < r->target->skip_count; i++) {
        if (!rh_skip_covers(r->target->skip[i].entry, entry, definition))
            continue;
        r->skip_used[i] = left_out = true;
    }
    left_out = follows_its_sequence(r, entry, left_out);
    if (left_out) {
        r->extension_skipped = r->extension_skipped || strcmp(entry->desc, "EXTENSION") == 0;
        rh_restoring_skip(r, rh_dump_entry_name(entry, r->arena), "backup.skip leaves it out");
    }
    return left_out;
}

bool rh_restoring_accepts_absent(rh_restoring *r, const rh_dump_entry *data)
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

/* The same of keys, indexes and the like, be there any or not. */
static bool accepts_post_data(rh_restoring *r)
{
    bool accepted = false;
    for (size_t i = 0; i < r->target->skip_count; i++)
        if (rh_skip_is_post_data(r->target->skip[i].entry))
            r->skip_used[i] = accepted = true;
    return accepted;
}

static bool fail_of_definitions(const rh_restoring *r, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "the backup creates no table: it contains only %s",
                 r->contents.data_count > 0 ? "rows (pg_dump --data-only or --section=data)"
                                            : "keys, indexes and the like (--section=post-data)");
    rh_error_hint(error, "rehearse on a complete dump: pg_dump without --data-only, --section and --table");
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

/* ---- before the restore: does every entry of backup.skip name something? ---- */

typedef struct naming {
    const rh_backup_facts *facts;
    const rh_skip *skip;
    size_t count;
    bool *named; /* of skip */
    rh_contents contents;
    rh_headings headings; /* of a plain dump */
    bool elsewhere;       /* in another database of a pg_dumpall */
    rh_text sql;          /* of a statement, or its first part */
} naming;

/* The rows of a table or materialized view may be named, too, when the dump lacks them. */
static void note_named(naming *n, const rh_dump_entry *entry, const char *definition)
{
    bool view = strcmp(entry->desc, "MATERIALIZED VIEW") == 0;
    bool table = strcmp(entry->desc, "TABLE") == 0 || view;
    rh_dump_entry rows = {view ? "MATERIALIZED VIEW DATA" : "TABLE DATA", entry->schema, entry->tag,
                          entry->owner};
    for (size_t i = 0; i < n->count; i++)
        n->named[i] = n->named[i] || rh_skip_covers(n->skip[i].entry, entry, definition) ||
                      (table && rh_skip_covers(n->skip[i].entry, &rows, ""));
}

static bool name_archive(naming *n, rh_error *error)
{
    rh_toc toc;
    if (!rh_toc_read_path(n->facts->path, n->contents.arena, &toc, error))
        return false;
    for (size_t i = 0; i < toc.entry_count; i++) {
        const rh_toc_entry *entry = &toc.entries[i];
        rh_dump_entry listed = {entry->desc, entry->schema, entry->tag, entry->owner};
        rh_contents_add(&n->contents, &listed, entry->definition);
        note_named(n, &listed, entry->definition);
    }
    return true;
}

static void name_statement(naming *n, const char *sql, size_t length)
{
    rh_dump_statement statement;
    rh_text_clear(&n->sql);
    rh_text_append_bytes(&n->sql, sql, length);
    rh_dump_statement_read(sql, length, &statement);
    rh_headings_finish(&n->headings, n->sql.data);
    rh_dump_entry entry = rh_headings_entry_of(&n->headings, &statement);
    if (*entry.desc && !rh_dump_statement_is_shared(&statement))
        note_named(n, &entry, n->sql.data);
}

/* \connect, in a pg_dumpall. */
static void follow(naming *n, rh_dump_words words)
{
    char name[RH_NAME_SIZE];
    rh_dump_words_skip(&words, "\\");
    if (!n->facts->dumpall_database || rh_dump_words_skip(&words, "restrict") ||
        rh_dump_words_skip(&words, "unrestrict"))
        return;
    rh_dump_connect_name(&words, name);
    n->elsewhere = strcmp(n->facts->dumpall_database, name) != 0;
}

/* The same entries as while it is restored. */
static bool name_piece(void *user, const rh_dump_piece *piece, rh_error *error)
{
    naming *n = user;
    (void)error;
    if (piece->kind == RH_DUMP_COPY_DATA || !piece->first)
        return true;
    const size_t comments = piece->kind == RH_DUMP_BLANKS ? piece->length : piece->start;
    if (!n->elsewhere)
        rh_headings_read(&n->headings, piece->bytes, comments);
    if (piece->kind == RH_DUMP_COMMAND)
        follow(n, (rh_dump_words){piece->bytes + piece->start, piece->bytes + piece->length});
    else if (piece->kind != RH_DUMP_BLANKS && !n->elsewhere)
        name_statement(n, piece->bytes + piece->start, piece->length - piece->start);
    return true;
}

bool rh_backup_check_skip(const rh_backup_facts *facts, const rh_skip *skip, size_t count, rh_error *error)
{
    if (count == 0)
        return true;
    rh_arena *scratch = rh_arena_new();
    naming n = {.facts = facts,
                .skip = skip,
                .count = count,
                .named = rh_arena_alloc(scratch, count * sizeof *n.named),
                .contents = {.arena = scratch}};
    n.headings = rh_headings_of(&n.contents);
    bool fine = rh_dump_is_text(facts) ? rh_dump_stream(facts, name_piece, &n, NULL, "", error)
                                       : name_archive(&n, error);
    for (size_t i = 0; fine && i < count; i++)
        if (!n.named[i] && !rh_skip_is_post_data(skip[i].entry))
            fine = fail_of_skip(&skip[i], &n.contents, error);
    rh_text_release(&n.sql);
    rh_arena_free(scratch);
    return fine;
}

static void note_unlogged(rh_restoring *r)
{
    size_t count;
    const rh_dump_entry *tables = rh_contents_empty_unlogged(&r->contents, &count);
    for (size_t i = 0; i < count; i++) {
        rh_dump_entry data = {"TABLE DATA", tables[i].schema, tables[i].tag, tables[i].owner};
        if (!rh_restoring_accepts_absent(r, &data))
            rh_restoring_skip(r, rh_dump_entry_name(&data, r->arena),
                              "the table is unlogged and the dump has no rows of it: it is empty in staging");
    }
}

static void note_unpopulated(rh_restoring *r)
{
    size_t count;
    const rh_dump_entry *views = rh_contents_unpopulated(&r->contents, &count);
    for (size_t i = 0; i < count; i++) {
        rh_dump_entry data = {"MATERIALIZED VIEW DATA", views[i].schema, views[i].tag, views[i].owner};
        if (!rh_restoring_accepts_absent(r, &data))
            rh_restoring_add_missing(
                r, rh_dump_entry_name(&data, r->arena),
                "the dump leaves the view without rows: it had none (WITH NO DATA), or pg_dump left "
                "them out (--exclude-table-data); backup.skip can accept that");
    }
}

bool rh_restoring_check_contents(rh_restoring *r, rh_error *error)
{
    static const char *const whys[] = {
        [RH_MISSING_ALL] = "the dump is of an empty database, or leaves everything out",
        [RH_MISSING_DATA] = "the dump has definitions only (--schema-only, --no-data or --section=pre-data)",
        [RH_MISSING_POST_DATA] = "the dump has none at all: was it made without --section=post-data? If the "
                                 "database has none, backup.skip: [POST-DATA] accepts that",
    };
    rh_dump_entry *tables;
    size_t count;
    rh_missing_part lack = rh_contents_missing_part(&r->contents, &tables, &count);
    if (lack == RH_MISSING_DEFINITIONS)
        return fail_of_definitions(r, error);
    if (lack == RH_MISSING_ALL)
        rh_restoring_skip(r, "nothing",
                          whys[lack]); /* a fresh database is whole, and all migrations are pending */
    else if (lack == RH_MISSING_DATA)
        rh_restoring_add_missing(r, "the rows of all tables", whys[lack]);
    else if (lack == RH_MISSING_POST_DATA && accepts_post_data(r))
        rh_restoring_skip(r, "POST-DATA", "the backup has none, which backup.skip accepts");
    else if (lack == RH_MISSING_POST_DATA)
        rh_restoring_add_missing(r, "keys, indexes, triggers and rules", whys[lack]);
    for (size_t i = 0; i < count; i++) {
        rh_dump_entry data = {"TABLE DATA", tables[i].schema, tables[i].tag, tables[i].owner};
        if (!rh_restoring_accepts_absent(r, &data))
            rh_restoring_add_missing(
                r, rh_dump_entry_name(&data, r->arena),
                "the dump has the table without its rows (--exclude-table-data); backup.skip can "
                "accept that");
    }
    note_unlogged(r);
    if (lack == RH_MISSING_NOTHING || lack == RH_MISSING_TABLE_DATA)
        note_unpopulated(r);
    accepts_post_data(r);
    return rh_restoring_check_skips(r, error);
}
