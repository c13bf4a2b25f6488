#include "isolation.h"
#include "pgrehearse/adapters/files.h"
#include "confinement_probe.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Before PostgreSQL 15 the statistics collector listens on a UDP socket of 127.0.0.1. */
enum { FIRST_WITHOUT_UDP = 15 };

/* ---- the limits ---- */

typedef struct paths {
    const char **list;
    size_t count;
} paths;

static void add(rh_staging *staging, paths *to, const char *path)
{
    *rh_arena_add(staging->arena, &to->list, &to->count) = path;
}

/* The directories of a list such as LOCPATH's; NULL: none. */
static void add_list(rh_staging *staging, paths *to, const char *list)
{
    for (const char *part = list; part && *part;) {
        size_t length = strcspn(part, ":");
        if (*part == '/' && length > 1)
            add(staging, to, rh_arena_strndup(staging->arena, part, length));
        part += part[length] ? length + 1 : length;
    }
}

/* Of an installation elsewhere: what is beside its programs, and nothing else of that place. */
static void add_installation(rh_staging *staging, paths *to, const char *bindir)
{
    static const char *const parts[] = {"lib", "lib64", "share", "libexec"};
    size_t length = strlen(bindir);
    while (length > 1 && bindir[length - 1] == '/')
        length--;
    add(staging, to, rh_arena_strndup(staging->arena, bindir, length));
    while (length > 1 && bindir[length - 1] != '/')
        length--;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        add(staging, to, rh_arena_printf(staging->arena, "%.*s%s", (int)length, bindir, parts[i]));
}

/* DATA and SOCKET: the directories of the server; SERVER: the socket that it may connect to, or NULL. */
static const rh_confinement_limits *make_limits(rh_staging *staging, const char *data, const char *socket,
                                                const char *server)
{
    static const char *const system[] = {"/usr",  "/lib", "/lib32", "/lib64", "/libx32",    "/bin",
                                         "/sbin", "/etc", "/proc",  "/sys",   "/nix/store", "/gnu/store"};
    rh_confinement_limits *limits = rh_arena_alloc(staging->arena, sizeof *limits);
    paths writable = {0}, readable = {0};
    for (size_t i = 0; i < sizeof system / sizeof *system; i++)
        add(staging, &readable, system[i]);
    add_installation(staging, &readable, staging->bindir);
    char *real = realpath(staging->bindir, NULL);
    if (real)
        add_installation(staging, &readable, rh_arena_strdup(staging->arena, real));
    free(real);
    add_list(staging, &readable, staging->locale_path ? staging->locale_path : getenv("LOCPATH"));
    add_list(staging, &readable, getenv("LD_LIBRARY_PATH"));
    add(staging, &readable, staging->cluster.config);
    add(staging, &readable, NULL);
    add(staging, &writable, data);
    add(staging, &writable, socket);
    add(staging, &writable, NULL);
    *limits = (rh_confinement_limits){.writable = writable.list,
                                      .readable = readable.list,
                                      .udp = staging->major < FIRST_WITHOUT_UDP,
                                      .server = server};
    return limits;
}

/* initdb, too, takes over the collations of the locales that it finds. */
static const char *const *make_environment(rh_staging *staging)
{
    const char **environment = rh_arena_alloc(staging->arena, 2 * sizeof *environment);
    environment[0] = environment[1] = NULL;
    if (staging->locale_path)
        environment[0] = rh_arena_printf(staging->arena, "LOCPATH=%s", staging->locale_path);
    return environment;
}

static rh_process_options make_options(rh_staging *staging, const rh_confinement_limits *limits)
{
    return (rh_process_options){.directory = "/",
                                .environment = make_environment(staging),
                                .clean_environment = true,
                                .no_network = true,
                                .limits = limits,
                                .uid = staging->uid,
                                .gid = staging->gid};
}

rh_process_options rh_isolation_options(rh_staging *staging)
{
    const rh_cluster *cluster = &staging->cluster;
    return make_options(staging, make_limits(staging, cluster->data, cluster->socket, NULL));
}

rh_process_options rh_isolation_standby_options(rh_staging *staging)
{
    const rh_standby *standby = &staging->standby;
    const char *primary = rh_arena_printf(staging->arena, "%s/.s.PGSQL.5432", staging->cluster.socket);
    return make_options(staging, make_limits(staging, standby->data, standby->socket, primary));
}

/* ---- the proof ---- */

