/* Children: output, input, ends of every kind, and what confinement denies. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/interrupt.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *self; /* this program: its own children are itself, see probe() */

static rh_process_options shell(const char *const argv[4])
{
    return (rh_process_options){.argv = argv};
}
#define SHELL(script) ((const char *const[]){"sh", "-c", script, NULL})

static void test_output_and_status(void **state)
{
    (void)state;
    rh_error error = {0};
    int status = -1;
    rh_process_options options = shell(SHELL("echo out; echo err >&2; exit 7"));
    rh_process *process = rh_process_start(&options, &error);
    assert_non_null(process);
    assert_true(rh_process_wait(process, 0, &status, &error));
    assert_int_equal(status, 7);
    assert_string_equal(rh_process_output(process), "out\n");
    assert_string_equal(rh_process_errors(process), "err\n");
    assert_true(rh_process_has_ended(process, NULL));
    rh_process_free(process);
}

static void test_run_reports_the_last_line(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_text output = {0};
    rh_process_options options =
        shell(SHELL("echo partial; echo 'first' >&2; echo 'no such table' >&2; exit 1"));
    assert_false(rh_process_run(&options, 0, &output, &error));
    assert_int_equal(error.code, RH_ERROR_IO);
    assert_string_equal(error.message, "sh failed: no such table");
    assert_string_equal(output.data, "partial\n");
    rh_text_release(&output);
    rh_error_release(&error);

    options = shell(SHELL("echo 'could not extend file: No space left on device' >&2; exit 1"));
    assert_false(rh_process_run(&options, 0, NULL, &error));
    assert_int_equal(error.code, RH_ERROR_NO_SPACE);
    rh_error_release(&error);
}

static void test_missing_program(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_process_options options = {.argv = (const char *const[]){"pgrehearse-no-such-program", NULL}};
    assert_null(rh_process_start(&options, &error));
    assert_int_equal(error.code, RH_ERROR_IO);
    assert_non_null(strstr(error.message, "pgrehearse-no-such-program"));
    rh_error_release(&error);

    options.argv = (const char *const[]){"/etc/passwd", NULL};
    assert_null(rh_process_start(&options, &error));
    assert_non_null(strstr(error.message, "Permission denied"));
    rh_error_release(&error);

    options = shell(SHELL("true"));
    options.directory = "/no/such/directory";
    assert_null(rh_process_start(&options, &error));
    assert_non_null(strstr(error.message, "chdir"));
    rh_error_release(&error);
}

/* More than a pipe holds in both directions at once: neither side may wait for the other for ever. */
static void test_large_input_and_output(void **state)
{
    (void)state;
    rh_error error = {0};
    enum { BYTES = 8 << 20 };
    char *bytes = rh_alloc(BYTES);
    int status = -1;
    memset(bytes, 'x', BYTES);
    rh_process_options options = shell(SHELL("tee /dev/stderr"));
    options.write_input = true;
    rh_process *process = rh_process_start(&options, &error);
    assert_non_null(process);
    assert_true(rh_process_write(process, bytes, BYTES, &error));
    assert_true(rh_process_wait(process, 0, &status, &error));
    assert_int_equal(status, 0);
    assert_true(strlen(rh_process_output(process)) >= 1 << 20);
    assert_true(strlen(rh_process_output(process)) <= 2 << 20);
    rh_process_free(process);

    rh_text output = {0};
    options = shell(SHELL("head -c 5000000 /dev/zero | tr '\\0' y"));
    assert_true(rh_process_run(&options, 0, &output, &error));
    assert_int_equal(output.length, 5000000);
    rh_text_release(&output);
    free(bytes);
}

static void test_write_to_a_child_that_has_gone(void **state)
{
    (void)state;
    rh_error error = {0};
    char bytes[1 << 16] = {0};
    rh_process_options options = shell(SHELL("echo 'cannot go on' >&2; exit 3"));
    options.write_input = true;
    rh_process *process = rh_process_start(&options, &error);
    bool ok = true;
    for (int i = 0; ok && i < 100; i++)
        ok = rh_process_write(process, bytes, sizeof bytes, &error);
    assert_false(ok);
    assert_int_equal(error.code, RH_ERROR_IO);
    assert_non_null(strstr(error.message, "cannot go on"));
    rh_error_release(&error);
    rh_process_free(process);
}

static void collect_line(void *user, const char *line)
{
    rh_text_printf(user, "[%s]", line);
}

