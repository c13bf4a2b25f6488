/* One migration, statement by statement, in the transactions that its framework would make.
 *
 * A file under RH_TRANSACTION_OWN is one simple query for the tool. The server then (exec_simple_query,
 * xact.c) parses all of it first, runs two or more statements in an implicit transaction block, turns that
 * into a regular one at the file's own BEGIN, ends it at COMMIT or ROLLBACK, and commits at the end. Here
 * every statement is sent by itself to be timed, so these rules are kept by BEGIN and COMMIT of ours, which
 * count for the migration's time and for no statement's.
 */
#include "migrations/frameworks/frameworks.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/replay.h"
#include "pgrehearse/sql/classify.h"
#include "prepared.h"
#include <stdlib.h>
#include <string.h>

typedef struct replay {
    rh_pg *pg;
    const rh_plan *plan;
    const rh_migration *migration;
    const rh_script *script;
    const rh_replay_options *options;
    const rh_framework_rules *rules;
    rh_arena *arena, *scratch;
    rh_attempt attempt;
    bool ended;    /* all but the row of the history is committed */
    bool tool;     /* in the tool's transaction around the file */
    bool implicit; /* in a block that our own BEGIN opened in place of the server's implicit one */
    const rh_statement *begin; /* the file's BEGIN that is open; NULL */
    const rh_statement *at;    /* the statement under way, */
    size_t at_grouped;         /* and which of those after it, from 1; 0: itself */
    rh_statement_run **open;   /* runs of the transaction under way */
    size_t open_count;
    rh_usec hook_time; /* spent in hooks: not the migration's */
} replay;

/* ---- hooks ---- */

static bool is_hooked(rh_transaction_verb verb)
{
    return verb == RH_VERB_NONE || verb == RH_VERB_END || verb == RH_VERB_CHAIN;
}

static void call_before(replay *r, const rh_statement *statement, rh_statement_run *run)
{
    const rh_replay_hooks *hooks = r->options->hooks;
    rh_usec from = rh_clock_monotonic();
    if (hooks && hooks->before)
        hooks->before(hooks->user, r->pg, r->migration, statement, run);
    r->hook_time += rh_clock_monotonic() - from;
}

static void call_after(replay *r, const rh_statement *statement, rh_statement_run *run, bool ok)
{
    const rh_replay_hooks *hooks = r->options->hooks;
    rh_usec from = rh_clock_monotonic();
    if (hooks && hooks->after)
        hooks->after(hooks->user, r->pg, r->migration, statement, run, ok);
    r->hook_time += rh_clock_monotonic() - from;
}

static void transaction_ended(replay *r, rh_usec ended)
{
    const rh_replay_hooks *hooks = r->options->hooks;
    rh_usec from = rh_clock_monotonic();
    if (hooks && hooks->transaction_end && r->open_count > 0)
        hooks->transaction_end(hooks->user, r->migration, r->open, r->open_count, ended);
    r->hook_time += rh_clock_monotonic() - from;
    r->open = NULL;
    r->open_count = 0;
}

/* ---- runs ---- */

static rh_statement_run *new_run(replay *r, size_t index)
{
    rh_statement_run *run = rh_arena_alloc(r->options->record ? r->arena : r->scratch, sizeof *run);
    if (r->options->record)
        *rh_arena_add(r->arena, &r->attempt.statements, &r->attempt.statement_count) =
            (rh_attempted_statement){.index = index, .run = run};
    *run = rh_statement_run_unmeasured(r->options->pass, r->options->repeat, r->options->scale);
    *rh_arena_add(r->scratch, &r->open, &r->open_count) = run;
    return run;
}

/* The statement, and those grouped with it. */
static bool send(replay *r, const rh_statement *statement, rh_pg_timing *timing, rh_error *error)
{
    bool ok = rh_pg_timed(r->pg, statement->sql, r->options->statement_timeout, timing, error);
    for (size_t i = 0; ok && i < statement->grouped_count; i++) {
        rh_pg_timing one;
        r->at_grouped = i + 1;
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
        ok = rh_pg_timed(r->pg, statement->grouped[i].sql, r->options->statement_timeout, &one, error);
        timing->ended = one.ended;
        timing->rows += one.rows > 0 ? one.rows : 0;
    }
    return ok;
}

