/* Makes a physical copy of production the content of the embedded cluster.
 *
 * The cluster that initdb made gives way to the copy's files. Their recovery and the making of a role of ours
 * run in single-user mode, confined as the server is, without a listener, a worker or a library of
 * production's. Only then does a server start on them. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/physical/physical.h"
#include "adopt.h"
#include "database.h"
#include "embedded.h"
#include "follow.h"
#include "isolation.h"
#include "locale.h"
#include "server_log.h"
#include "settings.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- WAL that would write elsewhere ---- */

/* A replayed CREATE TABLESPACE writes into the directory that it names: production's, on its own machine. The
 * confinement denies that, with a message that does not say so. */
static const char *find_waldump(rh_staging *staging)
{
    const char *beside = rh_staging_program(staging, "pg_waldump");
    if (rh_file_exists(beside))
        return beside;
    char *server = realpath(rh_staging_program(staging, "postgres"), NULL); /* a link elsewhere */
    beside = server ? rh_arena_printf(staging->arena, "%.*s/pg_waldump", (int)(strrchr(server, '/') - server),
                                      server)
                    : NULL;
    free(server);
    return beside && rh_file_exists(beside) ? beside : NULL;
}

static bool check_tablespaces(rh_staging *staging, const rh_physical_facts *copy, rh_error *error)
{
    const char *program = copy->start_lsn ? find_waldump(staging) : NULL;
    const char *argv[] = {program, "-p", NULL, "-r", "Tablespace", "-t", NULL, "-s", copy->start_lsn, NULL};
    if (!program)
        return true;
    argv[2] = rh_arena_printf(staging->arena, "%s/pg_wal", staging->cluster.data);
    argv[6] = rh_arena_printf(staging->arena, "%d", copy->timeline);
    rh_process_options options = rh_isolation_options(staging);
    options.argv = argv;
    options.no_exec = true;
    int status;
    rh_process *process = rh_process_start(&options, error);
    bool ok = process && rh_process_wait(process, 0, &status, error); /* it fails at the end of the WAL */
    const char *created = ok ? strstr(rh_process_output(process), "desc: CREATE ") : NULL;
    if (created) {
        created += strlen("desc: CREATE ");
        ok = rh_error_set(error, RH_ERROR_BACKUP, "a tablespace was created after the backup began: %.*s",
                          (int)strcspn(created, "\n"), created);
        rh_error_hint(error, "take another backup: the recovery of this one would write into that directory");
    }
    rh_process_free(process);
    return ok;
}

/* ---- single-user mode ---- */

/* A line each. The first superuser (OID 10) has any name, and may not be allowed to log in: single-user mode
 * does not ask. What exists already is an error that changes nothing. */
static const char ROLE[] =
    "SET default_transaction_read_only = off\n"
    "SET statement_timeout = 0\n"
    "CREATE ROLE " RH_OWN_ROLE "\n"
    "ALTER ROLE " RH_OWN_ROLE " SUPERUSER LOGIN INHERIT CONNECTION LIMIT -1 VALID UNTIL 'infinity'\n"
    "ALTER ROLE " RH_OWN_ROLE " RESET ALL\n"
    "CREATE DATABASE postgres\n"
    "ALTER DATABASE postgres WITH ALLOW_CONNECTIONS true\n";

/* What the log of a recovery that failed means. */
static const struct meaning {
    const char *text, *hint;
} MEANINGS[] = {
    {"WAL ends before",
     "a WAL segment is missing or damaged: put it into the copy's pg_wal from the archive, or take another backup"},
    {"could not locate required checkpoint record",
     "the WAL segment in which the recovery begins is missing or damaged: put it into the copy's pg_wal"},
    {"could not locate a valid checkpoint record",
     "the WAL segment of the last checkpoint is missing or damaged: put it into the copy's pg_wal"},
    {"could not find redo location", "the WAL segment in which the recovery begins is missing or damaged"},
    {"incompatible with server",
     "the copy is of a server that was built otherwise (block size, architecture), or of "
     "another program: use pg_dump"},
    {"incompatible with operating system",
     "install the locale that the database was made with (Debian: apt install "
     "locales)"},
    {"invalid page", "a page of the copy is damaged: compare it with its original, or take another backup"},
    {"FATAL:  directory \"",
     "a tablespace was created after the backup began, and the recovery would write into that "
     "directory: take another backup"},
    {"tablespace", "a tablespace was created after the backup began: take another backup"},
    {"before consistent recovery point",
     "the target lies before the end of the backup: take an earlier backup, or a later backup.target"},
    {"is not a child of this server's history",
     "the archive has a timeline that began before the backup ended: take another backup"},
    {"could not access file", "install the package of that library for this version of PostgreSQL"},
};

