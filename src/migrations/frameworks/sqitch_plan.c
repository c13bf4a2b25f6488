/* sqitch.plan (App::Sqitch 1.3.1: Plan.pm), and the ids that Sqitch makes of a plan: SHA-1 of what
 * Plan/Change.pm and Plan/Tag.pm (info) write, as git names its objects. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "sqitch.h"
#include <ctype.h>
#include <string.h>

static const int64_t PLAN_LIMIT = INT64_C(64) * 1024 * 1024;

typedef struct parser {
    rh_sqitch_project *project;
    rh_arena *arena;
    rh_error *error;
    int line;
    size_t section; /* index of the first change since the last tag */
} parser;

static bool refuse(const parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(const parser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    rh_error_set(p->error, RH_ERROR_SCENARIO, "Sqitch refuses the plan: %s",
                 rh_arena_vprintf(p->arena, format, args));
    va_end(args);
    return rh_error_at(p->error, p->project->plan_file, p->line, 0);
}

/* What both kinds of line carry. */
typedef struct entry {
    char *name, *dependencies;
    const char *note, *date, *planner, *email;
} entry;

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (size_t end = strlen(text); end > 0 && isspace((unsigned char)text[end - 1]); end--)
        text[end - 1] = '\0';
    return text;
}

static char *unescape(char *note)
{
    char *out = note;
    for (const char *p = note; *p; p++) {
        const char *known = *p == '\\' && p[1] ? strchr("\\nr", p[1]) : NULL;
        *out++ = !known ? *p : *known == 'n' ? '\n' : *known == 'r' ? '\r' : '\\';
        p += known != NULL;
    }
    *out = '\0';
    return note;
}

static bool is_date(const char *text)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    for (size_t i = 0; form[i]; i++)
        if (form[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    return true;
}

/* name [dependencies] date planner <email> # note */
static bool parse_entry(const parser *p, char *line, entry *e)
{
    char *hash = strchr(line, '#');
    e->note = hash ? unescape(trim(hash + 1)) : "";
    if (hash)
        *hash = '\0';
    e->name = trim(line);
    char *rest = e->name + strcspn(e->name, " \t");
    if (*rest)
        *rest++ = '\0';
    rest = trim(rest);
    if (*rest == '[') {
        e->dependencies = rest + 1;
        rest += strcspn(rest, "]");
        if (*rest)
            *rest++ = '\0';
        rest = trim(rest);
    }
    const char *bad = e->name + (*e->name == '@');
    if (!*bad || ispunct((unsigned char)*bad) || strpbrk(bad, "@:#\\") || strstr(bad, "..") ||
        ispunct((unsigned char)bad[strlen(bad) - 1]))
        return refuse(p, "\"%s\" is not a valid change name", e->name);
    if (strcmp(bad, "ROOT") == 0 || strcmp(bad, "HEAD") == 0)
        return refuse(p, "\"%s\" is a reserved name", e->name);
    if (strspn(bad, "0123456789abcdef") >= 40)
        return refuse(p, "\"%s\" could be confused with an id", e->name);
    char *open = strchr(rest, '<'), *close = open ? strchr(open, '>') : NULL;
    if (!is_date(rest) || !close || open == rest + 20)
        return refuse(p, "\"%s\" lacks its time, or its planner's name and email", e->name);
    *close = *open = '\0';
    e->planner = trim(rest + 20);
    e->email = open + 1;
    e->date = rh_arena_strndup(p->arena, rest, 20);
    return true;
}

/* The index of the change called NAME, as of TAG where it is not NULL; SIZE_MAX: none. */
static size_t find_change(const rh_sqitch_project *project, const char *name, const char *tag)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < project->change_count; i++) {
        const rh_sqitch_change *change = &project->changes[i];
        if (strcmp(change->name, name) == 0 || !*name)
            found = tag || found == SIZE_MAX ? i : found;
        for (size_t t = 0; tag && t < change->tag_count; t++)
            if (strcmp(change->tags[t].name + 1, tag) == 0)
                return found;
    }
    return tag ? SIZE_MAX : found;
}