static bool run_statement(replay *r, size_t index, rh_transaction_verb verb, rh_error *error)
{
    const rh_statement *statement = &r->script->statements[index];
    rh_statement_run *run = new_run(r, index);
    if (is_hooked(verb))
        call_before(r, statement, run);
    rh_pg_timing timing;
    bool ok = send(r, statement, &timing, error);
    run->started = timing.started;
    run->elapsed_s = rh_seconds(timing.ended - timing.started);
    run->rows = timing.rows;
    run->command_tag = rh_arena_strdup(r->arena, timing.command_tag);
    if (is_hooked(verb))
        call_after(r, statement, run, ok);
    if (rh_pg_transaction_state(r->pg) == 'I' || (ok && verb == RH_VERB_CHAIN))
        transaction_ended(r, timing.ended);
    if (!ok && r->options->record)
        r->attempt.statement_count--; /* no measurement */
    return ok;
}

/* ---- transactions ---- */

/* Do the statements share implicit transactions, being one query? Within the tool's own transaction that
 * matters once the file has ended it. */
static bool is_own(const replay *r)
{
    return (r->script->rule == RH_TRANSACTION_OWN && r->script->statement_count > 1) ||
           (r->script->rule == RH_TRANSACTION_ONE && r->rules->one_query);
}

/* A transaction command of pgrehearse, under the same limit as the user's statements (COMMIT runs deferred
 * triggers). */
static bool run_own_command(replay *r, const char *sql, rh_error *error)
{
    rh_pg_timing timing;
    bool ok = rh_pg_timed(r->pg, sql, r->options->statement_timeout, &timing, error);
    if (rh_pg_transaction_state(r->pg) == 'I')
        transaction_ended(r, timing.ended);
    return ok;
}

static bool open_tool_transaction(replay *r, rh_error *error)
{
    if (r->script->rule != RH_TRANSACTION_ONE)
        return true;
    r->tool = run_own_command(r, "BEGIN", error);
    return r->tool;
}

/* In the implicit block of a simple query these fail, though in the regular one that replaces it they
 * would not. */
static bool refuse_in_implicit_block(const replay *r, const rh_statement *statement, rh_transaction_verb verb,
                                     rh_error *error)
{
    if (r->begin || r->tool || (verb != RH_VERB_SAVEPOINT && verb != RH_VERB_CHAIN))
        return true;
    rh_error_set(error, RH_ERROR_SQL, "%s can only be used in transaction blocks", statement->redacted_sql);
    rh_error_sqlstate(error, "25P01");
    rh_error_hint(error, "%s sends the file as one query without a BEGIN: write BEGIN and COMMIT around it.",
                  r->plan->framework_name);
    return rh_error_at(error, NULL, 1, 1);
}

/* Before STATEMENT is sent: the block that the server would have open by now. */
static bool open_block(replay *r, const rh_statement *statement, rh_transaction_verb verb, rh_error *error)
{
    if (r->rules->begins_again && !r->tool && rh_pg_transaction_state(r->pg) == 'I')
        return open_tool_transaction(r, error);
    if (!is_own(r))
        return true;
    if (!refuse_in_implicit_block(r, statement, verb, error))
        return false;
    if (rh_pg_transaction_state(r->pg) != 'I' || verb == RH_VERB_BEGIN || verb == RH_VERB_END)
        return true;
    r->implicit = run_own_command(r, "BEGIN", error);
    return r->implicit;
}

static void follow_verb(replay *r, const rh_statement *statement, rh_transaction_verb verb)
{
    if (verb == RH_VERB_BEGIN) {
        r->implicit = false;
        if (!r->begin)
            r->begin = statement;
    } else if (verb == RH_VERB_END) {
        r->implicit = false;
        r->tool = false;
        r->begin = NULL;
    }
}

