/* Passwords in URLs, connection strings, arguments and statements. */
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/arena.h"
#include "redact_words.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The length of the password in the userinfo of a URL whose authority is at P, and where it is; 0: none. */
static size_t url_password(const char *p, const char **password)
{
    size_t authority = strcspn(p, "/?# \t\n\"'"), at = authority;
    while (at > 0 && p[at - 1] != '@') /* the last @ ends it: an unescaped one may stand in the password */
        at--;
    const char *colon = at > 0 ? memchr(p, ':', at - 1) : NULL;
    *password = colon ? colon + 1 : p;
    return colon ? (size_t)(p + at - 1 - *password) : 0;
}

/* A name such as password=, PGPASSWORD=, --api-key=, secret: ending at P; what follows is its value. */
static bool names_secret(const char *text, const char *p)
{
    static const char *const words[] = {"password",   "passwd",      "pwd",        "secret",  "token",
                                        "passphrase", "apikey",      "api_key",    "api-key", "access_key",
                                        "access-key", "private_key", "private-key"};
    const char *start = p;
    while (start > text && (rh_is_word_byte(start[-1]) || start[-1] == '-'))
        start--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if ((size_t)(p - start) >= length && strncasecmp(p - length, words[i], length) == 0)
            return true;
    }
    return false;
}

/* Does a secret's value begin behind P: password=x, password: x, --password x, PASSWORD 'x'? */
static bool begins_value(const char *text, const char *p)
{
    if (!strchr("=: ", *p) || !names_secret(text, p))
        return false;
    const char *start = p;
    while (start > text && start[-1] != ' ')
        start--;
    return *p != ' ' || *start == '-' || p[1 + strspn(p + 1, " ")] == '\'';
}

/* The value at P: quoted or up to a blank or &. */
static size_t value_length(const char *p)
{
    if (*p == '\'' || *p == '"') {
        const char *end = p + 1;
        while (*end && *end != *p)
            end += *end == '\\' && end[1] ? 2 : 1;
        return (size_t)(end - p) + (*end != 0);
    }
    return strcspn(p, " \t\n&;\"'");
}

char *rh_redact_passwords(const char *text)
{
    rh_text out = {0};
    for (const char *p = text; *p;) {
        const char *password;
        size_t length = 0;
        if (strncmp(p, "://", 3) == 0 && (length = url_password(p + 3, &password)) > 0) {
            rh_text_append_bytes(&out, p, (size_t)(password - p));
        } else if (p > text && begins_value(text, p)) {
            size_t blanks = 1 + strspn(p + 1, *p == '=' ? "" : " ");
            password = p + blanks;
            length = value_length(password);
            rh_text_append_bytes(&out, p, blanks);
        }
        if (length > 0) {
            rh_text_append(&out, "***");
            p = password + length;
        } else {
            rh_text_append_char(&out, *p++);
        }
    }
    return out.data ? out.data : rh_strdup("");
}
