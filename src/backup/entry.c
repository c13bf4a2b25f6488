#include "entry.h"
#include "statement.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

const char *rh_dump_entry_name(const rh_dump_entry *entry, rh_arena *arena)
{
    return rh_arena_printf(arena, "%s%s%s%s%s", entry->desc, *entry->desc ? " " : "", entry->schema,
                           *entry->schema ? "." : "", entry->tag);
}

/* The value behind the last LABEL before END, which it moves to LABEL; NULL when it is not there. */
static const char *last_field(const char *begin, const char **end, const char *label, rh_arena *arena)
{
    size_t length = strlen(label);
    for (const char *p = *end - length; p >= begin; p--) {
        if (memcmp(p, label, length) != 0)
            continue;
        const char *value = rh_arena_strndup(arena, p + length, (size_t)(*end - p) - length);
        *end = p;
        return value;
    }
    return NULL;
}

bool rh_dump_entry_read_heading(const char *line, size_t length, rh_arena *arena, rh_dump_entry *entry)
{
    static const char *const begins[] = {"-- Name: ", "-- Data for Name: "};
    const char *end = line + length, *name = NULL;
    for (size_t i = 0; !name && i < sizeof begins / sizeof *begins; i++)
        if (length > strlen(begins[i]) && memcmp(line, begins[i], strlen(begins[i])) == 0)
            name = line + strlen(begins[i]);
    if (!name)
        return false;
    last_field(name, &end, "; Tablespace: ", arena);
    entry->owner = last_field(name, &end, "; Owner: ", arena);
    entry->schema = last_field(name, &end, "; Schema: ", arena);
    entry->desc = last_field(name, &end, "; Type: ", arena);
    if (!entry->desc)
        return false;
    entry->tag = rh_arena_strndup(arena, name, (size_t)(end - name));
    entry->owner = entry->owner ? entry->owner : "";
    if (!entry->schema || strcmp(entry->schema, "-") == 0)
        entry->schema = "";
    return true;
}

/* ---- matching ---- */

/* Past TEXT at the beginning of *AT, double quotes ignored on both sides; case ignored when FOLD. */
static bool pass(const char **at, const char *text, bool fold)
{
    const char *p = *at;
    for (;;) {
        p += strspn(p, "\"");
        text += strspn(text, "\"");
        if (!*text)
            break;
        if (fold ? tolower((unsigned char)*p) != tolower((unsigned char)*text) : *p != *text)
            return false;
        p++;
        text++;
    }
    *at = p;
    return true;
}

static bool pass_blanks(const char **at)
{
    size_t blanks = strspn(*at, " \t");
    *at += blanks;
    return blanks > 0;
}

/* "3402; 0 16386 " of a line of pg_restore --list. */
static const char *without_ids(const char *skip)
{
    const char *p = skip + strspn(skip, "0123456789");
    if (p == skip || *p != ';')
        return skip;
    p++;
    for (int i = 0; i < 2; i++) {
        p += strspn(p, " ");
        p += strspn(p, "0123456789");
    }
    return p + strspn(p, " ");
}

/* Nothing but the owner is left. */
static bool ends_with_owner(const char *at, const char *owner)
{
    if (!*at)
        return true;
    return pass_blanks(&at) && (!*at || (pass(&at, owner, false) && !*at));
}

static bool names(const char *skip, const char *desc, const char *schema, const char *tag, const char *owner)
{
    const char *at = without_ids(skip + strspn(skip, " \t"));
    if (!pass(&at, desc, true) || !pass_blanks(&at))
        return false;
    if (*schema) {
        if (!pass(&at, schema, false) || (*at != '.' && *at != ' '))
            return false;
        at++;
    } else if (at[0] == '-' && at[1] == ' ') {
        at += 2;
    }
    return pass(&at, tag, false) && ends_with_owner(at, owner);
}

/* "TABLE log" in the tag of a comment or of privileges, "COLUMN log.note" too. */
static bool is_about(const char *tag, const char *desc, const char *name)
{
    size_t length = strlen(desc), named = strlen(name);
    if (strncmp(tag, desc, length) == 0 && tag[length] == ' ' && strcmp(tag + length + 1, name) == 0)
        return true;
    return strncmp(tag, "COLUMN ", 7) == 0 && strncmp(tag + 7, name, named) == 0 && tag[7 + named] == '.';
}

static bool is_one_of(const char *desc, const char *const *descs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(desc, descs[i]) == 0)
            return true;
    return false;
}

bool rh_dump_entry_is_post_data(const rh_dump_entry *entry)
{
    static const char *const descs[] = {
        "CONSTRAINT",   "FK CONSTRAINT",    "CHECK CONSTRAINT", "INDEX",  "INDEX ATTACH", "TRIGGER",
        "RULE",         "EVENT TRIGGER",    "STATISTICS",       "POLICY", "ROW SECURITY", "PUBLICATION",
        "SUBSCRIPTION", "PUBLICATION TABLE"};
    return is_one_of(entry->desc, descs, sizeof descs / sizeof *descs);
}

