#include "locks.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

/* ---- adding ---- */

bool rh_locks_full(const rh_locks *l)
{
    enum { MOST = 1000 };
    return l->statement->expected_lock_count >= MOST;
}

static void add(rh_locks *l, const char *name, rh_lock_mode mode, const char *because, bool on_new)
{
    rh_statement *s = l->statement;
    if (!name || !mode || rh_locks_full(l))
        return;
    for (size_t i = 0; i < s->expected_lock_count; i++) {
        rh_expected_lock *lock = &s->expected_locks[i];
        if (strcmp(lock->relation, name) != 0)
            continue;
        if (mode > lock->mode)
            lock->mode = mode;
        return;
    }
    *rh_arena_add(l->arena, &s->expected_locks, &s->expected_lock_count) =
        (rh_expected_lock){.relation = name, .mode = mode, .because = because, .on_new = on_new};
}

void rh_locks_add_table(rh_locks *l, const rh_catalog_table *table, rh_lock_mode mode, const char *because)
{
    if (table && strcmp(table->schema, "pg_temp") != 0)
        add(l, rh_catalog_name(table, l->arena), mode, because, table->is_new);
}

void rh_locks_note_search(rh_locks *l, const rh_catalog_table *table, const rh_catalog_constraint *key)
{
    const char *name = rh_catalog_name(table, l->arena);
    for (size_t i = 0; i < l->statement->expected_lock_count && !rh_catalog_is_small(table); i++) {
        rh_expected_lock *lock = &l->statement->expected_locks[i];
        if (!lock->unindexed && strcmp(lock->relation, name) == 0)
            lock->unindexed = rh_catalog_unindexed_key(table, key, l->arena);
    }
}

/* A view, a sequence, an index, or a relation that is not known. */
static void add_other(rh_locks *l, rh_relation ref, rh_lock_mode mode, const char *because)
{
    rh_arena *arena = l->arena;
    if (!ref.name)
        return;
    const rh_catalog_object *object =
        rh_catalog_find_object(l->catalog, RH_CATALOG_RELATIONS, ref.schema, ref.name);
    const rh_catalog_table *indexed =
        object ? NULL : rh_catalog_table_of_index(l->catalog, ref.schema, ref.name, NULL);
    const char *schema = object ? object->schema : indexed ? indexed->schema : ref.schema;
    const char *name = rh_identifier(ref.name, arena);
    if (schema)
        name = rh_arena_printf(arena, "%s.%s", rh_identifier(schema, arena), name);
    add(l, name, mode, because, object ? object->is_new : indexed && indexed->is_new);
}

void rh_locks_add_ref(rh_locks *l, rh_relation ref, rh_lock_mode mode, const char *because)
{
    const rh_catalog_table *table = rh_catalog_find(l->catalog, ref.schema, ref.name);
    if (table && !table->guessed)
        rh_locks_add_table(l, table, mode, because);
    else
        add_other(l, ref, mode, because);
}

bool rh_locks_seen(rh_locks *l, const void *what)
{
    for (size_t i = 0; i < l->seen_count; i++)
        if (l->seen[i] == what)
            return true;
    *rh_arena_add(l->arena, &l->seen, &l->seen_count) = what;
    return false;
}

/* ---- what hangs together ---- */

static bool is_child(const rh_catalog_table *child, const rh_catalog_table *of)
{
    for (size_t i = 0; !child->dropped && i < child->parent_count; i++)
        if (child->parents[i] == of)
            return true;
    return false;
}

void rh_locks_add_children(rh_locks *l, const rh_catalog_table *table, rh_lock_mode mode, bool partitions)
{
    for (size_t i = 0; table && i < l->catalog->table_count; i++) {
        const rh_catalog_table *child = l->catalog->tables[i];
        if (!is_child(child, table) || (partitions && !child->is_partition))
            continue;
        rh_locks_add_table(l, child, mode, child->is_partition ? "a partition" : "a child table");
        rh_locks_add_children(l, child, mode, partitions);
    }
}

