/* Hazards that come from the company a statement keeps in its transaction. */
#include "hazards.h"
#include "transaction_verb.h"
#include <string.h>

static bool is_long(rh_statement_class class_)
{
    return class_ == RH_CLASS_HEAP_SCAN || class_ == RH_CLASS_REWRITE || class_ == RH_CLASS_INDEX_BUILD ||
           class_ == RH_CLASS_VALIDATION || class_ == RH_CLASS_FOREIGN_KEY ||
           class_ == RH_CLASS_DATA_CHANGE || class_ == RH_CLASS_BACKFILL_BATCH;
}

static bool is_fresh(const rh_hazard_context *context, const char *table)
{
    for (size_t i = 0; table && i < context->created_count; i++)
        if (strcmp(context->created[i], table) == 0)
            return true;
    return false;
}

/* Locks stay until the end of the transaction: a strong one that was taken early is held through the work
 * that follows. */
static void held_through(rh_hazard_context *context, rh_statement *locker, rh_statement *worker)
{
    rh_hazard_add(context, worker, "lock-then-long-work",
                  rh_arena_printf(context->arena,
                                  "Statement %d has taken %s on %s, and the transaction keeps it (%s "
                                  "blocked) while this one works.",
                                  locker->ordinal, locker->expected_lock, locker->expected_relation,
                                  rh_lock_mode_blocks(locker->expected_lock)),
                  rh_arena_printf(context->arena,
                                  "Commit after statement %d: put this one into a migration of its own.",
                                  locker->ordinal));
}

static void not_in_transaction(rh_hazard_context *context, rh_statement *statement, rh_transaction_rule rule)
{
    rh_hazard_add(context, statement, "concurrently-in-transaction",
                  rule == RH_TRANSACTION_OWN ? "It cannot run inside a transaction block, and a file of "
                                               "several statements is one: it will fail."
                                             : "It cannot run inside a transaction block: it will fail.",
                  "Put it alone into a migration of its own, without BEGIN.");
}

void rh_hazards_of_script(rh_hazard_context *context, rh_script *script)
{
    bool implicit = script->rule == RH_TRANSACTION_ONE ||
                    (script->rule == RH_TRANSACTION_OWN && script->statement_count > 1);
    bool in_transaction = implicit;
    rh_statement *locker = NULL;
    for (size_t i = 0; i < script->statement_count; i++) {
        rh_statement *statement = &script->statements[i];
        switch (rh_transaction_verb_of(statement->sql)) {
        case RH_VERB_BEGIN:
            in_transaction = true;
            break;
        case RH_VERB_END:
            in_transaction = implicit;
            locker = NULL;
            break;
        case RH_VERB_CHAIN:
            locker = NULL;
            break;
        default:
            break;
        }
        if (in_transaction && statement->needs_no_transaction)
            not_in_transaction(context, statement, script->rule);
        if (!in_transaction)
            continue;
        if (locker && is_long(statement->class_) && !is_fresh(context, statement->expected_relation))
            held_through(context, locker, statement);
        if (rh_lock_mode_strength(statement->expected_lock) >= 5 &&
            !is_fresh(context, statement->expected_relation) &&
            (!locker ||
             rh_lock_mode_strength(statement->expected_lock) > rh_lock_mode_strength(locker->expected_lock)))
            locker = statement;
    }
    context->lock_timeout_local = context->lock_timeout_missed = false;
}
