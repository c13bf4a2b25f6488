/* The sampler against injected waits whose truth is known: lengths, chains of three, ten waiters on one
 * relation.
 *
 *   bench_locks CONNINFO [PEER_PID]
 *
 * CONNINFO: a database of a private cluster, not "postgres" (the sampler's waiter watch connects there).
 * PEER_PID: a process whose CPU is measured beside ours (pg_activity). When the server has pg_wait_sampling
 * its collector's CPU and its history are compared too. 50 more sessions are connected, which do 100 short
 * transactions a second in turn. */
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/observe/counters.h"
#include "pgrehearse/observe/sampler.h"
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKENDS = 50, WAITS_MAX = 400, OVERDUE_US = 2500, QUIET_S = 12 };

typedef struct injected {
    int pid, blockers[2]; /* 0 ends: the chain from the direct blocker */
    rh_usec began, ended; /* of the statement that waited */
    int group;            /* its row in the table */
} injected;

typedef struct bench {
    const char *conninfo;
    rh_sampler *sampler;
    bool hints; /* a client whose answer is overdue asks for a look, as the load generator does */
    rh_usec overhead;
    injected waits[WAITS_MAX];
    size_t count;
    rh_pg *holders[3], *waiters[10], *backends[BACKENDS];
    atomic_bool stop;
} bench;

static const char *const GROUPS[] = {"5 ms",    "20 ms",          "100 ms",
                                     "1000 ms", "chain of three", "ten on one relation"};

static void die(const char *what, const rh_error *error)
{
    fprintf(stderr, "%s: %s\n", what, error && error->message ? error->message : "failed");
    exit(1);
}

static rh_pg *connect_as(const bench *b, const char *role)
{
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(b->conninfo, role, &error);
    if (!pg)
        die("connecting", &error);
    return pg;
}

static void run(rh_pg *pg, const char *sql)
{
    rh_error error = {0};
    if (!rh_pg_execute(pg, sql, &error))
        die(sql, &error);
}

static void sleep_us(rh_usec us)
{
    rh_clock_sleep_until(rh_clock_monotonic() + us);
}

/* The other sessions, as an application's pool has them. */
static void *keep_busy(void *user)
{
    bench *b = user;
    for (size_t i = 0; !atomic_load(&b->stop); i++) {
        run(b->backends[i % BACKENDS], "SELECT count(*) FROM calm WHERE id = 7");
        sleep_us(RH_SECOND / 100);
    }
    return NULL;
}

/* ---- injecting ---- */

static injected *note(bench *b, rh_pg *pg, int group, int first, int second)
{
    injected *wait = &b->waits[b->count++];
    *wait = (injected){.pid = rh_pg_backend_pid(pg), .blockers = {first, second}, .group = group};
    return wait;
}

static void send(injected *wait, rh_pg *pg, const char *sql)
{
    wait->began = rh_clock_monotonic();
    if (!rh_pg_send(pg, sql) || !rh_pg_flush(pg))
        die(sql, NULL);
}

/* Waits for COUNT answers at once until UNTIL (0: for all), telling the sampler of overdue ones. */
static void await(bench *b, injected *waits, rh_pg *const *sessions, size_t count, rh_usec until)
{
    bool told = false;
    for (;;) {
        struct pollfd events[10];
        size_t open = 0;
        for (size_t i = 0; i < count; i++) {
            events[i] =
                (struct pollfd){.fd = waits[i].ended ? -1 : rh_pg_socket(sessions[i]), .events = POLLIN};
            open += !waits[i].ended;
        }
        rh_usec now = rh_clock_monotonic(), overdue = waits[0].began + OVERDUE_US;
        if (open == 0 || (until > 0 && now >= until))
            return;
        if (b->hints && !told && now >= overdue) {
            rh_sampler_sample_now(b->sampler);
            told = true;
        }
        rh_usec wake = until > 0 ? until : now + RH_SECOND;
        if (b->hints && !told && overdue < wake)
            wake = overdue;
        struct timespec timeout = {(wake - now) / RH_SECOND,
                                   wake > now ? (wake - now) % RH_SECOND * 1000 : 0};
        ppoll(events, count, &timeout, NULL);
        for (size_t i = 0; i < count; i++)
            if (events[i].revents && rh_pg_consume(sessions[i], NULL, NULL) != RH_PG_BUSY)
                waits[i].ended = rh_clock_monotonic();
    }
}

/* WAITERS sessions wait for LENGTH behind one. */
static void inject(bench *b, int group, size_t waiters, rh_usec length)
{
    run(b->holders[0], "BEGIN; LOCK TABLE first");
    injected *waits = &b->waits[b->count];
    for (size_t i = 0; i < waiters; i++)
        send(note(b, b->waiters[i], group, rh_pg_backend_pid(b->holders[0]), 0), b->waiters[i],
             "SELECT count(*) FROM first");
    await(b, waits, b->waiters, waiters, waits[0].began + length);
    run(b->holders[0], "COMMIT");
    await(b, waits, b->waiters, waiters, 0);
}

