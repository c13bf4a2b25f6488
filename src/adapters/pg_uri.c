/* A conninfo as the URI that other programs take. */
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/text.h"
#include <libpq-fe.h>
#include <ctype.h>
#include <string.h>

/* RFC 3986: everything but unreserved characters is percent-encoded. */
static void append_encoded(rh_text *uri, const char *value)
{
    for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
        if (isalnum(*p) || strchr("-._~", *p))
            rh_text_append_char(uri, (char)*p);
        else
            rh_text_printf(uri, "%%%02X", *p);
    }
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val && *o->val ? o->val : NULL;
    return NULL;
}

char *rh_pg_conninfo_uri(const char *conninfo, rh_error *error)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &message);
    if (!options) {
        rh_error_set(error, RH_ERROR_SCENARIO, "the connection string does not parse: %s", message);
        PQfreemem(message);
        return NULL;
    }
    rh_text uri = {0};
    const char *user = value_of(options, "user"), *password = value_of(options, "password");
    const char *host = value_of(options, "host"), *port = value_of(options, "port");
    const char *database = value_of(options, "dbname");
    bool socket = host && host[0] == '/'; /* a directory can only be given as a parameter */
    rh_text_append(&uri, "postgresql://");
    if (user)
        append_encoded(&uri, user);
    if (user && password) {
        rh_text_append_char(&uri, ':');
        append_encoded(&uri, password);
    }
    if (user)
        rh_text_append_char(&uri, '@');
    if (host && !socket)
        append_encoded(&uri, host);
    if (port)
        rh_text_printf(&uri, ":%s", port);
    rh_text_append_char(&uri, '/');
    if (database)
        append_encoded(&uri, database);
    char separator = '?';
    for (const PQconninfoOption *o = options; o->keyword; o++) {
        if (!o->val || !*o->val || strcmp(o->keyword, "user") == 0 || strcmp(o->keyword, "password") == 0 ||
            strcmp(o->keyword, "port") == 0 || strcmp(o->keyword, "dbname") == 0 ||
            (strcmp(o->keyword, "host") == 0 && !socket))
            continue;
        rh_text_printf(&uri, "%c%s=", separator, o->keyword);
        append_encoded(&uri, o->val);
        separator = '&';
    }
    PQconninfoFree(options);
    return uri.data;
}
