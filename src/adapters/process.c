/* Starting: fork and execve of our own. libuv's uv_spawn can set neither the death signal nor a seccomp
 * filter. */
#include "pgrehearse/adapters/process.h"
#include "confinement.h"
#include "pgrehearse/base/arena.h"
#include "process_child.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* From SIGTERM to SIGKILL: a server that is killed leaves its shared memory behind, and a busy machine is
 * slow. */
static const rh_usec GRACE = 10 * RH_SECOND;

/* All that the child needs, made before the fork: afterwards it may not allocate. */
typedef struct launch_plan {
    const char *path; /* for execve: confinement.path when programs are denied */
    char **argv, **environment;
    const rh_process_options *options;
    rh_confinement confinement;
    int standard[3]; /* the child's 0, 1, 2 */
    int report;      /* close-on-exec pipe: what failed, and errno */
    int handover[2]; /* ours, the child's: a pair of sockets over which the listener of its filter comes; -1
                      */
    pid_t parent;
} launch_plan;

typedef struct launch_failure {
    char step[24];
    int error;
} launch_failure;

static struct rlimit memory_before; /* of this program; programs that it starts get it back */
static bool memory_limited;

void rh_process_limit_memory(int64_t most)
{
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ /* whose own memory is beyond any limit */
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &memory_before) != 0 || memory_before.rlim_cur <= (rlim_t)most)
        return;
    limit = (struct rlimit){.rlim_cur = (rlim_t)most, .rlim_max = memory_before.rlim_max};
    memory_limited = setrlimit(RLIMIT_DATA, &limit) == 0;
#else
    (void)most;
#endif
}

/* ---- in the child: async-signal-safe calls only ---- */

static _Noreturn void child_fail(int report, const char *step)
{
    launch_failure failure = {.error = errno};
    for (size_t i = 0; step[i] && i < sizeof failure.step - 1; i++)
        failure.step[i] = step[i];
    ssize_t written = write(report, &failure, sizeof failure);
    (void)written;
    _exit(127);
}

