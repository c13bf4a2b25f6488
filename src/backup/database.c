#include "database.h"
#include "dump_stream.h"
#include "statement.h"
#include <string.h>

static const char *copy_text(const rh_dump_word *word, rh_arena *arena)
{
    return rh_arena_strdup(arena, word->text);
}

/* "WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C' …": with or without the equals signs. */
static void read_create(rh_database_facts *facts, rh_dump_words words, rh_arena *arena)
{
    rh_dump_word option, value;
    rh_dump_words_skip(&words, "with");
    while (rh_dump_words_next(&words, &option) && !rh_dump_word_is(&option, ";")) {
        rh_dump_words_skip(&words, "=");
        if (!rh_dump_words_next(&words, &value))
            return;
        if (rh_dump_word_is(&option, "encoding"))
            facts->encoding = copy_text(&value, arena);
        else if (rh_dump_word_is(&option, "locale"))
            facts->collate = facts->ctype = copy_text(&value, arena);
        else if (rh_dump_word_is(&option, "lc_collate"))
            facts->collate = copy_text(&value, arena);
        else if (rh_dump_word_is(&option, "lc_ctype"))
            facts->ctype = copy_text(&value, arena);
        else if (rh_dump_word_is(&option, "locale_provider"))
            facts->provider = copy_text(&value, arena);
        else if (rh_dump_word_is(&option, "icu_locale") || rh_dump_word_is(&option, "builtin_locale"))
            facts->locale = copy_text(&value, arena);
        else if (rh_dump_word_is(&option, "icu_rules"))
            facts->icu_rules = rh_arena_strndup(arena, value.raw, value.raw_length);
        else if (rh_dump_word_is(&option, "connection")) /* LIMIT n */
            rh_dump_words_skip(&words, "="), rh_dump_words_next(&words, &value);
    }
    facts->created = true;
    if (!facts->provider && facts->collate)
        facts->provider = "libc";
}

/* WORDS stand behind SET: "name TO value" up to the statement's end. */
static void read_setting(rh_database_facts *facts, rh_dump_words words, const char *role, rh_arena *arena)
{
    char first[RH_NAME_SIZE], last[RH_NAME_SIZE];
    if (!rh_dump_words_name(&words, first, last) ||
        !(rh_dump_words_skip(&words, "to") || rh_dump_words_skip(&words, "=")))
        return;
    const char *end = words.end;
    while (end > words.at && strchr(" \t\r\n;", end[-1]))
        end--;
    while (words.at < end && strchr(" \t\r\n", *words.at))
        words.at++;
    rh_database_setting *setting = rh_arena_add(arena, &facts->settings, &facts->setting_count);
    *setting = (rh_database_setting){.role = role && *role ? rh_arena_strdup(arena, role) : NULL,
                                     .name = *first ? rh_arena_printf(arena, "%s.%s", first, last)
                                                    : rh_arena_strdup(arena, last),
                                     .value = rh_arena_strndup(arena, words.at, (size_t)(end - words.at))};
}

static void read_alter_database(rh_database_facts *facts, rh_dump_words words, rh_arena *arena)
{
    char name[RH_NAME_SIZE];
    if (rh_dump_words_skip(&words, "owner") && rh_dump_words_skip(&words, "to") &&
        rh_dump_words_name(&words, NULL, name))
        facts->owner = rh_arena_strdup(arena, name);
    else if (rh_dump_words_skip(&words, "set"))
        read_setting(facts, words, NULL, arena);
}

/* "name IN DATABASE name SET …"; any other change of a role is not the database's. */
static void read_alter_role(rh_database_facts *facts, rh_dump_words words, rh_arena *arena)
{
    char role[RH_NAME_SIZE] = "", database[RH_NAME_SIZE];
    if (!rh_dump_words_skip(&words, "all") && !rh_dump_words_name(&words, NULL, role))
        return;
    if (rh_dump_words_skip(&words, "in") && rh_dump_words_skip(&words, "database") &&
        rh_dump_words_name(&words, NULL, database) && rh_dump_words_skip(&words, "set"))
        read_setting(facts, words, role, arena);
}

static void read_grant(rh_database_facts *facts, const char *sql, size_t length, rh_arena *arena)
{
    rh_dump_words words = {sql, sql + length};
    rh_dump_word word;
    while (rh_dump_words_next(&words, &word) && !rh_dump_word_is(&word, "database"))
        ;
    if (!rh_dump_words_next(&words, &word))
        return;
    const char *end = sql + length;
    while (end > words.at && strchr(" \t\r\n;", end[-1]))
        end--;
    rh_database_grant *grant = rh_arena_add(arena, &facts->grants, &facts->grant_count);
    *grant = (rh_database_grant){.before = rh_arena_strndup(arena, sql, (size_t)(word.raw - sql)),
                                 .after = rh_arena_strndup(arena, words.at, (size_t)(end - words.at))};
}