/* What the server has logged since its log had BEFORE bytes; "": nothing. */
static const char *log_since(const rh_staging *staging, int64_t before)
{
    const char *log = rh_file_read(staging->cluster.log, 0, staging->arena, NULL, NULL);
    return log && (int64_t)strlen(log) > before ? log + before : "";
}

static bool explain(const rh_staging *staging, int64_t logged_before, rh_error *error)
{
    const rh_cluster *cluster = &staging->cluster;
    rh_error own = {0};
    rh_server_log_error(cluster->log, cluster->shown_log, "the copy could not be recovered", &own);
    const char *log = log_since(staging, logged_before);
    if (own.code == RH_ERROR_STAGING)
        own.code = RH_ERROR_BACKUP;
    for (size_t i = 0; own.code == RH_ERROR_BACKUP && i < sizeof MEANINGS / sizeof *MEANINGS; i++)
        if (strstr(log, MEANINGS[i].text)) {
            rh_error_hint(&own, "%s (log: %s)", MEANINGS[i].hint, cluster->shown_log);
            break;
        }
    if (error)
        rh_error_move(error, &own);
    rh_error_release(&own);
    return false;
}

static int64_t log_size(const rh_staging *staging)
{
    struct stat status;
    return stat(staging->cluster.log, &status) == 0 ? status.st_size : 0;
}

static const char **single_arguments(rh_staging *staging)
{
    size_t count = 0, added = 0;
    const rh_settings_server server = {.data = staging->cluster.data, .socket = staging->cluster.socket};
    const char **given = rh_settings_arguments(staging, &server, &count), **argv = NULL;
    for (size_t i = 0; i < count; i++) {
        *rh_arena_add(staging->arena, &argv, &added) = given[i];
        if (i == 0)
            *rh_arena_add(staging->arena, &argv, &added) = "--single";
    }
    *rh_arena_add(staging->arena, &argv, &added) = "template1";
    rh_arena_add(staging->arena, &argv, &added);
    return argv;
}

/* Recovers the files as far as they need it, runs SQL, and shuts down. *STATUS: its exit status. Like initdb,
 * it wants an account with a name. */
static bool run_single(rh_staging *staging, const char *sql, int *status, rh_error *error)
{
    rh_account account = staging->account;
    const char *data = staging->cluster.data;
    if (account.own &&
        (!rh_account_common(&account, error) || !rh_tree_chown(data, account.uid, account.gid, error)))
        return false;
    rh_process_options options = rh_isolation_options(staging);
    options.argv = single_arguments(staging);
    options.output_path = staging->cluster.log;
    options.write_input = true;
    options.no_exec = true;
    options.uid = account.uid;
    options.gid = account.gid;
    rh_process *process = rh_process_start(&options, error);
    if (!process)
        return false;
    rh_process_write(process, sql, strlen(sql),
                     NULL); /* one that has ended takes nothing, and its log says why */
    rh_process_close_input(process);
    bool ok = rh_process_wait(process, 0, status, error);
    rh_process_free(process);
    return ok && (!staging->account.own || rh_tree_chown(data, staging->uid, staging->gid, error));
}