static bool add_dependency(const parser *p, rh_sqitch_change *change, char *text)
{
    rh_sqitch_dependency d = {.conflict = *text == '!'};
    text += d.conflict;
    char *colon = strchr(text, ':');
    if (colon) {
        *colon = '\0';
        d.project = strcmp(text, p->project->name) == 0 ? NULL : text;
        text = colon + 1;
    }
    d.text = d.project ? rh_arena_printf(p->arena, "%s:%s", d.project, text) : text;
    const char *tag = strchr(text, '@');
    d.name = rh_arena_strndup(p->arena, text, strcspn(text, "@"));
    size_t index = find_change(p->project, d.name, tag ? tag + 1 : NULL);
    for (size_t i = 0; i < p->project->change_count && strlen(text) == 40; i++)
        if (strcmp(p->project->changes[i].id, text) == 0)
            index = i;
    if (!d.project && index != SIZE_MAX)
        d.id = p->project->changes[index].id;
    if (!d.project && !d.id && !d.conflict)
        return refuse(p, "it requires %s, which is not planned before it", text);
    *rh_arena_add(p->arena, &change->dependencies, &change->dependency_count) = d;
    return true;
}

/* "change LENGTH\0INFO" or "tag …", digested. */
static const char *id_of(const parser *p, const char *kind, const rh_text *info)
{
    char digest[41];
    rh_text object = {0};
    rh_text_printf(&object, "%s %zu", kind, info->length);
    rh_text_append_bytes(&object, "", 1);
    rh_text_append_bytes(&object, info->data, info->length);
    rh_sha1_bytes(object.data, object.length, digest);
    rh_text_release(&object);
    return rh_arena_strdup(p->arena, digest);
}

static void put_project(const parser *p, rh_text *info)
{
    rh_text_printf(info, "project %s\n", p->project->name);
    if (p->project->uri)
        rh_text_printf(info, "uri %s\n", p->project->uri);
}

static void put_dependencies(const rh_sqitch_change *change, bool conflict, rh_text *info)
{
    bool first = true;
    for (size_t i = 0; i < change->dependency_count; i++) {
        if (change->dependencies[i].conflict != conflict)
            continue;
        rh_text_printf(info, "%s\n  %c %s",
                       !first     ? ""
                       : conflict ? "\nconflicts"
                                  : "\nrequires",
                       conflict ? '-' : '+', change->dependencies[i].text);
        first = false;
    }
}

static const char *change_id(const parser *p, const rh_sqitch_change *change, const rh_sqitch_change *parent)
{
    rh_text info = {0};
    put_project(p, &info);
    rh_text_printf(&info, "change %s\n", change->name);
    if (parent)
        rh_text_printf(&info, "parent %s\n", parent->id);
    rh_text_printf(&info, "planner %s <%s>\ndate %s", change->planner, change->email, change->date);
    put_dependencies(change, false, &info);
    put_dependencies(change, true, &info);
    if (*change->note)
        rh_text_printf(&info, "\n\n%s", change->note);
    const char *id = id_of(p, "change", &info);
    rh_text_release(&info);
    return id;
}

static bool add_change(parser *p, const entry *e)
{
    rh_sqitch_project *project = p->project;
    rh_sqitch_change change = {.project = project,
                               .name = e->name,
                               .label = e->name,
                               .line = p->line,
                               .note = e->note,
                               .date = e->date,
                               .planner = e->planner,
                               .email = e->email};
    for (size_t i = p->section; i < project->change_count; i++)
        if (strcmp(project->changes[i].name, e->name) == 0)
            return refuse(p, "change %s occurs twice since the last tag", e->name);
    char *list = e->dependencies, *one;
    while (list && (one = strsep(&list, " \t")) != NULL)
        if (*one && !add_dependency(p, &change, one))
            return false;
    change.id =
        change_id(p, &change, project->change_count ? &project->changes[project->change_count - 1] : NULL);
    *rh_arena_add(p->arena, &project->changes, &project->change_count) = change;
    return true;
}

static bool add_tag(parser *p, const entry *e)
{
    rh_sqitch_project *project = p->project;
    if (project->change_count == 0)
        return refuse(p, "tag %s precedes every change", e->name);
    for (size_t i = 0; i < project->change_count; i++)
        for (size_t t = 0; t < project->changes[i].tag_count; t++)
            if (strcmp(project->changes[i].tags[t].name, e->name) == 0)
                return refuse(p, "tag %s occurs twice", e->name);
    if (e->dependencies)
        return refuse(p, "tag %s has dependencies", e->name);
    rh_sqitch_change *change = &project->changes[project->change_count - 1];
    rh_sqitch_tag *tag = rh_arena_add(p->arena, &change->tags, &change->tag_count);
    *tag = (rh_sqitch_tag){
        .name = e->name, .note = e->note, .date = e->date, .planner = e->planner, .email = e->email};
    rh_text info = {0};
    put_project(p, &info);
    rh_text_printf(&info, "tag %s\nchange %s\nplanner %s <%s>\ndate %s", tag->name, change->id, tag->planner,
                   tag->email, tag->date);
    if (*tag->note)
        rh_text_printf(&info, "\n\n%s", tag->note);
    tag->id = id_of(p, "tag", &info);
    rh_text_release(&info);
    p->section = project->change_count;
    return true;
}

