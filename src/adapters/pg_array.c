/* PostgreSQL arrays as text: {"a","b"}. */
#include "pgrehearse/adapters/pg.h"

void rh_pg_array_add(rh_text *array, const char *element)
{
    rh_text_append(array, array->length ? ",\"" : "{\"");
    for (; *element; element++) {
        if (*element == '"' || *element == '\\')
            rh_text_append_char(array, '\\');
        rh_text_append_char(array, *element);
    }
    rh_text_append_char(array, '"');
}

const char *rh_pg_array_end(rh_text *array)
{
    rh_text_append(array, array->length ? "}" : "{}");
    return rh_text_string(array);
}
