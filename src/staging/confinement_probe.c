/* What a confined child attempts, and the canaries that it must not reach. */
#include "confinement_probe.h"
#include "pgrehearse/base/arena.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the children need, made before the fork. */
typedef struct canaries {
    const char *directory;
    struct sockaddr_un stream, datagram, abstract, brief;
    socklen_t abstract_length;
    struct sockaddr_in tcp, udp;
    char existing[PATH_MAX], secret[PATH_MAX], fresh[PATH_MAX];
    int sockets[RH_PROBE_UDP + 1]; /* by attempt; -1: none */
    pid_t program;
    void *shared;           /* with the child */
    volatile bool *reached; /* [RH_PROBE_ATTEMPTS], in SHARED */
} canaries;

/* ---- in the child: async-signal-safe calls only ---- */

static bool try_connect(int family, const void *address, socklen_t length)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = fd >= 0 && connect(fd, address, length) == 0;
    if (fd >= 0)
        close(fd);
    return connected;
}

static bool try_send(int family, const void *address, socklen_t length)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool sent = fd >= 0 && sendto(fd, "x", 1, 0, address, length) == 1;
    if (fd >= 0)
        close(fd);
    return sent;
}

static bool try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* clone itself: fork() would want locks of the C library. */
static bool try_execute(void)
{
    char word[] = "true";
    char *const argv[] = {word, NULL};
    int status = -1;
    long child = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) {
        execve("/bin/true", argv, NULL);
        _exit(1);
    }
    return child > 0 && waitpid((pid_t)child, &status, 0) == child && status == 0;
}

static bool try_read_memory(pid_t program, void *address)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {address, 1};
    return syscall(SYS_process_vm_readv, program, &here, 1UL, &there, 1UL, 0UL) == 1;
}

static void attempt_all(void *user)
{
    const canaries *c = user;
    volatile bool *reached = c->reached;
    reached[RH_PROBE_UNIX_SOCKET] = try_connect(AF_UNIX, &c->stream, sizeof c->stream);
    reached[RH_PROBE_UNIX_SOCKET_SHORT] =
        chdir(c->directory) == 0 && try_connect(AF_UNIX, &c->brief, sizeof c->tcp);
    reached[RH_PROBE_UNIX_DATAGRAM] = try_send(AF_UNIX, &c->datagram, sizeof c->datagram);
    reached[RH_PROBE_ABSTRACT_SOCKET] = try_connect(AF_UNIX, &c->abstract, c->abstract_length);
    reached[RH_PROBE_TCP] = try_connect(AF_INET, &c->tcp, sizeof c->tcp);
    try_send(AF_INET, &c->udp, sizeof c->udp); /* whether it arrives is seen at the other end */
    reached[RH_PROBE_CREATE_FILE] = try_open(c->fresh, O_WRONLY | O_CREAT | O_EXCL);
    reached[RH_PROBE_WRITE_FILE] = try_open(c->existing, O_WRONLY);
    reached[RH_PROBE_READ_FILE] = try_open(c->secret, O_RDONLY);
    reached[RH_PROBE_EXECUTE] = try_execute();
    reached[RH_PROBE_SIGNAL] = kill(c->program, 0) == 0;
    reached[RH_PROBE_READ_MEMORY] = try_read_memory(c->program, c->shared);
    reached[RH_PROBE_NAMESPACE] = unshare(CLONE_NEWUSER) == 0 || unshare(CLONE_NEWNS) == 0;
    static const char done[] = "attempted\n";
    ssize_t written = write(STDOUT_FILENO, done, sizeof done - 1);
    (void)written;
}

/* ---- the canaries ---- */

static bool fail(const char *what, rh_error *error)
{
    return rh_error_set(error, RH_ERROR_REFUSED, "the isolation cannot be proven: %s: %s", what,
                        strerror(errno));
}

static int open_socket(int family, int type, const void *address, socklen_t length)
{
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && (bind(fd, address, length) != 0 || (type == SOCK_STREAM && listen(fd, 8) != 0))) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool name_socket(struct sockaddr_un *address, const char *directory, const char *name)
{
    address->sun_family = AF_UNIX;
    return snprintf(address->sun_path, sizeof address->sun_path, "%s/%s", directory, name) <
           (int)sizeof address->sun_path;
}

