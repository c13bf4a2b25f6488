#include "landlock.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h of Linux 6.12. */
struct ruleset_attr {
    uint64_t files, network, scopes;
};

struct __attribute__((packed)) path_rule {
    uint64_t allowed;
    int32_t parent;
};

enum { CREATE_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum file_right {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIRECTORY = 1 << 3,
    MAKE_CHARACTER_DEVICE = 1 << 6,
    MAKE_BLOCK_DEVICE = 1 << 11,
    REFER = 1 << 13,        /* since ABI 2: rename and link between directories */
    TRUNCATE = 1 << 14,     /* 3 */
    IOCTL_DEVICE = 1 << 15, /* 5 */
    EVERY_RIGHT_OF_ABI_1 = (1 << 13) - 1,
    EVERY_RIGHT_OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE,
    READ = EXECUTE | READ_FILE | READ_DIRECTORY
};

static const uint64_t EVERY_TCP = 3;   /* bind and connect; 4 */
static const uint64_t EVERY_SCOPE = 3; /* abstract sockets and signals; 6 */

int rh_landlock_abi(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    return version > 0 ? (int)version : 0;
}

static uint64_t known_rights(int abi)
{
    uint64_t rights = EVERY_RIGHT_OF_ABI_1;
    rights |= abi >= 2 ? REFER : 0;
    rights |= abi >= 3 ? TRUNCATE : 0;
    rights |= abi >= 5 ? IOCTL_DEVICE : 0;
    return rights;
}

/* Async-signal-safe; 0 or errno. */
static int allow(int ruleset, const char *path, uint64_t rights)
{
    struct stat status;
    struct path_rule rule = {.allowed = rights, .parent = open(path, O_PATH | O_CLOEXEC)};
    if (rule.parent < 0)
        return errno;
    if (fstat(rule.parent, &status) == 0 && !S_ISDIR(status.st_mode))
        rule.allowed &= EVERY_RIGHT_OF_A_FILE;
    long result = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
    int failed = result == 0 ? 0 : errno;
    close(rule.parent);
    return failed;
}

static uint64_t write_rights(int abi)
{
    return known_rights(abi) &
           ~(uint64_t)(EXECUTE | MAKE_CHARACTER_DEVICE | MAKE_BLOCK_DEVICE | IOCTL_DEVICE);
}

bool rh_landlock_make(const rh_confinement_limits *limits, int *ruleset, rh_error *error)
{
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", NULL};
    const int abi = rh_landlock_abi();
    struct ruleset_attr attributes = {.files = known_rights(abi),
                                      .network = abi >= 4 ? EVERY_TCP : 0,
                                      .scopes = abi >= 6 ? EVERY_SCOPE : 0};
    *ruleset = -1;
    if (abi == 0)
        return true;
    int made = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (made < 0)
        return rh_error_errno(error, errno, "cannot make a Landlock ruleset");
    *ruleset = fcntl(made, F_DUPFD_CLOEXEC, 5); /* above those that the child assigns */
    close(made);
    if (*ruleset < 0)
        return rh_error_errno(error, errno, "cannot make a Landlock ruleset");
    int failed = 0;
    for (const char *const *path = limits->writable; failed == 0 && *path; path++) {
        failed = allow(*ruleset, *path, write_rights(abi));
        if (failed)
            rh_error_errno(error, failed, "cannot confine a server to %s", *path);
    }
    for (const char *const *path = limits->readable; failed == 0 && *path; path++)
        allow(*ruleset, *path, READ); /* what is missing cannot be read either */
    for (const char *const *path = devices; failed == 0 && *path; path++)
        allow(*ruleset, *path, READ_FILE | WRITE_FILE);
    return failed == 0;
}

int rh_landlock_enter(int ruleset)
{
    int failed = allow(ruleset, "/dev/shm", write_rights(rh_landlock_abi()));
    if (failed && failed != ENOENT && failed != EACCES)
        return failed;
    return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0 : errno;
}
