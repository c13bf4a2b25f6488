/* Settings of production that are not applied in staging, with the reasons. */
#include "pgrehearse/base/text.h"
#include "settings.h"
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

typedef struct unsafe_setting {
    const char *pattern; /* of the name, with * */
    const char *why;
} unsafe_setting;

static const char NETWORK[] = "the staging server has no network listener";
static const char REPLICATION[] = "a rehearsal neither archives nor replicates";
static const char PROGRAMS[] = "it names programs or libraries of production's machine";
static const char FILES[] = "it names paths on production's machine";
static const char LOGGING[] = "the staging server's log never holds statements";
static const char LOCALE[] = "it depends on the machine's locales";
static const char COMPUTED[] = ""; /* cannot be set, though pg_settings lists it */

static const unsafe_setting UNSAFE[] = {
    {"shared_preload_libraries",
     "only pg_stat_statements is loaded: others may schedule jobs or write to the log"},
    {"listen_addresses", NETWORK},
    {"port", NETWORK},
    {"bonjour*", NETWORK},
    {"ssl*", NETWORK},
    {"krb_*", NETWORK},
    {"gss_*", NETWORK},
    {"unix_socket_*", NETWORK},
    {"authentication_timeout", NETWORK},
    {"password_encryption", NETWORK},
    {"oauth_*", NETWORK},
    {"archive_*", REPLICATION},
    {"restore_command", REPLICATION},
    {"recovery_*", REPLICATION},
    {"primary_*", REPLICATION},
    {"promote_trigger_file", REPLICATION},
    {"standby_mode", REPLICATION},
    {"trigger_file", REPLICATION},
    {"synchronous_standby_names", REPLICATION},
    {"synchronized_standby_slots", REPLICATION},
    {"sync_replication_slots", REPLICATION},
    {"wal_receiver_*", REPLICATION},
    {"wal_retrieve_retry_interval", REPLICATION},
    {"max_logical_replication_workers", REPLICATION},
    {"summarize_wal", REPLICATION},
    {"default_transaction_read_only", "migrations write"},
    {"transaction_read_only", COMPUTED},
    {"*_command", PROGRAMS},
    {"*_preload_libraries", PROGRAMS},
    {"dynamic_library_path", PROGRAMS},
    {"extension_control_path", PROGRAMS},
    {"jit_provider", PROGRAMS},
    {"data_directory", FILES},
    {"*_file", FILES},
    {"include*", FILES},
    {"*_tablespaces", FILES},
    {"default_tablespace", FILES},
    {"stats_temp_directory", FILES},
    {"cluster_name", "it names production"},
    {"update_process_title", LOGGING},
    {"log_*", LOGGING},
    {"logging_collector", LOGGING},
    {"syslog_*", LOGGING},
    {"event_source", LOGGING},
    {"debug_print_*", LOGGING},
    {"auto_explain.*", LOGGING},
    {"cron.*", "scheduled jobs do not run in a rehearsal"},
    {"lc_messages", LOCALE},
    {"lc_monetary", LOCALE},
    {"lc_numeric", LOCALE},
    {"lc_time", LOCALE},
    /* context "internal" in pg_settings, or of a session only */
    {"block_size", COMPUTED},
    {"data_checksums", COMPUTED},
    {"data_directory_mode", COMPUTED},
    {"debug_assertions", COMPUTED},
    {"effective_wal_level", COMPUTED},
    {"huge_pages_status", COMPUTED},
    {"in_hot_standby", COMPUTED},
    {"integer_datetimes", COMPUTED},
    {"is_superuser", COMPUTED},
    {"lc_collate", COMPUTED},
    {"lc_ctype", COMPUTED},
    {"max_function_args", COMPUTED},
    {"max_identifier_length", COMPUTED},
    {"max_index_keys", COMPUTED},
    {"num_os_semaphores", COMPUTED},
    {"random_seed", COMPUTED},
    {"role", COMPUTED},
    {"seed", COMPUTED},
    {"segment_size", COMPUTED},
    {"server_encoding", COMPUTED},
    {"server_version*", COMPUTED},
    {"session_authorization", COMPUTED},
    {"shared_memory_size*", COMPUTED},
    {"transaction_deferrable", COMPUTED},
    {"transaction_isolation", COMPUTED},
    {"wal_block_size", COMPUTED},
    {"wal_segment_size", COMPUTED},
    {"application_name", COMPUTED},
    {"client_encoding", COMPUTED},
    {"default_with_oids", COMPUTED},
};

const char *rh_settings_refusal(const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof UNSAFE / sizeof *UNSAFE; i++) {
        if (fnmatch(UNSAFE[i].pattern, name, FNM_CASEFOLD) == 0)
            return UNSAFE[i].why;
    }
    if (strcasecmp(name, "huge_pages") == 0 && strcasecmp(value, "on") == 0)
        return "this machine may have none (try is the default)";
    if (strcasecmp(name, "io_method") == 0 && strcasecmp(value, "io_uring") == 0)
        return "io_uring could open sockets behind the staging server's confinement";
    return NULL;
}
