/* Private to sql/: statements with syntax newer than the parser's. */
#pragma once
#include "pgrehearse/sql/catalog.h"
#include "pgrehearse/model/statement.h"

/* Sets parse_error of STATEMENT, which does not parse: the version that its syntax needs, where its words
 * tell. An ALTER TABLE is expected to take the strongest lock of all on its table, and needs to be looked at.
 */
void rh_describe_newer(rh_statement *statement, const rh_catalog *catalog, rh_arena *arena);
