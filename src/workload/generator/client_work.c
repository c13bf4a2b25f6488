/* What a load client does for an arrival: its statements, tries after a failure, and what it cleans up. */
#include "client_work.h"
#include "generator.h"
#include "pgrehearse/base/text.h"
#include <string.h>

enum { MAX_ATTEMPTS = 4 /* an application's first try and three more */ };
/* Before the second try, doubled before each later one; the pause is between a half and the whole of it. */
static const rh_usec RETRY_AFTER = RH_SECOND / 20;

/* Failures that a well-behaved application answers by trying again: serialization, deadlock, lock timeout. */
static bool is_retryable(const char *sqlstate)
{
    return strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0 || strcmp(sqlstate, "55P03") == 0;
}

static const rh_template *template_of(const load_client *client)
{
    return &client->generator->mix->templates[client->work.arrival.template_index];
}

void rh_client_record_error(load_client *client, const char *name, const char *sqlstate)
{
    const char *message = client->pg ? rh_pg_failure(client->pg) : NULL;
    const bool before =
        rh_client_is_busy(client) && rh_measures_slot_kind(client->work.slot) == RH_WINDOW_BEFORE;
    rh_measures_error(client->generator->measures, name, sqlstate, message ? message : "", before);
    rh_generator_cancelled(client->generator, client, name, sqlstate, message ? message : "");
}

void rh_client_fail_work(load_client *client, const char *sqlstate)
{
    bool ours = client->generator->phase == LOAD_CANCELLING;
    if (!ours)
        rh_client_record_error(client, template_of(client)->name, sqlstate);
    rh_generator_work_ended(client->generator, &client->work, ours ? RH_REQUEST_DROPPED : RH_REQUEST_ERROR,
                            client->sent);
}

/* Sends client->statement, or first its PREPARE. */
static void send_statement(load_client *client)
{
    const rh_template *template_ = template_of(client);
    const load_statement *statement = &client->generator->statements[client->statement];
    if (!client->prepared[client->statement]) {
        client->state = LOAD_CLIENT_PREPARING;
        rh_client_sent(client, rh_pg_send_prepare(client->pg, statement->name, statement->sql));
        return;
    }
    client->state = LOAD_CLIENT_RUNNING;
    client->sent_at = rh_clock_monotonic();
    rh_generator_wake_later(client->generator, client);
    size_t count = template_->parameter_count;
    const char *const *values = count > 0 ? template_->values[client->work.arrival.value_row] : NULL;
    if (template_->script) {
        count = client->run.step->parameter_count;
        values = client->run.parameters;
    }
    rh_client_sent(client, rh_pg_send_prepared(client->pg, statement->name, count, values));
}

/* The work is over; a transaction that it left open is not. */
static void clean_up(load_client *client)
{
    if (rh_pg_transaction_state(client->pg) == 'I') {
        rh_client_become_free(client);
        return;
    }
    client->state = LOAD_CLIENT_CLEANING;
    rh_client_sent(client, rh_pg_send(client->pg, "ROLLBACK"));
}

void rh_client_fail_script(load_client *client, const char *why)
{
    bool ours = client->generator->phase == LOAD_CANCELLING;
    if (!ours)
        rh_measures_error(client->generator->measures, template_of(client)->name, "", why,
                          rh_measures_slot_kind(client->work.slot) == RH_WINDOW_BEFORE);
    rh_generator_work_ended(client->generator, &client->work, ours ? RH_REQUEST_DROPPED : RH_REQUEST_ERROR,
                            client->sent);
    client->stale_after = false;
    clean_up(client);
}

void rh_client_continue_work(load_client *client)
{
    if (client->generator->phase == LOAD_CANCELLING) {
        rh_client_fail_script(client, "");
        return;
    }
    switch (rh_pgbench_script_next(&client->run)) {
    case RH_SCRIPT_SEND:
        client->statement = client->generator->first_statement[client->work.arrival.template_index] +
                            client->run.step->command;
        send_statement(client);
        break;
    case RH_SCRIPT_PAUSE:
        client->state = LOAD_CLIENT_SLEEPING;
        client->wake_at = rh_clock_monotonic() + client->run.sleep;
        rh_generator_wake_later(client->generator, client);
        break;
    case RH_SCRIPT_ENDED:
        rh_generator_work_ended(client->generator, &client->work, RH_REQUEST_DONE, client->sent);
        client->stale_after = false;
        clean_up(client);
        break;
    case RH_SCRIPT_FAILED:
        rh_client_fail_script(client, client->run.failure);
        break;
    }
}