static void test_lines(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_text lines = {0};
    rh_process_options options = shell(SHELL("printf 'a\\nb' >&2; sleep 0.05; printf 'c\\r\\n\\nlast' >&2"));
    rh_process *process = rh_process_start(&options, &error);
    rh_process_on_line(process, collect_line, &lines);
    assert_true(rh_process_wait(process, 0, NULL, &error));
    assert_string_equal(lines.data, "[a][bc][][last]");
    rh_text_release(&lines);
    rh_process_free(process);
}

/* A file that a script makes when it is ready, so that no time limit ends it before. */
static const char *ready_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/pgrehearse-test-ready-%d", (int)getpid());
    return path;
}

static void await_ready(void)
{
    while (unlink(ready_path()) != 0)
        usleep(1000);
}

static void await_gone(pid_t pid)
{
    while (kill(pid, 0) == 0)
        usleep(10 * 1000);
}

static void test_timeout_ends_the_group(void **state)
{
    (void)state;
    rh_error error = {0};
    int status = 0;
    rh_text script = {0};
    rh_text_printf(&script, "sleep 1000 & echo $!; : >%s; wait", ready_path());
    rh_process_options options = shell(SHELL(script.data));
    rh_process *process = rh_process_start(&options, &error);
    await_ready();
    assert_false(rh_process_wait(process, 1000, &status, &error));
    assert_int_equal(error.code, RH_ERROR_SLOW);
    assert_int_equal(status, 128 + SIGTERM);
    int grandchild = atoi(rh_process_output(process));
    assert_true(grandchild > 0);
    await_gone(grandchild);
    rh_text_release(&script);
    rh_error_release(&error);
    rh_process_free(process);
}

/* What the leader leaves running may tidy up before it ends, whether we end the leader or it ends by itself.
 * Its time is no limit here: a busy machine may need seconds for a few milliseconds of work. */
static void test_the_rest_of_a_group_may_clean_up(void **state)
{
    (void)state;
    char ends[128];
    snprintf(ends, sizeof ends, "while [ ! -e %s ]; do sleep 0.01; done", ready_path());
    for (int by_itself = 0; by_itself < 2; by_itself++) {
        rh_error error = {0};
        char path[64];
        snprintf(path, sizeof path, "/tmp/pgrehearse-test-tidy-%d", (int)getpid());
        rh_text script = {0};
        rh_text_printf(&script,
                       "(trap 'sleep 0.1; : >%s; exit' TERM; : >%s; while :; do sleep 0.05; done) & %s", path,
                       ready_path(), by_itself ? ends : "wait");
        rh_process_options options = {.argv = SHELL(script.data), .grace = RH_PROCESS_PATIENCE};
        rh_process *process = rh_process_start(&options, &error);
        if (!by_itself)
            await_ready();
        assert_int_equal(rh_process_wait(process, by_itself ? 0 : 1000, NULL, &error), by_itself);
        unlink(ready_path());
        assert_int_equal(unlink(path), 0);
        rh_process_free(process);
        rh_text_release(&script);
        rh_error_release(&error);
    }
}

static void test_what_ignores_the_signal_is_killed(void **state)
{
    (void)state;
    rh_error error = {0};
    int status = 0;
    rh_text script = {0};
    rh_text_printf(&script, "trap '' TERM; : >%s; sleep 1000", ready_path());
    rh_process_options options = {.argv = SHELL(script.data), .grace = 1000};
    rh_process *process = rh_process_start(&options, &error);
    await_ready();
    assert_false(rh_process_wait(process, 1000, &status, &error));
    assert_int_equal(status, 128 + SIGKILL);
    rh_text_release(&script);
    rh_error_release(&error);
    rh_process_free(process);
}

static void note_member(void *states, pid_t member)
{
    char path[32], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)member);
    FILE *file = fopen(path, "r");
    if (file && fgets(line, sizeof line, file))
        rh_text_append_char(states, strrchr(line, ')')[2]);
    if (file)
        fclose(file);
}

static void test_the_group_is_shown_before_its_end(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_text states = {0};
    rh_text script = {0};
    rh_text_printf(&script, "sleep 1000 & sleep 1000 & : >%s; wait", ready_path());
    rh_process_options options = shell(SHELL(script.data));
    rh_process *process = rh_process_start(&options, &error);
    rh_process_on_ending(process, note_member, &states);
    await_ready();
    assert_false(rh_process_wait(process, 1000, NULL, &error));
    assert_string_equal(states.data, "TTT");
    rh_text_release(&script);
    rh_text_release(&states);
    rh_error_release(&error);
    rh_process_free(process);
}

