#include "contention.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/observe/observe.h"
#include "pgrehearse/workload/workload.h"
#include <math.h>
#include <string.h>

/* A statement of the load as the account shows it, and the template that it belongs to. */
typedef struct known_statement {
    const char *shown, *template_name;
} known_statement;

typedef struct vocabulary {
    rh_arena *arena;
    known_statement *statements;
    size_t count;
} vocabulary;

static void learn(vocabulary *words, const char *sql, const char *template_name)
{
    known_statement *statement = rh_arena_add(words->arena, &words->statements, &words->count);
    *statement = (known_statement){rh_sql_redact(sql, words->arena), template_name};
}

static vocabulary learn_mix(const rh_run *run)
{
    vocabulary words = {.arena = run->arena};
    for (size_t t = 0; t < run->load.mix.template_count; t++) {
        const rh_template *template_ = &run->load.mix.templates[t];
        const char *sql;
        for (size_t i = 0; (sql = rh_template_statement(template_, i)); i++)
            learn(&words, sql, template_->name);
    }
    return words;
}

/* The template of a query, also when a state follows it in brackets (then REST is that); else NULL. */
static const char *template_of(const vocabulary *words, const char *query, const char **rest)
{
    static const char state[] = " (idle in transaction";
    *rest = "";
    for (size_t i = 0; query && i < words->count; i++) {
        size_t length = strlen(words->statements[i].shown);
        if (strncmp(query, words->statements[i].shown, length) != 0)
            continue;
        if (query[length] && strncmp(query + length, state, strlen(state)) != 0)
            continue;
        *rest = query + length;
        return words->statements[i].template_name;
    }
    return NULL;
}

/* The same name, or the template's. */
static const char *translate(const vocabulary *words, const char *name)
{
    const char *rest, *template_name = template_of(words, name, &rest);
    if (!template_name)
        return name;
    return *rest ? rh_arena_printf(words->arena, "%s%s", template_name, rest) : template_name;
}

void rh_contention_name_templates(const rh_run *run, rh_contention *contention)
{
    vocabulary words = learn_mix(run);
    const char *rest;
    for (size_t i = 0; i < contention->wait_count; i++) {
        rh_wait *wait = &contention->waits[i];
        wait->template_name = wait->waiter_is_migration ? NULL : template_of(&words, wait->waiter, &rest);
        if (wait->template_name)
            wait->waiter = wait->template_name;
        wait->blocker = translate(&words, wait->blocker);
        for (size_t k = 0; k < wait->chain_count; k++)
            if (!wait->chain[k].is_migration)
                wait->chain[k].name = translate(&words, wait->chain[k].name);
    }
    for (size_t i = 0; i < contention->deadlock_count; i++)
        for (size_t k = 0; k < contention->deadlocks[i].side_count; k++) {
            rh_deadlock_side *side = &contention->deadlocks[i].sides[k];
            if (!side->name && !side->is_migration)
                side->name = template_of(&words, side->statement, &rest);
        }
}

/* Which statement of the pass ran at AT (monotonic); NULL: none. */
static const rh_statement *running_at(const rh_run *run, rh_pass_kind pass, rh_usec at,
                                      const char **migration)
{
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        const rh_script *up = &run->plan.migrations[m].up;
        for (size_t s = 0; s < up->statement_count; s++)
            for (size_t r = 0; r < up->statements[s].run_count; r++) {
                const rh_statement_run *ran = &up->statements[s].runs[r];
                if (ran->pass != pass || ran->started > at ||
                    rh_seconds(at - ran->started) > (isnan(ran->elapsed_s) ? 0 : ran->elapsed_s))
                    continue;
                *migration = run->plan.migrations[m].id;
                return &up->statements[s];
            }
    }
    return NULL;
}

void rh_contention_add_cancelled(const rh_run *run, rh_pass_kind pass, rh_usec began,
                                 rh_contention *contention)
{
    for (size_t i = 0; i < run->load.cancelled_count; i++) {
        const rh_load_cancelled *from = &run->load.cancelled[i];
        rh_cancellation event = {.at_s = rh_seconds(from->at - began),
                                 .pid = from->pid,
                                 .who = from->template_name,
                                 .sqlstate = from->sqlstate,
                                 .message = from->message};
        const rh_statement *statement = running_at(run, pass, from->at, &event.migration);
        event.statement = statement ? statement->ordinal : 0;
        rh_cancelled_add(&event, run->arena, contention);
    }
}
