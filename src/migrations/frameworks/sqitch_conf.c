/* sqitch.conf (App::Sqitch 1.3.1: sqitchconf(5)), in git's format. */
#include "pgrehearse/base/text.h"
#include "sqitch.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* [core], [engine "pg"] → "core", "engine.pg". */
static const char *section_of(const char *line, rh_arena *arena)
{
    char *name = rh_arena_strndup(arena, line + 1, strcspn(line + 1, "]\r\n")), *out = name;
    for (const char *p = name; *p; p++) {
        if (*p == ' ' || *p == '\t') {
            if (out > name && out[-1] != '.')
                *out++ = '.';
        } else if (*p != '"') {
            *out++ = *p;
        }
    }
    *out = '\0';
    return name;
}

void rh_sqitch_settings(const char *config, const char *section, rh_arena *arena,
                        void (*each)(void *user, const char *key, const char *value), void *user)
{
    const char *current = "";
    for (const char *line = config; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *p = line + strspn(line, " \t");
        if (*p == '[') {
            current = section_of(p, arena);
            continue;
        }
        size_t key = strcspn(p, " \t=\r\n#;");
        if (key == 0 || strcasecmp(current, section) != 0)
            continue;
        const char *value = p + key + strspn(p + key, " \t");
        value = *value == '=' ? value + 1 + strspn(value + 1, " \t") : "true";
        size_t length = *value == '"' ? strcspn(value + 1, "\"\r\n") : strcspn(value, "\r\n#;");
        value += *value == '"';
        while (length > 0 && isspace((unsigned char)value[length - 1]))
            length--;
        each(user, rh_arena_strndup(arena, p, key), rh_arena_strndup(arena, value, length));
    }
}

typedef struct wanted {
    const char *key, *value;
} wanted;

static void keep_wanted(void *user, const char *key, const char *value)
{
    wanted *w = user;
    if (strcasecmp(key, w->key) == 0)
        w->value = value;
}

const char *rh_sqitch_setting(const char *config, const char *key, rh_arena *arena)
{
    const char *dot = strrchr(key, '.');
    wanted w = {.key = dot + 1};
    rh_sqitch_settings(config, rh_arena_strndup(arena, key, (size_t)(dot - key)), arena, keep_wanted, &w);
    return w.value;
}

const char *rh_sqitch_setting_of(const rh_sqitch_project *project, const char *key, const char *otherwise,
                                 rh_arena *arena)
{
    const char *value =
        rh_sqitch_setting(project->config, rh_arena_printf(arena, "engine.pg.%s", key), arena);
    if (!value)
        value = rh_sqitch_setting(project->config, rh_arena_printf(arena, "core.%s", key), arena);
    return value && *value ? value : otherwise;
}

const char *rh_sqitch_script(const rh_sqitch_project *project, const char *verb, const char *label,
                             rh_arena *arena)
{
    const char *top = rh_sqitch_setting_of(project, "top_dir", ".", arena);
    const char *folder = rh_sqitch_setting_of(project, rh_arena_printf(arena, "%s_dir", verb), NULL, arena);
    if (!folder)
        folder = strcmp(top, ".") == 0 ? verb : rh_arena_printf(arena, "%s/%s", top, verb);
    return rh_arena_printf(arena, "%s/%s/%s.%s", project->folder, folder, label,
                           rh_sqitch_setting_of(project, "extension", "sql", arena));
}

bool rh_sqitch_check_engine(const rh_sqitch_project *project, rh_error *error)
{
    rh_arena *scratch = rh_arena_new();
    const char *engine = rh_sqitch_setting(project->config, "core.engine", scratch);
    bool ok = !engine || strcmp(engine, "pg") == 0;
    const char *registry = rh_sqitch_setting_of(project, "registry", "sqitch", scratch);
    if (!ok)
        rh_error_set(error, RH_ERROR_SCENARIO, "the Sqitch project is for the engine %s, not for PostgreSQL",
                     engine);
    else if (strcmp(registry, "sqitch") != 0) {
        ok = rh_error_set(error, RH_ERROR_UNSUPPORTED,
                          "Sqitch's registry is the schema %s, which is not replayed", registry);
        rh_error_hint(error, "Run Sqitch as it is, with framework: command.");
    }
    if (!ok)
        rh_error_at(error, rh_arena_printf(scratch, "%s/sqitch.conf", project->folder), 0, 0);
    rh_arena_free(scratch);
    return ok;
}

bool rh_sqitch_check_confined(const rh_sqitch_project *project, rh_arena *arena, rh_error *error)
{
    static const char *const keys[] = {"top_dir",    "plan_file",  "deploy_dir",
                                       "revert_dir", "verify_dir", "extension"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = rh_sqitch_setting_of(project, keys[i], "", arena);
        if (*value != '/' && !strstr(value, ".."))
            continue;
        rh_error_set(error, RH_ERROR_REFUSED, "sqitch.conf: %s leads out of the migrations' folder", keys[i]);
        rh_error_hint(error, "Name the folder of the whole project in migrations.path.");
        return rh_error_at(error, rh_arena_printf(arena, "%s/sqitch.conf", project->folder), 0, 0);
    }
    return true;
}
