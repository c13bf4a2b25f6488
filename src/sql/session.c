#include "pgrehearse/sql/hazards.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const NAMES[RH_SESSION_SETTINGS] = {"lock_timeout", "statement_timeout", "timezone",
                                                       "search_path"};

static int setting_of(const char *name)
{
    for (int i = 0; name && i < RH_SESSION_SETTINGS; i++)
        if (strcasecmp(name, NAMES[i]) == 0)
            return i;
    return -1;
}

void rh_session_set_default(rh_session *session, const char *name, const char *value)
{
    const int setting = setting_of(name);
    if (setting < 0)
        return;
    session->defaults[setting] = rh_arena_strdup(session->arena, value);
    session->now.session[setting] = session->defaults[setting];
}

void rh_session_connect(rh_session *session)
{
    session->frame_count = 0;
    session->now = (rh_session_values){0};
    memcpy(session->now.session, session->defaults, sizeof session->defaults);
}

/* ---- transactions ---- */

static void open_frame(rh_session *session, const char *savepoint)
{
    *rh_arena_add(session->arena, &session->frames, &session->frame_count) =
        (rh_session_frame){rh_arena_strdup(session->arena, savepoint), session->now};
}

static void end_transaction(rh_session *session, bool committed)
{
    if (!committed && session->frame_count)
        session->now = session->frames[0].values;
    memset(session->now.local, 0, sizeof session->now.local);
    session->frame_count = 0;
    if (session->implicit)
        open_frame(session, NULL);
}

/* The frame of SAVEPOINT, the newest of that name; 0: none. */
static size_t frame_of(const rh_session *session, const char *savepoint)
{
    for (size_t i = session->frame_count; i-- > 1;)
        if (savepoint && strcmp(session->frames[i].savepoint, savepoint) == 0)
            return i;
    return 0;
}

void rh_session_begin_file(rh_session *session, bool implicit)
{
    session->implicit = implicit;
    if (implicit && session->frame_count == 0)
        open_frame(session, NULL);
}

void rh_session_end_file(rh_session *session)
{
    const bool implicit = session->implicit;
    session->implicit = false;
    if (implicit)
        end_transaction(session, true);
}

static void follow_transaction(rh_session *session, rh_json *body)
{
    const char *kind = rh_json_string(rh_json_get(body, "kind"));
    const char *savepoint = rh_json_string(rh_json_get(body, "savepoint_name"));
    if (!kind)
        return;
    if (strcmp(kind, "TRANS_STMT_BEGIN") == 0 || strcmp(kind, "TRANS_STMT_START") == 0) {
        if (session->frame_count == 0)
            open_frame(session, NULL);
    } else if (strcmp(kind, "TRANS_STMT_COMMIT") == 0 || strcmp(kind, "TRANS_STMT_ROLLBACK") == 0 ||
               strcmp(kind, "TRANS_STMT_PREPARE") == 0) {
        end_transaction(session, strcmp(kind, "TRANS_STMT_ROLLBACK") != 0);
        if (rh_json_bool(rh_json_get(body, "chain")) && session->frame_count == 0)
            open_frame(session, NULL);
    } else if (strcmp(kind, "TRANS_STMT_SAVEPOINT") == 0 && session->frame_count && savepoint) {
        open_frame(session, savepoint);
    } else if (strcmp(kind, "TRANS_STMT_ROLLBACK_TO") == 0 && frame_of(session, savepoint)) {
        const size_t frame = frame_of(session, savepoint);
        session->now = session->frames[frame].values;
        session->frame_count = frame + 1;
    } else if (strcmp(kind, "TRANS_STMT_RELEASE") == 0 && frame_of(session, savepoint)) {
        session->frame_count = frame_of(session, savepoint);
    }
}

/* ---- settings ---- */

static void set(rh_session *session, int setting, const char *value, bool local)
{
    if (setting < 0 || (local && session->frame_count == 0)) /* SET LOCAL outside a transaction: a warning */
        return;
    if (local) {
        session->now.local[setting] = value ? value : "";
        return;
    }
    session->now.session[setting] = value;
    session->now.local[setting] = NULL;
}

static void reset_all(rh_session *session)
{
    for (int i = 0; i < RH_SESSION_SETTINGS; i++)
        set(session, i, session->defaults[i], false);
}

static const char *joined(rh_json *args, rh_arena *arena)
{
    const char *text = NULL;
    for (size_t i = 0; i < rh_json_count(args); i++) {
        const char *value = rh_tree_constant(rh_json_at(args, i), arena);
        if (value)
            text = text ? rh_arena_printf(arena, "%s, %s", text, value) : value;
    }
    return text ? text : "";
}