/* The end of the file: the implicit block commits; one that the file began and left open is lost with every
 * tool. */
static bool close_block(replay *r, rh_error *error)
{
    if (r->tool || rh_pg_transaction_state(r->pg) == 'I')
        return true;
    if (r->implicit)
        return run_own_command(r, "COMMIT", error) ||
               rh_error_context(error, "at the end of the file, where its statements are committed");
    r->at = r->begin;
    rh_error_set(error, RH_ERROR_MIGRATION,
                 "the file begins a transaction and does not end it: it would be rolled back");
    return rh_error_hint(error, "Add COMMIT at the end of the file.");
}

/* The server parses a simple query as a whole before it runs the first statement, so a syntax error further
 * down stops all of it. What libpg_query does not know is shown to the server, followed by a second
 * statement: PREPARE of two is refused (without a place) after both have been parsed. */
static bool check_syntax(replay *r, rh_error *error)
{
    for (size_t i = 0; is_own(r) && i < r->script->statement_count; i++) {
        const rh_statement *statement = &r->script->statements[i];
        if (statement->class_expected != RH_CLASS_UNCLASSIFIED)
            continue;
        rh_error answer = {0};
        const char *none[] = {NULL};
        char *sql = rh_arena_printf(r->scratch, "%s\n;select 1", statement->sql);
        rh_pg_result_free(rh_pg_query(r->pg, sql, 1, none, &answer));
        bool wrong = answer.code == RH_ERROR_SQL && strcmp(answer.sqlstate, "42601") == 0 && answer.line > 0;
        if (wrong || (answer.code != RH_OK && answer.code != RH_ERROR_SQL)) {
            r->at = statement;
            if (error && !rh_error_is_set(error))
                rh_error_move(error, &answer);
        }
        rh_error_release(&answer);
        if (r->at)
            return false;
    }
    return true;
}

/* The tool's COMMIT, after it has written its history. */
static bool close_tool_transaction(replay *r, rh_error *error)
{
    if (r->script->rule != RH_TRANSACTION_ONE)
        return true;
    if (rh_pg_transaction_state(r->pg) != 'I')
        return run_own_command(r, "COMMIT", error) ||
               rh_error_context(error, "at the end of the file, where its statements are committed");
    if (!r->rules->commit_is_checked)
        return true;
    rh_error_set(error, RH_ERROR_MIGRATION,
                 "the file ended %s's own transaction: the tool stops here, though all of it is committed",
                 r->rules->name);
    return rh_error_hint(error, "Take COMMIT out of the file, or run it without the tool's transaction.");
}

static bool run_script(replay *r, rh_error *error)
{
    for (size_t i = 0; i < r->script->statement_count; i++) {
        const rh_statement *statement = &r->script->statements[i];
        r->at = statement;
        r->at_grouped = 0;
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
        rh_transaction_verb verb = rh_transaction_verb_of(statement->sql);
        if (!open_block(r, statement, verb, error) || !run_statement(r, i, verb, error))
            return false;
        follow_verb(r, statement, verb);
    }
    return close_block(r, error);
}

/* ---- failure ---- */

static void roll_back(replay *r)
{
    rh_interrupt_hold();
    char state = rh_pg_transaction_state(r->pg);
    if (state == 'T' || state == 'E')
        rh_pg_execute(r->pg, "ROLLBACK", NULL);
    transaction_ended(r, rh_clock_monotonic());
    rh_interrupt_release();
}

/* From the place in the statement to the place in the file. */
static void place_failure(const replay *r, rh_error *error)
{
    int line = 0, column = 0;
    if (r->at) {
        const rh_grouped_statement *grouped = r->at_grouped ? &r->at->grouped[r->at_grouped - 1] : NULL;
        line = (grouped ? grouped->line : r->at->line) + (error->line > 1 ? error->line - 1 : 0);
        column = error->line > 1 ? error->column
                                 : (grouped ? grouped->column : r->at->column) +
                                       (error->column > 1 ? error->column - 1 : 0);
    }
    const char *direction = r->options->direction == RH_DOWN ? " (down)"
                            : r->options->again              ? " (up again)"
                                                             : "";
    if (r->at)
        rh_error_context(error, "migration %s%s, statement %d", r->migration->id, direction, r->at->ordinal);
    else
        rh_error_context(error, "migration %s%s", r->migration->id, direction);
    rh_error_at(error, r->at && r->at->file ? r->at->file : r->script->file, line, column);
}