/* The last waits for one that waits for one that holds. */
static void inject_chain(bench *b, int group, rh_usec length)
{
    int root = rh_pg_backend_pid(b->holders[0]), middle = rh_pg_backend_pid(b->waiters[0]);
    run(b->holders[0], "BEGIN; LOCK TABLE first");
    run(b->waiters[0], "BEGIN; LOCK TABLE second");
    injected *waits = &b->waits[b->count];
    send(note(b, b->waiters[0], group, root, 0), b->waiters[0], "SELECT count(*) FROM first");
    send(note(b, b->waiters[1], group, middle, root), b->waiters[1], "SELECT count(*) FROM second");
    await(b, waits, b->waiters, 2, waits[0].began + length);
    run(b->holders[0], "COMMIT");
    await(b, waits, b->waiters, 1, 0);
    run(b->waiters[0], "COMMIT");
    await(b, waits, b->waiters, 2, 0);
}

static void inject_all(bench *b)
{
    static const struct {
        int times;
        rh_usec length;
    } plan[] = {{100, 5000}, {50, 20000}, {20, 100000}, {4, 1000000}};
    for (int group = 0; group < 4; group++)
        for (int i = 0; i < plan[group].times; i++) {
            inject(b, group, 1, plan[group].length);
            sleep_us(30000 + rand() % 40000); /* in no step with the sampler */
        }
    for (int i = 0; i < 10; i++) {
        inject_chain(b, 4, 60000);
        sleep_us(30000 + rand() % 40000);
        inject(b, 5, 10, 60000);
        sleep_us(30000 + rand() % 40000);
    }
}

/* ---- judging ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static const rh_wait *find(const bench *b, const rh_contention *c, const injected *truth, rh_usec began)
{
    for (size_t i = 0; i < c->wait_count; i++) {
        rh_usec at = began + (rh_usec)(c->waits[i].at_s * 1e6);
        if (c->waits[i].waiter_pid == truth->pid && at >= truth->began - 1000 && at <= truth->ended)
            return &c->waits[i];
    }
    (void)b;
    return NULL;
}

static bool is_right(const rh_wait *wait, const injected *truth)
{
    size_t links = truth->blockers[1] ? 2 : 1;
    if (wait->chain_count != links)
        return false;
    for (size_t i = 0; i < links; i++)
        if (wait->chain[i].pid != truth->blockers[i])
            return false;
    return true;
}

static void judge(const bench *b, const rh_contention *c, rh_usec began, rh_pg_result *peer)
{
    printf("  %-20s %8s %6s %7s %6s   %-26s %s\n", "injected", "waits", "seen", "recall", "wrong",
           "length off by, ms", peer ? "pg_wait_sampling saw" : "");
    printf("  %-20s %8s %6s %7s %6s   %8s %8s %8s\n", "", "", "", "", "", "median", "p95", "max");
    for (int group = 0; group < 6; group++) {
        double errors[WAITS_MAX];
        size_t all = 0, seen = 0, wrong = 0, unnamed = 0, peers = 0;
        for (size_t i = 0; i < b->count; i++) {
            const injected *truth = &b->waits[i];
            if (truth->group != group)
                continue;
            const rh_wait *wait = find(b, c, truth, began);
            all++;
            rh_usec wall = rh_clock_wall() - rh_clock_monotonic();
            for (size_t row = 0; peer && row < rh_pg_rows(peer); row++) {
                rh_usec at = rh_pg_int(peer, row, 1, 0) - wall;
                if (rh_pg_int(peer, row, 0, 0) == truth->pid && at >= truth->began && at <= truth->ended) {
                    peers++;
                    break;
                }
            }
            if (!wait)
                continue;
            unnamed += wait->chain_count == 0; /* seen in the moment of its end */
            wrong += wait->chain_count > 0 && !is_right(wait, truth);
            errors[seen++] =
                fabs(wait->wait_s * 1e3 - (double)(truth->ended - truth->began - b->overhead) / 1e3);
        }
        qsort(errors, seen, sizeof *errors, compare);
        printf("  %-20s %8zu %6zu %6.1f%% %6zu   %8.2f %8.2f %8.2f", GROUPS[group], all, seen,
               all ? 100.0 * (double)seen / (double)all : 0, wrong, seen ? errors[seen / 2] : NAN,
               seen ? errors[seen * 95 / 100] : NAN, seen ? errors[seen - 1] : NAN);
        if (unnamed > 0)
            printf("   (%zu without a blocker)", unnamed);
        if (peer)
            printf("   %zu (%.1f%%)", peers, all ? 100.0 * (double)peers / (double)all : 0);
        printf("\n");
    }
    size_t others = 0;
    for (size_t i = 0; i < c->wait_count; i++) {
        bool known = false;
        for (size_t k = 0; k < b->count && !known; k++)
            known = find(b, &(rh_contention){.waits = &c->waits[i], .wait_count = 1}, &b->waits[k], began) !=
                    NULL;
        others += !known;
    }
    printf("  waits told that were not injected: %zu\n", others);
}

