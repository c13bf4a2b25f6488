/* Checks the entries of a table of contents for consistency. pg_dump writes no checksum of it, but most of
 * the information is stored twice, so that a damaged byte makes the two differ. */
#include "statement.h"
#include "toc.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <string.h>

enum { NONE = 1 << 1, PRE_DATA = 1 << 2, DATA = 1 << 3, POST_DATA = 1 << 4 };
enum { ANY = NONE | PRE_DATA | DATA | POST_DATA };

/* What kinds of entries pg_dump 8.4 to 18 writes, and in which sections. */
static const struct kind {
    const char *desc;
    int sections;
    bool named; /* its tag is the name of what its definition makes */
} kinds[] = {
    {"ACCESS METHOD", PRE_DATA, true},
    {"ACL", ANY, false},
    {"ACL LANGUAGE", ANY, false},
    {"AGGREGATE", PRE_DATA, true},
    {"BLOB", PRE_DATA, true},
    {"BLOB COMMENTS", ANY, false},
    {"BLOB METADATA", DATA, false},
    {"BLOBS", DATA, false},
    {"CAST", PRE_DATA, false},
    {"CHECK CONSTRAINT", POST_DATA, true},
    {"COLLATION", PRE_DATA, true},
    {"COMMENT", ANY, false},
    {"CONSTRAINT", POST_DATA, true},
    {"CONVERSION", PRE_DATA, true},
    {"DATABASE", PRE_DATA, true},
    {"DATABASE PROPERTIES", PRE_DATA, true},
    {"DEFAULT", PRE_DATA, true},
    {"DEFAULT ACL", NONE | POST_DATA, false},
    {"DOMAIN", PRE_DATA, true},
    {"ENCODING", PRE_DATA, false},
    {"EVENT TRIGGER", POST_DATA, true},
    {"EXTENSION", PRE_DATA, true},
    {"FK CONSTRAINT", POST_DATA, true},
    {"FOREIGN DATA WRAPPER", PRE_DATA, true},
    {"FOREIGN TABLE", PRE_DATA, true},
    {"FUNCTION", PRE_DATA, true},
    {"INDEX", POST_DATA, true},
    {"INDEX ATTACH", POST_DATA, true},
    {"MATERIALIZED VIEW", PRE_DATA, true},
    {"MATERIALIZED VIEW DATA", POST_DATA, true},
    {"OPERATOR", PRE_DATA, false},
    {"OPERATOR CLASS", PRE_DATA, true},
    {"OPERATOR FAMILY", PRE_DATA, true},
    {"POLICY", POST_DATA, true},
    {"PROCEDURAL LANGUAGE", PRE_DATA, true},
    {"PROCEDURE", PRE_DATA, true},
    {"PUBLICATION", POST_DATA, true},
    {"PUBLICATION TABLE", POST_DATA, true},
    {"PUBLICATION TABLES IN SCHEMA", POST_DATA, true},
    {"ROW SECURITY", POST_DATA, true},
    {"RULE", POST_DATA, true},
    {"SCHEMA", PRE_DATA, true},
    {"SEARCHPATH", PRE_DATA, false},
    {"SECURITY LABEL", ANY, false},
    {"SEQUENCE", PRE_DATA, true},
    {"SEQUENCE OWNED BY", PRE_DATA, true},
    {"SEQUENCE SET", DATA, true},
    {"SERVER", PRE_DATA, true},
    {"SHELL TYPE", PRE_DATA, true},
    {"STATISTICS", POST_DATA, true},
    {"STATISTICS DATA", ANY, false},
    {"STDSTRINGS", PRE_DATA, false},
    {"SUBSCRIPTION", POST_DATA, true},
    {"SUBSCRIPTION TABLE", POST_DATA, true},
    {"TABLE", PRE_DATA, true},
    {"TABLE ATTACH", PRE_DATA, true},
    {"TABLE DATA", DATA, false},
    {"TEXT SEARCH CONFIGURATION", PRE_DATA, true},
    {"TEXT SEARCH DICTIONARY", PRE_DATA, true},
    {"TEXT SEARCH PARSER", PRE_DATA, true},
    {"TEXT SEARCH TEMPLATE", PRE_DATA, true},
    {"TRANSFORM", PRE_DATA, false},
    {"TRIGGER", POST_DATA, true},
    {"TYPE", PRE_DATA, true},
    {"USER MAPPING", PRE_DATA, false},
    {"VIEW", PRE_DATA, true},
};

static bool damaged(const char *path, const rh_toc_entry *entry, const char *what, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP,
                 "the backup's table of contents is damaged: entry %lld (%s %s%s%s) %s", (long long)entry->id,
                 entry->desc, entry->schema, *entry->schema ? "." : "", entry->tag, what);
    rh_error_hint(error, "compare the file's checksum with the original's, or make the dump again");
    return rh_error_at(error, path, 0, 0);
}

/* A and B have the same length and differ in one bit of one byte. */
static bool one_bit_apart(const char *a, const char *b)
{
    int bits = 0;
    for (; *a && *b; a++, b++)
        bits += __builtin_popcount((unsigned char)*a ^ (unsigned char)*b);
    return !*a && !*b && bits == 1;
}