static void fail(replay *r, rh_error *error)
{
    roll_back(r);
    if (r->rules->failed && !r->ended && error->code != RH_ERROR_INTERRUPTED &&
        rh_pg_transaction_state(r->pg) == 'I')
        r->rules->failed(r->pg, r->plan, r->migration, r->options->direction);
    if (strcmp(error->sqlstate, "42601") == 0)
        rh_sql_redact_message(error->message);
    if (error->code == RH_ERROR_SQL)
        error->code = RH_ERROR_MIGRATION;
    if (error->code == RH_ERROR_TIMEOUT && !error->hint)
        rh_error_hint(error,
                      "migrations.statement_timeout is the limit; raise it, or make the statement shorter.");
    if (rh_starts_with(error->message, "could not execute command") && !error->hint)
        rh_error_hint(error,
                      "The private cluster may not start programs: COPY … PROGRAM does not work there.");
    place_failure(r, error);
    r->attempt.failed_statement = r->at ? r->at->ordinal : 0;
    if (error->code == RH_ERROR_INTERRUPTED)
        return;
    r->attempt.outcome = RH_OUTCOME_FAILED;
    r->attempt.failure = rh_failure_of_error(error, r->arena);
}

/* ---- the whole ---- */

static bool replay_file(replay *r, rh_error *error)
{
    const rh_framework_rules *rules = r->rules;
    const rh_direction direction = r->options->direction;
    if (rh_pg_transaction_state(r->pg) == '?')
        return rh_error_set(error, RH_ERROR_LOST, "the connection to the server is gone");
    if (rules->session_a_file && !rh_history_new_session(r->pg, error))
        return false;
    if (!rh_history_ensure(r->pg, r->plan, rules, error))
        return false;
    if (rules->begin && !rules->begin(r->pg, r->plan, r->migration, direction, error))
        return false;
    if (!check_syntax(r, error) || !open_tool_transaction(r, error) || !run_script(r, error))
        return false;
    r->at = NULL;
    const bool apart = rules->history_apart && rules->history_apart(r->plan);
    if (apart && !close_tool_transaction(r, error))
        return false;
    r->ended = apart;
    return (!rules->end || rules->end(r->pg, r->plan, r->migration, direction, error)) &&
           (apart || close_tool_transaction(r, error));
}

rh_attempt rh_replay(rh_pg *pg, const rh_plan *plan, const rh_migration *migration,
                     const rh_replay_options *options, rh_arena *arena, rh_error *error)
{
    replay r = {
        .pg = pg,
        .plan = plan,
        .migration = migration,
        .script = options->direction == RH_UP ? &migration->up : &migration->down,
        .options = options,
        .rules = rh_framework_rules_of(plan->framework),
        .arena = arena,
        .scratch = rh_arena_new(),
        .attempt = {.migration = migration, .direction = options->direction},
    };
    rh_error problem = {0};
    rh_prepared_watch prepared;
    rh_prepared_watch_begin(&prepared, pg, plan, arena);
    rh_usec started = rh_clock_monotonic();
    if (replay_file(&r, &problem))
        r.attempt.outcome = RH_OUTCOME_OK;
    else
        fail(&r, &problem);
    r.attempt.elapsed_s = rh_seconds(rh_clock_monotonic() - started - r.hook_time);
    rh_prepared_watch_end(&prepared);
    if (rh_error_is_set(&problem) && error && !rh_error_is_set(error))
        rh_error_move(error, &problem);
    rh_error_release(&problem);
    rh_arena_free(r.scratch);
    return r.attempt;
}
