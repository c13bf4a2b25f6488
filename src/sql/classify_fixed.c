/* Statements whose class and lock do not depend on what they contain: PostgreSQL 15, documentation section
 * 13.3.1, and the lock that each command takes. */
#include "classify_fixed.h"
#include "pgrehearse/sql/classify.h"
#include <string.h>

/* Statements whose class and lock follow from their type alone. RELATION is the key of the RangeVar that LOCK
 * is taken on. */
static const struct simple_rule {
    const char *kind, *tag;
    rh_statement_class class_;
    rh_phase phase;
    rh_lock_mode lock;
    const char *relation;
} SIMPLE[] = {
    {"InsertStmt", "INSERT", RH_CLASS_DATA_CHANGE, RH_PHASE_MIGRATE, RH_LOCK_ROW_EXCLUSIVE, "relation"},
    {"MergeStmt", "MERGE", RH_CLASS_DATA_CHANGE, RH_PHASE_MIGRATE, RH_LOCK_ROW_EXCLUSIVE, "relation"},
    {"TransactionStmt", NULL, RH_CLASS_TRANSACTION, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"VariableSetStmt", "SET", RH_CLASS_TRANSACTION, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"VariableShowStmt", "SHOW", RH_CLASS_TRANSACTION, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"ConstraintsSetStmt", "SET CONSTRAINTS", RH_CLASS_TRANSACTION, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"DiscardStmt", "DISCARD", RH_CLASS_TRANSACTION, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"DoStmt", "DO", RH_CLASS_PROCEDURE, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"CallStmt", "CALL", RH_CLASS_PROCEDURE, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"ExecuteStmt", "EXECUTE", RH_CLASS_PROCEDURE, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"PrepareStmt", "PREPARE", RH_CLASS_QUERY, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"ExplainStmt", "EXPLAIN", RH_CLASS_QUERY, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"CheckPointStmt", "CHECKPOINT", RH_CLASS_MAINTENANCE, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"CreateFunctionStmt", "CREATE FUNCTION", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"AlterFunctionStmt", "ALTER FUNCTION", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"CreateTrigStmt", "CREATE TRIGGER", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_SHARE_ROW_EXCLUSIVE,
     "relation"},
    {"CreatePolicyStmt", "CREATE POLICY", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_ACCESS_EXCLUSIVE,
     "table"},
    {"AlterPolicyStmt", "ALTER POLICY", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_ACCESS_EXCLUSIVE, "table"},
    {"RuleStmt", "CREATE RULE", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_ACCESS_EXCLUSIVE, "relation"},
    {"ViewStmt", "CREATE VIEW", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreateSchemaStmt", "CREATE SCHEMA", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreateSeqStmt", "CREATE SEQUENCE", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"AlterSeqStmt", "ALTER SEQUENCE", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_ROW_EXCLUSIVE,
     "sequence"},
    {"CreateExtensionStmt", "CREATE EXTENSION", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"AlterExtensionStmt", "ALTER EXTENSION", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"CompositeTypeStmt", "CREATE TYPE", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreateEnumStmt", "CREATE TYPE", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreateRangeStmt", "CREATE TYPE", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"AlterEnumStmt", "ALTER TYPE", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"AlterTypeStmt", "ALTER TYPE", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"CreateDomainStmt", "CREATE DOMAIN", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"DefineStmt", NULL, RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreateCastStmt", "CREATE CAST", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreateStatsStmt", "CREATE STATISTICS", RH_CLASS_CATALOG, RH_PHASE_EXPAND,
     RH_LOCK_SHARE_UPDATE_EXCLUSIVE, "relations"},
    {"CreateEventTrigStmt", "CREATE EVENT TRIGGER", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreatePublicationStmt", "CREATE PUBLICATION", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"AlterPublicationStmt", "ALTER PUBLICATION", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"CommentStmt", "COMMENT", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"GrantStmt", NULL, RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"GrantRoleStmt", NULL, RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"AlterDefaultPrivilegesStmt", "ALTER DEFAULT PRIVILEGES", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE,
     NULL},
    {"AlterOwnerStmt", NULL, RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_ACCESS_EXCLUSIVE, "relation"},
    {"AlterObjectSchemaStmt", NULL, RH_CLASS_CATALOG, RH_PHASE_CONTRACT, RH_LOCK_ACCESS_EXCLUSIVE,
     "relation"},
    {"AlterRoleStmt", "ALTER ROLE", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"AlterRoleSetStmt", "ALTER ROLE", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"CreateRoleStmt", "CREATE ROLE", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"DropRoleStmt", "DROP ROLE", RH_CLASS_CATALOG, RH_PHASE_CONTRACT, RH_LOCK_NONE, NULL},
    {"DropOwnedStmt", "DROP OWNED", RH_CLASS_CATALOG, RH_PHASE_CONTRACT, RH_LOCK_NONE, NULL},
    {"ReassignOwnedStmt", "REASSIGN OWNED", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"AlterDatabaseSetStmt", "ALTER DATABASE", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"AlterTSConfigurationStmt", "ALTER TEXT SEARCH CONFIGURATION", RH_CLASS_CATALOG, RH_PHASE_NONE,
     RH_LOCK_NONE, NULL},
    {"AlterTSDictionaryStmt", "ALTER TEXT SEARCH DICTIONARY", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE,
     NULL},
    {"CreateOpClassStmt", "CREATE OPERATOR CLASS", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreateOpFamilyStmt", "CREATE OPERATOR FAMILY", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"AlterOpFamilyStmt", "ALTER OPERATOR FAMILY", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"AlterOperatorStmt", "ALTER OPERATOR", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"CreateConversionStmt", "CREATE CONVERSION", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreateTransformStmt", "CREATE TRANSFORM", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreatePLangStmt", "CREATE LANGUAGE", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreateAmStmt", "CREATE ACCESS METHOD", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"CreateFdwStmt", "CREATE FOREIGN DATA WRAPPER", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"AlterFdwStmt", "ALTER FOREIGN DATA WRAPPER", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"CreateForeignServerStmt", "CREATE SERVER", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"AlterForeignServerStmt", "ALTER SERVER", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"CreateUserMappingStmt", "CREATE USER MAPPING", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_NONE, NULL},
    {"AlterUserMappingStmt", "ALTER USER MAPPING", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"DropUserMappingStmt", "DROP USER MAPPING", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"ImportForeignSchemaStmt", "IMPORT FOREIGN SCHEMA", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"AlterCollationStmt", "ALTER COLLATION", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"AlterStatsStmt", "ALTER STATISTICS", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"AlterEventTrigStmt", "ALTER EVENT TRIGGER", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"AlterExtensionContentsStmt", "ALTER EXTENSION", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"AlterObjectDependsStmt", NULL, RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"SecLabelStmt", "SECURITY LABEL", RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"NotifyStmt", "NOTIFY", RH_CLASS_TRANSACTION, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"ListenStmt", "LISTEN", RH_CLASS_TRANSACTION, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"UnlistenStmt", "UNLISTEN", RH_CLASS_TRANSACTION, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"DeallocateStmt", "DEALLOCATE", RH_CLASS_TRANSACTION, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"LoadStmt", "LOAD", RH_CLASS_TRANSACTION, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"DeclareCursorStmt", "DECLARE CURSOR", RH_CLASS_QUERY, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"FetchStmt", "FETCH", RH_CLASS_QUERY, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"ClosePortalStmt", "CLOSE CURSOR", RH_CLASS_QUERY, RH_PHASE_NONE, RH_LOCK_NONE, NULL},
    {"TruncateStmt", "TRUNCATE TABLE", RH_CLASS_CATALOG, RH_PHASE_CONTRACT, RH_LOCK_ACCESS_EXCLUSIVE,
     "relations"},
};

const char *rh_classify_relation(rh_json *body, const char *key, rh_arena *arena)
{
    rh_json *value = rh_json_get(body, key);
    if (rh_json_is_array(value))
        value = rh_json_get(rh_json_at(value, 0), "RangeVar");
    return rh_tree_relation(value, arena);
}

bool rh_classify_fixed(rh_statement *s, const char *kind, rh_json *body, rh_arena *arena)
{
    for (size_t i = 0; i < sizeof SIMPLE / sizeof *SIMPLE; i++) {
        const struct simple_rule *rule = &SIMPLE[i];
        if (strcmp(kind, rule->kind) != 0)
            continue;
        rh_classify_set(s, rule->tag, rule->class_, rule->phase, rule->lock,
                        rule->relation ? rh_classify_relation(body, rule->relation, arena) : NULL);
        return true;
    }
    return false;
}
