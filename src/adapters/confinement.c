#include "confinement.h"
#include "connector.h"
#include "landlock.h"
#include "pgrehearse/base/arena.h"
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__
enum { PAGE = 4096, RANDOM_BITS = 38 }; /* ThreadSanitizer wants what lies above 512 GiB for itself */
#else
enum { PAGE = 4096, RANDOM_BITS = 46 };
#endif

/* Seccomp sees system calls by number and registers only: it can tell the child's own start from later ones
 * by the address of the path, not by the path. So the path is put at an address that cannot be guessed, and
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

/* Denies socket() and socketpair() for each FAMILY below AF_NETLINK but those of ALLOWED, and for all above.
 * A rule may compare an argument once, hence a rule a family; values past AF_NETLINK, also those with bits
 * above an int's, by one comparison. */
static int deny_families(scmp_filter_ctx filter, const int *allowed, size_t count)
{
    int result = 0;
    for (int call = 0; call < 2 && result == 0; call++) {
        const int number = call ? SCMP_SYS(socketpair) : SCMP_SYS(socket);
        result =
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), number, 1, SCMP_A0_64(SCMP_CMP_GT, AF_NETLINK));
        for (int family = AF_UNSPEC; family <= AF_NETLINK && result == 0; family++) {
            bool denied = true;
            for (size_t i = 0; i < count; i++)
                denied = denied && family != allowed[i];
            if (denied)
                result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), number, 1,
                                          SCMP_A0_64(SCMP_CMP_EQ, (unsigned)family));
        }
    }
    /* io_uring makes sockets behind seccomp's back. */
    return result ? result : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
}

/* AF_NETLINK is for getifaddrs; it reaches only this kernel. */
static int deny_network(scmp_filter_ctx filter)
{
    return deny_families(filter, (const int[]){AF_UNIX, AF_NETLINK}, 2);
}

/* Of FAMILY only sockets of TYPE: datagrams need no connect(). */
static int deny_other_types(scmp_filter_ctx filter, unsigned family, unsigned type)
{
    enum { TYPES = 16 }; /* the lower four bits; above them are flags */
    int result = 0;
    for (unsigned other = 0; other < TYPES && result == 0; other++) {
        if (other == type)
            continue;
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 2,
                                  SCMP_A0_64(SCMP_CMP_EQ, family),
                                  SCMP_A1_64(SCMP_CMP_MASKED_EQ, TYPES - 1, other));
        if (result == 0)
            result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socketpair), 2,
                                      SCMP_A0_64(SCMP_CMP_EQ, family),
                                      SCMP_A1_64(SCMP_CMP_MASKED_EQ, TYPES - 1, other));
    }
    return result;
}

/* A server answers; it never connects, unless it is a standby: then this program connects for it. Before
 * PostgreSQL 15 the statistics collector connects a UDP socket to itself, by an address of 16 bytes; libpq's
 * for a Unix socket has 110. */
static int deny_connections(scmp_filter_ctx filter, const rh_confinement_limits *limits)
{
    enum { IPV4_ADDRESS_BYTES = 16 };
    const bool udp = limits->udp;
    const uint32_t denied = limits->server ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO(EACCES);
    int result = udp ? deny_families(filter, (const int[]){AF_UNIX, AF_INET}, 2)
                     : deny_families(filter, (const int[]){AF_UNIX}, 1);
    if (result == 0)
        result = deny_other_types(filter, AF_UNIX, SOCK_STREAM);
    if (result == 0 && udp)
        result = deny_other_types(filter, AF_INET, SOCK_DGRAM);
    if (result != 0)
        return result;
    if (udp)
        return seccomp_rule_add(filter, denied, SCMP_SYS(connect), 1,
                                SCMP_A2_64(SCMP_CMP_NE, IPV4_ADDRESS_BYTES));
    return seccomp_rule_add(filter, denied, SCMP_SYS(connect), 0);
}

/* System calls that no PostgreSQL server makes: into other processes, out of the confinement, into the
 * kernel. */