/* %name=value */
static bool take_pragma(const parser *p, char *line)
{
    char *value = strchr(line, '=');
    if (!value)
        return true;
    *value++ = '\0';
    value[strcspn(value, "#")] = '\0';
    const char *name = trim(line + 1);
    if (strcmp(name, "project") == 0)
        p->project->name = trim(value);
    else if (strcmp(name, "uri") == 0)
        p->project->uri = trim(value);
    return true;
}

static bool parse_line(parser *p, char *line)
{
    line = trim(line);
    if (!*line || *line == '#')
        return true;
    if (*line == '%')
        return take_pragma(p, line);
    if (!p->project->name)
        return refuse(p, "%s comes before it says its project", line);
    if (*line == '-')
        return refuse(p, "%s is not a change", line);
    entry e = {0};
    line += *line == '+';
    return parse_entry(p, line, &e) && (*e.name == '@' ? add_tag(p, &e) : add_change(p, &e));
}

/* A conflict may be with a later change; with an unknown one it is an error, too. */
static bool resolve_conflicts(parser *p)
{
    rh_sqitch_project *project = p->project;
    for (size_t i = 0; i < project->change_count; i++)
        for (size_t k = 0; k < project->changes[i].dependency_count; k++) {
            rh_sqitch_dependency *d = &project->changes[i].dependencies[k];
            if (d->project || d->id)
                continue;
            const char *tag = strchr(d->text, '@');
            size_t index = find_change(project, d->name, tag ? tag + 1 : NULL);
            p->line = project->changes[i].line;
            if (index == SIZE_MAX)
                return refuse(p, "change %s does not exist", d->text);
            d->id = project->changes[index].id;
        }
    return true;
}

/* A change whose name comes again later was reworked: its scripts carry the first tag between, nearest to the
 * later change first, that has them. */
static void label_reworked(rh_sqitch_project *project, rh_arena *arena)
{
    for (size_t i = 0; i < project->change_count; i++) {
        rh_sqitch_change *change = &project->changes[i];
        size_t later = i + 1;
        while (later < project->change_count && strcmp(project->changes[later].name, change->name) != 0)
            later++;
        const char *first = NULL;
        for (size_t k = later; later < project->change_count && k-- > i;)
            for (size_t t = 0; t < project->changes[k].tag_count; t++) {
                const char *label =
                    rh_arena_printf(arena, "%s%s", change->name, project->changes[k].tags[t].name);
                if (!first)
                    first = change->label = label;
                if (rh_file_exists(rh_sqitch_script(project, "deploy", label, arena))) {
                    change->label = label;
                    k = i;
                    break;
                }
            }
    }
}

bool rh_sqitch_load(const char *folder, rh_arena *arena, rh_sqitch_project **project, rh_error *error)
{
    rh_sqitch_project *made = rh_arena_alloc(arena, sizeof *made);
    char *conf = rh_arena_printf(arena, "%s/sqitch.conf", folder);
    *project = NULL;
    made->folder = folder;
    made->config = rh_file_exists(conf) ? rh_file_read(conf, PLAN_LIMIT, arena, NULL, error) : "";
    if (!made->config)
        return false;
    if (!rh_sqitch_check_confined(made, arena, error))
        return false;
    const char *top = rh_sqitch_setting_of(made, "top_dir", ".", arena);
    const char *plan = strcmp(top, ".") == 0 ? "sqitch.plan" : rh_arena_printf(arena, "%s/sqitch.plan", top);
    made->plan_file =
        rh_arena_printf(arena, "%s/%s", folder, rh_sqitch_setting_of(made, "plan_file", plan, arena));
    made->user = rh_sqitch_setting(made->config, "user.name", arena);
    made->email = rh_sqitch_setting(made->config, "user.email", arena);
    if (!made->user)
        made->user = "pgrehearse";
    if (!made->email)
        made->email = "pgrehearse@localhost";
    if (!rh_file_exists(made->plan_file))
        return true;
    char *text = rh_file_read(made->plan_file, PLAN_LIMIT, arena, NULL, error), *line;
    if (!text || !rh_sqitch_check_engine(made, error))
        return false;
    parser p = {.project = made, .arena = arena, .error = error};
    while ((line = strsep(&text, "\n")) != NULL) {
        p.line++;
        if (!parse_line(&p, line))
            return false;
    }
    if (!resolve_conflicts(&p))
        return false;
    label_reworked(made, arena);
    *project = made;
    return true;
}
