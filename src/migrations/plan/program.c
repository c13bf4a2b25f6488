/* A migration program: one migration, whose statements are known after it has run. */
#include "program.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/sql/hazards.h"
#include "script.h"
#include <stdlib.h>
#include <string.h>

/* The words of a command line, for people. */
static const char *words(const char *const *argv, rh_arena *arena)
{
    const char *line = argv[0];
    for (size_t i = 1; argv[i]; i++)
        line = rh_arena_printf(arena, "%s %s", line, argv[i]);
    char *shown = rh_redact_passwords(line);
    line = rh_arena_strdup(arena, shown);
    free(shown);
    return line;
}

void rh_program_detect(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan)
{
    plan->framework = RH_FRAMEWORK_COMMAND;
    plan->framework_name = "command";
    plan->framework_reason = rh_arena_printf(arena, "the scenario names a program, %s",
                                             rh_base_name(scenario->migrations.command[0]));
}

static void fill(rh_migration *migration, const char *const *command, const char *const *down,
                 const rh_location *where, rh_arena *arena)
{
    *migration = (rh_migration){.id = rh_base_name(command[0]),
                                .name = command[1] ? words(command + 1, arena) : "",
                                .pending = true,
                                .command = command,
                                .down_command = down,
                                .where = *where,
                                .has_down = down != NULL};
    migration->up.rule = migration->down.rule = RH_TRANSACTION_EACH;
    migration->rollback.has_down = migration->has_down;
    migration->rollback.down_s = migration->rollback.reapply_s = RH_NOT_MEASURED;
    migration->rollback.schema_restored = -1;
}

void rh_program_plan(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan)
{
    plan->migrations = rh_arena_alloc(arena, sizeof *plan->migrations);
    fill(plan->migrations, (const char *const *)scenario->migrations.command,
         (const char *const *)scenario->migrations.down, &scenario->migrations.where, arena);
    plan->migration_count = 1;
}

/* Reports and --only identify migrations by id. */
static const char *unique_id(const rh_plan *plan, const char *name, rh_arena *arena)
{
    const char *id = name;
    int number = 1;
    for (size_t i = 0; i < plan->migration_count; i++)
        if (strcmp(plan->migrations[i].id, id) == 0) {
            id = rh_arena_printf(arena, "%s-%d", name, ++number);
            i = SIZE_MAX;
        }
    return id;
}

void rh_program_insert(const rh_migration_step *step, size_t at, rh_arena *arena, rh_plan *plan)
{
    rh_migration program;
    fill(&program, (const char *const *)step->command, (const char *const *)step->down, &step->where, arena);
    program.id = unique_id(plan, program.id, arena);
    rh_migration *migrations = rh_arena_alloc(arena, (plan->migration_count + 1) * sizeof *migrations);
    memcpy(migrations, plan->migrations, at * sizeof *migrations);
    migrations[at] = program;
    memcpy(migrations + at + 1, plan->migrations + at, (plan->migration_count - at) * sizeof *migrations);
    plan->migrations = migrations;
    plan->migration_count++;
}

/* Several statements in one message share one duration: their class is that of the heaviest, and they have
 * the hazards of all. */
static void fill_several(rh_statement *statement, const rh_sql_span *spans, size_t count,
                         rh_hazard_context *context)
{
    static const int weights[RH_CLASS_COUNT] = {
        [RH_CLASS_TRANSACTION] = 1,       [RH_CLASS_QUERY] = 2,        [RH_CLASS_CATALOG] = 3,
        [RH_CLASS_PROCEDURE] = 4,         [RH_CLASS_DATA_CHANGE] = 5,  [RH_CLASS_MAINTENANCE] = 6,
        [RH_CLASS_VALIDATION] = 7,        [RH_CLASS_HEAP_SCAN] = 8,    [RH_CLASS_FOREIGN_KEY] = 9,
        [RH_CLASS_INDEX_CONCURRENT] = 10, [RH_CLASS_INDEX_BUILD] = 11, [RH_CLASS_REWRITE] = 12,
        [RH_CLASS_BACKFILL_BATCH] = 5,
    };
    rh_statement heaviest = {0}, whole = *statement;
    rh_hazard *hazards = NULL;
    size_t hazard_count = 0;
    for (size_t i = 0; i < count; i++) {
        rh_statement part = {
            .sql = rh_arena_strndup(context->arena, statement->sql + spans[i].offset, spans[i].length)};
        rh_statement_fill(&part, context);
        for (size_t h = 0; h < part.hazard_count; h++)
            *rh_arena_add(context->arena, &hazards, &hazard_count) = part.hazards[h];
        if (i == 0 || weights[part.class_] > weights[heaviest.class_])
            heaviest = part;
    }
    *statement = heaviest;
    statement->ordinal = whole.ordinal;
    statement->sql = whole.sql;
    statement->redacted_sql = rh_sql_redact(whole.sql, context->arena);
    statement->hazards = hazards;
    statement->hazard_count = hazard_count;
}

void rh_program_describe(rh_script *script, size_t from, rh_arena *arena)
{
    rh_hazard_context context = {.arena = arena};
    for (size_t i = 0; i < script->statement_count; i++) {
        rh_statement known = script->statements[i], *statement = i < from ? &known : &script->statements[i];
        rh_arena *scratch = rh_arena_new();
        rh_sql_span *spans = NULL;
        size_t count = 0;
        if (i < from) { /* only its effect on the later ones is needed */
            known.hazards = NULL;
            known.hazard_count = 0;
        }
        if (rh_sql_split(statement->sql, NULL, scratch, &spans, &count, NULL) && count > 1)
            fill_several(statement, spans, count, &context);
        else
            rh_statement_fill(statement, &context);
        rh_arena_free(scratch);
    }
    const rh_session found = {.arena = arena};
    rh_hazards_of_script(&context, &found, script, from);
}
