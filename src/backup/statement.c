#include "statement.h"
#include <string.h>

static void add_role(rh_dump_statement *statement, const rh_dump_word *word)
{
    static const char *const not_roles[] = {"public",       "current_user", "session_user",
                                            "current_role", "default",      "none"};
    if (word->kind != RH_WORD_PLAIN && word->kind != RH_WORD_QUOTED && word->kind != RH_WORD_STRING)
        return;
    for (size_t i = 0; word->kind == RH_WORD_PLAIN && i < sizeof not_roles / sizeof *not_roles; i++)
        if (strcmp(word->text, not_roles[i]) == 0)
            return;
    if (statement->role_count == RH_MAX_ROLES)
        return;
    char *role = statement->roles[statement->role_count++];
    memcpy(role, word->text, RH_NAME_SIZE - 1);
    role[RH_NAME_SIZE - 1] = 0;
}

/* "a, GROUP b, c" */
static void add_role_list(rh_dump_statement *statement, rh_dump_words *words)
{
    rh_dump_word word;
    do {
        rh_dump_words_skip(words, "group");
        if (rh_dump_words_next(words, &word))
            add_role(statement, &word);
    } while (rh_dump_words_skip(words, ","));
}

static void read_copy(rh_dump_statement *statement, rh_dump_words words)
{
    rh_dump_word word;
    statement->kind = RH_STATEMENT_COPY_OTHER;
    if (!rh_dump_words_name(&words, statement->schema, statement->name))
        return;
    if (rh_dump_words_skip(&words, "("))
        while (rh_dump_words_next(&words, &word) && !rh_dump_word_is(&word, ")"))
            ;
    if (!rh_dump_words_skip(&words, "from") || !rh_dump_words_skip(&words, "stdin"))
        return;
    while (rh_dump_words_next(&words, &word))
        if (strncmp(word.text, "binary", 6) == 0)
            return;
    statement->kind = RH_STATEMENT_COPY_IN;
}

static void read_set(rh_dump_statement *statement, rh_dump_words words)
{
    rh_dump_word word;
    if (rh_dump_words_skip(&words, "session")) {
        if (rh_dump_words_skip(&words, "authorization")) {
            statement->kind = RH_STATEMENT_AUTHORIZATION;
            statement->only_roles = true;
            rh_dump_words_next(&words, &word);
            add_role(statement, &word);
            return;
        }
    } else if (rh_dump_words_skip(&words, "role")) {
        statement->only_roles = true;
        rh_dump_words_next(&words, &word);
        add_role(statement, &word);
        return;
    } else {
        rh_dump_words_skip(&words, "local");
    }
    /* Names with a dot are of extensions: any of them may be set. */
    if (!rh_dump_words_next(&words, &word) || (word.kind != RH_WORD_PLAIN && word.kind != RH_WORD_QUOTED))
        return;
    if (rh_dump_words_skip(&words, "=") || rh_dump_words_skip(&words, "to")) {
        statement->kind = RH_STATEMENT_SET;
        word.text[RH_NAME_SIZE - 1] = 0;
        memcpy(statement->name, word.text, RH_NAME_SIZE);
        rh_dump_words_next(&words, &word);
        word.text[RH_NAME_SIZE - 1] = 0;
        memcpy(statement->value, word.text, RH_NAME_SIZE);
    }
}

/* GRANT and REVOKE, with or without ALTER DEFAULT PRIVILEGES before them: every role behind FOR, TO, FROM and
 * GRANTED BY. */
static void read_grant(rh_dump_statement *statement, rh_dump_words words)
{
    rh_dump_word word;
    int depth = 0;
    bool option_for = rh_dump_words_skip(&words, "grant") || rh_dump_words_skip(&words, "admin");
    statement->only_roles = true;
    while (rh_dump_words_next(&words, &word)) {
        if (rh_dump_word_is(&word, "("))
            depth++;
        else if (rh_dump_word_is(&word, ")"))
            depth--;
        else if (depth == 0 && rh_dump_word_is(&word, "on") && rh_dump_words_skip(&words, "database")) {
            statement->kind = RH_STATEMENT_DATABASE_GRANT;
            rh_dump_words_name(&words, NULL, statement->name);
        } else if (depth == 0 && (rh_dump_word_is(&word, "to") || rh_dump_word_is(&word, "from")))
            add_role_list(statement, &words);
        else if (depth == 0 && rh_dump_word_is(&word, "granted") && rh_dump_words_skip(&words, "by"))
            add_role_list(statement, &words);
        else if (depth == 0 && !option_for && rh_dump_word_is(&word, "for") &&
                 (rh_dump_words_skip(&words, "role") || rh_dump_words_skip(&words, "user")))
            add_role_list(statement, &words);
    }
}

