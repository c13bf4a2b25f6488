#include "pgrehearse/backfill/backfill.h"
#include "script.h"
#include "pgrehearse/adapters/pg.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 8, NAME_MAX_BYTES = 40 };

typedef struct writer {
    const rh_backfill *b;
    const rh_backfill_target *target;
    rh_backfill_statements sql;
    rh_arena *arena;
    const char *procedure, *progress;       /* their names, qualified */
    const char *lock;                       /* the key of its advisory lock, an expression */
    const char *label;                      /* "totals of public.orders" */
    const char *types[RH_BACKFILL_KEY_MAX]; /* of a position */
    rh_text *text;
} writer;

/* ---- pieces ---- */

/* TEXT in comment lines. */
static void comment(const writer *w, const char *text)
{
    for (const char *line = text; *line;) {
        const size_t length = strcspn(line, "\n");
        rh_text_printf(w->text, "-- %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

/* SQL between dollar quotes whose tag it does not have. */
static const char *dollar_quoted(const char *tag, const char *sql, rh_arena *arena)
{
    const char *quote = rh_arena_printf(arena, "$%s$", tag);
    for (int i = 2; strstr(sql, quote); i++)
        quote = rh_arena_printf(arena, "$%s%d$", tag, i);
    return rh_arena_printf(arena, "%s%s%s", quote, sql, quote);
}

static const char *literal(const char *value, rh_arena *arena)
{
    char *quoted = rh_pg_quote_literal(value);
    const char *kept = rh_arena_strdup(arena, quoted);
    free(quoted);
    return kept;
}

/* "last_key"; of several columns "last_key_1", "last_key_2", each behind PREFIX and before SUFFIX. */
static const char *position(const writer *w, const char *prefix, const char *name, const char *suffix)
{
    const char *list = "";
    for (size_t i = 0; i < w->sql.position_size; i++) {
        const char *number = w->sql.position_size > 1 ? rh_arena_printf(w->arena, "_%zu", i + 1) : "";
        list = rh_arena_printf(w->arena, "%s%s%s%s%s%s", list, i ? ", " : "", prefix, name, number, suffix);
    }
    return list;
}

/* "    last_key bigint" a column, each ended by END. */
static void declare(const writer *w, const char *name, const char *end)
{
    for (size_t i = 0; i < w->sql.position_size; i++) {
        const char *number = w->sql.position_size > 1 ? rh_arena_printf(w->arena, "_%zu", i + 1) : "";
        rh_text_printf(w->text, "    %s%s %s%s\n", name, number, w->types[i], end);
    }
}

static const char *first_of(const writer *w, const char *name)
{
    return rh_arena_printf(w->arena, "%s%s", name, w->sql.position_size > 1 ? "_1" : "");
}

/* ---- the progress table ---- */

/* The most careful of the sweep. */
static int64_t least_batch(const rh_backfill *b)
{
    int64_t least = b->batch_count ? b->batches[0] : 1000;
    for (size_t i = 1; i < b->batch_count; i++)
        least = b->batches[i] < least ? b->batches[i] : least;
    return least;
}

static rh_backfill_pause longest_pause(const rh_backfill *b)
{
    rh_backfill_pause longest = {0};
    for (size_t i = 0; i < b->pause_count; i++)
        if (b->pauses[i].share > longest.share ||
            (b->pauses[i].share == longest.share && b->pauses[i].duration > longest.duration))
            longest = b->pauses[i];
    return longest;
}

static void write_progress(const writer *w)
{
    const rh_backfill_pause pause = longest_pause(w->b);
    const bool has_position = w->sql.position_size > 0;
    comment(w, "1. Progress and settings: one row. Each batch writes it in its own transaction.");
    rh_text_printf(w->text,
                   "CREATE TABLE IF NOT EXISTS %s (\n"
                   "    single boolean PRIMARY KEY DEFAULT true CHECK (single),\n",
                   w->progress);
    declare(w, "last_key", ",");
    declare(w, "upper_key", ",");
    rh_text_append(w->text, "    batch_rows bigint NOT NULL CHECK (batch_rows > 0),\n"
                            "    pause_s double precision NOT NULL,\n"
                            "    pause_share double precision NOT NULL, -- of the batch's own time\n"
                            "    stop boolean NOT NULL DEFAULT false,\n"
                            "    rows_changed bigint NOT NULL DEFAULT 0,\n"
                            "    batches bigint NOT NULL DEFAULT 0,\n"
                            "    pid integer,\n"
                            "    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),\n"
                            "    updated_at timestamptz,\n"
                            "    finished_at timestamptz\n);\n");
    rh_text_printf(w->text,
                   "INSERT INTO %s (%s%sbatch_rows, pause_s, pause_share)\n"
                   "SELECT %s%s%" PRId64 ", %.3f, %.2f\nFROM (SELECT) AS one",
                   w->progress, position(w, "", "upper_key", ""), has_position ? ", " : "",
                   position(w, "upper.", "key", ""), has_position ? ", " : "", least_batch(w->b),
                   pause.share > 0 ? 0.0 : (double)pause.duration / RH_SECOND, pause.share);
    if (has_position)
        rh_text_printf(w->text, " LEFT JOIN (\n%s) AS upper (%s) ON true",
                       rh_backfill_last_sql(w->b, w->target, w->arena), position(w, "", "key", ""));
    rh_text_append(w->text, "\nON CONFLICT (single) DO NOTHING;\n\n");
}

/* ---- the procedure ---- */

static const char *execute(const writer *w, const char *indent, const char *sql, const char *into,
                           const char *values)
{
    return rh_arena_printf(w->arena, "%sEXECUTE %s\n%s    %s%s%sUSING %s;\n", indent,
                           dollar_quoted("batch", sql, w->arena), indent, into ? "INTO " : "",
                           into ? into : "", into ? " " : "", values);
}

/* Finds the end of the batch, changes its rows, and moves the position there. */
static const char *step_by_position(const writer *w)
{
    rh_arena *arena = w->arena;
    const char *last = position(w, "p.", "last_key", ""), *upper = position(w, "p.", "upper_key", ""),
               *to = position(w, "", "to_key", ""), *began = first_of(w, "p.last_key"),
               *into = rh_arena_printf(arena, "%s, found_rows", to);
    const char *set = "";
    for (size_t i = 0; i < w->sql.position_size; i++) {
        const char *number = w->sql.position_size > 1 ? rh_arena_printf(arena, "_%zu", i + 1) : "";
        set = rh_arena_printf(arena, "%slast_key%s = to_key%s, ", set, number, number);
    }
    const char *find = rh_arena_printf(
        arena, "            IF %s IS NULL THEN\n%s            ELSE\n%s            END IF;\n", began,
        execute(w, "                ", w->sql.find_first, into, rh_arena_printf(arena, "%s, batch", upper)),
        execute(w, "                ", w->sql.find_next, into,
                rh_arena_printf(arena, "%s, %s, batch", last, upper)));
    const char *update = rh_arena_printf(
        arena, "                IF %s IS NULL THEN\n%s                ELSE\n%s                END IF;\n",
        began, execute(w, "                    ", w->sql.update_first, NULL, to),
        execute(w, "                    ", w->sql.update_next, NULL,
                rh_arena_printf(arena, "%s, %s", last, to)));
    return rh_arena_printf(
        arena,
        "%s"
        "            IF %s IS NULL THEN -- no row is left\n"
        "                UPDATE %s SET pid = NULL, finished_at = clock_timestamp();\n"
        "            ELSE\n"
        "%s"
        "                GET DIAGNOSTICS changed = ROW_COUNT;\n"
        "                UPDATE %s SET %spid = pg_backend_pid(),\n"
        "                    rows_changed = rows_changed + changed, batches = batches + 1,\n"
        "                    updated_at = clock_timestamp();\n"
        "            END IF;\n",
        find, first_of(w, "to_key"), w->progress, update, w->progress, set);
}

/* Without a position: any rows that where finds, until there are none. */
static const char *step_by_condition(const writer *w)
{
    const char *left = rh_arena_printf(w->arena, "SELECT EXISTS (SELECT FROM %s WHERE (%s\n))",
                                       w->target->table, w->b->condition);
    return rh_arena_printf(
        w->arena,
        "%s"
        "            GET DIAGNOSTICS changed = ROW_COUNT;\n"
        "            is_left := changed > 0;\n"
        "            IF changed = 0 THEN\n"
        "                EXECUTE %s INTO is_left;\n"
        "            END IF;\n"
        "            IF changed = 0 AND is_left THEN\n"
        "                failure := 'rows match where, but a batch changed none of them';\n"
        "            END IF;\n"
        "            UPDATE %s SET pid = CASE WHEN changed > 0 THEN pg_backend_pid() END,\n"
        "                rows_changed = rows_changed + changed, batches = batches + 1,\n"
        "                updated_at = clock_timestamp(),\n"
        "                finished_at = CASE WHEN NOT is_left THEN clock_timestamp() END;\n",
        execute(w, "            ", w->sql.update_next, NULL, "batch"), dollar_quoted("left", left, w->arena),
        w->progress);
}

/* Positions that are pages: as many as have the rows of a batch; one where the table was never analyzed. */
static const char *rows_to_pages(const writer *w)
{
    if (w->b->walk != RH_WALK_CTID)
        return "";
    return rh_arena_printf(
        w->arena,
        "        batch := coalesce((SELECT greatest(ceil(batch * relpages / reltuples), 1)\n"
        "            FROM pg_class WHERE oid = %s::regclass AND reltuples > 0), 1);\n",
        literal(w->target->table, w->arena));
}

static const char *loop(const writer *w)
{
    return rh_arena_printf(
        w->arena,
        "    LOOP\n"
        "        PERFORM set_config('lock_timeout', '%" PRId64 "', true); -- ms, until COMMIT\n"
        "        SELECT * INTO STRICT p FROM %s;\n"
        "        EXIT WHEN p.stop OR p.finished_at IS NOT NULL;\n"
        "        began := clock_timestamp();\n"
        "        batch := greatest(p.batch_rows >> attempts, 1); -- half as many rows after each failure\n"
        "%s"
        "        failure := NULL;\n"
        "        BEGIN\n"
        "%s"
        "        EXCEPTION WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN\n"
        "            failure := SQLERRM;\n"
        "        END;\n"
        "        IF failure IS NULL THEN\n"
        "            COMMIT; -- the rows and the progress, or neither\n"
        "            attempts := 0;\n"
        "            PERFORM pg_sleep(p.pause_s\n"
        "                + p.pause_share * extract(epoch FROM clock_timestamp() - began)::double precision);\n"
        "        ELSE\n"
        "            ROLLBACK;\n"
        "            attempts := attempts + 1;\n"
        "            IF attempts >= %d THEN\n"
        "                PERFORM pg_advisory_unlock(%s);\n"
        "                RAISE EXCEPTION '%% attempts in a row failed: %%', attempts, failure;\n"
        "            END IF;\n"
        "            PERFORM pg_sleep(0.02 * 2 ^ attempts);\n"
        "        END IF;\n"
        "    END LOOP;\n",
        w->b->lock_timeout / 1000, w->progress, rows_to_pages(w),
        w->sql.position_size > 0 ? step_by_position(w) : step_by_condition(w), ATTEMPTS, w->lock);
}

static void write_procedure(const writer *w)
{
    rh_text body = {0};
    writer inner = *w;
    inner.text = &body;
    rh_text_printf(&body, "\nDECLARE\n    p %s%%ROWTYPE;\n", w->progress);
    declare(&inner, "to_key", ";");
    rh_text_append(&body, w->sql.position_size > 0 ? "    found_rows bigint;\n" : "    is_left boolean;\n");
    rh_text_append(&body, "    changed bigint;\n    batch bigint;\n    attempts integer := 0;\n"
                          "    began timestamptz;\n    failure text;\n");
    rh_text_printf(
        &body,
        "BEGIN\n"
        "    IF NOT pg_try_advisory_lock(%s) THEN\n"
        "        RAISE EXCEPTION 'this backfill runs in another session, or failed in one that is '\n"
        "            'still connected' USING ERRCODE = 'object_in_use';\n"
        "    END IF;\n"
        "%s"
        "    PERFORM pg_advisory_unlock(%s);\n"
        "    RAISE NOTICE '%% rows changed, %%', p.rows_changed,\n"
        "        CASE WHEN p.finished_at IS NULL THEN 'stopped' ELSE 'finished' END;\n"
        "END\n",
        w->lock, loop(w), w->lock);
    comment(
        w,
        "2. The procedure. It stops after a batch when stop is set, and goes on from the row of progress,\n"
        "however it ended. Only one session runs it at a time.");
    rh_text_printf(w->text, "CREATE OR REPLACE PROCEDURE %s()\nLANGUAGE plpgsql AS %s;\n\n", w->procedure,
                   dollar_quoted("procedure", rh_text_string(&body), w->arena));
    rh_text_release(&body);
}

/* ---- around it ---- */

static void write_head(const writer *w)
{
    const rh_backfill *b = w->b;
    comment(w, rh_arena_printf(w->arena,
                               "Backfill %s, walk %s. For psql, outside of a transaction block.\n"
                               "The role needs CREATE on the schema. The statement of a batch:",
                               w->label, rh_backfill_walk_name(b->walk)));
    comment(w, w->sql.update_next);
    if (b->walk == RH_WALK_CTID && !b->condition)
        comment(w,
                "A row that moves to a later page while the backfill runs is changed twice: without where,\n"
                "set must give the same when it is applied again.");
    if (b->walk == RH_WALK_CTID)
        comment(w, "Positions are page numbers: do not run VACUUM FULL or CLUSTER on the table meanwhile.");
    if (b->walk != RH_WALK_REMAINING)
        comment(w,
                "Rows inserted after the start are not reached: the application must write them complete.");
    rh_text_append_char(w->text, '\n');
}

static void write_use(const writer *w)
{
    const char *p = w->progress;
    comment(
        w, "3. Settings: these are the most careful ones of the sweep. A run's report names the one to use.");
    rh_text_printf(w->text, "-- UPDATE %s SET batch_rows = 5000, pause_s = 0.1, pause_share = 0;\n\n", p);
    comment(w, "4. Run it, and again to go on after it was stopped or killed.");
    rh_text_printf(w->text, "SET statement_timeout = 0; -- it would count for the whole CALL\nCALL %s();\n\n",
                   w->procedure);
    comment(w, "5. Stop it after the batch under way; let it go on.");
    rh_text_printf(w->text, "-- UPDATE %s SET stop = true;\n", p);
    rh_text_printf(w->text, "-- UPDATE %s SET stop = false;\n-- CALL %s();\n\n", p, w->procedure);
}

static void write_watch(const writer *w)
{
    const char *p = w->progress, *sep = w->sql.position_size > 0 ? ", " : "";
    comment(w, "6. Watch it from another session: how far it is, and how fast since its start;");
    rh_text_printf(w->text,
                   "SELECT %s%s%s%srows_changed, batches, updated_at, finished_at, stop,\n"
                   "       round(rows_changed / greatest(extract(epoch FROM updated_at - started_at), 1)) AS "
                   "rows_per_s\nFROM %s;\n",
                   position(w, "", "last_key", ""), sep, position(w, "", "upper_key", ""), sep, p);
    comment(w, "who waits for its locks;");
    rh_text_printf(w->text,
                   "SELECT a.pid, a.wait_event_type, a.wait_event, now() - a.query_start AS since, a.query\n"
                   "FROM pg_stat_activity a, %s p WHERE p.pid = ANY (pg_blocking_pids(a.pid));\n",
                   p);
    comment(w, "dead rows, and when autovacuum last removed them;");
    rh_text_printf(w->text,
                   "SELECT n_live_tup, n_dead_tup, last_autovacuum FROM pg_stat_user_tables\n"
                   "WHERE relid = %s::regclass;\n",
                   literal(w->target->table, w->arena));
    comment(w, "how far the standbys are behind;");
    rh_text_append(w->text, "SELECT application_name, replay_lag,\n"
                            "       pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) AS bytes_behind\n"
                            "FROM pg_stat_replication;\n");
    comment(w, "and, at the end, the rows still to do (this reads the table).");
    rh_text_printf(w->text, "SELECT count(*) FROM %s", w->target->table);
    if (w->b->condition)
        rh_text_printf(w->text, " WHERE (%s\n)", w->b->condition);
    rh_text_append(w->text, ";\n\n");
    comment(w,
            "7. Remove it when nothing is left to do; to run it from the first row again, remove it before.");
    rh_text_printf(w->text, "-- DROP PROCEDURE %s();\n-- DROP TABLE %s;\n", w->procedure, p);
}

static const char *name_beside(const rh_backfill_target *target, const char *name, rh_arena *arena)
{
    const size_t length = strlen(target->table) - strlen(target->name); /* the schema and its dot */
    return rh_arena_printf(arena, "%.*s%s", (int)length, target->table, rh_identifier(name, arena));
}

static writer writer_of(const rh_backfill *b, const rh_backfill_target *target, rh_arena *arena,
                        rh_text *text)
{
    const char *name = rh_arena_printf(arena, "backfill_%.*s", NAME_MAX_BYTES, b->name);
    writer w = {.b = b,
                .target = target,
                .sql = rh_backfill_statements_of(b, target, arena),
                .arena = arena,
                .procedure = name_beside(target, name, arena),
                .progress = name_beside(target, rh_arena_printf(arena, "%s_progress", name), arena),
                .label = rh_arena_printf(arena, "%s of %s", b->name, target->table),
                .text = text};
    w.lock = rh_arena_printf(arena, "hashtextextended(%s, 0)",
                             literal(rh_arena_printf(arena, "backfill %s", w.label), arena));
    for (size_t i = 0; i < w.sql.position_size; i++)
        w.types[i] = b->walk == RH_WALK_CTID ? "bigint" : target->types[i];
    return w;
}

rh_backfill_procedure rh_backfill_procedure_of(const rh_backfill *b, const rh_backfill_target *target,
                                               rh_arena *arena)
{
    rh_text text = {0};
    const writer w = writer_of(b, target, arena, &text);
    write_progress(&w);
    write_procedure(&w);
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
    const writer w = writer_of(b, &target, arena, text);
    write_head(&w);
    write_progress(&w);
    write_procedure(&w);
    write_use(&w);
    write_watch(&w);
    return true;
}
