/* A private PostgreSQL for one test program: initdb in a temporary directory, Unix socket only, fsync=off,
 * removed at exit.
 *
 * Header-only and free of our own libraries, so that a test of the lowest layer can use it. When we are root
 * it runs as "postgres", else "nobody". The server gets SIGQUIT from the kernel when the test program dies;
 * the directory that a killed program leaves is removed by the next one that starts.
 */
#pragma once
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct test_cluster {
    char directory[64]; /* /tmp/pgrehearse-test-<pid>-XXXXXX {data/, log, .s.PGSQL.5432} */
    char bindir[256];
    char conninfo[160];
    pid_t pid, owner;
    struct test_cluster *next;
} test_cluster;

static test_cluster *test_clusters;

/* The account that stands in for root; false: we are not root and stay who we are. */
static inline bool test_cluster_account(uid_t *uid, gid_t *gid)
{
    if (geteuid() != 0)
        return false;
    const struct passwd *account = getpwnam("postgres");
    if (!account)
        account = getpwnam("nobody");
    if (!account)
        return false;
    *uid = account->pw_uid;
    *gid = account->pw_gid;
    return true;
}

/* PG_BINDIR, or the newest of Debian's and PGDG's places; "" when there is none. */
static inline void test_cluster_find_bindir(char *bindir, size_t size)
{
    static const char *const patterns[] = {"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"};
    int newest = 0;
    snprintf(bindir, size, "%s", getenv("PG_BINDIR") ? getenv("PG_BINDIR") : "");
    for (size_t i = 0; !getenv("PG_BINDIR") && i < 2; i++) {
        glob_t found = {0};
        if (glob(patterns[i], 0, NULL, &found) == 0) {
            for (size_t j = 0; j < found.gl_pathc; j++) {
                int major = atoi(found.gl_pathv[j] + strcspn(found.gl_pathv[j], "0123456789"));
                char initdb[300];
                snprintf(initdb, sizeof initdb, "%s/initdb", found.gl_pathv[j]);
                if (major > newest && access(initdb, X_OK) == 0) {
                    newest = major;
                    snprintf(bindir, size, "%s", found.gl_pathv[j]);
                }
            }
        }
        globfree(&found);
    }
}

/* Starts BINDIR/ARGV[0] with its output appended to LOG, as the account, in a process group of its own.
 * It is given its whole path as its name: by that PostgreSQL's programs find each other, else in PATH. */
static inline pid_t test_cluster_spawn(const test_cluster *cluster, const char *argv[])
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    enum { MOST = 32 };
    char program[320], log[96], *copies[MOST + 1] = {program};
    uid_t uid;
    gid_t gid;
    snprintf(program, sizeof program, "%s/%s", cluster->bindir, argv[0]);
    snprintf(log, sizeof log, "%s/log", cluster->directory);
    setpgid(0, 0);
    if (test_cluster_account(&uid, &gid) && (setgroups(0, NULL) || setgid(gid) || setuid(uid)))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() != parent)
        _exit(126);
    signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDONLY), output = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (chdir(cluster->directory) || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(126);
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    for (int i = 1; i < MOST && argv[i]; i++)
        copies[i] = strdup(argv[i]);
    execv(program, copies);
    _exit(127);
}

static inline void test_cluster_remove(const char *path)
{
    struct stat status;
    if (lstat(path, &status))
        return;
    if (!S_ISDIR(status.st_mode)) {
        unlink(path);
        return;
    }
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char child[4096];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (snprintf(child, sizeof child, "%s/%s", path, entry->d_name) < (int)sizeof child)
            test_cluster_remove(child);
    }
    if (directory)
        closedir(directory);
    rmdir(path);
}

/* Directories whose program is dead: it was killed before it could remove them. */
static inline void test_cluster_clear_leftovers(void)
{
    glob_t found = {0};
    if (glob("/tmp/pgrehearse-test-*", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            int owner = atoi(found.gl_pathv[i] + strlen("/tmp/pgrehearse-test-"));
            if (owner > 0 && kill(owner, 0) != 0)
                test_cluster_remove(found.gl_pathv[i]);
        }
    }
    globfree(&found);
}

