#include "file_tree.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the new root is put together, in the child's own mount namespace: the first that holds no path of the
 * limits. */
static const char *const ROOTS[] = {"/dev/shm", "/mnt", "/tmp"};

/* struct mount_attr of linux/mount.h, which older headers lack. */
struct attributes {
    uint64_t set, clear, propagation, user_namespace;
};

static int failed(int result)
{
    return result == 0 ? 0 : errno;
}

static bool holds(const char *root, const char *const *paths)
{
    for (size_t length = strlen(root); *paths; paths++)
        if (strncmp(*paths, root, length) == 0 && ((*paths)[length] == '/' || (*paths)[length] == 0))
            return true;
    return false;
}

static const char *choose_root(const rh_confinement_limits *limits)
{
    struct stat status;
    for (size_t i = 0; i < sizeof ROOTS / sizeof *ROOTS; i++)
        if (stat(ROOTS[i], &status) == 0 &&
            !(limits && (holds(ROOTS[i], limits->writable) || holds(ROOTS[i], limits->readable))))
            return ROOTS[i];
    return NULL;
}

/* ROOT with PATH behind it; 0 or ENAMETOOLONG. */
static int below_root(const char *root, const char *path, char below[PATH_MAX])
{
    if (strlen(path) + strlen(root) + 1 > PATH_MAX)
        return ENAMETOOLONG;
    stpcpy(stpcpy(below, root), path);
    return 0;
}

/* The directories above BELOW, and itself as STATUS says: what cannot be made fails when it is mounted. */
static void make_mount_point(char *below, size_t root_length, const struct stat *status)
{
    for (char *slash = strchr(below + root_length + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(below, 0755);
        *slash = '/';
    }
    if (S_ISDIR(status->st_mode)) {
        mkdir(below, 0755);
    } else {
        int fd = open(below, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0)
            close(fd);
    }
}

static int show(const char *root, const char *path, bool writable)
{
    char below[PATH_MAX];
    struct stat status;
    if (stat(path, &status) != 0)
        return errno;
    int result = below_root(root, path, below);
    if (result != 0)
        return result;
    make_mount_point(below, strlen(root), &status);
    result = failed(mount(path, below, NULL, MS_BIND | MS_REC, NULL));
    if (result == 0 && !writable) {
        /* One layer of two; kernels before 5.12 do not know the call. */
        enum { RECURSIVE = 0x8000, READ_ONLY = 1 };
        struct attributes attributes = {.set = READ_ONLY};
        syscall(SYS_mount_setattr, AT_FDCWD, below, RECURSIVE, &attributes, sizeof attributes);
    }
    return result;
}

static int show_all(const char *root, const char *const *paths, bool writable)
{
    int result = 0;
    for (; result == 0 && *paths; paths++) {
        result = show(root, *paths, writable);
        if (result == ENOENT && !writable)
            result = 0;
    }
    return result;
}

static int show_devices(const char *root)
{
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", NULL};
    char shm[PATH_MAX];
    int result = show_all(root, devices, true);
    if (result == 0)
        result = below_root(root, "/dev/shm", shm);
    mkdir(shm, 0755);
    return result ? result
                  : failed(mount("tmpfs", shm, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777"));
}

int rh_file_tree_enter(const rh_confinement_limits *limits)
{
    const char *root = choose_root(limits);
    int result = root ? failed(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) : ENOENT;
    if (result == 0)
        result = failed(mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"));
    if (result == 0)
        result = show_devices(root);
    if (result == 0 && limits)
        result = show_all(root, limits->readable, false);
    if (result == 0 && limits)
        result = show_all(root, limits->writable, true);
    if (result == 0)
        result = failed(chdir(root));
    if (result == 0) /* the old root is stacked below the new one, and goes */
        result = failed((int)syscall(SYS_pivot_root, ".", "."));
    if (result == 0)
        result = failed(umount2(".", MNT_DETACH));
    return result ? result : failed(chdir("/"));
}
