/* A run that is killed: its server goes at once, its directory with the next run. */
#include "fixture.h"
#include <fcntl.h>

static const char *self;

/* What the killed program does: starts staging, says where, and waits. */
static int be_the_run(const char *root, bool with_standby)
{
    rh_scenario scenario = {.name = "killed"};
    scenario.staging.kind = RH_STAGING_EMBEDDED;
    scenario.staging.directory = root;
    rh_interrupt_install();
    rh_staging *staging = rh_staging_start(&(rh_staging_request){.scenario = &scenario}, NULL);
    if (!staging)
        return 1;
    rh_arena *arena = rh_arena_new();
    rh_staging_facts facts;
    const char *why_not = NULL;
    if (with_standby && (!rh_staging_snapshot(staging, NULL, NULL) ||
                         !rh_staging_standby_start(staging, RH_STANDBY_ASYNC, &why_not, NULL) || why_not))
        return 1;
    if (!rh_staging_describe(staging, arena, &facts, NULL))
        return 1;
    char line[4096] = "";
    snprintf(line, sizeof line, "%s", facts.location);
    if (write(1, line, sizeof line) != sizeof line)
        return 1;
    pause();
    return 0;
}

static pid_t start_run_as(fixture *f, const char *what, char location[4096])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t run = fork();
    if (run == 0) {
        dup2(ends[1], 1);
        execl(self, self, what, f->root, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t got = 0;
    for (ssize_t now = 1; now > 0 && got < 4096; got += (size_t)now)
        now = read(ends[0], location + got, 4096 - got);
    close(ends[0]);
    assert_int_equal(got, 4096);
    return run;
}

static pid_t start_run(fixture *f, char location[4096])
{
    return start_run_as(f, "run", location);
}

static pid_t postmaster_in(fixture *f, const char *location, const char *data)
{
    char *text = rh_file_read(rh_arena_printf(f->arena, "%s/%s/postmaster.pid", location, data), 0, f->arena,
                              NULL, NULL);
    assert_non_null(text);
    return atoi(text);
}

static pid_t postmaster_of(fixture *f, const char *location)
{
    return postmaster_in(f, location, "data");
}

static void test_killed_run(void **state)
{
    fixture *f = *state;
    char location[4096], living[4096];
    pid_t run = start_run(f, location);
    pid_t other = start_run(f, living);
    pid_t postmaster = postmaster_of(f, location);
    assert_int_equal(rh_staging_clear_leftovers(f->root, NULL), 0);
    kill(run, SIGKILL);
    waitpid(run, NULL, 0);
    while (kill(postmaster, 0) == 0)
        usleep(10 * 1000);
    assert_true(rh_directory_exists(location));
    assert_int_equal(rh_staging_clear_leftovers(f->root, NULL), 1);
    assert_false(rh_directory_exists(location));
    assert_true(rh_directory_exists(living));
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    assert_int_equal(rh_staging_clear_leftovers(f->root, NULL), 1);
}

/* A postmaster that somehow outlived its run is stopped before its directory goes. */
static void test_surviving_server(void **state)
{
    fixture *f = *state;
    char location[4096];
    pid_t run = start_run(f, location);
    pid_t postmaster = postmaster_of(f, location);
    mapped memory;
    note_mapped(f, postmaster, &memory);
    kill(postmaster, SIGSTOP); /* SIGQUIT of the kernel waits until it goes on */
    kill(run, SIGKILL);
    waitpid(run, NULL, 0);
    assert_int_equal(rh_staging_clear_leftovers(f->root, NULL), 1);
    while (kill(postmaster, 0) == 0)
        usleep(10 * 1000);
    assert_none_left(&memory);
}

/* The standby goes with its run, too, also one that somehow outlived it. */
static void test_surviving_standby(void **state)
{
    fixture *f = *state;
    char location[4096];
    pid_t run = start_run_as(f, "run-with-standby", location);
    pid_t standby = postmaster_in(f, location, "standby");
    mapped memory;
    note_mapped(f, standby, &memory);
    kill(standby, SIGSTOP);
    kill(run, SIGKILL);
    waitpid(run, NULL, 0);
    assert_int_equal(rh_staging_clear_leftovers(f->root, NULL), 1);
    while (kill(standby, 0) == 0)
        usleep(10 * 1000);
    assert_none_left(&memory);
    assert_false(rh_directory_exists(location));
}

/* The first child of PARENT that runs PROGRAM; 0. */
static pid_t find_process(pid_t parent, const char *program)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *children = fopen(path, "re");
    bool any = children && fgets(line, sizeof line, children);
    if (children)
        fclose(children);
    for (char *at = line, *end; any; at = end) {
        long pid = strtol(at, &end, 10);
        char name[32] = "";
        snprintf(path, sizeof path, "/proc/%ld/comm", pid);
        FILE *file = pid > 0 ? fopen(path, "re") : NULL;
        if (file && fgets(name, sizeof name, file) && strncmp(name, program, strlen(program)) == 0) {
            fclose(file);
            return (pid_t)pid;
        }
        if (file)
            fclose(file);
        if (pid <= 0)
            break;
    }
    return 0;
}

/* initdb's own server catches no signal in its first part: what it had must not outlive it. */
static void test_interrupted_initdb(void **state)
{
    fixture *f = *state;
    rh_shared_memory memory = {0};
    pid_t run = fork();
    if (run == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, 1);
        execl(self, self, "run", f->root, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 100000 && !(memory.file_count > 0 && memory.has_segment); i++) {
        pid_t initdb = find_process(run, "initdb"), shell = initdb ? find_process(initdb, "sh") : 0;
        pid_t server = shell ? find_process(shell, "postgres") : 0;
        if (server)
            rh_shared_memory_note(server, &memory);
        else
            usleep(100);
    }
    kill(run, SIGINT);
    waitpid(run, NULL, 0);
    mapped all = {.of = {memory}, .count = 1};
    assert_none_left(&all);
}

static void test_nothing_else_is_touched(void **state)
{
    fixture *f = *state;
    const char *names[] = {"pgrehearse-%u-aaaaaaaa", "pgrehearse-%u-bbbbbbbb", "pgrehearse-%u-cccccccc",
                           "other"};
    for (int i = 0; i < 4; i++) {
        char name[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(name, sizeof name, names[i], geteuid());
#pragma GCC diagnostic pop
        char *directory = rh_arena_printf(f->arena, "%s/%s", f->root, name);
        assert_true(rh_directory_make(directory, 0700, NULL));
        if (i == 1)
            assert_true(
                rh_file_write(rh_arena_printf(f->arena, "%s/mark", directory), "not ours\n", 9, NULL));
        if (i == 2)
            assert_int_equal(symlink("/etc/passwd", rh_arena_printf(f->arena, "%s/mark", directory)), 0);
    }
    assert_int_equal(rh_staging_clear_leftovers(f->root, NULL), 0);
    char **found;
    size_t count;
    assert_true(rh_directory_list(f->root, f->arena, &found, &count, NULL));
    assert_int_equal(count, 4);
    assert_int_equal(rh_staging_clear_leftovers("/no/such/directory", NULL), 0);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "run") == 0)
        return be_the_run(argv[2], false);
    if (argc == 3 && strcmp(argv[1], "run-with-standby") == 0)
        return be_the_run(argv[2], true);
    self = argv[0];
    rh_interrupt_install();
    const struct CMUnitTest tests[] = {TEST(test_killed_run), TEST(test_surviving_server),
                                       TEST(test_surviving_standby), TEST(test_interrupted_initdb),
                                       TEST(test_nothing_else_is_touched)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