static void test_free_ends_it(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_process_options options = shell(SHELL("trap '' TERM; sleep 1000 & wait"));
    rh_process *process = rh_process_start(&options, &error);
    pid_t pid = rh_process_pid(process);
    assert_false(rh_process_has_ended(process, NULL));
    rh_process_free(process);
    assert_int_not_equal(kill(pid, 0), 0);
    rh_process_free(NULL);
}

static void test_interrupt(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_process_options options = shell(SHELL("kill -INT $PPID; sleep 1000"));
    rh_process *process = rh_process_start(&options, &error);
    assert_false(rh_process_wait(process, 0, NULL, &error));
    assert_int_equal(error.code, RH_ERROR_INTERRUPTED);
    assert_true(rh_process_has_ended(process, NULL));
    rh_interrupt_reset();
    rh_error_release(&error);
    rh_process_free(process);
}

static void test_environment_and_descriptors(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_text output = {0};
    int open_here = open("/dev/null", O_RDONLY);
    setenv("RH_TEST_OLD", "old", 1);
    setenv("RH_TEST_GONE", "here", 1);
    setenv("RH_TEST_GONE_NOT", "kept", 1);
    rh_process_options options =
        shell(SHELL("echo $RH_TEST_OLD $RH_TEST_NEW ${RH_TEST_GONE-gone} $RH_TEST_GONE_NOT $(pwd); ls "
                    "/proc/self/fd | tr '\\n' ' '; cat"));
    options.environment = (const char *const[]){"RH_TEST_GONE", "RH_TEST_NEVER", "RH_TEST_OLD=changed",
                                                "RH_TEST_NEW=new", NULL};
    options.directory = "/usr";
    assert_true(rh_process_run(&options, 0, &output, &error));
    assert_string_equal(output.data,
                        "changed new gone kept /usr\n0 1 2 3 "); /* 3 is ls reading the directory */
    rh_text_release(&output);
    close(open_here);
}

static void test_output_file(void **state)
{
    (void)state;
    rh_error error = {0};
    char path[] = "/tmp/pgrehearse-test-output-XXXXXX", text[64] = "";
    close(mkstemp(path));
    rh_process_options options = shell(SHELL("echo one; echo two >&2; exit 1"));
    options.output_path = path;
    assert_false(rh_process_run(&options, 0, NULL, &error));
    assert_string_equal(error.message, "sh failed: two");
    FILE *file = fopen(path, "r");
    assert_int_equal(fread(text, 1, sizeof text - 1, file), 8);
    assert_string_equal(text, "one\ntwo\n");
    fclose(file);
    unlink(path);
    rh_error_release(&error);
}

static void test_other_account(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_text output = {0};
    const struct passwd *account = getpwnam("nobody");
    if (geteuid() != 0 || !account)
        skip();
    rh_process_options options = shell(SHELL("id -u; id -g; id -G; grep NoNewPrivs /proc/self/status"));
    options.uid = account->pw_uid;
    options.gid = account->pw_gid;
    assert_true(rh_process_run(&options, 0, &output, &error));
    rh_text expected = {0};
    rh_text_printf(&expected, "%u\n%u\n%u\nNoNewPrivs:\t1\n", account->pw_uid, account->pw_gid,
                   account->pw_gid);
    assert_string_equal(output.data, expected.data);
    rh_text_release(&expected);
    rh_text_release(&output);
}

/* Confined: only its own directory can be written, only what it names can be read, little of our environment
 * is passed on. */
static void test_confinement_limits(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_text output = {0}, script = {0};
    char inside[] = "/tmp/pgrehearse-confined-XXXXXX", outside[] = "/tmp/pgrehearse-free-XXXXXX";
    const rh_confinement_layers *layers = rh_confinement_layers_here();
    if (layers->landlock_abi == 0 && !layers->mounts)
        skip();
    assert_non_null(mkdtemp(inside));
    assert_non_null(mkdtemp(outside));
    rh_text_printf(
        &script,
        "echo x >%s/in && cat %s/in; (echo x >%s/out) 2>/dev/null || echo denied; ls %s 2>/dev/null || echo "
        "denied; echo ${RH_TEST_SECRET-unset}",
        inside, inside, outside, outside);
    rh_confinement_limits limits = {
        .writable = (const char *const[]){inside, NULL},
        .readable = (const char *const[]){"/usr", "/bin", "/lib", "/lib64", "/etc", NULL}};
    rh_process_options options = shell(SHELL(script.data));
    options.limits = &limits;
    options.clean_environment = true;
    setenv("RH_TEST_SECRET", "secret", 1);
    assert_true(rh_process_run(&options, 0, &output, &error));
    assert_string_equal(output.data, "x\ndenied\ndenied\nunset\n");
    unsetenv("RH_TEST_SECRET");
    rh_text_release(&output);
    rh_text_release(&script);
    assert_true(rh_tree_remove(inside, &error));
    assert_true(rh_tree_remove(outside, &error));
}

