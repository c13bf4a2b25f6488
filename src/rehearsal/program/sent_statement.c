/* What a statement can have done, by its text. */
#include "attribution_parts.h"
#include "attribution.h"
#include "locks.h"
#include <string.h>

rh_statement_class rh_sent_class(const rh_sent_statement *d)
{
    return d->statement ? d->statement->class_expected : RH_CLASS_UNCLASSIFIED;
}

bool rh_sent_is_opaque(const rh_sent_statement *d)
{
    return rh_sent_class(d) == RH_CLASS_PROCEDURE || rh_sent_class(d) == RH_CLASS_UNCLASSIFIED;
}

bool rh_sent_is_data_change(const rh_sent_statement *d)
{
    return rh_sent_class(d) == RH_CLASS_DATA_CHANGE || rh_sent_class(d) == RH_CLASS_BACKFILL_BATCH;
}

bool rh_sent_is_several(const rh_sent_statement *d)
{
    const char *semicolon = strchr(d->sql, ';');
    return semicolon && semicolon[strspn(semicolon, "; \t\r\n")] != '\0';
}

bool rh_sent_begins_with(const rh_sent_statement *d, const char *word)
{
    return !rh_sent_is_several(d) && rh_program_begins_with(d->sql, &word, 1);
}

bool rh_sent_changes_only_catalogs(const rh_sent_statement *d)
{
    static const char *const words[] = {"drop", "comment", "grant", "revoke"};
    return !rh_sent_is_several(d) && rh_program_begins_with(d->sql, words, sizeof words / sizeof *words);
}

bool rh_sent_names(const rh_sent_statement *d, const rh_relation_change *c)
{
    return rh_sql_mentions(d->sql, c->work.relation) ||
           (c->name_before && rh_sql_mentions(d->sql, c->name_before));
}

bool rh_sent_names_table(const rh_sent_statement *d, const rh_relation_change *c)
{
    return c->work.kind == 'i' ? c->work.table && rh_sql_mentions(d->sql, c->work.table)
                               : rh_sent_names(d, c);
}