void rh_locks_add_inheriting(rh_locks *l, const rh_catalog_table *table, rh_lock_mode mode)
{
    for (size_t i = 0; table && i < l->catalog->table_count; i++) {
        const rh_catalog_table *child = l->catalog->tables[i];
        if (is_child(child, table) && !child->is_partition) {
            rh_locks_add_table(l, child, mode, "a child table");
            rh_locks_add_inheriting(l, child, mode);
        }
    }
}

void rh_locks_add_tree(rh_locks *l, rh_json *range_var, rh_lock_mode mode)
{
    rh_locks_add_ref(l, rh_catalog_range_ref(range_var), mode, NULL);
    if (rh_json_bool(rh_json_get(range_var, "inh")))
        rh_locks_add_children(l, rh_catalog_table_of(l->catalog, range_var), mode, false);
}

static bool is_on(const rh_catalog_constraint *key, const char *column, rh_arena *arena)
{
    const char *end = column ? strstr(key->definition, "REFERENCES") : NULL;
    end = column && !end ? strstr(key->definition, "references") : end;
    return !column ||
           rh_clauses_mention(end ? rh_arena_strndup(arena, key->definition, (size_t)(end - key->definition))
                                  : key->definition,
                              column, arena);
}

void rh_locks_add_own_referenced(rh_locks *l, const rh_catalog_table *table, const char *column,
                                 rh_lock_mode mode)
{
    for (size_t i = 0; table && i < table->constraint_count; i++) {
        const rh_catalog_constraint *key = &table->constraints[i];
        if (key->kind != 'f' || !is_on(key, column, l->arena))
            continue;
        rh_locks_add_ref(l, (rh_relation){key->schema, key->target}, mode, "referenced by a foreign key");
        rh_locks_add_children(l, rh_catalog_find(l->catalog, key->schema, key->target), mode, true);
    }
}

void rh_locks_add_referenced(rh_locks *l, const rh_catalog_table *table, const char *column,
                             rh_lock_mode mode)
{
    rh_locks_add_own_referenced(l, table, column, mode);
    for (size_t i = 0; table && i < table->parent_count; i++)
        rh_locks_add_referenced(l, table->parents[i], column, mode);
}

void rh_locks_add_referencing(rh_locks *l, const rh_catalog_table *table, rh_lock_mode mode)
{
    for (size_t i = 0; table && i < l->catalog->table_count; i++) {
        const rh_catalog_table *other = l->catalog->tables[i];
        for (size_t k = 0; !other->dropped && k < other->constraint_count; k++) {
            const rh_catalog_constraint *key = &other->constraints[k];
            if (key->kind != 'f' || rh_catalog_find(l->catalog, key->schema, key->target) != table)
                continue;
            rh_locks_add_table(l, other, mode, "refers to it by a foreign key");
            rh_locks_add_children(l, other, mode, true);
        }
    }
}

void rh_locks_add_default(rh_locks *l, const rh_catalog_table *parent, const rh_catalog_table *except)
{
    for (size_t i = 0; parent && i < l->catalog->table_count; i++) {
        const rh_catalog_table *child = l->catalog->tables[i];
        if (child != except && child->is_default && is_child(child, parent))
            rh_locks_add_table(l, child, RH_LOCK_ACCESS_EXCLUSIVE, "the default partition");
    }
}

void rh_locks_add_sequences(rh_locks *l, const rh_catalog_table *table, const char *column, rh_lock_mode mode)
{
    for (size_t i = 0; table && i < table->column_count; i++) {
        const rh_catalog_column *c = &table->columns[i];
        if (c->sequence && (!column || strcmp(column, c->name) == 0))
            rh_locks_add_ref(l, rh_relation_of(c->sequence, l->arena), mode, "a sequence of its own");
    }
}

void rh_locks_add_indexes(rh_locks *l, const rh_catalog_table *table)
{
    for (size_t i = 0; table && i < table->index_count; i++)
        rh_locks_add_ref(l, (rh_relation){table->schema, table->indexes[i].name}, RH_LOCK_ACCESS_EXCLUSIVE,
                         "its index");
}
