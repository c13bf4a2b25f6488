#include "other_statements.h"
#include "pgrehearse/sql/classify.h"
#include <string.h>
#include <strings.h>

static void visit_matches(const char *sql, const char *word, rh_safer_visit see, void *user)
{
    if (strlen(sql) > RH_PARSE_LIMIT || !strcasestr(sql, word))
        return;
    rh_json *body, *tree = rh_sql_parse(sql, NULL);
    const char *kind = rh_tree_kind(tree, &body);
    if (kind)
        see(user, sql, kind, body);
    rh_json_free(tree);
}

static void visit_backup(const rh_safer_list *list, const char *word, rh_safer_visit see, void *user)
{
    for (size_t i = 0; i < list->plan->schema_count; i++) {
        const char *text = list->plan->schema[i];
        rh_sql_span *spans = NULL;
        size_t count = 0;
        if (!strcasestr(text, word))
            continue;
        rh_sql_split(text, NULL, list->arena, &spans, &count, NULL);
        for (size_t k = 0; k < count; k++)
            visit_matches(rh_arena_strndup(list->arena, text + spans[k].offset, spans[k].length), word, see,
                          user);
    }
}

/* The pending statements before or BEHIND the one of LIST. */
static void visit_statements(const rh_safer_list *list, bool behind, const char *word, rh_safer_visit see,
                             void *user)
{
    bool passed = false;
    for (size_t i = 0; i < list->plan->migration_count; i++) {
        const rh_migration *m = &list->plan->migrations[i];
        for (size_t k = 0; m->pending && k < m->up.statement_count; k++) {
            const bool here = &m->up.statements[k] == list->statement;
            if (!here && passed == behind)
                visit_matches(m->up.statements[k].sql, word, see, user);
            passed |= here;
        }
    }
}

void rh_safer_before(const rh_safer_list *list, const char *word, rh_safer_visit see, void *user)
{
    visit_backup(list, word, see, user);
    visit_statements(list, false, word, see, user);
}

void rh_safer_after(const rh_safer_list *list, const char *word, rh_safer_visit see, void *user)
{
    visit_statements(list, true, word, see, user);
}
