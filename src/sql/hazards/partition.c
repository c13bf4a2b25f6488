/* Hazards of attaching, creating and detaching partitions. */
#include "subject.h"
#include "pgrehearse/base/text.h"
#include <string.h>

typedef struct constants {
    rh_arena *arena;
    const char **values;
    size_t count;
} constants;

static bool collect_constant(rh_json *node, void *data)
{
    constants *c = data;
    const char *constant = rh_tree_constant(node, c->arena);
    if (constant)
        *rh_arena_add(c->arena, &c->values, &c->count) = constant;
    return false;
}

/* A valid CHECK of TABLE names every value of BOUND, so the server need not read the rows. Whether it says
 * the right thing of them is measured in a run. */
static bool is_proven(const rh_catalog_table *table, rh_json *bound, rh_arena *arena)
{
    static const char *const lists[] = {"lowerdatums", "upperdatums", "listdatums"};
    constants c = {.arena = arena};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        rh_json_visit(rh_json_get(bound, lists[i]), collect_constant, &c);
    for (size_t i = 0; table && c.count && i < table->constraint_count; i++) {
        const rh_catalog_constraint *check = &table->constraints[i];
        bool all = check->kind == 'c' && check->valid;
        for (size_t k = 0; all && k < c.count; k++)
            all = strstr(check->definition, c.values[k]) != NULL;
        if (all)
            return true;
    }
    return false;
}

static const rh_catalog_table *default_of(const rh_catalog *catalog, const rh_catalog_table *parent)
{
    for (size_t i = 0; parent && i < catalog->table_count; i++) {
        const rh_catalog_table *t = catalog->tables[i];
        for (size_t k = 0; !t->dropped && t->is_default && k < t->parent_count; k++)
            if (t->parents[k] == parent)
                return t;
    }
    return NULL;
}

/* How TABLE is kept from being read. */
static const char *check_first(const rh_hazard_subject *s, const char *table, const char *condition)
{
    return rh_arena_printf(
        s->arena,
        "ALTER TABLE %s ADD CONSTRAINT <name> CHECK (%s) NOT VALID; then, in a transaction of its own, "
        "ALTER TABLE %s VALIDATE CONSTRAINT <name>; ",
        table, condition, table);
}

void rh_hazards_of_partition(const rh_hazard_subject *s, rh_json *bound, const rh_catalog_table *parent,
                             rh_relation partition)
{
    const rh_catalog *catalog = s->context->catalog;
    const rh_catalog_table *given = rh_catalog_find(catalog, partition.schema, partition.name);
    const rh_catalog_table *other = default_of(catalog, parent);
    rh_arena *arena = s->arena;
    if (parent && parent->is_new)
        other = NULL;
    const bool reads_given = partition.name && !rh_catalog_is_small(given) && !is_proven(given, bound, arena);
    const bool reads_other =
        other && other != given && !rh_catalog_is_small(other) && !is_proven(other, bound, arena);
    /* no session waits for a new partition, but for the default one, which is locked meanwhile */
    const bool only_default = given && given->is_new && !s->context->is_down;
    if (reads_given && !reads_other && only_default && (!other || other == given)) {
        s->statement->class_ = RH_CLASS_HEAP_SCAN;
        return;
    }
    if (!reads_given && !reads_other) {
        s->statement->class_ = RH_CLASS_CATALOG;
        return;
    }
    s->statement->class_ = RH_CLASS_HEAP_SCAN;
    const char *name = given            ? rh_catalog_name(given, arena)
                       : partition.name ? rh_identifier(partition.name, arena)
                                        : NULL;
    const char *default_name = other ? rh_catalog_name(other, arena) : "";
    const char *read = reads_given && reads_other
                           ? rh_arena_printf(arena, "%s and the default partition %s", name, default_name)
                       : reads_given ? name
                                     : rh_arena_printf(arena, "the default partition %s", default_name);
    const char *safer = rh_arena_printf(
        arena, "%s%sthen this statement reads no rows; drop the checks afterwards. %s",
        reads_given ? check_first(s, name, "<the key is not null and within the new bounds>") : "",
        reads_other ? check_first(s, default_name, "<the key is outside the new bounds>") : "",
        reads_given ? "Give the partition the indexes of its parent before, CONCURRENTLY."
                    : "It does not apply where the default partition is empty.");
    const char *kept_out = only_default ? default_name : "it";
    RH_HAZARD(
        s, "attach-partition",
        rh_arena_printf(
            arena,
            "All of %s is read under ACCESS EXCLUSIVE to see that its rows fit the new bounds: reads and "
            "writes of %s are blocked until the transaction ends.",
            read, kept_out),
        safer);
}

void rh_hazards_of_detach(const rh_hazard_subject *s, rh_json *command)
{
    const rh_relation ref = rh_catalog_range_ref(rh_json_path(command, "def.PartitionCmd.name"));
    const char *name = rh_tree_relation(rh_json_path(command, "def.PartitionCmd.name"), s->arena);
    const rh_catalog_table *partition = rh_catalog_find(s->context->catalog, ref.schema, ref.name);
    const rh_catalog_table *other = default_of(s->context->catalog, s->definition);
    if (rh_json_bool(rh_json_path(command, "def.PartitionCmd.concurrent")) ||
        (partition && partition->is_new))
        return;
    RH_HAZARD(
        s, "detach-partition",
        rh_arena_printf(
            s->arena,
            "DETACH takes ACCESS EXCLUSIVE on %s, so all queries on it, whichever partition they read, wait "
            "while this waits for the last of them; the running release no longer finds the rows of %s there.",
            s->table, name),
        other /* refused of the default partition itself as well */
            ? rh_arena_printf(
                  s->arena,
                  "CONCURRENTLY is refused while %s has the default partition %s: use a lock_timeout of some "
                  "seconds and try again.",
                  s->table, rh_catalog_name(other, s->arena))
            : rh_arena_printf(
                  s->arena,
                  "ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY, outside a transaction (PostgreSQL 14 and "
                  "newer).",
                  s->table, name));
}