static const struct attempt {
    const char *name, *what;
} ATTEMPTS[RH_PROBE_ATTEMPTS] = {
    [RH_PROBE_UNIX_SOCKET] = {"unix_socket", "connect to a Unix socket"},
    [RH_PROBE_UNIX_SOCKET_SHORT] = {"unix_socket_short", "connect to a Unix socket by a short address"},
    [RH_PROBE_UNIX_DATAGRAM] = {"unix_datagram", "send a datagram to a Unix socket"},
    [RH_PROBE_ABSTRACT_SOCKET] = {"abstract_socket", "connect to an abstract Unix socket"},
    [RH_PROBE_TCP] = {"tcp", "connect to a TCP port"},
    [RH_PROBE_UDP] = {"udp", "send a UDP datagram"},
    [RH_PROBE_CREATE_FILE] = {"create_file", "create a file outside the cluster"},
    [RH_PROBE_WRITE_FILE] = {"write_file", "open a file outside the cluster for writing"},
    [RH_PROBE_READ_FILE] = {"read_file", "read a file outside the cluster"},
    [RH_PROBE_EXECUTE] = {"execute", "execute a program"},
    [RH_PROBE_SIGNAL] = {"signal", "signal this program"},
    [RH_PROBE_READ_MEMORY] = {"read_memory", "read the memory of this program"},
    [RH_PROBE_NAMESPACE] = {"namespace", "enter a new namespace"},
};

static bool is_connection(rh_probe_attempt attempt)
{
    return attempt <= RH_PROBE_UDP;
}

bool rh_isolation_denies_connections(const rh_isolation *isolation)
{
    for (size_t i = 0; i < isolation->attempt_count; i++)
        if (is_connection((rh_probe_attempt)i) && isolation->attempts[i].succeeded)
            return false;
    return isolation->attempt_count > 0;
}

static void add_layer(rh_staging *staging, const char *name, bool active, const char *detail)
{
    rh_isolation *isolation = &staging->isolation;
    *rh_arena_add(staging->arena, &isolation->layers, &isolation->layer_count) =
        (rh_isolation_layer){.name = name, .active = active, .detail = detail};
}

static void describe_layers(rh_staging *staging)
{
    const rh_confinement_layers *layers = rh_confinement_layers_here();
    const char *refused = "this system does not permit it";
    const char *inside = layers->user ? " inside a user namespace" : "";
    add_layer(staging, "seccomp", true, "no connection, no program, no system call into other processes");
    add_layer(staging, "landlock", layers->landlock_abi > 0,
              layers->landlock_abi > 0
                  ? rh_arena_printf(staging->arena, "ABI %d: files%s%s%s", layers->landlock_abi,
                                    layers->landlock_abi >= 3 ? "" : " (not truncate)",
                                    layers->landlock_abi >= 4 ? ", TCP" : "",
                                    layers->landlock_abi >= 6 ? ", abstract sockets, signals" : "")
                  : "the kernel has no Landlock");
    add_layer(staging, "network_namespace", layers->network,
              layers->network ? rh_arena_printf(staging->arena, "loopback only%s", inside) : refused);
    add_layer(staging, "mount_namespace", layers->mounts,
              layers->mounts
                  ? rh_arena_printf(staging->arena, "the cluster and the system's programs only%s", inside)
                  : refused);
    add_layer(staging, "ipc_namespace", layers->ipc,
              layers->ipc ? rh_arena_printf(staging->arena, "shared memory of its own%s", inside) : refused);
    add_layer(staging, "account", staging->account.own,
              staging->account.own ? "a user id that nothing else has"
              : staging->uid       ? "other servers on this machine may let this account in"
                                   : "the server runs as the account that started the rehearsal");
}

/* Where a socket's path fits: in the cluster's directory, or in /tmp beside the server's. */
static const char *canary_directory(rh_staging *staging)
{
    const rh_cluster *cluster = &staging->cluster;
    const char *beside = rh_arena_printf(staging->arena, "%s/canary", cluster->directory);
    if (strlen(beside) + strlen("/datagram") < sizeof((struct sockaddr_un *)0)->sun_path)
        return beside;
    return rh_arena_printf(staging->arena, "%s.canary", cluster->socket);
}

static bool attempt(rh_staging *staging, rh_process_options options, rh_probe_result *result, rh_error *error)
{
    const char *directory = canary_directory(staging);
    const char *argv[] = {rh_staging_program(staging, "postgres"), NULL};
    options.argv = argv;
    options.no_exec = true;
    if (mkdir(directory, 0700) != 0 || chmod(directory, 0777) != 0)
        return rh_error_set(error, RH_ERROR_REFUSED, "the isolation cannot be proven: cannot create %s",
                            directory);
    bool ok = rh_probe_confinement(&options, directory, result, error);
    rh_tree_remove(directory, NULL);
    if (!ok && error && error->code == RH_ERROR_IO)
        error->code = RH_ERROR_REFUSED;
    return ok;
}

