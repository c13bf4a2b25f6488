#include "namespaces.h"
#include "file_tree.h"
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed(int result)
{
    return result == 0 ? 0 : errno;
}

static int write_map(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int result = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : errno;
    close(fd);
    return result;
}

static int enter_user(const rh_namespaces *namespaces)
{
    int result = failed(unshare(CLONE_NEWUSER));
    if (result == 0)
        result = write_map("/proc/self/setgroups", "deny");
    if (result == 0)
        result = write_map("/proc/self/uid_map", namespaces->uid_map);
    return result ? result : write_map("/proc/self/gid_map", namespaces->gid_map);
}

static int enter_network(bool loopback)
{
    int result = failed(unshare(CLONE_NEWNET));
    if (result != 0 || !loopback)
        return result;
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    result = failed(ioctl(fd, SIOCSIFFLAGS, &request));
    close(fd);
    return result;
}

static int enter_mounts(const rh_confinement_limits *limits)
{
    int result = failed(unshare(CLONE_NEWNS));
    return result ? result : rh_file_tree_enter(limits);
}

int rh_namespaces_enter(const rh_namespaces *namespaces)
{
    int result = namespaces->user ? enter_user(namespaces) : 0;
    if (result == 0 && namespaces->network)
        result = enter_network(namespaces->loopback);
    if (result == 0 && namespaces->ipc)
        result = failed(unshare(CLONE_NEWIPC));
    if (result == 0 && namespaces->mounts)
        result = enter_mounts(namespaces->limits);
    return result;
}

/* ---- which namespaces this machine permits ---- */

static rh_namespaces here;

/* In a child process: tries each namespace. Returns the bits of those that were entered, as the exit status.
 */
static int try_all(const rh_namespaces *wanted)
{
    if (wanted->user && enter_user(wanted) != 0)
        return 0;
    int found = enter_network(true) == 0 ? 1 : 0;
    found |= unshare(CLONE_NEWIPC) == 0 ? 2 : 0;
    found |= enter_mounts(NULL) == 0 ? 4 : 0;
    return found;
}

static void try_in_child(void)
{
    int status = 0;
    here.user = geteuid() != 0;
    snprintf(here.uid_map, sizeof here.uid_map, "%u %u 1\n", geteuid(), geteuid());
    snprintf(here.gid_map, sizeof here.gid_map, "%u %u 1\n", getegid(), getegid());
    pid_t child = fork();
    if (child == 0)
        _exit(try_all(&here));
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    int found = child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    here.network = found & 1;
    here.ipc = found & 2;
    here.mounts = found & 4;
    here.user = here.user && found;
}

const rh_namespaces *rh_namespaces_here(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, try_in_child);
    return &here;
}