typedef struct cost {
    double collector, peer;
    rh_usec at;
} cost;

static int collector_pid(bench *b)
{
    int64_t pid = 0;
    rh_pg *pg = connect_as(b, ": observer");
    rh_pg_query_int(pg, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_wait_sampling collector'",
                    &pid, NULL);
    rh_pg_close(pg);
    return (int)pid;
}

static cost read_cost(int collector, int peer)
{
    return (cost){collector ? rh_proc_cpu(collector) : NAN, peer ? rh_proc_cpu(peer) : NAN,
                  rh_clock_monotonic()};
}

static void tell_cost(const rh_contention *c, cost from, int collector, int peer)
{
    cost to = read_cost(collector, peer);
    double s = rh_seconds(to.at - from.at);
    printf("  cost in %% of a core over %.0f s: sampler %.2f (client %.2f, server %.2f; %.0f looks a second)",
           s, 100 * c->sampler_cpu_s / s, 100 * c->sampler_client_cpu_s / s,
           100 * c->sampler_server_cpu_s / s, (double)c->samples / s);
    if (collector)
        printf(", pg_wait_sampling's collector %.2f", 100 * (to.collector - from.collector) / s);
    if (peer)
        printf(", pg_activity without its backend %.2f", 100 * (to.peer - from.peer) / s);
    printf("\n");
}

static rh_usec measure_overhead(bench *b)
{
    double took[50];
    for (int i = 0; i < 50; i++) {
        injected wait = {0};
        send(&wait, b->waiters[0], "SELECT count(*) FROM first");
        await(b, &wait, b->waiters, 1, 0);
        took[i] = (double)(wait.ended - wait.began);
        sleep_us(5000);
    }
    qsort(took, 50, sizeof *took, compare);
    return (rh_usec)took[25];
}

/* Watches while INJECT or nothing happens, and tells. */
static void round_of(bench *b, const char *title, bool injecting, bool hints, int collector, int peer)
{
    static const char history[] = "SELECT pid, (extract(epoch FROM ts) * 1000000)::bigint FROM "
                                  "pg_wait_sampling_history WHERE event_type = 'Lock'";
    rh_error error = {0};
    rh_contention contention = {0};
    rh_arena *arena = rh_arena_new();
    rh_usec began = rh_clock_monotonic();
    rh_sampler_options options = {.conninfo = b->conninfo,
                                  .began = began,
                                  .local = true,
                                  .migration_pid = rh_pg_backend_pid(b->holders[2])};
    b->hints = hints;
    b->count = 0;
    b->sampler = rh_sampler_start(&options, &error);
    if (!b->sampler)
        die("sampler", &error);
    rh_sampler_statement(b->sampler, "000001", 1);
    sleep_us(RH_SECOND);
    cost from = read_cost(collector, peer);
    from.at = began;
    b->overhead = measure_overhead(b);
    if (injecting)
        inject_all(b);
    else
        sleep_us(QUIET_S * RH_SECOND);
    rh_sampler_finish(b->sampler, arena, &contention);
    printf("%s\n", title);
    tell_cost(&contention, from, collector, peer);
    printf("  longest time between two looks: %.1f ms\n", contention.shortest_sure_wait_ms);
    if (injecting) {
        rh_pg *pg = connect_as(b, ": observer");
        rh_pg_result *seen = collector ? rh_pg_query(pg, history, 0, NULL, NULL) : NULL;
        judge(b, &contention, began, seen);
        rh_pg_result_free(seen);
        rh_pg_close(pg);
    }
    fflush(stdout);
    rh_arena_free(arena);
}

int main(int argc, char **argv)
{
    bench b = {.conninfo = argc > 1 ? argv[1] : ""};
    int peer = argc > 2 ? atoi(argv[2]) : 0, collector;
    rh_error error = {0};
    for (int i = 0; i < 3; i++)
        b.holders[i] = connect_as(&b, i == 2 ? ": migration" : ": load");
    run(b.holders[0],
        "CREATE TABLE IF NOT EXISTS first (id int); CREATE TABLE IF NOT EXISTS second (id int); "
        "CREATE TABLE IF NOT EXISTS calm (id int)");
    for (int i = 0; i < 10; i++)
        b.waiters[i] = connect_as(&b, ": load");
    for (int i = 0; i < BACKENDS; i++)
        b.backends[i] = connect_as(&b, ": load");
    collector = collector_pid(&b);
    pthread_t busy;
    if (pthread_create(&busy, NULL, keep_busy, &b) != 0)
        die("thread", &error);
    round_of(&b, "a migration statement runs, nobody waits", false, false, collector, peer);
    round_of(&b, "injected waits of sessions that are not ours", true, false, collector, peer);
    round_of(&b, "injected waits of our own sessions, which ask for a look after 2.5 ms", true, true,
             collector, peer);
    atomic_store(&b.stop, true);
    pthread_join(busy, NULL);
    return 0;
}
