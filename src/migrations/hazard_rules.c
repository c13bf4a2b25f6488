/* The rules' ids, which scenarios, comments in migrations and reports rely on: they never change their
 * meaning. */
#include "hazards.h"
#include "pgrehearse/migrations/migrations.h"
#include <string.h>

static const rh_hazard_rule RULES[] = {
    {"attach-partition",
     "a partition, or the default partition, is read under ACCESS EXCLUSIVE when one is added"},
    {"concurrently-behind-tool-lock", "a concurrent build waits for the tool that waits for it"},
    {"concurrently-in-transaction", "a statement that cannot run in a transaction stands in one"},
    {"constrained-domain", "a domain's constraint is checked for the rows of every table that has it"},
    {"constraint-without-not-valid", "CHECK that reads all rows under ACCESS EXCLUSIVE"},
    {"detach-partition", "DETACH PARTITION blocks all queries on the partitioned table"},
    {"drop-column", "a column that the running release may still use is dropped"},
    {"drop-object", "a view, function, type or schema that the running release may still use is dropped"},
    {"drop-table", "a table that the running release may still use is dropped"},
    {"enum-value-in-transaction", "a new enum value is used in the transaction that adds it"},
    {"exclude-constraint", "EXCLUDE that builds its index under ACCESS EXCLUSIVE"},
    {"expand-and-contract", "the new is added and the old taken away in one release"},
    {"foreign-key-without-not-valid", "FOREIGN KEY that checks all rows while writes wait"},
    {"index-without-concurrently", "an index that is built or dropped while others wait"},
    {"invalid-index", "an index that a CONCURRENTLY left behind, or may leave, invalid"},
    {"lock-then-long-work", "a strong lock is held through the long work that follows in its transaction"},
    {"missing-lock-timeout", "a strong lock is waited for without limit, and everybody behind it"},
    {"primary-key-from-nullable",
     "PRIMARY KEY USING INDEX that reads all rows for a NULL under ACCESS EXCLUSIVE"},
    {"reindex-without-concurrently", "REINDEX that blocks writes, and queries that are planned meanwhile"},
    {"rename", "a name that the running release uses is changed"},
    {"rewrite-access-exclusive", "a full table rewrite under ACCESS EXCLUSIVE"},
    {"row-security-without-policy", "row-level security without a policy: the application sees no row"},
    {"scan-access-exclusive", "a full table scan under ACCESS EXCLUSIVE"},
    {"set-not-null-scan", "SET NOT NULL that reads all rows under ACCESS EXCLUSIVE"},
    {"truncate", "all rows of a table are removed, and nobody reads or writes meanwhile"},
    {"type-change", "another type for a column: a full table rewrite unless both are stored alike"},
    {"volatile-default", "a new column whose default differs from row to row"},
    {"whole-table-update", "every row is changed in one transaction"},
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