/* "… initialized with LC_COLLATE "de_AT.UTF-8"": the locale that this machine lacks; NULL. */
static const char *missing_locale(rh_staging *staging, int64_t logged_before)
{
    const char *log = log_since(staging, logged_before);
    static const char *const marks[] = {"initialized with LC_COLLATE \"", "initialized with LC_CTYPE \""};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *found = strstr(log, marks[i]);
        if (found)
            return rh_arena_strndup(staging->arena, found + strlen(marks[i]),
                                    strcspn(found + strlen(marks[i]), "\""));
    }
    return NULL;
}

static bool recover(rh_staging *staging, rh_error *error)
{
    int status = 0;
    int64_t before = log_size(staging);
    rh_progress_update(staging->progress, "restore", "recovery from the copy's WAL", -1, -1, RH_UNIT_NONE);
    const char *sql =
        rh_arena_printf(staging->arena, "%s%s", ROLE, rh_database_role_settings(staging->arena));
    if (!run_single(staging, sql, &status, error))
        return false;
    const char *locale = status != 0 && !staging->locale_path ? missing_locale(staging, before) : NULL;
    if (locale) {
        staging->origin->collate = staging->origin->ctype = locale;
        before = log_size(staging);
        if (!rh_locale_prepare(staging, error) || !run_single(staging, sql, &status, error))
            return false;
    }
    return status == 0 || explain(staging, before, error);
}

/* The WAL of the archive first, if it needs that. */
static bool recover_all(rh_staging *staging, rh_physical_facts *copy, rh_error *error)
{
    int64_t before = log_size(staging);
    if (!rh_copy_needs_archive(staging, copy)) {
        if (!check_tablespaces(staging, copy, error) || !recover(staging, error))
            return false;
        copy->recovery_target = copy->label ? "end of the backup" : "end of its WAL";
        rh_copy_examine_log(staging, log_since(staging, before));
        return true;
    }
    bool ended = false;
    if (rh_copy_follow(staging, copy, &ended, error)) {
        rh_copy_examine_log(staging, log_since(staging, before));
        return recover(staging, error);
    }
    rh_embedded_halt(staging, false, NULL);
    return ended && check_tablespaces(staging, copy, error) && explain(staging, before, error);
}

/* ---- the server ---- */

static void note_all(rh_staging *staging, const rh_physical_facts *copy)
{
    for (size_t i = 0; i < copy->neutralised_count; i++)
        rh_staging_note(staging, "%s", copy->neutralised[i]);
}

static const char *text_of(rh_arena *arena, const rh_pg_result *row, size_t column)
{
    return rh_arena_strdup(arena, rh_pg_value(row, 0, column));
}

/* What the rehearsed database is: samples are made like it. */
static bool read_origin(rh_staging *staging, rh_arena *arena, rh_error *error)
{
    const char *provider = staging->major >= 15 ? "datlocprovider" : "'c'";
    const char *locale = staging->major >= 17   ? "datlocale"
                         : staging->major >= 15 ? "daticulocale"
                                                : "NULL::text";
    const char *sql = rh_arena_printf(
        staging->arena,
        "SELECT datname, pg_catalog.pg_get_userbyid(datdba), pg_catalog.pg_encoding_to_char(encoding), datcollate, "
        "datctype, CASE %s WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END, %s FROM "
        "pg_catalog.pg_database WHERE datname = $1",
        provider, locale);
    rh_pg *pg = rh_staging_connect(staging, "postgres", ": copy", error);
    rh_pg_result *row = pg ? rh_pg_query(pg, sql, 1, &staging->database, error) : NULL;
    bool ok = row && rh_pg_rows(row) == 1;
    if (ok)
        *staging->origin = (rh_database_facts){.created = true,
                                               .name = text_of(arena, row, 0),
                                               .owner = text_of(arena, row, 1),
                                               .encoding = text_of(arena, row, 2),
                                               .collate = text_of(arena, row, 3),
                                               .ctype = text_of(arena, row, 4),
                                               .provider = text_of(arena, row, 5),
                                               .locale = text_of(arena, row, 6)};
    rh_pg_result_free(row);
    rh_pg_close(pg);
    return ok;
}

