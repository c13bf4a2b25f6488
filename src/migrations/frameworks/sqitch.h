/* Sqitch: what its three files share. */
#pragma once
#include "frameworks.h"

typedef struct rh_sqitch_dependency {
    bool conflict;
    const char *text;    /* "change@tag", "other:change" */
    const char *project; /* another one's; NULL: the plan's own */
    const char *name;    /* of the change, without a tag */
    const char *id;      /* the change's; NULL for another project's */
} rh_sqitch_dependency;

typedef struct rh_sqitch_tag {
    const char *name; /* "@v1" */
    const char *id, *note, *date, *planner, *email;
} rh_sqitch_tag;

typedef struct rh_sqitch_project rh_sqitch_project;
typedef struct rh_sqitch_change {
    const rh_sqitch_project *project;
    const char *name, *id, *note, *date, *planner, *email;
    const char *label; /* "name", or "name@tag" where a later change has its name: also of its scripts */
    int line;
    rh_sqitch_dependency *dependencies;
    size_t dependency_count;
    rh_sqitch_tag *tags;
    size_t tag_count;
} rh_sqitch_change;

struct rh_sqitch_project {
    const char *folder;    /* of sqitch.conf, where Sqitch runs psql */
    const char *config;    /* the text of sqitch.conf; "" */
    const char *plan_file; /* absolute */
    const char *name, *uri;
    const char *user, *email; /* who deploys */
    rh_sqitch_change *changes;
    size_t change_count;
};

/* The project in FOLDER. *PROJECT stays NULL where there is no plan; a plan that Sqitch refuses is
 * RH_ERROR_SCENARIO with its line. */
bool rh_sqitch_load(const char *folder, rh_arena *arena, rh_sqitch_project **project, rh_error *error);
/* The last value of "section.key" or "section.sub.key" in the text of a sqitch.conf; NULL: none. In ARENA. */
const char *rh_sqitch_setting(const char *config, const char *key, rh_arena *arena);
/* Calls EACH for every key = value of a section, such as "deploy.variables". */
void rh_sqitch_settings(const char *config, const char *section, rh_arena *arena,
                        void (*each)(void *user, const char *key, const char *value), void *user);
/* The absolute path of a change's script for VERB ("deploy"), whether or not it is there. */
const char *rh_sqitch_script(const rh_sqitch_project *project, const char *verb, const char *label,
                             rh_arena *arena);

/* The registry, schema sqitch: as rh_framework_rules wants it. */
bool rh_sqitch_mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error);
bool rh_sqitch_prepare(rh_pg *pg, const rh_plan *plan, rh_error *error);
bool rh_sqitch_begin(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                     rh_error *error);
bool rh_sqitch_end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                   rh_error *error);
void rh_sqitch_failed(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction);
/* The engine's own setting, or the one for all. */
const char *rh_sqitch_setting_of(const rh_sqitch_project *project, const char *key, const char *otherwise,
                                 rh_arena *arena);
bool rh_sqitch_check_engine(const rh_sqitch_project *project, rh_error *error);
/* Nothing outside of the migrations' folder is read. */
bool rh_sqitch_check_confined(const rh_sqitch_project *project, rh_arena *arena, rh_error *error);