void rh_client_send_work(load_client *client)
{
    rh_generator *generator = client->generator;
    const rh_template *template_ = template_of(client);
    client->attempts++;
    client->statement = generator->first_statement[client->work.arrival.template_index];
    if (!template_->script) {
        send_statement(client);
        return;
    }
    rh_pgbench_script_begin(
        &client->run, template_->script, generator->mix->scale, client - generator->clients,
        generator->seed ^ ((uint64_t)client->work.arrival.intended * UINT64_C(0x9e3779b97f4a7c15)));
    rh_client_continue_work(client);
}

void rh_client_run(load_client *client, load_work work)
{
    client->work = work;
    client->attempts = 0;
    client->sent = rh_generator_now(client->generator);
    rh_client_send_work(client);
}

void rh_client_become_free(load_client *client)
{
    client->state = LOAD_CLIENT_IDLE;
    rh_generator_client_free(client->generator, client);
}

/* A plan that DDL made useless is thrown away. */
static void deallocate(load_client *client)
{
    rh_text sql = {0};
    rh_text_printf(&sql, "DEALLOCATE %s", client->generator->statements[client->stale].name);
    client->state = LOAD_CLIENT_DEALLOCATING;
    client->stale_after = false;
    rh_client_sent(client, rh_pg_send(client->pg, sql.data));
    rh_text_release(&sql);
}

/* Two sessions of a deadlock do not begin again at the same moment: as applications do, each waits for a time
 * of its own, longer each time. */
static void back_off(load_client *client)
{
    rh_random random;
    rh_random_seed(&random, client->generator->seed ^ (uint64_t)client->work.arrival.intended ^
                                (uint64_t)client->attempts << 56);
    double most = (double)(RETRY_AFTER << (client->attempts - 1));
    client->state = LOAD_CLIENT_BACKING_OFF;
    client->wake_at = rh_clock_monotonic() + (rh_usec)(most * (0.5 + rh_random_uniform(&random) / 2));
    rh_generator_wake_later(client->generator, client);
}

static void try_again(load_client *client, const char *sqlstate)
{
    rh_client_record_error(client, template_of(client)->name, sqlstate);
    rh_measures_retry(client->generator->measures, client->work.slot);
    if (rh_pg_transaction_state(client->pg) == 'I') {
        back_off(client);
        return;
    }
    client->state = LOAD_CLIENT_RESTARTING;
    rh_client_sent(client, rh_pg_send(client->pg, "ROLLBACK"));
}

void rh_client_on_failed(load_client *client, const char *sqlstate)
{
    bool running = client->state == LOAD_CLIENT_RUNNING;
    bool again = running && is_retryable(sqlstate) && client->attempts < MAX_ATTEMPTS &&
                 client->generator->phase != LOAD_CANCELLING;
    if (again) {
        try_again(client, sqlstate);
        return;
    }
    client->stale = client->statement;
    client->stale_after = running && strcmp(sqlstate, "0A000") == 0;
    if (strcmp(sqlstate, "26000") == 0)
        client->prepared[client->statement] = false;
    rh_client_fail_work(client, sqlstate);
    if (client->stale_after && rh_pg_transaction_state(client->pg) == 'I')
        deallocate(client);
    else
        clean_up(client);
}

void rh_client_on_done(load_client *client)
{
    switch (client->state) {
    case LOAD_CLIENT_RUNNING:
        if (template_of(client)->script) {
            rh_client_continue_work(client);
            break;
        }
        rh_generator_work_ended(client->generator, &client->work, RH_REQUEST_DONE, client->sent);
        rh_client_become_free(client);
        break;
    case LOAD_CLIENT_PREPARING:
        client->prepared[client->statement] = true;
        send_statement(client);
        break;
    case LOAD_CLIENT_RESTARTING:
        back_off(client);
        break;
    case LOAD_CLIENT_CLEANING:
        if (client->stale_after)
            deallocate(client);
        else
            rh_client_become_free(client);
        break;
    case LOAD_CLIENT_DEALLOCATING:
        client->prepared[client->stale] = false;
        rh_client_become_free(client);
        break;
    case LOAD_CLIENT_IDLE: /* a parameter's new value or the like */
    case LOAD_CLIENT_SLEEPING:
    case LOAD_CLIENT_BACKING_OFF:
    case LOAD_CLIENT_CONNECTING:
    case LOAD_CLIENT_WAITING:
    case LOAD_CLIENT_CLOSED:
        break;
    }
}
