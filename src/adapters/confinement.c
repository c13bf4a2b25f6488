#include "confinement.h"
#include "pgrehearse/base/arena.h"
#include <errno.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__
enum { PAGE = 4096, RANDOM_BITS = 38 }; /* ThreadSanitizer wants what lies above 512 GiB for itself */
#else
enum { PAGE = 4096, RANDOM_BITS = 46 };
#endif

/* Seccomp sees system calls by number and registers only: it can tell the child's own start from later ones
 * by the address of the path, not by the path. So the path is put at an address that nobody can guess, and
 * execve is allowed with that pointer alone; exec itself throws the page away. */
static char *page_at_random_address(const char *path)
{
    for (int attempt = 0; attempt < 64; attempt++) {
        uint64_t random = 0;
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return NULL;
        /* Between 4 GiB and 64 TiB: above 32-bit addresses, below where the kernel puts stacks and libraries.
         */
        uint64_t address = (UINT64_C(1) << 32) + (random & ((UINT64_C(1) << RANDOM_BITS) - 1));
        char *page = mmap((void *)(uintptr_t)(address & ~(uint64_t)(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (page != MAP_FAILED) {
            memcpy(page, path, strlen(path) + 1);
            return page;
        }
    }
    return NULL;
}

static int deny_exec(scmp_filter_ctx filter, const char *allowed_path)
{
    int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execve), 1,
                                  SCMP_A0_64(SCMP_CMP_NE, (uintptr_t)allowed_path));
    return result ? result : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execveat), 0);
}

/* Everything but AF_UNIX and AF_NETLINK (getifaddrs; it reaches only this kernel). A rule may compare an
 * argument once, hence a rule a family; values past AF_NETLINK, also those with bits above an int's, by one
 * comparison. */
static int deny_network(scmp_filter_ctx filter)
{
    int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
                                  SCMP_A0_64(SCMP_CMP_GT, AF_NETLINK));
    for (unsigned family = AF_UNSPEC; family < AF_NETLINK && result == 0; family++) {
        if (family != AF_UNIX)
            result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
                                      SCMP_A0_64(SCMP_CMP_EQ, family));
    }
    /* io_uring makes sockets behind seccomp's back. */
    return result ? result : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
}

/* seccomp_export_bpf_mem came with libseccomp 2.6; before, the program goes through a file. */
static int export_program(scmp_filter_ctx filter, struct sock_fprog *program)
{
    int fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = seccomp_export_bpf(filter, fd);
    off_t size = lseek(fd, 0, SEEK_END);
    if (result == 0 && size > 0 && size / (off_t)sizeof *program->filter <= USHRT_MAX) {
        program->filter = rh_alloc((size_t)size);
        program->len = (unsigned short)((size_t)size / sizeof *program->filter);
        if (pread(fd, program->filter, (size_t)size, 0) != size)
            result = -EIO;
    }
    close(fd);
    return result;
}

bool rh_confinement_init(rh_confinement *confinement, const char *path, bool no_exec, bool no_network,
                         rh_error *error)
{
    *confinement = (rh_confinement){0};
    if (!no_exec && !no_network)
        return true;
    if (strlen(path) >= PAGE)
        return rh_error_errno(error, ENAMETOOLONG, "%s", path);
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result = filter ? 0 : -ENOMEM;
    /* 32-bit and x32 system calls have other numbers: refuse them all. */
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
    if (result == 0 && no_exec) {
        confinement->path = page_at_random_address(path);
        result = confinement->path ? deny_exec(filter, confinement->path) : -ENOMEM;
    }
    if (result == 0 && no_network)
        result = deny_network(filter);
    if (result == 0)
        result = export_program(filter, &confinement->program);
    seccomp_release(filter);
    if (result != 0) {
        rh_confinement_release(confinement);
        return rh_error_errno(error, -result, "cannot make the seccomp filter for %s", path);
    }
    return true;
}

int rh_confinement_enter(const rh_confinement *confinement)
{
    if (!confinement->program.filter)
        return 0;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &confinement->program, 0, 0) != 0)
        return errno;
    return 0;
}

void rh_confinement_release(rh_confinement *confinement)
{
    free(confinement->program.filter);
    if (confinement->path)
        munmap(confinement->path, PAGE);
    *confinement = (rh_confinement){0};
}