/* Kinds that are not known are of another pg_dump (a fork's, a newer one's), unless one flipped bit made
 * them. */
static bool check_kind(const char *path, const rh_toc *toc, const rh_toc_entry *entry,
                       const struct kind **kind, rh_error *error)
{
    bool near = false;
    *kind = NULL;
    for (size_t i = 0; !*kind && i < sizeof kinds / sizeof *kinds; i++) {
        near = near || one_bit_apart(kinds[i].desc, entry->desc);
        if (strcmp(kinds[i].desc, entry->desc) == 0)
            *kind = &kinds[i];
    }
    if (!*kind)
        return (!near && *entry->desc) ||
               damaged(path, entry, "has a kind that pg_dump does not know", error);
    if (toc->version_minor >= 11 && !((*kind)->sections & 1 << entry->section))
        return damaged(path, entry, "is in a section that its kind does not belong to", error);
    bool data = strcmp(entry->desc, "TABLE DATA") == 0 || strcmp(entry->desc, "BLOBS") == 0 ||
                strcmp(entry->desc, "BLOB COMMENTS") == 0;
    return data == entry->has_data ||
           damaged(path, entry, data ? "has no data" : "has data, which its kind never has", error);
}

/* Does every word of the LENGTH bytes at NAME occur in TEXT? Quotes, dots and blanks may be other there. */
static bool occurs(const char *name, size_t length, const char *text)
{
    char word[RH_NAME_SIZE + 1];
    for (size_t i = 0; i < length;) {
        size_t n = 0;
        while (i < length && n < sizeof word - 1 &&
               (isalnum((unsigned char)name[i]) || name[i] == '_' || name[i] == '$' || (name[i] & 0x80)))
            word[n++] = name[i++];
        word[n] = 0;
        if (n > 0 && !strstr(text, word))
            return false;
        i += n == 0;
    }
    return true;
}

/* The name that a tag ends with: behind the words COLUMN, FOREIGN TABLE … of comments and privileges. */
static const char *behind_keywords(const char *tag)
{
    const char *at = tag;
    while (isupper((unsigned char)*at)) {
        const char *word = at;
        while (isupper((unsigned char)*word))
            word++;
        if (*word != ' ')
            break;
        at = word + 1;
    }
    return at;
}

static bool check_name(const char *path, const rh_toc_entry *entry, const struct kind *kind, rh_error *error)
{
    bool about = strcmp(entry->desc, "COMMENT") == 0 || strcmp(entry->desc, "ACL") == 0 ||
                 strcmp(entry->desc, "SECURITY LABEL") == 0;
    bool view = rh_ends_with(entry->tag, "_RETURN"); /* CREATE OR REPLACE VIEW says it without a name */
    bool comment = rh_starts_with(entry->definition, "-- "); /* the schema public, which every database has */
    if (!*entry->definition || comment || !kind || !(kind->named || about) || view ||
        strstr(entry->tag, ".."))
        return true;
    const char *name = about ? behind_keywords(entry->tag) : entry->tag;
    return occurs(name, strcspn(name, "("), entry->definition) ||
           damaged(path, entry, "has a definition without its name", error);
}

/* pg_dump --load-via-partition-root sends a partition's rows to the partitioned table. */
static bool is_partitioned(const rh_toc *toc, const char *schema, const char *table)
{
    for (size_t i = 0; i < toc->entry_count; i++)
        if (strcmp(toc->entries[i].desc, "TABLE") == 0 && strcmp(toc->entries[i].tag, table) == 0 &&
            strcmp(toc->entries[i].schema, schema) == 0)
            return strstr(toc->entries[i].definition, "PARTITION BY") != NULL;
    return false;
}

/* COPY schema.table (columns) FROM stdin; is of the table that the entry names, and of columns that the
 * table's own entry defines. */
static bool check_copy(const char *path, const rh_toc *toc, const rh_toc_entry *entry, rh_error *error)
{
    const char *copy = entry->copy_statement, *columns = strchr(copy, '(');
    if (!*copy)
        return true;
    rh_dump_words words = {copy, copy + strlen(copy)};
    char schema[RH_NAME_SIZE] = "", table[RH_NAME_SIZE] = "";
    if (!entry->has_data || !rh_dump_words_skip(&words, "copy") || !rh_dump_words_name(&words, schema, table))
        return damaged(path, entry, "has an invalid COPY statement", error);
    if ((strcmp(table, entry->tag) != 0 || (*schema && strcmp(schema, entry->schema) != 0)) &&
        !is_partitioned(toc, schema, table))
        return damaged(path, entry, "has a COPY statement of another table", error);
    for (size_t i = 0; columns && i < entry->dependency_count; i++) {
        const rh_toc_entry *of = rh_toc_find(toc, entry->dependencies[i]);
        if (of && strcmp(of->desc, "TABLE") == 0 && strcmp(of->tag, entry->tag) == 0 &&
            strcmp(of->schema, entry->schema) == 0 && !strstr(of->definition, " OF ") &&
            !strstr(of->definition, "INHERITS") && !occurs(columns, strcspn(columns, ")"), of->definition))
            return damaged(path, entry, "has a COPY statement with columns that its table lacks", error);
    }
    return true;
}

