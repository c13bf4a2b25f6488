/* Internal to migrations/: migration tools that are recognised by a table or a comment, but not supported
 * (those in frameworks/ are): they are refused with a hint. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/facts.h"
#include <stdbool.h>

typedef struct rh_tool {
    const char *name;      /* "sqlx" */
    const char *framework; /* the value of migrations.framework that reads its files; NULL: none does */
    const char
        *transaction; /* the value of migrations.transaction that runs its SQL files as it does; NULL: none */
    bool programs;    /* its migrations are programs, not SQL files */
    const char *looks_like; /* the framework whose files are named alike; NULL: plain SQL */
} rh_tool;

/* The tool called NAME; NULL: it is not known. */
const rh_tool *rh_tool_named(const char *name);
/* The tool whose history table TABLE is, by its name and columns; NULL: no known one's. */
const rh_tool *rh_tool_of_table(const rh_listed_table *table);
/* Does the name of TABLE alone say that it may be a history? */
bool rh_tool_may_be_history(const rh_listed_table *table);
/* What to write in the scenario for TOOL's migrations: one or two sentences, in ARENA. */
const char *rh_tool_advice(const rh_tool *tool, rh_arena *arena);