/* Signals to processes of one's own account: only Landlock's ABI 6 can deny them, and only native code sends
 * them. */
static bool is_out_of_reach(const rh_staging *staging, rh_probe_attempt attempt)
{
    enum { FIRST_WITH_SIGNALS = 6 };
    return attempt == RH_PROBE_SIGNAL && !staging->uid &&
           rh_confinement_layers_here()->landlock_abi < FIRST_WITH_SIGNALS;
}

/* Did an attempt succeed that this machine could have denied? */
static bool has_failed(const rh_staging *staging, const rh_probe_result *result)
{
    bool failed = false;
    for (size_t i = 0; i < RH_PROBE_ATTEMPTS; i++)
        failed = failed || (result->confined[i] && !is_out_of_reach(staging, (rh_probe_attempt)i));
    return failed;
}

/* "connect to a TCP port, execute a program"; NULL when none succeeded. */
static const char *list_succeeded(rh_staging *staging, const rh_probe_result *result)
{
    const char *list = NULL;
    for (size_t i = 0; i < RH_PROBE_ATTEMPTS; i++)
        if (result->confined[i])
            list =
                list ? rh_arena_printf(staging->arena, "%s, %s", list, ATTEMPTS[i].what) : ATTEMPTS[i].what;
    return list;
}

/* "landlock (the kernel has no Landlock), network_namespace (…)" */
static const char *list_missing(rh_staging *staging)
{
    const rh_isolation *isolation = &staging->isolation;
    const char *list = NULL;
    for (size_t i = 0; i < isolation->layer_count; i++) {
        const rh_isolation_layer *layer = &isolation->layers[i];
        if (!layer->active)
            list = rh_arena_printf(staging->arena, "%s%s%s (%s)", list ? list : "", list ? ", " : "",
                                   layer->name, layer->detail);
    }
    return list ? list : "none";
}

bool rh_isolation_prove(rh_staging *staging, rh_error *error)
{
    rh_isolation *isolation = &staging->isolation;
    rh_probe_result result = {0};
    isolation->account = staging->account.own ? rh_arena_printf(staging->arena, "uid %u", staging->uid)
                         : staging->uid ? rh_arena_printf(staging->arena, "uid %u (shared)", staging->uid)
                                        : "this program's own";
    describe_layers(staging);
    if (!attempt(staging, rh_isolation_options(staging), &result, error))
        return false;
    for (size_t i = 0; i < RH_PROBE_ATTEMPTS; i++)
        *rh_arena_add(staging->arena, &isolation->attempts, &isolation->attempt_count) =
            (rh_isolation_attempt){.name = ATTEMPTS[i].name,
                                   .what = ATTEMPTS[i].what,
                                   .succeeded = result.confined[i],
                                   .succeeded_unconfined = result.free[i]};
    const char *succeeded = list_succeeded(staging, &result);
    isolation->proven = !succeeded;
    if (!succeeded)
        return true;
    isolation->why_not =
        rh_arena_printf(staging->arena, "a process confined like the staging server could %s", succeeded);
    if (staging->scenario->staging.isolation == RH_ISOLATION_WEAK || !has_failed(staging, &result))
        return true;
    rh_error_set(error, RH_ERROR_REFUSED, "the staging server is not isolated: %s", isolation->why_not);
    if (staging->major < FIRST_WITHOUT_UDP && !rh_confinement_layers_here()->network)
        return rh_error_hint(
            error, "before PostgreSQL 15 the server needs a UDP socket, which only a network namespace "
                   "confines: run as root, or permit user namespaces; staging.isolation: weak accepts the "
                   "risk for a backup that you trust");
    return rh_error_hint(
        error,
        "inactive layers: %s. Run as root, permit user namespaces, or use a kernel with Landlock (Linux "
        "6.12 or later has all of it); staging.isolation: weak accepts the risk for a backup that you "
        "trust",
        list_missing(staging));
}

bool rh_isolation_prove_standby(rh_staging *staging, rh_error *error)
{
    rh_probe_result result = {0};
    if (!attempt(staging, rh_isolation_standby_options(staging), &result, error))
        return false;
    for (size_t i = 0; i < RH_PROBE_ATTEMPTS; i++)
        if (result.confined[i] && !staging->isolation.attempts[i].succeeded)
            return rh_error_set(error, RH_ERROR_REFUSED, "a process confined like it could %s",
                                ATTEMPTS[i].what);
    return true;
}
