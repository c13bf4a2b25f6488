#include "newer_syntax.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/adapters/sql_parser.h"
#include <string.h>

/* The server parses without executing: what it does not know is an error of syntax, what the statement names
 * need not exist. */
static void judge(const rh_run *run, rh_pg *pg, rh_statement *statement)
{
    const int here = rh_pg_server_version(pg) / 10000;
    rh_error refused = {0};
    if (rh_pg_prepare(pg, "", statement->sql, &refused) || refused.code == RH_ERROR_SQL) {
        if (strcmp(refused.sqlstate, "42601") == 0)
            statement->parse_error =
                rh_arena_printf(run->arena, "a syntax error: PostgreSQL %d refuses it as well", here);
        else
            statement->parse_error = rh_arena_printf(
                run->arena,
                "newer syntax: PostgreSQL %d knows it, the parser is that of PostgreSQL %d, so its class, locks "
                "and hazards are not known from the text",
                here, rh_sql_parser_version());
    }
    rh_error_release(&refused);
}

static void judge_script(const rh_run *run, const rh_staging *staging, rh_pg **pg, rh_script *script)
{
    for (size_t i = 0; i < script->statement_count; i++) {
        if (!script->statements[i].parse_error)
            continue;
        *pg = *pg ? *pg : rh_pg_connect(rh_staging_conninfo(staging), ": plan", NULL);
        if (*pg)
            judge(run, *pg, &script->statements[i]);
    }
}

void rh_newer_syntax_judge(rh_run *run, const rh_staging *staging)
{
    rh_pg *pg = NULL;
    for (size_t i = 0; i < run->plan.migration_count; i++) {
        rh_migration *migration = &run->plan.migrations[i];
        if (!migration->pending)
            continue;
        judge_script(run, staging, &pg, &migration->up);
        judge_script(run, staging, &pg, &migration->down);
        for (size_t k = 0; k < migration->up.statement_count; k++)
            if (migration->up.statements[k].parse_error)
                rh_run_not_measured(run, RH_UNMEASURED_STATEMENT_HAZARDS,
                                    "hazards by the text of migration %s, statement %d: %s", migration->id,
                                    migration->up.statements[k].ordinal,
                                    migration->up.statements[k].parse_error);
    }
    rh_pg_close(pg);
}
