#include "account.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Debian's policy and systemd leave these to programs that need an id for a while (systemd.io/UIDS-GIDS). */
enum { FIRST_ID = 61184, LAST_ID = 65519, ID_COUNT = LAST_ID - FIRST_ID + 1 };

static const rh_usec PATIENCE = 5 * RH_SECOND;

bool rh_account_common(rh_account *account, rh_error *error)
{
    *account = (rh_account){.lock = -1};
    const struct passwd *entry = getpwnam("postgres");
    if (!entry)
        entry = getpwnam("nobody");
    if (!entry) {
        rh_error_set(error, RH_ERROR_STAGING,
                     "PostgreSQL does not run as root, and neither postgres nor nobody is an account");
        return rh_error_hint(error, "run as an ordinary user, or create the account postgres");
    }
    account->uid = entry->pw_uid;
    account->gid = entry->pw_gid;
    return true;
}

/* Is ID one of our user namespace? "first-inside first-outside count" a line. */
static bool is_mapped(const char *map, unsigned id)
{
    unsigned inside, outside, count;
    bool found = false;
    FILE *file = fopen(map, "re");
    while (file && !found && fscanf(file, "%u %u %u", &inside, &outside, &count) == 3)
        found = id >= inside && id - inside < count;
    if (file)
        fclose(file);
    return found;
}

/* How many processes run as UID: living ones. */
static size_t count_processes(uid_t uid)
{
    size_t count = 0;
    DIR *processes = opendir("/proc");
    for (const struct dirent *entry; processes && (entry = readdir(processes)) != NULL;) {
        char path[32 + sizeof entry->d_name], line[128], state = 0;
        unsigned owner = 0;
        snprintf(path, sizeof path, "/proc/%s/status", entry->d_name);
        FILE *file = isdigit((unsigned char)entry->d_name[0]) ? fopen(path, "re") : NULL;
        while (file && fgets(line, sizeof line, file)) {
            sscanf(line, "State: %c", &state);
            if (sscanf(line, "Uid: %u", &owner) == 1)
                break;
        }
        if (file)
            fclose(file);
        count += owner == uid && state != 'Z' && state != 'X';
    }
    if (processes)
        closedir(processes);
    return count;
}

/* An abstract socket's name is free again when its owner dies, however it dies. -1: taken. */
static int lock_id(unsigned id)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "pgrehearse-account-%u", id);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, size) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool is_free(unsigned id)
{
    return is_mapped("/proc/self/uid_map", id) && is_mapped("/proc/self/gid_map", id) && !getpwuid(id) &&
           !getgrgid(id) && count_processes(id) == 0;
}

bool rh_account_choose(rh_account *account)
{
    uint32_t start = 0;
    *account = (rh_account){.lock = -1};
    if (getrandom(&start, sizeof start, 0) != sizeof start)
        return false;
    for (unsigned i = 0; i < 64; i++) {
        const unsigned id = FIRST_ID + (start + i) % ID_COUNT;
        int lock = is_free(id) ? lock_id(id) : -1;
        if (lock >= 0) {
            *account = (rh_account){.uid = id, .gid = id, .own = true, .lock = lock};
            return true;
        }
    }
    return false;
}

bool rh_account_claim(rh_account *account, uid_t uid)
{
    *account = (rh_account){.uid = uid, .gid = uid, .own = true, .lock = -1};
    if (geteuid() == 0 && uid >= FIRST_ID && uid <= LAST_ID && !getpwuid(uid))
        account->lock = lock_id(uid);
    return account->lock >= 0;
}

/* ---- its end ---- */

/* One that runs as UID may signal all that do, and nothing else: none can fork faster than it is killed. */
static void kill_all(uid_t uid)
{
    pid_t child = fork();
    if (child == 0) {
        if (syscall(SYS_setresuid, uid, uid, uid) == 0)
            kill(-1, SIGKILL);
        _exit(0);
    }
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static void remove_files(uid_t uid)
{
    DIR *directory = opendir("/dev/shm");
    struct stat status;
    for (const struct dirent *entry; directory && (entry = readdir(directory)) != NULL;)
        if (rh_starts_with(entry->d_name, "PostgreSQL.") &&
            fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            status.st_uid == uid)
            unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        closedir(directory);
}

static void remove_segments(uid_t uid)
{
    struct shmid_ds status;
    struct shm_info info;
    int last = shmctl(0, SHM_INFO, (struct shmid_ds *)&info);
    for (int i = 0; i <= last; i++) {
        int id = shmctl(i, SHM_STAT, &status);
        if (id >= 0 && status.shm_perm.cuid == uid)
            shmctl(id, IPC_RMID, NULL);
    }
}

void rh_account_end(const rh_account *account)
{
    if (!account->own || account->uid == 0)
        return;
    for (rh_usec until = rh_clock_monotonic() + PATIENCE;
         count_processes(account->uid) > 0 && rh_clock_monotonic() < until;) {
        kill_all(account->uid);
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 200);
    }
    remove_files(account->uid);
    remove_segments(account->uid);
}

void rh_account_release(rh_account *account)
{
    if (account->lock >= 0)
        close(account->lock);
    *account = (rh_account){.lock = -1};
}