/* ---- confinement: this program probes what it may do and says it in letters ---- */

static char probe_exec(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(errno == EPERM ? 42 : 43);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status) == 0 ? 'x' : WEXITSTATUS(status) == 42 ? '-' : '?';
}

static char probe_execveat(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        char word[] = "true", *const argv[] = {word, NULL};
        int fd = open("/bin/true", O_PATH);
        syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
        _exit(errno == EPERM ? 42 : 43);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status) == 0 ? 'X' : WEXITSTATUS(status) == 42 ? '-' : '?';
}

static char probe_socket(int64_t family, char letter)
{
    int fd = (int)syscall(SYS_socket, family, (long)SOCK_DGRAM, 0L);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? letter : errno == EACCES ? '-' : '?';
}

static int probe(void)
{
    char said[8] = {probe_exec(),
                    probe_execveat(),
                    probe_socket(AF_INET, '4'),
                    probe_socket(AF_INET6, '6'),
                    probe_socket(AF_INET | INT64_C(1) << 32, 'h'), /* the kernel looks at 32 bits only */
                    probe_socket(AF_UNIX, 'u'),
                    '\n'};
    return write(1, said, 7) == 7 ? 0 : 1;
}

static void check_probe(bool no_exec, bool no_network, const char *expected)
{
    rh_error error = {0};
    rh_text output = {0};
    rh_process_options options = {.argv = (const char *const[]){self, "probe", NULL}};
    options.no_exec = no_exec;
    options.no_network = no_network;
    assert_true(rh_process_run(&options, 0, &output, &error));
    assert_string_equal(output.data, expected);
    rh_text_release(&output);
}

static void test_confinement(void **state)
{
    (void)state;
    check_probe(false, false, "xX46hu\n");
    check_probe(true, false, "--46hu\n");
    check_probe(false, true, "xX---u\n");
    check_probe(true, true, "-----u\n");
}

static void test_a_confined_shell_starts_nothing(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_process_options options = shell(SHELL("/bin/true"));
    options.no_exec = true;
    assert_false(rh_process_run(&options, 0, NULL, &error));
    assert_non_null(strstr(error.message, "not permitted"));
    rh_error_release(&error);
}

/* The middle program starts a child and is killed: the child must go too. */
static void test_death_signal(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t middle = fork();
    if (middle == 0) {
        rh_process_options options = shell(SHELL("exec sleep 1000"));
        rh_process *process = rh_process_start(&options, NULL);
        pid_t pid = process ? rh_process_pid(process) : -1;
        if (write(ends[1], &pid, sizeof pid) != sizeof pid)
            _exit(1);
        pause();
    }
    pid_t child = -1;
    close(ends[1]); /* so that a middle that fails is the end of file, not a wait */
    assert_int_equal(read(ends[0], &child, sizeof child), sizeof child);
    assert_true(child > 0);
    kill(middle, SIGKILL);
    waitpid(middle, NULL, 0);
    await_gone(child);
    close(ends[0]);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "probe") == 0)
        return probe();
    self = argv[0];
    rh_interrupt_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_and_status),
        cmocka_unit_test(test_run_reports_the_last_line),
        cmocka_unit_test(test_missing_program),
        cmocka_unit_test(test_large_input_and_output),
        cmocka_unit_test(test_write_to_a_child_that_has_gone),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_timeout_ends_the_group),
        cmocka_unit_test(test_the_rest_of_a_group_may_clean_up),
        cmocka_unit_test(test_what_ignores_the_signal_is_killed),
        cmocka_unit_test(test_the_group_is_shown_before_its_end),
        cmocka_unit_test(test_free_ends_it),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_environment_and_descriptors),
        cmocka_unit_test(test_output_file),
        cmocka_unit_test(test_other_account),
        cmocka_unit_test(test_confinement_limits),
        cmocka_unit_test(test_confinement),
        cmocka_unit_test(test_a_confined_shell_starts_nothing),
        cmocka_unit_test(test_death_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
