#include "connector.h"
#include "pgrehearse/base/arena.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

struct rh_connector {
    int listener, stop; /* STOP: an event */
    struct sockaddr_un to;
    pthread_t thread;
};

/* ---- the handover ---- */

/* Room for one descriptor, aligned as a control message. */
typedef union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
} control;

int rh_connector_send(int handover, int listener)
{
    char byte = 0;
    control room = {.bytes = {0}};
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof listener);
    memcpy(CMSG_DATA(header), &listener, sizeof listener);
    return sendmsg(handover, &message, MSG_NOSIGNAL) == 1 ? 0 : errno;
}

int rh_connector_receive(int handover)
{
    char byte;
    int listener = -1;
    control room;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room.bytes};
    if (recvmsg(handover, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
        return -1;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof listener))
        memcpy(&listener, CMSG_DATA(header), sizeof listener);
    return listener;
}

/* ---- the answers ---- */

/* Whether the child asked for the permitted address: for its own sake, since no other is ever used. */
static bool asks_for(const rh_connector *connector, const struct seccomp_notif *request)
{
    struct sockaddr_un asked = {.sun_family = AF_UNSPEC};
    const uint64_t length = request->data.args[2];
    if (length <= offsetof(struct sockaddr_un, sun_path) || length > sizeof asked)
        return false;
    struct iovec ours = {.iov_base = &asked, .iov_len = length};
    struct iovec theirs = {.iov_base = (void *)(uintptr_t)request->data.args[1], .iov_len = length};
    return process_vm_readv((pid_t)request->pid, &ours, 1, &theirs, 1, 0) == (ssize_t)length &&
           asked.sun_family == AF_UNIX &&
           strncmp(asked.sun_path, connector->to.sun_path, sizeof asked.sun_path) == 0;
}

/* The connection, which does not block, as libpq expects it; or −errno. */
static int connect_to(const rh_connector *connector)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&connector->to, sizeof connector->to) == 0)
        return fd;
    const int failed = errno == EAGAIN ? ECONNREFUSED : errno;
    close(fd);
    return -failed;
}

/* 0 or errno, the result of the child's connect(). */
static int answer(const rh_connector *connector, const struct seccomp_notif *request)
{
    if (!asks_for(connector, request))
        return EACCES;
    int fd = connect_to(connector);
    if (fd < 0)
        return -fd;
    struct seccomp_notif_addfd replacement = {.id = request->id,
                                              .flags = SECCOMP_ADDFD_FLAG_SETFD,
                                              .srcfd = (uint32_t)fd,
                                              .newfd = (uint32_t)request->data.args[0],
                                              .newfd_flags = O_CLOEXEC};
    const int failed = ioctl(connector->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &replacement) < 0 ? errno : 0;
    close(fd);
    return failed;
}

static void *serve(void *data)
{
    const rh_connector *connector = data;
    struct pollfd watched[] = {{.fd = connector->listener, .events = POLLIN},
                               {.fd = connector->stop, .events = POLLIN}};
    for (;;) {
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            break;
        if (watched[1].revents || watched[0].revents & (POLLHUP | POLLERR | POLLNVAL))
            break; /* or no process of the child is left */
        /* The kernel may have more fields than we know, and wants them zero. */
        union {
            struct seccomp_notif notification;
            char room[512];
        } request = {.room = {0}};
        if (!(watched[0].revents & POLLIN) ||
            ioctl(connector->listener, SECCOMP_IOCTL_NOTIF_RECV, &request.notification) != 0)
            continue; /* who asked has ended meanwhile */
        union {
            struct seccomp_notif_resp answer;
            char room[512];
        } response = {.room = {0}};
        response.answer.id = request.notification.id;
        response.answer.error = -answer(connector, &request.notification);
        ioctl(connector->listener, SECCOMP_IOCTL_NOTIF_SEND, &response.answer);
    }
    return NULL;
}

rh_connector *rh_connector_start(int listener, const char *path, rh_error *error)
{
    sigset_t all, before;
    rh_connector *connector = rh_alloc(sizeof *connector);
    *connector =
        (rh_connector){.listener = listener, .stop = eventfd(0, EFD_CLOEXEC), .to = {.sun_family = AF_UNIX}};
    const int length = snprintf(connector->to.sun_path, sizeof connector->to.sun_path, "%s", path);
    int failed = connector->stop < 0                            ? errno
                 : length >= (int)sizeof connector->to.sun_path ? ENAMETOOLONG
                                                                : 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the threads that expect them */
    if (failed == 0)
        failed = pthread_create(&connector->thread, NULL, serve, connector);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        return connector;
    close(listener);
    if (connector->stop >= 0)
        close(connector->stop);
    free(connector);
    rh_error_errno(error, failed, "cannot answer connections to %s", path);
    return NULL;
}

void rh_connector_free(rh_connector *connector)
{
    if (!connector)
        return;
    eventfd_write(connector->stop, 1);
    pthread_join(connector->thread, NULL);
    close(connector->listener);
    close(connector->stop);
    free(connector);
}