static void read_alter(rh_dump_statement *statement, rh_dump_words words)
{
    rh_dump_word word;
    if (rh_dump_words_skip(&words, "database")) {
        statement->kind = RH_STATEMENT_DATABASE;
        rh_dump_words_name(&words, NULL, statement->name);
        return;
    }
    if (rh_dump_words_skip(&words, "system")) {
        statement->kind = RH_STATEMENT_SYSTEM;
        return;
    }
    if (rh_dump_words_skip(&words, "tablespace")) {
        statement->kind = RH_STATEMENT_TABLESPACE;
        rh_dump_words_name(&words, NULL, statement->name);
        return;
    }
    if (rh_dump_words_skip(&words, "role") || rh_dump_words_skip(&words, "group") ||
        rh_dump_words_skip(&words, "user")) {
        if (!rh_dump_words_skip(&words, "mapping")) {
            bool all = rh_dump_words_skip(&words, "all");
            statement->kind = RH_STATEMENT_ROLE_CHANGE;
            if (!all)
                rh_dump_words_name(&words, NULL, statement->name);
            if (rh_dump_words_skip(&words, "in") && rh_dump_words_skip(&words, "database")) {
                statement->kind = RH_STATEMENT_DATABASE;
                rh_dump_words_name(&words, NULL, statement->name);
            }
        }
        return;
    }
    if (rh_dump_words_skip(&words, "default")) {
        if (rh_dump_words_skip(&words, "privileges"))
            read_grant(statement, words);
        return;
    }
    bool privileged = rh_dump_words_skip(&words, "event") || rh_dump_words_skip(&words, "publication") ||
                      rh_dump_words_skip(&words, "subscription");
    if (privileged)
        statement->kind = RH_STATEMENT_PRIVILEGED;
    for (int depth = 0; rh_dump_words_next(&words, &word);) {
        depth += rh_dump_word_is(&word, "(") - rh_dump_word_is(&word, ")");
        if (depth == 0 && rh_dump_word_is(&word, "drop")) {
            statement->kind = RH_STATEMENT_DROP;
        } else if (rh_dump_word_is(&word, "owner") && rh_dump_words_skip(&words, "to")) {
            rh_dump_words_next(&words, &word);
            add_role(statement, &word);
            statement->only_roles = true;
        }
    }
}

static void read_index(rh_dump_statement *statement, rh_dump_words words)
{
    statement->kind = RH_STATEMENT_INDEX;
    rh_dump_words_skip(&words, "concurrently");
    if (rh_dump_words_skip(&words, "if"))
        rh_dump_words_skip(&words, "not"), rh_dump_words_skip(&words, "exists");
    rh_dump_words_name(&words, NULL, statement->name);
    if (rh_dump_words_skip(&words, "on")) {
        rh_dump_words_skip(&words, "only");
        rh_dump_words_name(&words, statement->schema, statement->value);
    }
}

static void read_extension(rh_dump_statement *statement, rh_dump_words words)
{
    statement->kind = RH_STATEMENT_EXTENSION;
    if (rh_dump_words_skip(&words, "if"))
        rh_dump_words_skip(&words, "not"), rh_dump_words_skip(&words, "exists");
    rh_dump_words_name(&words, NULL, statement->name);
    rh_dump_words_skip(&words, "with");
    if (rh_dump_words_skip(&words, "schema"))
        rh_dump_words_name(&words, NULL, statement->schema);
}

