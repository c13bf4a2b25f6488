/* The reader of pg_stat_statements' exports and of their texts, on anything: an error has its line, figures
 * are finite and not negative, and each text can be bound. For libFuzzer (-fsanitize=fuzzer, with RH_FUZZER
 * defined), or by itself over mutations of a fixed corpus. */
#include "workload/statements/bindings.h"
#include "workload/statements/statement_text.h"
#include "workload/statements/statistics.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void failed(const char *text, int line)
{
    fprintf(stderr, "line %d: input [%s]\n", line, text);
    abort();
}

/* The reader takes files: one without a name, which is rewritten each time. */
static const char *file_of(const uint8_t *data, size_t size)
{
    static char path[64];
    static FILE *file;
    if (!file) {
        file = tmpfile();
        if (!file)
            abort();
        snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(file));
    }
    rewind(file);
    fwrite(data, 1, size, file);
    fflush(file);
    if (ftruncate(fileno(file), (off_t)size))
        abort();
    return path;
}

static bool is_bad(double figure)
{
    return isinf(figure) || figure < 0;
}

static void bind(const char *text, const char *query, rh_arena *arena)
{
    static mix_column columns[] = {{.name = "id"}, {.name = "name"}};
    static const mix_table table = {
        .relation = {"public", "t"}, .name = "public.t", .columns = columns, .column_count = 2};
    mix_statement bound;
    rh_error error = {0};
    bool shortened;
    const char *playable = rh_statement_replayable(query, 3, &shortened, arena);
    bool ok = rh_mix_bind(playable, &table, 1, arena, &bound, &error);
    if (ok == rh_error_is_set(&error))
        failed(text, __LINE__);
    for (size_t i = 0; ok && i < bound.parameter_count; i++)
        if (bound.parameters[i].table && bound.parameters[i].column >= 2)
            failed(text, __LINE__);
    rh_error_release(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rh_arena *arena = rh_arena_new();
    const char *path = file_of(data, size), *text = rh_arena_strndup(arena, (const char *)data, size);
    rh_statistics statistics;
    rh_error error = {0};
    bool ok = rh_statistics_read(&path, 1, arena, &statistics, &error);
    if (ok == rh_error_is_set(&error))
        failed(text, __LINE__);
    for (size_t i = 0; ok && i < statistics.count; i++) {
        const rh_statement_stats *s = &statistics.statements[i];
        if (isnan(s->calls) || is_bad(s->calls) || is_bad(s->rows) || is_bad(s->exec_ms) || s->line < 2)
            failed(text, __LINE__);
        bind(text, s->query, arena);
    }
    rh_error_release(&error);
    rh_arena_free(arena);
    return 0;
}

#ifndef RH_FUZZER
#include "mutate.h"

static const char *const corpus[] = {
    "userid,dbid,toplevel,queryid,query,calls,total_exec_time,rows,shared_blks_hit,shared_blks_read\n"
    "10,5,t,99,\"SELECT name FROM t\nWHERE id = $1 AND name IN ($2, $3)\",40,1.5,40,300,20\n"
    "10,5,f,98,UPDATE t SET name = $1 WHERE (id) > ($2) AND id BETWEEN $3 AND $4,7,0.5,7,1,0\n",
    "captured_at,stats_reset,query,calls\n2026-01-01 10:00:00+00,2026-01-01 00:00:00+00,\"INSERT INTO t "
    "VALUES "
    "($1, $2), ($3, $4) ON CONFLICT (id) DO UPDATE SET name = $5\",5\n2026-01-01 11:00:00+00,,SELECT 1,6\n",
    "\xef\xbb\xbfquery,calls,stats_since\r\n\"WITH x AS (DELETE FROM t WHERE id = ANY ($1) RETURNING *) "
    "SELECT * FROM x "
    "WHERE \"\"id\"\" = $2\",3,2026-01-01 00:00:00.5+05:30\r\n<insufficient privilege>,4,\r\n",
    "query,calls\n\"SELECT interval $1, EXTRACT($2 FROM now()) FROM t a JOIN t b ON a.id = b.id WHERE a.id "
    "IN ($3 /*, "
    "... */) LIMIT $4\",1\n",
};

int main(void)
{
    mutate_all(corpus, sizeof corpus / sizeof *corpus, 8000, LLVMFuzzerTestOneInput);
    return 0;
}
#endif