static void child_reset_signals(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int i = 1; i < NSIG; i++)
        sigaction(i, &standard, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Raw system calls: glibc's wrappers of these want to tell threads that do not exist here. */
static bool child_become(uid_t uid, gid_t gid)
{
    return syscall(SYS_setgroups, 0, NULL) == 0 && syscall(SYS_setresgid, gid, gid, gid) == 0 &&
           syscall(SYS_setresuid, uid, uid, uid) == 0;
}

static _Noreturn void child_main(const launch_plan *launch)
{
    const rh_process_options *options = launch->options;
    int report = 3, ruleset = 4, handover = 5;
    setpgid(0, 0);
    child_reset_signals();
    if (memory_limited)
        setrlimit(RLIMIT_DATA, &memory_before);
    for (int i = 0; i < 3; i++) {
        if (dup2(launch->standard[i], i) < 0)
            child_fail(launch->report, "dup2");
    }
    if (dup3(launch->report, report, O_CLOEXEC) < 0)
        child_fail(launch->report, "dup3");
    if (launch->confinement.ruleset >= 0 && dup3(launch->confinement.ruleset, ruleset, O_CLOEXEC) < 0)
        child_fail(report, "dup3");
    else if (launch->confinement.ruleset < 0)
        close(ruleset);
    if (launch->handover[1] >= 0 && dup3(launch->handover[1], handover, O_CLOEXEC) < 0)
        child_fail(report, "dup3");
    if (close_range(launch->handover[1] >= 0 ? 6 : 5, ~0U, 0) != 0)
        child_fail(report, "close_range");
    if ((errno = rh_confinement_separate(&launch->confinement)) != 0)
        child_fail(report, "namespaces");
    if (options->uid && !child_become(options->uid, options->gid))
        child_fail(report, "setuid");
    if ((errno = rh_confinement_drop(&launch->confinement)) != 0)
        child_fail(report, "capset");
    if (options->directory && chdir(options->directory) != 0)
        child_fail(report, "chdir");
    /* After setuid, which clears it. Who died before this line did not send the signal: then end here. */
    if (prctl(PR_SET_PDEATHSIG, options->death_signal ? options->death_signal : SIGKILL) != 0)
        child_fail(report, "PR_SET_PDEATHSIG");
    if (getppid() != launch->parent)
        _exit(127);
    if ((launch->confinement.program.filter || options->uid) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        child_fail(report, "PR_SET_NO_NEW_PRIVS");
    if ((errno = rh_confinement_enter(&launch->confinement, ruleset, handover)) != 0)
        child_fail(report, "confinement");
    if (options->probe) {
        close(report);
        if (launch->handover[1] >= 0)
            close(handover);
        options->probe(options->probe_user);
        _exit(0);
    }
    execve(launch->path, launch->argv, launch->environment);
    child_fail(report, "execve");
}

/* ---- in the parent ---- */

/* Above the standard descriptors, so that the child can lay out 0…3 in any order. Closes FD. */
static int high_descriptor(int fd)
{
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 4);
    if (fd >= 0)
        close(fd);
    return high;
}

/* OURS and THEIRS: the ends of a new pipe; OURS does not block. */
static bool make_pipe(int *ours, int *theirs, bool we_write, rh_error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return rh_error_errno(error, errno, "cannot make a pipe");
    *ours = high_descriptor(ends[we_write ? 1 : 0]);
    *theirs = high_descriptor(ends[we_write ? 0 : 1]);
    if (*ours < 0 || *theirs < 0)
        return rh_error_errno(error, errno, "cannot make a pipe");
    fcntl(*ours, F_SETFL, O_NONBLOCK);
    fcntl(*ours, F_SETPIPE_SZ, 1 << 20); /* fewer wake-ups; what the system refuses stays at 64 KiB */
    return true;
}

static bool open_standard(rh_process *process, launch_plan *launch, rh_error *error)
{
    const rh_process_options *options = launch->options;
    if (options->write_input) {
        if (!make_pipe(&process->input, &launch->standard[0], true, error))
            return false;
    } else {
        launch->standard[0] = high_descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    if (options->output_path) {
        int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
        launch->standard[1] = high_descriptor(open(options->output_path, flags, 0600));
        if (launch->standard[1] < 0)
            return rh_error_errno(error, errno, "cannot write %s", options->output_path);
        launch->standard[2] = fcntl(launch->standard[1], F_DUPFD_CLOEXEC, 4);
        return true;
    }
    return make_pipe(&process->streams[0].fd, &launch->standard[1], false, error) &&
           make_pipe(&process->streams[1].fd, &launch->standard[2], false, error);
}

/* ARGV[0] itself when it has a slash, else the first executable of that name in PATH; heap, or NULL. */
static char *find_program(const char *name)
{
    if (strchr(name, '/'))
        return rh_strdup(name);
    const char *path = getenv("PATH");
    for (const char *part = path ? path : "/usr/local/bin:/usr/bin:/bin"; part;) {
        size_t length = strcspn(part, ":");
        rh_text candidate = {0};
        rh_text_append_bytes(&candidate, part, length);
        rh_text_printf(&candidate, "%s%s", length ? "/" : "./", name);
        struct stat status;
        if (access(candidate.data, X_OK) == 0 && stat(candidate.data, &status) == 0 &&
            S_ISREG(status.st_mode))
            return candidate.data;
        rh_text_release(&candidate);
        part = part[length] ? part + length + 1 : NULL;
    }
    return NULL;
}

bool rh_process_can_start(const char *program, const char *directory)
{
    struct stat status;
    rh_text beneath = {0};
    if (strchr(program, '/') && *program != '/' && directory)
        rh_text_printf(&beneath, "%s/", directory);
    char *path = find_program(program);
    if (path)
        rh_text_append(&beneath, path);
    const bool can = path && access(rh_text_string(&beneath), X_OK) == 0 &&
                     stat(rh_text_string(&beneath), &status) == 0 && S_ISREG(status.st_mode);
    free(path);
    rh_text_release(&beneath);
    return can;
}

/* Replaces the entry of the same name, adds it, or, when it has no value, takes that away. ENVIRONMENT has
 * room. */
static void environment_put(char **environment, size_t *count, char *entry)
{
    const size_t name = strcspn(entry, "=");
    const bool keep = entry[name] == '=';
    size_t i = 0;
    while (i < *count && !(strncmp(environment[i], entry, name) == 0 && environment[i][name] == '='))
        i++;
    if (i < *count) {
        free(environment[i]);
        environment[i] = keep ? entry : environment[--*count];
    } else if (keep) {
        environment[(*count)++] = entry;
    }
    if (!keep)
        free(entry);
}

/* Is ENTRY of our own environment passed on to a server? */
static bool is_kept(const char *entry)
{
    static const char *const kept[] = {"PATH=", "LANG=", "LOCPATH=", "TZ=", "LD_LIBRARY_PATH="};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strncmp(entry, kept[i], strlen(kept[i])) == 0)
            return true;
    return false;
}

/* Ours, or what is kept of it, with the additions; with another uid also that account's HOME and USER, so
 * that nothing reads root's. */
static char **copy_of(const char *const *list)
{
    size_t count = 0;
    while (list[count])
        count++;
    char **copy = rh_alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = rh_strdup(list[i]);
    return copy;
}

static void free_list(char **list)
{
    for (char **entry = list; entry && *entry; entry++)
        free(*entry);
    free(list);
}

static char **make_environment(const rh_process_options *options)
{
    size_t room = 4, count = 0;
    for (char **entry = environ; *entry; entry++)
        room++;
    for (const char *const *entry = options->environment; entry && *entry; entry++)
        room++;
    char **environment = rh_alloc(room * sizeof *environment);
    for (char **entry = environ; *entry; entry++)
        if (!options->clean_environment || is_kept(*entry))
            environment[count++] = rh_strdup(*entry);
    if (options->uid && !options->clean_environment) {
        const struct passwd *account = getpwuid(options->uid);
        rh_text home = {0}, user = {0};
        rh_text_printf(&home, account ? "HOME=%s" : "HOME", account ? account->pw_dir : "");
        rh_text_printf(&user, account ? "USER=%s" : "USER", account ? account->pw_name : "");
        environment_put(environment, &count, home.data);
        environment_put(environment, &count, user.data);
    }
    for (const char *const *entry = options->environment; entry && *entry; entry++)
        environment_put(environment, &count, rh_strdup(*entry));
    environment[count] = NULL;
    return environment;
}

/* Forks with every signal held back, so that none of our handlers runs in the child. */
static bool fork_child(rh_process *process, launch_plan *launch, rh_error *error)
{
    sigset_t all, before;
    launch_failure failure = {.error = 0};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return rh_error_errno(error, errno, "cannot make a pipe");
    int report = high_descriptor(ends[0]);
    launch->report = high_descriptor(ends[1]);
    launch->parent = getpid();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    process->pid = fork();
    if (process->pid == 0)
        child_main(launch);
    int fork_errno = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(launch->report);
    ssize_t got = 0;
    if (process->pid > 0) {
        setpgid(process->pid, process->pid); /* also here: whoever signals the group next must find it */
        do
            got = read(report, &failure, sizeof failure);
        while (got < 0 && errno == EINTR);
    }
    close(report);
    if (process->pid < 0)
        return rh_error_errno(error, fork_errno, "cannot start %s", process->name);
    if (got == (ssize_t)sizeof failure) {
        waitpid(process->pid, NULL, 0);
        process->ended = true;
        return rh_error_errno(error, failure.error, "cannot start %s (%s)", process->name, failure.step);
    }
    process->pidfd = pidfd_open(process->pid, 0);
    if (process->pidfd < 0)
        return rh_error_errno(error, errno, "cannot watch %s", process->name);
    return true;
}

/* The pair over which the child sends the listener of its filter: beyond the descriptors that it lays out. */
static bool make_handover(launch_plan *launch, rh_error *error)
{
    enum { BEYOND = 8 };
    int pair[2];
    if (!launch->confinement.listens)
        return true;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0)
        return rh_error_errno(error, errno, "cannot make a pair of sockets");
    for (int i = 0; i < 2; i++) {
        launch->handover[i] = fcntl(pair[i], F_DUPFD_CLOEXEC, BEYOND);
        close(pair[i]);
    }
    return (launch->handover[0] >= 0 && launch->handover[1] >= 0) ||
           rh_error_errno(error, errno, "cannot make a pair of sockets");
}

