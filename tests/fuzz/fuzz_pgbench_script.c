/* The reader and the player of pgbench scripts, on anything: an error has its line; what is read plays to its
 * end, with a value or NULL for every parameter. For libFuzzer (-fsanitize=fuzzer, with RH_FUZZER defined),
 * or by itself over mutations of a fixed corpus. */
#include "workload/pgbench/script.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void failed(const char *text, int line)
{
    fprintf(stderr, "line %d: input [%s]\n", line, text);
    abort();
}

static void play(const char *text, const rh_pgbench_script *script, rh_pgbench_script_run *run, uint64_t seed)
{
    size_t steps = 0;
    rh_pgbench_script_begin(run, script, 3, 1, seed);
    for (;;) {
        rh_pgbench_script_event event = rh_pgbench_script_next(run);
        if (++steps > script->step_count + 1)
            failed(text, __LINE__); /* jumps only lead forward */
        if (event == RH_SCRIPT_ENDED)
            return;
        if (event == RH_SCRIPT_FAILED) {
            if (!run->failure)
                failed(text, __LINE__);
            return;
        }
        if (event == RH_SCRIPT_PAUSE && run->sleep < 0)
            failed(text, __LINE__);
        for (size_t i = 0; event == RH_SCRIPT_SEND && i < run->step->parameter_count; i++)
            if (run->parameters[i] && (!*run->parameters[i] || strlen(run->parameters[i]) > 31))
                failed(text, __LINE__);
        if (event == RH_SCRIPT_SEND && run->step->command >= script->command_count)
            failed(text, __LINE__);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rh_arena *arena = rh_arena_new();
    char *text = rh_arena_strndup(arena, (const char *)data, size);
    rh_pgbench_script script;
    rh_error error = {0};
    bool ok = rh_pgbench_script_read(text, "fuzz", arena, &script, &error);
    if (ok == rh_error_is_set(&error) || (!ok && error.line < 1))
        failed(text, __LINE__);
    rh_pgbench_script_run run = {0};
    for (uint64_t seed = 0; ok && seed < 3; seed++)
        play(text, &script, &run, seed);
    rh_pgbench_script_release(&run);
    rh_error_release(&error);
    rh_arena_free(arena);
    return 0;
}

#ifndef RH_FUZZER
#include "mutate.h"

static const char *const corpus[] = {
    "\\set aid random(1, 100000 * :scale)\nBEGIN;\nUPDATE t SET a = a + :aid WHERE b = :aid;\nEND;\n",
    "\\if :client_id < 3 and not (:scale is null)\nSELECT 1;\n\\elif true\n\\set x 1\n\\else\nSELECT "
    "2;\n\\endif\n",
    "\\set x case when random(1, 10) > 5 then random_gaussian(1, 10, 2.5) else 1.5e3 end\n\\sleep :x "
    "us\nSELECT :x;\n",
    "\\set a hash(:client_id) & 255 | 3 << 2 # ~5\n\\set b permute(:a, 100, 7) \\\n + 1\nSELECT :a::int, "
    "':b', :b",
    "\\set z random_zipfian(1, 1000, 1.07)\n\\set e random_exponential(-5, 5, 3)\nSELECT $$;$$, :z, :e; -- "
    "\\x\n",
    "\\set n greatest(1, least(2.5, abs(-3)), mod(7, 4), pow(2, 62), sqrt(4), ln(2), exp(1), int(3.7), "
    "pi())\nSELECT :n",
};

int main(void)
{
    mutate_all(corpus, sizeof corpus / sizeof *corpus, 20000, LLVMFuzzerTestOneInput);
    return 0;
}
#endif