/* Does the tag of what belongs to a table begin with the table's name, or is it that? */
static bool belongs_to(const rh_toc_entry *entry, const rh_toc_entry *table)
{
    static const char *const parts[] = {
        "TABLE DATA", "CONSTRAINT", "FK CONSTRAINT", "DEFAULT",      "TRIGGER",
        "RULE",       "POLICY",     "ROW SECURITY",  "SEQUENCE SET", "SEQUENCE OWNED BY"};
    size_t length = strlen(table->tag);
    bool part = false;
    for (size_t i = 0; !part && i < sizeof parts / sizeof *parts; i++)
        part = strcmp(entry->desc, parts[i]) == 0;
    return part && strcmp(entry->schema, table->schema) == 0 &&
           (strcmp(table->desc, "TABLE") == 0 || strcmp(table->desc, "SEQUENCE") == 0) &&
           strncmp(entry->tag, table->tag, length) == 0 &&
           (entry->tag[length] == 0 || entry->tag[length] == ' ');
}

/* What belongs to a table has its owner. An entry may depend on one that was not dumped. */
static bool check_dependencies(const char *path, const rh_toc *toc, const rh_toc_entry *entry,
                               rh_error *error)
{
    for (size_t i = 0; i < entry->dependency_count; i++) {
        const rh_toc_entry *on = rh_toc_find(toc, entry->dependencies[i]);
        if (on == entry)
            return damaged(path, entry, "depends on itself", error);
        if (on && belongs_to(entry, on) && strcmp(entry->owner, on->owner) != 0)
            return damaged(path, entry, "has another owner than its table", error);
    }
    return true;
}

/* Role names that differ by one bit are no accident where they count or end with a letter of their own. */
static bool may_be_siblings(const char *a, const char *b)
{
    while (*a == *b)
        a++, b++;
    return !a[1] || isdigit((unsigned char)*a) || isdigit((unsigned char)*b);
}

/* An owner of this one entry only, whose name is one bit away from that of an owner of several. */
static bool check_owner(const char *path, const rh_toc *toc, const rh_toc_entry *entry, rh_error *error)
{
    size_t same = 0, near = 0;
    for (size_t i = 0; i < toc->entry_count && same < 2; i++) {
        same += strcmp(entry->owner, toc->entries[i].owner) == 0;
        near += one_bit_apart(entry->owner, toc->entries[i].owner) &&
                !may_be_siblings(entry->owner, toc->entries[i].owner);
    }
    return same > 1 || near < 3 || !*entry->owner ||
           damaged(path, entry, "has an owner whose name is one bit away from the other entries' owner",
                   error);
}

static bool is_utf8(const char *text)
{
    uint32_t code = 1;
    for (size_t n; (n = rh_utf8_decode(text, &code)) > 0; text += n)
        if (code == 0xfffd && n == 1)
            return false;
    return true;
}

static bool is_in_utf8(const rh_toc *toc)
{
    for (size_t i = 0; i < toc->entry_count; i++)
        if (strcmp(toc->entries[i].desc, "ENCODING") == 0)
            return strstr(toc->entries[i].definition, "'UTF8'") != NULL;
    return false;
}

/* ENCODING, STDSTRINGS and SEARCHPATH stand once each, with pg_dump's own words. */
static bool check_session(const char *path, const rh_toc_entry *entry, rh_error *error)
{
    static const char *const texts[][2] = {{"ENCODING", "SET client_encoding = '"},
                                           {"STDSTRINGS", "SET standard_conforming_strings = 'o"},
                                           {"SEARCHPATH", "SELECT pg_catalog.set_config('search_path', '"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(entry->desc, texts[i][0]) == 0 &&
            (strcmp(entry->tag, texts[i][0]) != 0 ||
             strncmp(entry->definition, texts[i][1], strlen(texts[i][1])) != 0))
            return damaged(path, entry, "is not as pg_dump writes it", error);
    return true;
}

bool rh_toc_check_entries(const char *path, const rh_toc *toc, rh_error *error)
{
    bool utf8 = is_in_utf8(toc);
    for (size_t i = 0; i < toc->entry_count; i++) {
        const rh_toc_entry *entry = &toc->entries[i];
        const struct kind *kind;
        if (utf8 && !(is_utf8(entry->tag) && is_utf8(entry->desc) && is_utf8(entry->schema) &&
                      is_utf8(entry->owner) && is_utf8(entry->definition)))
            return damaged(path, entry, "contains bytes that are not valid UTF-8", error);
        if (!check_kind(path, toc, entry, &kind, error) || !check_session(path, entry, error) ||
            !check_name(path, entry, kind, error) || !check_copy(path, toc, entry, error) ||
            !check_dependencies(path, toc, entry, error) || !check_owner(path, toc, entry, error))
            return false;
    }
    return true;
}
