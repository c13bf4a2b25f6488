/* The table of progress and the procedure that runs the batches. */
#include "script_writer.h"
#include "pgrehearse/adapters/pg.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 8 };

/* ---- pieces ---- */

/* TEXT in comment lines. */
void rh_script_comment(const rh_script_writer *w, const char *text)
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

const char *rh_script_literal(const char *value, rh_arena *arena)
{
    char *quoted = rh_pg_quote_literal(value);
    const char *kept = rh_arena_strdup(arena, quoted);
    free(quoted);
    return kept;
}

const char *rh_script_position(const rh_script_writer *w, const char *prefix, const char *name,
                               const char *suffix)
{
    const char *list = "";
    for (size_t i = 0; i < w->sql.position_size; i++) {
        const char *number = w->sql.position_size > 1 ? rh_arena_printf(w->arena, "_%zu", i + 1) : "";
        list = rh_arena_printf(w->arena, "%s%s%s%s%s%s", list, i ? ", " : "", prefix, name, number, suffix);
    }
    return list;
}

/* "    last_key bigint" a column, each ended by END. */
static void declare(const rh_script_writer *w, const char *name, const char *end)
{
    for (size_t i = 0; i < w->sql.position_size; i++) {
        const char *number = w->sql.position_size > 1 ? rh_arena_printf(w->arena, "_%zu", i + 1) : "";
        rh_text_printf(w->text, "    %s%s %s%s\n", name, number, w->types[i], end);
    }
}

static const char *first_of(const rh_script_writer *w, const char *name)
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

void rh_script_progress(const rh_script_writer *w)
{
    const rh_backfill_pause pause = longest_pause(w->b);
    const bool has_position = w->sql.position_size > 0;
    rh_script_comment(w, "1. Progress and settings: one row. Each batch writes it in its own transaction.");
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
                   w->progress, rh_script_position(w, "", "upper_key", ""), has_position ? ", " : "",
                   rh_script_position(w, "upper.", "key", ""), has_position ? ", " : "", least_batch(w->b),
                   pause.share > 0 ? 0.0 : (double)pause.duration / RH_SECOND, pause.share);
    if (has_position)
        rh_text_printf(w->text, " LEFT JOIN (\n%s) AS upper (%s) ON true",
                       rh_backfill_last_sql(w->b, w->target, w->arena), rh_script_position(w, "", "key", ""));
    rh_text_append(w->text, "\nON CONFLICT (single) DO NOTHING;\n\n");
}

/* ---- the procedure ---- */

static const char *execute(const rh_script_writer *w, const char *indent, const char *sql, const char *into,
                           const char *values)
{
    return rh_arena_printf(w->arena, "%sEXECUTE %s\n%s    %s%s%sUSING %s;\n", indent,
                           dollar_quoted("batch", sql, w->arena), indent, into ? "INTO " : "",
                           into ? into : "", into ? " " : "", values);
}

/* Finds the end of the batch, changes its rows, and moves the position there. */
static const char *step_by_position(const rh_script_writer *w)
{
    rh_arena *arena = w->arena;
    const char *last = rh_script_position(w, "p.", "last_key", ""),
               *upper = rh_script_position(w, "p.", "upper_key", ""),
               *to = rh_script_position(w, "", "to_key", ""), *began = first_of(w, "p.last_key"),
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

/* A statement of the team's that finds its rows and returns their keys. */
static const char *step_by_own(const rh_script_writer *w)
{
    const char *at = rh_arena_printf(w->arena, "coalesce(p.last_key, %s::%s)",
                                     rh_script_literal(w->sql.lowest, w->arena), w->types[0]);
    return rh_arena_printf(
        w->arena,
        "            to_key := NULL;\n            IF p.last_key IS DISTINCT FROM p.upper_key THEN\n%s            END IF;\n            IF to_key = %s THEN\n                RAISE EXCEPTION 'the statement returned no key greater than the last batch';\n            END IF;\n            IF to_key IS NULL THEN -- no row is left\n                UPDATE %s SET pid = NULL, finished_at = clock_timestamp();\n            ELSE\n                UPDATE %s SET last_key = to_key, pid = pg_backend_pid(),\n                    rows_changed = rows_changed + changed, batches = batches + 1,\n                    updated_at = clock_timestamp();\n            END IF;\n",
        execute(w, "                ", w->sql.step, "to_key, changed",
                rh_arena_printf(w->arena, "%s, p.upper_key, batch", at)),
        at, w->progress, w->progress);
}

/* Without a position: any rows that where finds, until there are none. */
static const char *step_by_condition(const rh_script_writer *w)
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
static const char *rows_to_pages(const rh_script_writer *w)
{
    if (w->b->walk != RH_WALK_CTID)
        return "";
    return rh_arena_printf(
        w->arena,
        "        batch := coalesce((SELECT greatest(ceil(batch * relpages / reltuples), 1)\n"
        "            FROM pg_class WHERE oid = %s::regclass AND reltuples > 0), 1);\n",
        rh_script_literal(w->target->table, w->arena));
}

static const char *loop(const rh_script_writer *w)
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
        w->sql.step                ? step_by_own(w)
        : w->sql.position_size > 0 ? step_by_position(w)
                                   : step_by_condition(w),
        ATTEMPTS, w->lock);
}

void rh_script_procedure(const rh_script_writer *w)
{
    rh_text body = {0};
    rh_script_writer inner = *w;
    inner.text = &body;
    rh_text_printf(&body, "\nDECLARE\n    p %s%%ROWTYPE;\n", w->progress);
    declare(&inner, "to_key", ";");
    rh_text_append(&body, w->sql.step                ? ""
                          : w->sql.position_size > 0 ? "    found_rows bigint;\n"
                                                     : "    is_left boolean;\n");
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
    rh_script_comment(
        w,
        "2. The procedure. It stops after a batch when stop is set, and resumes from the row of progress,\nhowever it ended. Only one session runs it at a time.");
    rh_text_printf(w->text, "CREATE OR REPLACE PROCEDURE %s()\nLANGUAGE plpgsql AS %s;\n\n", w->procedure,
                   dollar_quoted("procedure", rh_text_string(&body), w->arena));
    rh_text_release(&body);
}