bool rh_skip_is_post_data(const char *skip)
{
    const char *at = skip + strspn(skip, " \t");
    return pass(&at, "post-data", true) && !at[strspn(at, " \t")];
}

static const char *const ATTRIBUTES[] = {"ACL", "COMMENT", "SECURITY LABEL"};
enum { ATTRIBUTE_COUNT = sizeof ATTRIBUTES / sizeof *ATTRIBUTES };

/* The table that ENTRY is a part of; false when it is no part of one. */
static bool table_of(const rh_dump_entry *entry, const char *definition, char table[RH_NAME_SIZE])
{
    static const char *const same_tag[] = {"TABLE DATA",        "MATERIALIZED VIEW DATA", "SEQUENCE SET",
                                           "SEQUENCE OWNED BY", "ROW SECURITY",           "TABLE ATTACH"};
    static const char *const first_word[] = {"CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT", "TRIGGER",
                                             "RULE",       "POLICY",        "DEFAULT"};
    rh_dump_statement statement;
    size_t length;
    if (strcmp(entry->desc, "INDEX") == 0) {
        rh_dump_statement_read(definition, strlen(definition), &statement);
        if (statement.kind != RH_STATEMENT_INDEX)
            return false;
        memcpy(table, statement.value, RH_NAME_SIZE);
        return true;
    }
    if (is_one_of(entry->desc, same_tag, sizeof same_tag / sizeof *same_tag))
        length = strlen(entry->tag);
    else if (is_one_of(entry->desc, first_word, sizeof first_word / sizeof *first_word))
        length = strcspn(entry->tag, " ");
    else
        return false;
    length = length < RH_NAME_SIZE ? length : RH_NAME_SIZE - 1;
    memcpy(table, entry->tag, length);
    table[length] = 0;
    return true;
}

/* SKIP is the table SCHEMA.NAME, or its schema. */
static bool is_table(const char *skip, const char *schema, const char *name)
{
    return names(skip, "TABLE", schema, name, "") || names(skip, "SCHEMA", "", schema, "");
}

/* What cannot be without the table of SKIP: the sequence of an identity column and who owns one, a foreign
 * key that refers to it. */
static bool needs(const char *skip, const rh_dump_entry *entry, const char *definition)
{
    char schema[RH_NAME_SIZE], name[RH_NAME_SIZE];
    rh_dump_words words = {definition, definition + strlen(definition)};
    rh_dump_word word;
    if (strcmp(entry->desc, "SEQUENCE") == 0)
        return rh_dump_words_skip(&words, "alter") && rh_dump_words_skip(&words, "table") &&
               (rh_dump_words_skip(&words, "only"), rh_dump_words_name(&words, schema, name)) &&
               is_table(skip, schema, name);
    const bool owned = strcmp(entry->desc, "SEQUENCE OWNED BY") == 0;
    if (!owned && strcmp(entry->desc, "FK CONSTRAINT") != 0)
        return false;
    while (!rh_dump_words_skip(&words, owned ? "owned" : "references"))
        if (!rh_dump_words_next(&words, &word))
            return false;
    if (owned) /* by a column of a table in the sequence's schema */
        return rh_dump_words_skip(&words, "by") && rh_dump_words_name(&words, name, schema) &&
               is_table(skip, entry->schema, name);
    return rh_dump_words_name(&words, schema, name) && is_table(skip, schema, name);
}

bool rh_skip_covers(const char *skip, const rh_dump_entry *entry, const char *definition)
{
    static const char *const relations[] = {"TABLE", "MATERIALIZED VIEW", "FOREIGN TABLE", "VIEW",
                                            "SEQUENCE"};
    char table[RH_NAME_SIZE];
    if (names(skip, entry->desc, entry->schema, entry->tag, entry->owner) ||
        (*entry->schema && names(skip, "SCHEMA", "", entry->schema, "")) ||
        (rh_dump_entry_is_post_data(entry) && rh_skip_is_post_data(skip)) || needs(skip, entry, definition))
        return true;
    bool attribute = is_one_of(entry->desc, ATTRIBUTES, ATTRIBUTE_COUNT);
    const char *whole = without_ids(skip + strspn(skip, " \t"));
    if (attribute && !*entry->schema && pass(&whole, entry->tag, false) && ends_with_owner(whole, ""))
        return true;
    bool part = table_of(entry, definition, table);
    for (size_t i = 0; i < sizeof relations / sizeof *relations; i++) {
        if (part && names(skip, relations[i], entry->schema, table, ""))
            return true;
        if (!attribute || !*entry->schema)
            continue;
        const char *at = without_ids(skip + strspn(skip, " \t"));
        if (pass(&at, relations[i], true) && pass_blanks(&at) && pass(&at, entry->schema, false) &&
            (*at == '.' || *at == ' ') && is_about(entry->tag, relations[i], at + 1))
            return true;
    }
    return false;
}