static void note(rh_database_facts *facts, const rh_dump_statement *statement, const char *sql, size_t length,
                 rh_arena *arena)
{
    rh_dump_words words = {sql, sql + length};
    char name[RH_NAME_SIZE];
    if (statement->kind == RH_STATEMENT_DATABASE_GRANT) {
        read_grant(facts, sql, length, arena);
    } else if (statement->kind == RH_STATEMENT_SET) {
        if (strcmp(statement->name, "client_encoding") == 0 && !facts->dump_encoding)
            facts->dump_encoding = rh_arena_strdup(arena, statement->value);
    } else if (statement->kind == RH_STATEMENT_DATABASE && rh_dump_words_skip(&words, "create")) {
        rh_dump_words_skip(&words, "database");
        rh_dump_words_name(&words, NULL, name);
        facts->name = rh_arena_strdup(arena, name);
        read_create(facts, words, arena);
    } else if (statement->kind == RH_STATEMENT_DATABASE && rh_dump_words_skip(&words, "alter")) {
        if (rh_dump_words_skip(&words, "database") && rh_dump_words_name(&words, NULL, name))
            read_alter_database(facts, words, arena);
        else if (rh_dump_words_skip(&words, "role") || rh_dump_words_skip(&words, "user"))
            read_alter_role(facts, words, arena);
    }
}

void rh_database_note(rh_database_facts *facts, const char *sql, size_t length, rh_arena *arena)
{
    rh_dump_statement statement;
    rh_dump_statement_read(sql, length, &statement);
    note(facts, &statement, sql, length, arena);
}

/* ---- archives ---- */

typedef struct reading {
    rh_database_facts *facts;
    rh_arena *arena;
} reading;

static bool note_piece(void *user, const rh_dump_piece *piece, rh_error *error)
{
    reading *r = user;
    (void)error;
    if (piece->kind == RH_DUMP_STATEMENT)
        rh_database_note(r->facts, piece->bytes + piece->start, piece->length - piece->start, r->arena);
    return true;
}

/* The server's programs split its statements; text that the lexer refuses gives those before it. */
static void read_definition(reading *r, const char *definition)
{
    rh_error refused = {0};
    rh_dump_lexer *lexer = rh_dump_lexer_new("", note_piece, r);
    if (rh_dump_lexer_feed(lexer, definition, strlen(definition), &refused))
        rh_dump_lexer_feed(lexer, "\n;", 2, &refused);
    rh_dump_lexer_free(lexer);
    rh_error_release(&refused);
}

void rh_database_read_toc(const rh_toc *toc, rh_arena *arena, rh_database_facts *facts)
{
    reading r = {facts, arena};
    for (size_t i = 0; i < toc->entry_count; i++) {
        const rh_toc_entry *entry = &toc->entries[i];
        bool database = strcmp(entry->desc, "DATABASE") == 0;
        bool properties = strcmp(entry->desc, "DATABASE PROPERTIES") == 0;
        bool acl = strcmp(entry->desc, "ACL") == 0 && strncmp(entry->tag, "DATABASE ", 9) == 0;
        if (database || properties || acl || strcmp(entry->desc, "ENCODING") == 0)
            read_definition(&r, entry->definition);
        if (database && *entry->owner)
            facts->owner = rh_arena_strdup(arena, entry->owner);
    }
}

/* ---- plain dumps ---- */

/* Nothing of the database itself comes after its first object, but its privileges. */
static bool note_head(void *user, const rh_dump_piece *piece, rh_error *error)
{
    reading *r = user;
    (void)error;
    if (piece->kind == RH_DUMP_COMMAND)
        return true;
    if (piece->kind != RH_DUMP_STATEMENT)
        return false;
    const char *sql = piece->bytes + piece->start;
    size_t length = piece->length - piece->start;
    rh_dump_statement statement;
    rh_dump_statement_read(sql, length, &statement);
    note(r->facts, &statement, sql, length, r->arena);
    rh_dump_words words = {sql, sql + length};
    bool object = rh_dump_words_skip(&words, "create") || rh_dump_words_skip(&words, "alter") ||
                  rh_dump_words_skip(&words, "comment") || rh_dump_words_skip(&words, "insert");
    bool shared = statement.kind == RH_STATEMENT_DATABASE || statement.kind == RH_STATEMENT_ROLE ||
                  statement.kind == RH_STATEMENT_ROLE_CHANGE || statement.kind == RH_STATEMENT_TABLESPACE;
    return !object || shared;
}

bool rh_database_read_plain(rh_backup_facts *facts, rh_arena *arena, rh_error *error)
{
    reading r = {&facts->database, arena};
    rh_error own = {0};
    rh_dump_stream(facts, note_head, &r, NULL, "backup", &own);
    bool interrupted = own.code == RH_ERROR_INTERRUPTED;
    if (interrupted)
        rh_error_move(error, &own);
    rh_error_release(&own);
    return !interrupted;
}