/* DROP [MATERIALIZED | FOREIGN | …] KIND [IF EXISTS] name */
static void read_drop(rh_dump_statement *statement, rh_dump_words words)
{
    rh_dump_word kind;
    statement->kind = RH_STATEMENT_DROP;
    if (rh_dump_words_skip(&words, "database"))
        statement->kind = RH_STATEMENT_DATABASE;
    else if (rh_dump_words_skip(&words, "tablespace"))
        statement->kind = RH_STATEMENT_TABLESPACE;
    else if (rh_dump_words_skip(&words, "role") || rh_dump_words_skip(&words, "group"))
        statement->kind = RH_STATEMENT_ROLE_CHANGE;
    else if (rh_dump_words_skip(&words, "user")) {
        if (rh_dump_words_skip(&words, "mapping"))
            return;
        statement->kind = RH_STATEMENT_ROLE_CHANGE;
    } else if (rh_dump_words_next(&words, &kind)) {
        kind.text[RH_NAME_SIZE - 1] = 0;
        memcpy(statement->value, kind.text, RH_NAME_SIZE);
    }
    if (rh_dump_words_skip(&words, "if"))
        rh_dump_words_skip(&words, "exists");
    rh_dump_words_name(&words, NULL, statement->name);
}

static void read_schema(rh_dump_statement *statement, rh_dump_words words)
{
    rh_dump_word word;
    bool exists_is_fine = rh_dump_words_skip(&words, "if");
    if (!exists_is_fine && !rh_dump_words_skip(&words, "authorization")) {
        statement->kind = RH_STATEMENT_SCHEMA;
        rh_dump_words_name(&words, NULL, statement->name);
    }
    while (rh_dump_words_next(&words, &word))
        if (rh_dump_word_is(&word, "authorization") && rh_dump_words_next(&words, &word))
            add_role(statement, &word);
}

static void read_policy(rh_dump_statement *statement, rh_dump_words words)
{
    rh_dump_word word;
    while (rh_dump_words_next(&words, &word) && !rh_dump_word_is(&word, "("))
        if (rh_dump_word_is(&word, "to"))
            add_role_list(statement, &words);
}

static void read_subscription(rh_dump_statement *statement, rh_dump_words words)
{
    rh_dump_word word;
    statement->kind = RH_STATEMENT_SUBSCRIPTION;
    rh_dump_words_name(&words, NULL, statement->name);
    while (rh_dump_words_next(&words, &word))
        if (rh_dump_word_is(&word, "connect") && rh_dump_words_skip(&words, "=") &&
            rh_dump_words_skip(&words, "false"))
            statement->not_enabled = true;
}

static void read_create(rh_dump_statement *statement, rh_dump_words words)
{
    bool replace = rh_dump_words_skip(&words, "or") && rh_dump_words_skip(&words, "replace");
    if (rh_dump_words_skip(&words, "trusted") || rh_dump_words_skip(&words, "procedural"))
        rh_dump_words_skip(&words, "procedural");
    if (rh_dump_words_skip(&words, "database")) {
        statement->kind = RH_STATEMENT_DATABASE;
        rh_dump_words_name(&words, NULL, statement->name);
    } else if (rh_dump_words_skip(&words, "tablespace")) {
        statement->kind = RH_STATEMENT_TABLESPACE;
        rh_dump_words_name(&words, NULL, statement->name);
    } else if (rh_dump_words_skip(&words, "schema")) {
        read_schema(statement, words);
    } else if (rh_dump_words_skip(&words, "language") && !replace) {
        statement->kind = RH_STATEMENT_LANGUAGE;
        rh_dump_words_name(&words, NULL, statement->name);
    } else if (rh_dump_words_skip(&words, "extension")) {
        read_extension(statement, words);
    } else if (rh_dump_words_skip(&words, "event") || rh_dump_words_skip(&words, "publication")) {
        statement->kind = RH_STATEMENT_PRIVILEGED;
    } else if (rh_dump_words_skip(&words, "index")) {
        read_index(statement, words);
    } else if (rh_dump_words_skip(&words, "unique")) {
        if (rh_dump_words_skip(&words, "index"))
            read_index(statement, words);
    } else if (rh_dump_words_skip(&words, "policy")) {
        read_policy(statement, words);
    } else if (rh_dump_words_skip(&words, "subscription")) {
        read_subscription(statement, words);
    } else if (rh_dump_words_skip(&words, "role") || rh_dump_words_skip(&words, "group") ||
               rh_dump_words_skip(&words, "user")) {
        rh_dump_word word;
        if (rh_dump_words_skip(&words, "mapping")) {
            while (rh_dump_words_next(&words, &word) && !rh_dump_word_is(&word, "for"))
                ;
            rh_dump_words_next(&words, &word);
            add_role(statement, &word);
        } else {
            statement->kind = RH_STATEMENT_ROLE;
            rh_dump_words_name(&words, NULL, statement->name);
        }
    }
}

