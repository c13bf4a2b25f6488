/* A confined child that may connect to one Unix socket: it reaches that one, and no other whatever it writes.
 */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/base/arena.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static const char *self;

static struct sockaddr_un named(const char *directory, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s%s%s", directory, *directory ? "/" : "", name);
    return address;
}

/* ---- in the child ---- */

static char attempt(const struct sockaddr_un *address, socklen_t length, char letter)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = connect(fd, (const void *)address, length) == 0;
    const bool denied = errno == EACCES;
    if (connected && write(fd, &letter, 1) != 1)
        letter = '!';
    close(fd);
    return connected ? letter : denied ? '-' : '?';
}

static struct sockaddr_un changing; /* by another thread, while connect() is answered */
static atomic_bool done;

/* One byte, so that each moment has one of the two addresses; volatile, so that every store is made. */
static void *change(void *last)
{
    volatile char *letter = last;
    while (!atomic_load(&done)) {
        *letter = 'r';
        *letter = 's';
    }
    return NULL;
}

/* 1000 attempts: the first keeps the permitted address, the others race with the thread. */
static char attempt_changing(char *directory)
{
    pthread_t thread;
    char letter = '-';
    changing = named(directory, "server");
    for (int i = 0; i < 1000; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(fd, (const void *)&changing, sizeof changing) == 0 && write(fd, "r", 1) == 1)
            letter = 'r';
        close(fd);
        if (i == 0 && pthread_create(&thread, NULL, change, strrchr(changing.sun_path, 'r')) != 0)
            return '!';
    }
    atomic_store(&done, true);
    pthread_join(thread, NULL);
    return letter;
}

static int probe(char *directory)
{
    const struct sockaddr_un server = named(directory, "server"), another = named(directory, "serves"),
                             brief = named("", "server");
    struct sockaddr_un abstract = {.sun_family = AF_UNIX};
    strcpy(abstract.sun_path + 1, "pgrehearse-test");
    const bool moved = chdir(directory) == 0;
    const char said[] = {moved ? attempt(&server, sizeof server, 's') : '!',
                         attempt(&another, sizeof another, 'a'),
                         attempt(&brief, sizeof brief, 'b'),
                         attempt(&abstract, offsetof(struct sockaddr_un, sun_path) + 16, 'A'),
                         attempt(&server, 3, 't'),
                         socket(AF_INET, SOCK_STREAM, 0) >= 0 ? '4' : '-',
                         socket(AF_UNIX, SOCK_DGRAM, 0) >= 0 ? 'd' : '-',
                         attempt_changing(directory),
                         '\n'};
    return write(1, said, sizeof said) == sizeof said ? 0 : 1;
}

/* ---- in the test ---- */

static char directory[] = "/tmp/pgrehearse-connector-XXXXXX";
static int server, another;
static char said[64];

static int listen_at(const char *name)
{
    const struct sockaddr_un address = named(directory, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const void *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1024), 0);
    return fd;
}

/* Runs the child once; the facts are asserted one by one. */
static int run_child(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_text output = {0};
    assert_non_null(mkdtemp(directory));
    server = listen_at("server");
    another = listen_at("serves");
    char *build = strdup(self);
    *strrchr(build, '/') = 0;
    const struct sockaddr_un allowed = named(directory, "server");
    const rh_confinement_limits limits = {
        .writable = (const char *const[]){directory, NULL},
        .readable = (const char *const[]){"/usr", "/bin", "/lib", "/lib64", "/etc", "/proc", build, NULL},
        .server = allowed.sun_path};
    const rh_process_options options = {.argv = (const char *const[]){self, "probe", directory, NULL},
                                        .limits = &limits};
    if (!rh_process_run(&options, 0, &output, &error))
        fail_msg("%s", error.message);
    snprintf(said, sizeof said, "%s", output.data);
    rh_text_release(&output);
    free(build);
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    close(server);
    close(another);
    return rh_tree_remove(directory, NULL) ? 0 : -1;
}

static void it_reaches_the_one_socket(void **state)
{
    (void)state;
    char byte = 0;
    assert_int_equal(said[0], 's');
    int fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_int_equal(byte, 's');
    close(fd);
}

static void this_program_made_the_connection(void **state)
{
    (void)state;
    struct ucred peer = {0};
    socklen_t length = sizeof peer;
    int fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
    assert_int_equal(peer.pid, getpid());
    close(fd);
}

static void other_addresses_are_denied(void **state)
{
    (void)state;
    assert_memory_equal(said + 1, "------", 6);
}

static void a_changed_address_reaches_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(said[7], 'r'); /* at least one attempt had the permitted address */
    assert_int_equal(accept4(another, NULL, NULL, SOCK_CLOEXEC), -1);
    assert_int_equal(errno, EAGAIN);
}

static void without_a_server_all_are_denied(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_text output = {0};
    char *build = strdup(self);
    *strrchr(build, '/') = 0;
    const rh_confinement_limits limits = {
        .writable = (const char *const[]){directory, NULL},
        .readable = (const char *const[]){"/usr", "/bin", "/lib", "/lib64", "/etc", "/proc", build, NULL}};
    const rh_process_options options = {.argv = (const char *const[]){self, "probe", directory, NULL},
                                        .limits = &limits};
    assert_true(rh_process_run(&options, 0, &output, &error));
    assert_string_equal(output.data, "--------\n");
    rh_text_release(&output);
    free(build);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "probe") == 0)
        _exit(probe(argv[2])); /* LeakSanitizer, which runs at exit, needs ptrace */
    self = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reaches_the_one_socket),
        cmocka_unit_test(this_program_made_the_connection),
        cmocka_unit_test(other_addresses_are_denied),
        cmocka_unit_test(a_changed_address_reaches_nothing_else),
        cmocka_unit_test(without_a_server_all_are_denied),
    };
    return cmocka_run_group_tests(tests, run_child, remove_all);
}