/* The one that the scenario names, or the only one besides postgres. */
static bool choose_database(rh_staging *staging, rh_error *error)
{
    const char *wanted = staging->scenario->backup.database, *found = NULL;
    rh_text names = {0};
    size_t count = 0;
    rh_pg *pg = rh_staging_connect(staging, "postgres", ": copy", error);
    rh_pg_result *list =
        pg ? rh_pg_query(
                 pg,
                 "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate "
                 "ORDER BY datname = 'postgres', datname",
                 0, NULL, error)
           : NULL;
    for (size_t i = 0; list && i < rh_pg_rows(list); i++) {
        const char *name = rh_pg_value(list, i, 0);
        bool own = strcmp(name, "postgres") == 0;
        if (wanted ? strcmp(name, wanted) == 0 : !own || count == 0) {
            found = rh_arena_strdup(staging->arena, name);
            count++;
        }
        rh_text_printf(&names, "%s%s", names.length ? ", " : "", name);
    }
    if (list && count != 1) {
        const rh_location *where = &staging->scenario->backup.where;
        rh_error_set(error, RH_ERROR_SCENARIO,
                     wanted ? "the copy has no database %s that allows connections; it has %s"
                            : "the copy has several databases%.0s: %s",
                     wanted ? wanted : "", rh_text_string(&names));
        rh_error_hint(error, "name the one to rehearse: backup.database");
        rh_error_at(error, where->file, where->line, where->column);
    }
    bool ok = list && count == 1;
    if (ok)
        staging->database = found;
    rh_text_release(&names);
    rh_pg_result_free(list);
    rh_pg_close(pg);
    return ok;
}

/* For a cluster that is kept (--keep-staging): the server of the run reads none of these. */
static bool write_configuration(const rh_staging *staging, const rh_physical_facts *copy, rh_error *error)
{
    static const char own[] =
        "listen_addresses = ''\narchive_mode = off\nmax_logical_replication_workers = 0\n";
    const char *const files[][2] = {
        {"postgresql.conf", copy->tablespaces > 0
                                ? rh_arena_printf(staging->arena, "%sallow_in_place_tablespaces = on\n", own)
                                : own},
        {"pg_hba.conf", "local all all trust\n"},
        {"pg_ident.conf", ""}};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof files / sizeof *files; i++)
        ok = rh_file_write(rh_arena_printf(staging->arena, "%s/%s", staging->cluster.data, files[i][0]),
                           files[i][1], strlen(files[i][1]), error);
    return ok;
}

static bool bring_files(rh_staging *staging, rh_physical_facts *copy, rh_arena *arena, rh_error *error)
{
    const char *data = staging->cluster.data;
    return rh_tree_remove(data, error) &&
           rh_physical_restore(copy, staging->scenario->backup.atomic_snapshot, data, arena,
                               staging->progress, error) &&
           write_configuration(staging, copy, error) &&
           (!staging->uid || rh_tree_chown(data, staging->uid, staging->gid, error));
}

bool rh_staging_adopt(rh_staging *staging, rh_physical_facts *copy, rh_arena *arena, rh_error *error)
{
    if (!staging->isolation.proven && staging->scenario->staging.isolation != RH_ISOLATION_WEAK)
        return rh_error_set(error, RH_ERROR_REFUSED, "a physical copy needs a proven isolation: %s",
                            staging->isolation.why_not);
    if (!rh_embedded_halt(staging, false, error) || !bring_files(staging, copy, arena, error))
        return false;
    staging->copy = copy;
    staging->copy_arena = arena;
    note_all(staging, copy);
    if (!rh_settings_carry(staging, copy->settings, copy->setting_count, error) ||
        !rh_settings_write(staging, RH_SETTINGS_RESTORE, error) || !recover_all(staging, copy, error) ||
        !rh_physical_check_recovered(copy, staging->cluster.data, error))
        return false;
    if (!rh_embedded_run(staging, error) || !choose_database(staging, error) ||
        !read_origin(staging, arena, error))
        return false;
    rh_staging_use(staging, staging->database);
    return rh_staging_neutralise(staging, error) && rh_copy_examine(staging, error) &&
           rh_settings_record(staging, error);
}
