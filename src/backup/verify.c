/* Checks after the restore that every relation in the dump's list exists. */
#include "restoring.h"
#include <string.h>

static bool is_left_out(const rh_restoring *r, const rh_dump_entry *entry)
{
    for (size_t i = 0; i < r->target->skip_count; i++)
        if (rh_skip_covers(r->target->skip[i].entry, entry, ""))
            return true;
    const char *name = rh_arena_printf(r->arena, "%s.%s", entry->schema, entry->tag);
    return strcmp(entry->desc, "SEQUENCE") == 0 && rh_names_have(&r->sequences_left_out, name);
}

bool rh_restoring_verify(rh_restoring *r, rh_error *error)
{
    /* The headings of a plain dump have blanks where a name has line ends. */
    static const char absent[] =
        "SELECT e.s, e.t FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), "
        "pg_catalog.unnest($2::pg_catalog.text[])) AS e (s, t) "
        "WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n "
        "ON n.oid = c.relnamespace WHERE pg_catalog.translate(n.nspname, E'\\n\\r', '  ') = "
        "pg_catalog.translate(e.s, E'\\n\\r', '  ') AND pg_catalog.translate(c.relname, E'\\n\\r', '  ') = "
        "pg_catalog.translate(e.t, E'\\n\\r', '  ')) LIMIT 20";
    rh_text schemas = {0}, names = {0};
    for (size_t i = 0; i < r->contents.relation_count; i++) {
        const rh_dump_entry *entry = &r->contents.relations[i];
        if (is_left_out(r, entry))
            continue;
        rh_pg_array_add(&schemas, entry->schema);
        rh_pg_array_add(&names, entry->tag);
    }
    bool fine = true;
    if (names.length) {
        rh_pg_array_end(&schemas);
        rh_pg_array_end(&names);
        rh_pg *pg =
            rh_pg_connect(r->target->conninfo, "restore", error); /* names are in the dump's encoding */
        fine = pg && (!r->encoding || rh_pg_execute(pg, r->encoding, error));
        rh_pg_result *result =
            fine ? rh_pg_query(pg, absent, 2, (const char *[]){schemas.data, names.data}, error) : NULL;
        fine = result != NULL;
        for (size_t i = 0; fine && i < rh_pg_rows(result); i++)
            rh_restoring_add_missing(r,
                                     rh_arena_printf(r->arena, "relation %s.%s", rh_pg_value(result, i, 0),
                                                     rh_pg_value(result, i, 1)),
                                     "the backup lists it, and it is not in staging after the restore");
        rh_pg_result_free(result);
        rh_pg_close(pg);
    }
    rh_text_release(&schemas);
    rh_text_release(&names);
    return fine;
}
