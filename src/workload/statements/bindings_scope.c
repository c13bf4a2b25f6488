#include "bindings_scope.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

enum { MAX_NESTING = 20 }; /* of WITH queries that read one another */

void rh_mix_open_scope(mix_walk *walk)
{
    mix_scope *scope = rh_arena_alloc(walk->arena, sizeof *scope);
    scope->outer = walk->scope;
    walk->scope = scope;
}

void rh_mix_add_cte(mix_walk *walk, const rh_json *cte)
{
    const char *name = rh_json_string(rh_json_get(cte, "ctename"));
    mix_cte *slot = rh_arena_add(walk->arena, &walk->ctes, &walk->cte_count);
    *slot = (mix_cte){name ? name : "", rh_json_get(cte, "ctequery")};
}

/* "orders": public.orders, else the one table of that name, else the first. */
static const mix_table *find_table(const mix_walk *walk, const char *schema, const char *name)
{
    const mix_table *found = NULL;
    for (size_t i = 0; i < walk->table_count; i++) {
        const mix_table *table = &walk->tables[i];
        if (strcmp(table->relation.name, name) != 0)
            continue;
        if (strcmp(table->relation.schema, schema ? schema : "public") == 0)
            return table;
        if (!schema && !found)
            found = table;
    }
    return found;
}

static void add_entry(mix_walk *walk, const char *alias, const mix_table *table)
{
    mix_entry *entry = rh_arena_add(walk->arena, &walk->scope->entries, &walk->scope->count);
    *entry = (mix_entry){alias, table, ++walk->entry_count};
    if (table && !walk->first)
        walk->first = table;
}

static const char *alias_of(const rh_json *node)
{
    return rh_json_string(rh_json_path(node, "alias.aliasname"));
}

/* What QUERY reads, under ALIAS. */
static void add_query(mix_walk *walk, const rh_json *query, const char *alias)
{
    const rh_json *select = rh_json_get(query, "SelectStmt");
    if (++walk->nesting < MAX_NESTING) {
        size_t before = walk->scope->count;
        for (; rh_json_get(select, "larg"); select = rh_json_get(select, "larg"))
            ;
        rh_mix_add_from(walk, rh_json_get(select, "fromClause"));
        for (size_t i = before; i < walk->scope->count; i++)
            walk->scope->entries[i].alias = alias;
    }
    walk->nesting--;
}

const mix_table *rh_mix_add_relation(mix_walk *walk, const rh_json *relation)
{
    const char *schema = rh_json_string(rh_json_get(relation, "schemaname")),
               *name = rh_json_string(rh_json_get(relation, "relname")), *alias = alias_of(relation);
    if (!name)
        return NULL;
    for (size_t i = walk->cte_count; !schema && i-- > 0;)
        if (strcmp(walk->ctes[i].name, name) == 0) {
            add_query(walk, walk->ctes[i].query, alias ? alias : name);
            return NULL;
        }
    const mix_table *table = find_table(walk, schema, name);
    add_entry(walk, alias ? alias : name, table);
    return table;
}

void rh_mix_add_from_item(mix_walk *walk, const rh_json *item)
{
    const rh_json *join = rh_json_get(item, "JoinExpr"), *sub = rh_json_get(item, "RangeSubselect");
    if (join) {
        rh_mix_add_from_item(walk, rh_json_get(join, "larg"));
        rh_mix_add_from_item(walk, rh_json_get(join, "rarg"));
    } else if (sub) {
        const char *alias = alias_of(sub);
        add_query(walk, rh_json_get(sub, "subquery"), alias ? alias : "");
    } else if (rh_json_get(item, "RangeVar")) {
        rh_mix_add_relation(walk, rh_json_get(item, "RangeVar"));
    }
}

void rh_mix_add_from(mix_walk *walk, const rh_json *list)
{
    for (size_t i = 0; i < rh_json_count(list); i++)
        rh_mix_add_from_item(walk, rh_json_at(list, i));
}

size_t rh_mix_column_named(const mix_table *table, const char *name)
{
    size_t i = 0;
    while (table && i < table->column_count && (!name || strcmp(table->columns[i].name, name) != 0))
        i++;
    return i;
}

bool rh_mix_find_column(const mix_walk *walk, const rh_json *reference, mix_binding *binding)
{
    const rh_json *fields = rh_json_get(reference, "fields");
    size_t count = rh_json_count(fields);
    if (count == 0)
        return false;
    const char *name = rh_tree_name_at(fields, count - 1);
    const char *alias = count > 1 ? rh_tree_name_at(fields, count - 2) : NULL;
    if (!name || (count > 1 && !alias))
        return false;
    for (const mix_scope *scope = walk->scope; scope; scope = scope->outer)
        for (size_t i = 0; i < scope->count; i++) {
            const mix_entry *entry = &scope->entries[i];
            if (!entry->table || (alias && strcmp(alias, entry->alias) != 0))
                continue;
            size_t column = rh_mix_column_named(entry->table, name);
            if (column == entry->table->column_count)
                continue;
            binding->table = entry->table;
            binding->column = column;
            binding->entry = entry->number;
            return true;
        }
    return false;
}
