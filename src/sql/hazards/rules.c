/* The rules and their ids, which comments in migrations and reports contain: an id never changes its meaning.
 */
#include "pgrehearse/sql/hazards.h"
#include <string.h>

static const rh_hazard_rule RULES[] = {
    {"attach-partition", "adding a partition reads existing rows under ACCESS EXCLUSIVE"},
    {"blocked-by-dependents", "the server refuses: another object depends on it"},
    {"concurrently-behind-tool-lock",
     "CONCURRENTLY waits for a transaction of the migration tool, which waits for it"},
    {"concurrently-in-transaction", "a statement that cannot run inside a transaction block is in one"},
    {"constrained-domain",
     "a domain's constraint is checked for all rows of every table that uses the domain"},
    {"constraint-without-not-valid", "a CHECK constraint reads all rows under ACCESS EXCLUSIVE"},
    {"detach-partition", "DETACH PARTITION blocks all queries on the partitioned table"},
    {"drop-column", "a column is dropped that the running release may still use"},
    {"drop-object", "a view, function, type or schema is dropped that the running release may still use"},
    {"drop-table", "a table is dropped that the running release may still use"},
    {"enum-value-in-transaction", "a new enum value is used in the transaction that adds it"},
    {"exclude-constraint", "an exclusion constraint builds its index under ACCESS EXCLUSIVE"},
    {"expand-and-contract", "one release adds the new form and removes the old form"},
    {"foreign-key-without-index", "each deleted row makes the server read all of a referencing table"},
    {"foreign-key-without-not-valid", "a foreign key checks all rows while writes to both tables wait"},
    {"index-without-concurrently", "an index is built or dropped while other sessions wait"},
    {"invalid-index", "a CONCURRENTLY that is cancelled leaves an invalid index"},
    {"lock-then-long-work", "a strong lock is held through long work later in its transaction"},
    {"missing-lock-timeout",
     "a strong lock is requested without a timeout, and other sessions queue behind it"},
    {"primary-key-from-nullable", "PRIMARY KEY USING INDEX reads all rows for a null under ACCESS EXCLUSIVE"},
    {"reindex-without-concurrently", "REINDEX blocks writes, and queries that are planned meanwhile"},
    {"rename", "a name is changed that the running release uses"},
    {"rewrite-access-exclusive", "a full table rewrite under ACCESS EXCLUSIVE"},
    {"row-security-hides-rows",
     "row-level security hides rows from the role that migrates: they stay as they are"},
    {"row-security-without-policy", "row-level security without a policy: the application sees no row"},
    {"scan-access-exclusive", "a full table scan under ACCESS EXCLUSIVE, found by measurement"},
    {"set-not-null-scan", "SET NOT NULL reads all rows under ACCESS EXCLUSIVE"},
    {"truncate", "all rows of a table are removed under ACCESS EXCLUSIVE"},
    {"type-change", "a column's new type rewrites the table, unless both types are stored alike"},
    {"volatile-default", "a new column's default differs from row to row: a full table rewrite"},
    {"whole-table-update", "all rows of a table are changed in one transaction"},
};

const rh_hazard_rule *rh_hazard_rule_at(size_t index)
{
    return index < sizeof RULES / sizeof *RULES ? &RULES[index] : NULL;
}

bool rh_hazard_rule_exists(const char *id)
{
    const rh_hazard_rule *rule;
    for (size_t i = 0; (rule = rh_hazard_rule_at(i)); i++)
        if (strcmp(rule->id, id) == 0)
            return true;
    return false;
}

void rh_hazards_silence(rh_statement *statement)
{
    for (size_t h = 0; h < statement->hazard_count; h++)
        for (size_t i = 0; i < statement->ignored_count; i++)
            if (strcmp(statement->hazards[h].rule, statement->ignored[i].rule) == 0) {
                statement->hazards[h].state = RH_HAZARD_SILENCED;
                statement->hazards[h].silenced = statement->ignored[i].reason;
            }
}