static inline void test_cluster_stop(test_cluster *cluster)
{
    if (!cluster)
        return;
    for (test_cluster **link = &test_clusters; *link; link = &(*link)->next) {
        if (*link == cluster) {
            *link = cluster->next;
            break;
        }
    }
    if (cluster->pid > 0) {
        kill(cluster->pid, SIGQUIT);
        waitpid(cluster->pid, NULL, 0);
    }
    test_cluster_remove(cluster->directory);
    free(cluster);
}

static inline void test_cluster_stop_all(void)
{
    /* A forked child of the test must not remove its parent's cluster. */
    while (test_clusters && test_clusters->owner == getpid())
        test_cluster_stop(test_clusters);
}

/* The postmaster writes "ready" into the eighth line of its pid file. */
static inline bool test_cluster_is_ready(const test_cluster *cluster)
{
    char path[128], line[256] = "";
    snprintf(path, sizeof path, "%s/data/postmaster.pid", cluster->directory);
    FILE *file = fopen(path, "r");
    bool ready = false;
    for (int i = 1; file && fgets(line, sizeof line, file); i++)
        ready = i == 8 && strncmp(line, "ready", 5) == 0;
    if (file)
        fclose(file);
    return ready;
}

/* Starts one, with further "name=value" settings in the NULL-ended SETTINGS (or NULL); NULL when it would not
 * start: the reason goes to standard error. */
static inline test_cluster *test_cluster_start_with(const char *const *settings)
{
    test_cluster *cluster = calloc(1, sizeof *cluster);
    uid_t uid;
    gid_t gid;
    test_cluster_clear_leftovers();
    test_cluster_find_bindir(cluster->bindir, sizeof cluster->bindir);
    snprintf(cluster->directory, sizeof cluster->directory, "/tmp/pgrehearse-test-%d-XXXXXX", (int)getpid());
    if (!mkdtemp(cluster->directory)) {
        free(cluster);
        return NULL;
    }
    cluster->owner = getpid();
    cluster->next = test_clusters;
    if (!test_clusters)
        atexit(test_cluster_stop_all);
    test_clusters = cluster;
    if (test_cluster_account(&uid, &gid) && chown(cluster->directory, uid, gid))
        fprintf(stderr, "cannot give %s away\n", cluster->directory);
    snprintf(cluster->conninfo, sizeof cluster->conninfo, "host=%s user=postgres dbname=postgres",
             cluster->directory);

    const char *initdb[] = {"initdb",    "-D",    "data", "-U",   "postgres",
                            "-A",        "trust", "-E",   "UTF8", "--locale=C.UTF-8",
                            "--no-sync", NULL};
    int status = -1;
    waitpid(test_cluster_spawn(cluster, initdb), &status, 0);
    char socket_setting[96];
    snprintf(socket_setting, sizeof socket_setting, "unix_socket_directories=%s", cluster->directory);
    const char *postgres[64] = {
        "postgres", "-D", "data", "-c", "listen_addresses=", "-c", socket_setting, "-c", "fsync=off"};
    for (size_t i = 0, n = 9; settings && settings[i] && n < 62; i++) {
        postgres[n++] = "-c";
        postgres[n++] = settings[i];
    }
    if (status == 0)
        cluster->pid = test_cluster_spawn(cluster, postgres);
    while (cluster->pid > 0) {
        if (test_cluster_is_ready(cluster))
            return cluster;
        if (waitpid(cluster->pid, NULL, WNOHANG) == cluster->pid)
            cluster->pid = 0;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    char log[128], line[512];
    snprintf(log, sizeof log, "%s/log", cluster->directory);
    FILE *file = fopen(log, "r");
    while (file && fgets(line, sizeof line, file))
        fputs(line, stderr);
    if (file)
        fclose(file);
    test_cluster_stop(cluster);
    return NULL;
}

static inline test_cluster *test_cluster_start(void)
{
    return test_cluster_start_with(NULL);
}

/* Of its database "postgres", as the superuser "postgres". */
static inline const char *test_cluster_conninfo(const test_cluster *cluster)
{
    return cluster->conninfo;
}
