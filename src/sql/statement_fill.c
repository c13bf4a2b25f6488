/* Sets the fields of a statement that follow from its text. */
#include "sql/locks/locks.h"
#include "newer_syntax.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/sql/hazards.h"
#include <string.h>

void rh_statement_fill(rh_statement *statement, rh_hazard_context *context)
{
    rh_arena *arena = context->arena;
    rh_json *parsed = strlen(statement->sql) <= RH_PARSE_LIMIT ? rh_sql_parse(statement->sql, NULL) : NULL;
    rh_json *tree = rh_tree_executed(parsed);
    statement->redacted_sql = rh_sql_redact(statement->sql, arena);
    statement->prediction = (rh_prediction){.median_s = RH_NOT_MEASURED,
                                            .low_s = RH_NOT_MEASURED,
                                            .high_s = RH_NOT_MEASURED,
                                            .level = RH_NOT_MEASURED};
    rh_catalog *catalog = rh_hazards_catalog(context);
    rh_classify(statement, tree, arena);
    if (!tree && statement->class_ == RH_CLASS_UNCLASSIFIED && strlen(statement->sql) <= RH_PARSE_LIMIT)
        rh_describe_newer(statement, catalog, arena);
    catalog->search_path = rh_session_search_path(&context->session);
    rh_expect_locks(statement, tree, catalog, arena);
    rh_hazards_of_statement(context, statement, tree);
    rh_hazards_unknown_work(context, statement, tree);
    statement->works_long = rh_hazards_works_long(catalog, statement, tree);
    statement->class_expected = statement->class_;
    if (!context->is_down)
        rh_catalog_learn_migration(catalog, statement->sql, tree);
    rh_session_follow(&context->session, tree);
    rh_json_free(parsed);
}
