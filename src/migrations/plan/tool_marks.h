/* Internal to migrations/: recognises another tool's files by a file beside them or by a comment in them.
 * */
#pragma once
#include "migrations/frameworks/frameworks.h"
#include "other_tools.h"
#include "pgrehearse/model/scenario.h"

typedef struct rh_tool_mark {
    const char *tool; /* NULL: of no known tool, but it separates an up migration from a down migration */
    const char *text; /* as in the file */
    int line;
    bool both_directions; /* the down migration follows it */
} rh_tool_mark;

/* The mark in TEXT, that of its down migration rather than another; false: none. Comments only: a mark in a
 * string or a function's body is none. Strings in ARENA. */
bool rh_marks_in_text(const char *text, rh_arena *arena, rh_tool_mark *mark);
/* Refuses LIST, of which RULES would make the migrations, when it carries another tool's mark. */
bool rh_marks_check(const rh_scenario *scenario, const rh_framework_rules *rules,
                    const rh_migration_files *list, rh_arena *arena, rh_error *error);
/* Refuses a plain SQL file that contains a down migration as well. */
bool rh_marks_check_direction(const char *path, const char *text, rh_error *error);