/* On a port of loopback that the system chooses. */
static int open_internet(int type, struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = open_socket(AF_INET, type, address, length);
    if (fd >= 0 && getsockname(fd, (struct sockaddr *)address, &length) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool open_sockets(canaries *c, rh_error *error)
{
    if (!name_socket(&c->stream, c->directory, "stream") ||
        !name_socket(&c->datagram, c->directory, "datagram"))
        return fail("the socket's path is too long", error);
    c->brief = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "stream"};
    c->abstract = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(c->abstract.sun_path + 1, sizeof c->abstract.sun_path - 1, "pgrehearse-canary-%d",
                          (int)getpid());
    c->abstract_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    c->sockets[RH_PROBE_UNIX_SOCKET] = open_socket(AF_UNIX, SOCK_STREAM, &c->stream, sizeof c->stream);
    c->sockets[RH_PROBE_UNIX_DATAGRAM] = open_socket(AF_UNIX, SOCK_DGRAM, &c->datagram, sizeof c->datagram);
    c->sockets[RH_PROBE_ABSTRACT_SOCKET] =
        open_socket(AF_UNIX, SOCK_STREAM, &c->abstract, c->abstract_length);
    c->sockets[RH_PROBE_TCP] = open_internet(SOCK_STREAM, &c->tcp);
    c->sockets[RH_PROBE_UDP] = open_internet(SOCK_DGRAM, &c->udp);
    for (int i = 0; i <= RH_PROBE_UDP; i++)
        if (c->sockets[i] < 0 && i != RH_PROBE_UNIX_SOCKET_SHORT)
            return fail("a socket to attempt cannot be opened", error);
    /* Whoever the child runs as may connect. */
    return (chmod(c->stream.sun_path, 0777) == 0 && chmod(c->datagram.sun_path, 0777) == 0) ||
           fail(c->directory, error);
}

static bool make_file(const char *directory, const char *name, mode_t mode, char path[PATH_MAX],
                      rh_error *error)
{
    snprintf(path, PATH_MAX, "%s/%s", directory, name);
    int fd = mode ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    bool ok = !mode || (fd >= 0 && fchmod(fd, mode) == 0);
    if (fd >= 0)
        close(fd);
    return ok || fail(path, error);
}

/* Takes what has arrived: true when something did. */
static bool received(int fd)
{
    char byte;
    bool any = false;
    while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
        any = true;
    return any;
}

/* One child's attempts; TO: [RH_PROBE_ATTEMPTS]. */
static bool attempt(canaries *c, const rh_process_options *options, bool *to, rh_error *error)
{
    rh_text output = {0};
    memset(c->shared, 0, RH_PROBE_ATTEMPTS * sizeof *to);
    unlink(c->fresh);
    bool ok = rh_process_run(options, RH_PROCESS_PATIENCE, &output, error);
    if (ok && output.length == 0)
        ok =
            rh_error_set(error, RH_ERROR_REFUSED,
                         "the isolation cannot be proven: the process that attempts to leave it ended early");
    rh_text_release(&output);
    for (int i = 0; ok && i < RH_PROBE_ATTEMPTS; i++)
        to[i] = c->reached[i];
    to[RH_PROBE_UDP] = received(c->sockets[RH_PROBE_UDP]);
    to[RH_PROBE_UNIX_DATAGRAM] = received(c->sockets[RH_PROBE_UNIX_DATAGRAM]);
    return ok;
}

bool rh_probe_confinement(const rh_process_options *options, const char *directory, rh_probe_result *result,
                          rh_error *error)
{
    canaries c = {.directory = directory, .program = getpid()};
    for (int i = 0; i <= RH_PROBE_UDP; i++)
        c.sockets[i] = -1;
    c.shared = mmap(NULL, RH_PROBE_ATTEMPTS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c.shared == MAP_FAILED)
        return fail("no memory", error);
    c.reached = c.shared;
    rh_process_options confined = *options;
    confined.output_path = NULL;
    confined.probe = attempt_all;
    confined.probe_user = &c;
    rh_process_options free = confined;
    free.no_exec = free.no_network = false;
    free.limits = NULL;
    bool ok = open_sockets(&c, error) && make_file(directory, "existing", 0666, c.existing, error) &&
              make_file(directory, "secret", 0644, c.secret, error) &&
              make_file(directory, "fresh", 0, c.fresh, error) && attempt(&c, &free, result->free, error) &&
              attempt(&c, &confined, result->confined, error);
    for (int i = 0; i <= RH_PROBE_UDP; i++)
        if (c.sockets[i] >= 0)
            close(c.sockets[i]);
    munmap(c.shared, RH_PROBE_ATTEMPTS);
    return ok;
}