static void follow_set(rh_session *session, rh_json *body)
{
    const int setting = setting_of(rh_json_string(rh_json_get(body, "name")));
    const bool local = rh_json_bool(rh_json_get(body, "is_local"));
    if (rh_tree_is(body, "kind", "VAR_RESET_ALL"))
        reset_all(session);
    else if (setting >= 0)
        set(session, setting,
            rh_tree_is(body, "kind", "VAR_SET_VALUE") ? joined(rh_json_get(body, "args"), session->arena)
                                                      : session->defaults[setting],
            local);
}

/* set_config(name, value, is_local) anywhere in a query. */
static bool follow_call(rh_json *node, void *data)
{
    rh_session *session = data;
    rh_json *call = rh_json_get(node, "FuncCall"), *args = rh_json_get(call, "args");
    const char *function = rh_tree_last_name(rh_json_get(call, "funcname"));
    if (!function || strcmp(function, "set_config") != 0 || rh_json_count(args) != 3)
        return false;
    const char *value = rh_tree_constant(rh_json_at(args, 1), session->arena);
    rh_json *local = rh_json_path(rh_json_at(args, 2), "A_Const.boolval");
    set(session, setting_of(rh_tree_constant(rh_json_at(args, 0), session->arena)), value ? value : "",
        rh_json_bool(rh_json_get(local, "boolval")));
    return false;
}

/* Which of the definitions' settings a session gets: the role's in this database before the role's, those
 * before the database's, those before all roles'. 0: another role's. */
static int rank_of(const rh_session *session, const char *kind, rh_json *body)
{
    rh_json *role = rh_json_get(body, "role");
    const char *name = rh_json_string(rh_json_get(role, "rolename"));
    const bool in_database = rh_json_string(rh_json_get(body, "database"));
    if (strcmp(kind, "AlterDatabaseSetStmt") == 0 || (!role && in_database))
        return 2;
    if (!role)
        return 1;
    if (!name || !session->role || strcmp(name, session->role) != 0)
        return 0;
    return in_database ? 4 : 3;
}

/* For sessions to come. */
static void follow_default(rh_session *session, rh_json *body, int rank)
{
    rh_json *given = rh_json_get(body, "setstmt");
    const int setting = setting_of(rh_json_string(rh_json_get(given, "name")));
    if (setting < 0 || rank == 0 || rank < session->default_rank[setting])
        return;
    session->default_rank[setting] = rank;
    session->defaults[setting] = rh_tree_is(given, "kind", "VAR_SET_VALUE")
                                     ? joined(rh_json_get(given, "args"), session->arena)
                                     : NULL;
}

void rh_session_follow(rh_session *session, rh_json *tree)
{
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    if (!kind)
        return;
    if (strcmp(kind, "TransactionStmt") == 0)
        follow_transaction(session, body);
    else if (strcmp(kind, "VariableSetStmt") == 0)
        follow_set(session, body);
    else if (strcmp(kind, "DiscardStmt") == 0 && rh_tree_is(body, "target", "DISCARD_ALL"))
        reset_all(session);
    else if (strcmp(kind, "SelectStmt") == 0)
        rh_json_visit(tree, follow_call, session);
    else if (strcmp(kind, "AlterDatabaseSetStmt") == 0 || strcmp(kind, "AlterRoleSetStmt") == 0)
        follow_default(session, body, rank_of(session, kind, body));
}

/* ---- what is in force ---- */

const char *rh_session_value(const rh_session *session, rh_session_setting setting)
{
    return session->now.local[setting] ? session->now.local[setting] : session->now.session[setting];
}

/* A timeout in s, by PostgreSQL's rules: a bare number is ms. 0: none, or not to be read. */
static double timeout_of(const char *value)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    char *end;
    if (!value)
        return 0;
    const double number = strtod(value, &end);
    end += strspn(end, " \t");
    if (end == value || number <= 0)
        return 0;
    if (!*end)
        return number / 1000;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0)
            return number * units[i].seconds;
    return 0;
}

double rh_session_seconds(const rh_session *session, rh_session_setting setting)
{
    return timeout_of(rh_session_value(session, setting));
}

bool rh_session_limits_lock_waits(const rh_session *session)
{
    const rh_session_setting limits[] = {RH_SESSION_LOCK_TIMEOUT, RH_SESSION_STATEMENT_TIMEOUT};
    for (size_t i = 0; i < 2; i++) {
        const double limit = rh_session_seconds(session, limits[i]);
        if (limit > 0 && limit <= RH_LONGEST_LOCK_WAIT_S)
            return true;
    }
    return false;
}

const char *const *rh_session_search_path(const rh_session *session)
{
    const char *value = rh_session_value(session, RH_SESSION_SEARCH_PATH);
    return value ? rh_tree_split_path(value, session->arena) : NULL;
}
