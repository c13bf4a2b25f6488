/* A backfill as SQL to paste: the parts around the procedure, and what calls for them. */
#include "script_writer.h"
#include "pgrehearse/backfill/backfill.h"
#include <string.h>

enum { NAME_MAX_BYTES = 40 };

static void write_head(const rh_script_writer *w)
{
    const rh_backfill *b = w->b;
    rh_script_comment(w, rh_arena_printf(w->arena,
                                         "Backfill %s, walk %s. For psql, outside of a transaction block.\n"
                                         "The role needs CREATE on the schema. The statement of a batch:",
                                         w->label, rh_backfill_walk_name(b->walk)));
    rh_script_comment(w, w->sql.step ? w->sql.step : w->sql.update_next);
    if (b->walk == RH_WALK_CTID && !b->condition)
        rh_script_comment(
            w, "A row that moves to a later page while the backfill runs is changed twice: without where,\n"
               "set must give the same when it is applied again.");
    if (b->walk == RH_WALK_CTID)
        rh_script_comment(
            w, "Positions are page numbers: do not run VACUUM FULL or CLUSTER on the table meanwhile.");
    if (b->walk != RH_WALK_REMAINING)
        rh_script_comment(
            w,
            "Rows inserted after the start are not processed: the application must fill the new columns itself.");
    rh_text_append_char(w->text, '\n');
}

static void write_use(const rh_script_writer *w)
{
    const char *p = w->progress;
    rh_script_comment(
        w,
        "3. Settings: these are the most cautious ones of the sweep. A run's report names the one to use.");
    rh_text_printf(w->text, "-- UPDATE %s SET batch_rows = 5000, pause_s = 0.1, pause_share = 0;\n\n", p);
    rh_script_comment(w, "4. Run it; run it again to resume after it was stopped or killed.");
    rh_text_printf(w->text, "SET statement_timeout = 0; -- it would count for the whole CALL\nCALL %s();\n\n",
                   w->procedure);
    rh_script_comment(w, "5. Stop it after the current batch; allow it to continue.");
    rh_text_printf(w->text, "-- UPDATE %s SET stop = true;\n", p);
    rh_text_printf(w->text, "-- UPDATE %s SET stop = false;\n-- CALL %s();\n\n", p, w->procedure);
}

static void write_watch(const rh_script_writer *w)
{
    const char *p = w->progress, *sep = w->sql.position_size > 0 ? ", " : "";
    rh_script_comment(w, "6. Watch it from another session: its progress, and its rate since the start;");
    rh_text_printf(w->text,
                   "SELECT %s%s%s%srows_changed, batches, updated_at, finished_at, stop,\n"
                   "       round(rows_changed / greatest(extract(epoch FROM updated_at - started_at), 1)) AS "
                   "rows_per_s\nFROM %s;\n",
                   rh_script_position(w, "", "last_key", ""), sep, rh_script_position(w, "", "upper_key", ""),
                   sep, p);
    rh_script_comment(w, "the sessions that wait for its locks;");
    rh_text_printf(w->text,
                   "SELECT a.pid, a.wait_event_type, a.wait_event, now() - a.query_start AS since, a.query\n"
                   "FROM pg_stat_activity a, %s p WHERE p.pid = ANY (pg_blocking_pids(a.pid));\n",
                   p);
    rh_script_comment(w, "dead rows, and when autovacuum last removed them;");
    rh_text_printf(w->text,
                   "SELECT n_live_tup, n_dead_tup, last_autovacuum FROM pg_stat_user_tables\n"
                   "WHERE relid = %s::regclass;\n",
                   rh_script_literal(w->target->table, w->arena));
    rh_script_comment(w, "the replication lag of the standbys;");
    rh_text_append(w->text, "SELECT application_name, replay_lag,\n"
                            "       pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) AS bytes_behind\n"
                            "FROM pg_stat_replication;\n");
    rh_script_comment(w, "and, at the end, the rows still to do (this reads the table).");
    rh_text_printf(w->text, "SELECT count(*) FROM %s", w->target->table);
    if (w->b->condition)
        rh_text_printf(w->text, " WHERE (%s\n)", w->b->condition);
    rh_text_append(w->text, ";\n\n");
    rh_script_comment(
        w, "7. Remove it when no row is left to do; to run it from the first row again, remove it first.");
    rh_text_printf(w->text, "-- DROP PROCEDURE %s();\n-- DROP TABLE %s;\n", w->procedure, p);
}

static const char *name_beside(const rh_backfill_target *target, const char *name, rh_arena *arena)
{
    const size_t length = strlen(target->table) - strlen(target->name); /* the schema and its dot */
    return rh_arena_printf(arena, "%.*s%s", (int)length, target->table, rh_identifier(name, arena));
}

static rh_script_writer writer_of(const rh_backfill *b, const rh_backfill_target *target, rh_arena *arena,
                                  rh_text *text)
{
    const char *name = rh_arena_printf(arena, "backfill_%.*s", NAME_MAX_BYTES, b->name);
    rh_script_writer w = {.b = b,
                          .target = target,
                          .sql = rh_backfill_statements_of(b, target, arena),
                          .arena = arena,
                          .procedure = name_beside(target, name, arena),
                          .progress = name_beside(target, rh_arena_printf(arena, "%s_progress", name), arena),
                          .label = rh_arena_printf(arena, "%s of %s", b->name, target->table),
                          .text = text};
    w.lock = rh_arena_printf(arena, "hashtextextended(%s, 0)",
                             rh_script_literal(rh_arena_printf(arena, "backfill %s", w.label), arena));
    for (size_t i = 0; i < w.sql.position_size; i++)
        w.types[i] = b->walk == RH_WALK_CTID ? "bigint" : target->types[i];
    return w;
}

rh_backfill_procedure rh_backfill_procedure_of(const rh_backfill *b, const rh_backfill_target *target,
                                               rh_arena *arena)
{
    rh_text text = {0};
    const rh_script_writer w = writer_of(b, target, arena, &text);
    rh_script_progress(&w);
    rh_script_procedure(&w);
    const rh_backfill_procedure parts = {.definitions = rh_arena_strdup(arena, rh_text_string(&text)),
                                         .procedure = w.procedure,
                                         .progress = w.progress};
    rh_text_release(&text);
    return parts;
}

bool rh_backfill_script(const rh_backfill *b, const rh_plan *plan, rh_arena *arena, rh_text *text,
                        rh_error *error)
{
    rh_backfill_target target;
    if (b->command) {
        rh_error_set(error, RH_ERROR_SCENARIO, "backfill %s is a program, which has no SQL to print",
                     b->name);
        return rh_error_at(error, b->command_where.file, b->command_where.line, b->command_where.column);
    }
    if (!rh_backfill_target_of(b, plan, arena, &target, error))
        return false;
    const rh_script_writer w = writer_of(b, &target, arena, text);
    write_head(&w);
    rh_script_progress(&w);
    rh_script_procedure(&w);
    write_use(&w);
    write_watch(&w);
    return true;
}
