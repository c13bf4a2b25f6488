/* Does it matter to a migration in which order a table has its columns? */
#pragma once
#include "pgrehearse/model/migration.h"

/* By the text of its statements, up and down: a "*" of a target list, an INSERT or a COPY without a list of
 * columns, or code that is run at once (DO, CALL) and may have one. What a function in the database does is
 * not looked at. */
bool rh_depends_on_column_order(const rh_migration *migration);
