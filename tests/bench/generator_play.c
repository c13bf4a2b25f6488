/* The generator alone, for tests/bench/generator.sh: plays pgbench scripts as the loaded pass would, and
 * prints what it measured. generator_play CONNINFO RATE SECONDS CONNECTIONS SCHEDULE_FILE SCRIPT... The
 * schedule file gets the intended start of each arrival, in seconds since 1970. */
#include "workload/generator/arrivals.h"
#include "pgrehearse/workload/workload.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 7 };

static int fail(const rh_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

static void write_schedule(const char *path, const rh_mix *mix, const rh_load *load, double seconds)
{
    FILE *file = strcmp(path, "-") == 0 ? NULL : fopen(path, "w");
    if (!file)
        return;
    rh_arrivals arrivals;
    rh_arrivals_init(&arrivals, mix, load->rate_per_s, SEED);
    for (rh_arrival next; rh_seconds((next = rh_arrivals_next(&arrivals)).intended) < seconds;)
        fprintf(file, "%.6f\n", load->began_wall_s + rh_seconds(next.intended));
    rh_arrivals_release(&arrivals);
    fclose(file);
}

static void print(const rh_load *load, double seconds)
{
    const rh_load_window *all = &load->windows[0];
    printf("{\"transactions\": %lld, \"errors\": %lld, \"shed\": %lld, \"seconds\": %.3f, \"lag_mean_ms\": "
           "%.4f, "
           "\"lag_max_ms\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"thread_cpu_s\": %.3f}\n",
           (long long)all->transactions, (long long)all->errors, (long long)all->dropped, seconds,
           load->pacing_lag_mean_ms, load->pacing_lag_max_ms, all->response_ms.p50, all->response_ms.p99,
           load->generator_cpu_s);
}

int main(int argc, char **argv)
{
    enum { CONNINFO = 1, RATE, SECONDS, CONNECTIONS, SCHEDULE, SCRIPTS };
    rh_error error = {0};
    rh_mix mix;
    if (argc <= SCRIPTS)
        return 64;
    rh_arena *arena = rh_arena_new();
    rh_workload_file *files = rh_arena_alloc(arena, (size_t)argc * sizeof *files);
    for (int i = SCRIPTS; i < argc; i++)
        files[i - SCRIPTS] = (rh_workload_file){.path = argv[i], .weight = 1};
    rh_pg *pg = rh_pg_connect(argv[CONNINFO], ": mix", &error);
    bool ok = pg && rh_mix_from_pgbench(pg, NULL, files, (size_t)(argc - SCRIPTS), arena, &mix, &error);
    rh_pg_close(pg);
    if (!ok)
        return fail(&error);
    rh_generator_options options = {.conninfo = argv[CONNINFO],
                                    .mix = &mix,
                                    .rate = atof(argv[RATE]),
                                    .connections = atoi(argv[CONNECTIONS]),
                                    .seed = SEED};
    rh_generator *generator = rh_generator_start(&options, &error);
    if (!generator)
        return fail(&error);
    double seconds = atof(argv[SECONDS]);
    rh_clock_sleep_until(rh_clock_monotonic() + (rh_usec)(seconds * (double)RH_SECOND));
    rh_load load;
    rh_generator_finish(generator, arena, &load);
    write_schedule(argv[SCHEDULE], &mix, &load, seconds);
    print(&load, seconds);
    rh_arena_free(arena);
    return 0;
}
