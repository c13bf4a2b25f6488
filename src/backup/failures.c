/* Reading what the server said about a statement of the backup. */
#include "pgrehearse/backup/restoring.h"
#include "pgrehearse/backup/statement.h"
#include "pgrehearse/base/text.h"
#include <string.h>

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

bool rh_restore_failure_is_harmless(const char *message, const char *command)
{
    bool already = has(message, "already exists");
    if (already && (rh_starts_with(message, "schema ") || rh_starts_with(message, "extension ") ||
                    rh_starts_with(message, "language ")))
        return true;
    rh_dump_statement statement;
    rh_dump_statement_read(command, strlen(command), &statement);
    /* Who may do what matters little to how long a migration takes. */
    if (statement.only_roles &&
        (has(message, "does not exist") || has(message, "permission denied") || has(message, "must be ")))
        return rh_starts_with(message, "role ") || !has(message, "does not exist");
    if (statement.kind == RH_STATEMENT_EXTENSION_COMMENT && has(message, "must be owner"))
        return true;
    /* Settings that only a newer server has. */
    if (rh_starts_with(message, "unrecognized configuration parameter"))
        return true;
    /* Not a superuser on a given server. */
    return rh_starts_with(message, "permission denied to create event trigger") ||
           rh_starts_with(message, "must be superuser to create subscriptions") ||
           rh_starts_with(message, "must be superuser to create FOR ALL TABLES publication");
}

/* Words in front of a quoted string that say it is an object's name. */
static bool names_an_object(const char *text, size_t length)
{
    static const char *const words[] = {
        "relation",  "table",     "column",   "constraint",  "index",        "type",     "schema",
        "role",      "extension", "function", "sequence",    "tablespace",   "language", "parameter",
        "database",  "view",      "trigger",  "key",         "operator",     "class",    "file",
        "collation", "server",    "wrapper",  "publication", "subscription", "domain",   "policy",
        "method",    "partition", "library",  "rule"};
    while (length > 0 && text[length - 1] == ' ')
        length--;
    size_t start = length;
    while (start > 0 && text[start - 1] >= 'a' && text[start - 1] <= 'z')
        start--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == length - start && memcmp(words[i], text + start, length - start) == 0)
            return true;
    return false;
}

const char *rh_restore_redact(const char *message, rh_arena *arena)
{
    rh_text out = {0};
    const char *at = message;
    while (*at) {
        const char *quote = strchr(at, '"');
        const char *close = quote ? strchr(quote + 1, '"') : NULL;
        size_t before = quote ? (size_t)(quote - at) : strlen(at);
        rh_text_append_bytes(&out, at, before);
        if (!quote)
            break;
        if (close && names_an_object(message, (size_t)(quote - message)))
            rh_text_append_bytes(&out, quote, (size_t)(close + 1 - quote));
        else
            rh_text_append(&out, "\"…\"");
        at = close ? close + 1 : quote + strlen(quote);
    }
    const char *redacted = rh_arena_strdup(arena, rh_text_string(&out));
    rh_text_release(&out);
    return redacted;
}

rh_error_code rh_restore_failure_code(const char *message)
{
    if (has(message, "No space left on device") || has(message, "Disk quota exceeded"))
        return RH_ERROR_NO_SPACE;
    if (has(message, "server closed the connection") || has(message, "terminating connection") ||
        has(message, "connection to server") || has(message, "no connection to the server") ||
        has(message, "SSL connection has been closed"))
        return RH_ERROR_LOST;
    /* psql's own guard caught what the lexer could not see. */
    if (has(message, "backslash commands are restricted"))
        return RH_ERROR_REFUSED;
    return RH_ERROR_BACKUP;
}