void rh_dump_statement_read(const char *sql, size_t length, rh_dump_statement *statement)
{
    rh_dump_words words = {sql, sql + length};
    statement->kind = RH_STATEMENT_OTHER;
    statement->schema[0] = statement->name[0] = statement->value[0] = 0;
    statement->role_count = 0;
    statement->only_roles = statement->not_enabled = statement->defines = false;
    if (rh_dump_words_skip(&words, "copy")) {
        read_copy(statement, words);
    } else if (rh_dump_words_skip(&words, "set")) {
        read_set(statement, words);
    } else if (rh_dump_words_skip(&words, "grant") || rh_dump_words_skip(&words, "revoke")) {
        read_grant(statement, words);
    } else if (rh_dump_words_skip(&words, "alter")) {
        statement->defines = true;
        read_alter(statement, words);
    } else if (rh_dump_words_skip(&words, "create")) {
        statement->defines = true;
        read_create(statement, words);
    } else if (rh_dump_words_skip(&words, "drop")) {
        read_drop(statement, words);
    } else if (rh_dump_words_skip(&words, "select")) { /* of --clean: DROP for large objects */
        rh_dump_words_name(&words, NULL, statement->name);
        if (strcmp(statement->name, "lo_unlink") == 0)
            statement->kind = RH_STATEMENT_DROP;
    } else if (rh_dump_words_skip(&words, "insert") && rh_dump_words_skip(&words, "into")) {
        statement->kind = RH_STATEMENT_INSERT;
        rh_dump_words_name(&words, statement->schema, statement->name);
    } else if (rh_dump_words_skip(&words, "refresh") && rh_dump_words_skip(&words, "materialized") &&
               rh_dump_words_skip(&words, "view")) {
        statement->kind = RH_STATEMENT_REFRESH;
        statement->defines = true;
        rh_dump_words_skip(&words, "concurrently");
        rh_dump_words_name(&words, statement->schema, statement->name);
    } else if (rh_dump_words_skip(&words, "security")) {
        statement->kind = RH_STATEMENT_COMMENT;
    } else if (rh_dump_words_skip(&words, "comment") && rh_dump_words_skip(&words, "on")) {
        statement->kind = RH_STATEMENT_COMMENT;
        if (rh_dump_words_skip(&words, "database"))
            statement->kind = RH_STATEMENT_DATABASE;
        else if (rh_dump_words_skip(&words, "extension"))
            statement->kind = RH_STATEMENT_EXTENSION_COMMENT;
        rh_dump_words_name(&words, NULL, statement->name);
    }
}

bool rh_dump_statement_is_shared(const rh_dump_statement *statement)
{
    return statement->kind == RH_STATEMENT_SET || statement->kind == RH_STATEMENT_DATABASE ||
           statement->kind == RH_STATEMENT_ROLE || statement->kind == RH_STATEMENT_ROLE_CHANGE;
}

void rh_dump_connect_name(rh_dump_words *words, char name[RH_NAME_SIZE])
{
    static const char keyword[] = "dbname='";
    rh_dump_word word;
    rh_dump_words_next(words, &word);      /* connect */
    while (rh_dump_words_skip(words, "-")) /* -reuse-previous=on "dbname='x'" */
        while (rh_dump_words_next(words, &word) && !rh_dump_word_is(&word, "on") &&
               !rh_dump_word_is(&word, "off"))
            ;
    rh_dump_words_name(words, NULL, name);
    size_t length = strlen(name);
    if (length > sizeof keyword - 1 && memcmp(name, keyword, sizeof keyword - 1) == 0 &&
        name[length - 1] == '\'') {
        memmove(name, name + sizeof keyword - 1, length - sizeof keyword + 1);
        name[length - sizeof keyword] = 0;
    }
}