/* NOLINTNEXTLINE(readability-function-size): a list */
static int deny_calls(scmp_filter_ctx filter)
{
    static const char *const calls[] = {"ptrace",
                                        "process_vm_readv",
                                        "process_vm_writev",
                                        "process_madvise",
                                        "pidfd_getfd",
                                        "kcmp",
                                        "move_pages",
                                        "migrate_pages",
                                        "unshare",
                                        "setns",
                                        "mount",
                                        "umount2",
                                        "pivot_root",
                                        "chroot",
                                        "move_mount",
                                        "open_tree",
                                        "fsopen",
                                        "fsconfig",
                                        "fsmount",
                                        "fspick",
                                        "mount_setattr",
                                        "bpf",
                                        "perf_event_open",
                                        "userfaultfd",
                                        "keyctl",
                                        "add_key",
                                        "request_key",
                                        "open_by_handle_at",
                                        "kexec_load",
                                        "kexec_file_load",
                                        "init_module",
                                        "finit_module",
                                        "delete_module",
                                        "swapon",
                                        "swapoff",
                                        "reboot",
                                        "acct",
                                        "quotactl",
                                        "quotactl_fd",
                                        "syslog",
                                        "settimeofday",
                                        "clock_settime",
                                        "adjtimex",
                                        "clock_adjtime",
                                        "sethostname",
                                        "setdomainname",
                                        "iopl",
                                        "ioperm",
                                        "fanotify_init",
                                        "vhangup",
                                        "io_uring_enter",
                                        "io_uring_register"};
    static const uint64_t namespaces[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                          CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
    int result = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls && result == 0; i++) {
        int number = seccomp_syscall_resolve_name(calls[i]);
        if (number >= 0) /* below: this architecture has none of that name */
            result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
    }
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                  SCMP_A0_64(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]));
    /* clone3 has its flags in memory, where seccomp does not see them: the C library then takes clone. */
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (result == 0) /* another process's limits */
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1,
                                  SCMP_A0_64(SCMP_CMP_NE, 0));
    return result;
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

static int make_filter(scmp_filter_ctx filter, rh_confinement *confinement, const char *path,
                       const rh_process_options *options)
{
    /* 32-bit and x32 system calls have other numbers: refuse them all. */
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
    if (result == 0 && options->no_exec) {
        confinement->path = page_at_random_address(path);
        result = confinement->path ? deny_exec(filter, confinement->path) : -ENOMEM;
    }
    if (result == 0 && options->limits)
        result = deny_connections(filter, options->limits);
    if (result == 0 && options->limits)
        result = deny_calls(filter);
    if (result == 0 && options->no_network && !options->limits)
        result = deny_network(filter);
    return result ? result : export_program(filter, &confinement->program);
}

bool rh_confinement_init(rh_confinement *confinement, const char *path, const rh_process_options *options,
                         rh_error *error)
{
    *confinement = (rh_confinement){.ruleset = -1,
                                    .limited = options->limits != NULL,
                                    .listens = options->limits && options->limits->server};
    if (!options->no_exec && !options->no_network && !options->limits)
        return true;
    if (strlen(path) >= PAGE)
        return rh_error_errno(error, ENAMETOOLONG, "%s", path);
    if (options->limits) {
        confinement->namespaces = *rh_namespaces_here();
        confinement->namespaces.loopback = options->limits->udp;
        confinement->namespaces.limits = options->limits;
        if (!rh_landlock_make(options->limits, &confinement->ruleset, error))
            return false;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result = filter ? make_filter(filter, confinement, path, options) : -ENOMEM;
    seccomp_release(filter);
    if (result != 0)
        return rh_error_errno(error, -result, "cannot make the seccomp filter for %s", path);
    return true;
}

int rh_confinement_separate(const rh_confinement *confinement)
{
    return confinement->limited ? rh_namespaces_enter(&confinement->namespaces) : 0;
}

int rh_confinement_drop(const rh_confinement *confinement)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (!confinement->limited)
        return 0;
    return syscall(SYS_capset, &header, none) == 0 ? 0 : errno;
}

int rh_confinement_enter(const rh_confinement *confinement, int ruleset, int handover)
{
    int failed = confinement->ruleset >= 0 ? rh_landlock_enter(ruleset) : 0;
    if (failed || !confinement->program.filter)
        return failed;
    if (confinement->listens) {
        long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                                &confinement->program);
        failed = listener < 0 ? errno : rh_connector_send(handover, (int)listener);
        if (listener >= 0)
            close((int)listener);
        return failed;
    }
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &confinement->program, 0, 0) != 0)
        return errno;
    return 0;
}

void rh_confinement_release(rh_confinement *confinement)
{
    free(confinement->program.filter);
    if (confinement->path)
        munmap(confinement->path, PAGE);
    if (confinement->ruleset >= 0)
        close(confinement->ruleset);
    *confinement = (rh_confinement){.ruleset = -1};
}

const rh_confinement_layers *rh_confinement_layers_here(void)
{
    static rh_confinement_layers layers;
    const rh_namespaces *namespaces = rh_namespaces_here();
    layers = (rh_confinement_layers){.landlock_abi = rh_landlock_abi(),
                                     .network = namespaces->network,
                                     .ipc = namespaces->ipc,
                                     .mounts = namespaces->mounts,
                                     .user = namespaces->user};
    return &layers;
}