/* Answers the child's connect() from now on. */
static bool start_connector(rh_process *process, const launch_plan *launch, rh_error *error)
{
    if (!launch->confinement.listens)
        return true;
    int listener = rh_connector_receive(launch->handover[0]);
    if (listener < 0)
        return rh_error_set(error, RH_ERROR_IO, "cannot start %s: no listener of its connections",
                            process->name);
    process->connector = rh_connector_start(listener, launch->confinement.namespaces.limits->server, error);
    return process->connector != NULL;
}

static void close_theirs(launch_plan *launch)
{
    for (int i = 0; i < 3; i++) {
        if (launch->standard[i] >= 0)
            close(launch->standard[i]);
    }
    for (int i = 0; i < 2; i++) {
        if (launch->handover[i] >= 0)
            close(launch->handover[i]);
    }
}

rh_process *rh_process_start(const rh_process_options *options, rh_error *error)
{
    rh_process *process = rh_alloc(sizeof *process);
    launch_plan launch = {
        .options = options, .standard = {-1, -1, -1}, .handover = {-1, -1}, .confinement = {.ruleset = -1}};
    *process = (rh_process){.pid = -1, .pidfd = -1, .input = -1, .streams = {{.fd = -1}, {.fd = -1}}};
    const char *slash = strrchr(options->argv[0], '/');
    process->name = rh_strdup(slash ? slash + 1 : options->argv[0]);
    process->output_path = options->output_path ? rh_strdup(options->output_path) : NULL;
    process->death_signal = options->death_signal ? options->death_signal : SIGKILL;
    process->grace = options->grace > 0 ? options->grace : GRACE;

    char *path = find_program(options->argv[0]);
    bool ok = path != NULL;
    if (!ok) {
        rh_error_set(error, RH_ERROR_IO, "cannot start %s: no program of that name is in PATH",
                     options->argv[0]);
        rh_error_hint(error, "install it, or put its directory into PATH");
    }
    ok = ok && rh_confinement_init(&launch.confinement, path, options, error);
    ok = ok && make_handover(&launch, error) && open_standard(process, &launch, error);
    if (ok) {
        launch.path = launch.confinement.path ? launch.confinement.path : path;
        launch.argv = copy_of(options->argv);
        launch.environment = make_environment(options);
        ok = fork_child(process, &launch, error) && start_connector(process, &launch, error);
    }
    close_theirs(&launch);
    rh_confinement_release(&launch.confinement);
    free_list(launch.argv);
    free_list(launch.environment);
    free(path);
    if (ok)
        return process;
    rh_process_free(process);
    return NULL;
}
