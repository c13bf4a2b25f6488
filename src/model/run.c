#include "pgrehearse/model/run.h"

void rh_run_inconclusive(rh_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *sentence = rh_arena_vprintf(run->arena, format, args);
    va_end(args);
    if (!run->inconclusive)
        run->inconclusive = sentence;
    rh_run_not_measured(run, "%s", sentence);
}

void rh_run_not_measured(rh_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *sentence = rh_arena_vprintf(run->arena, format, args);
    va_end(args);
    rh_run_add_notes(run, &(rh_notes){.items = &sentence, .count = 1});
}

void rh_run_add_notes(rh_run *run, const rh_notes *notes)
{
    rh_notes all = {run->not_measured, run->not_measured_count};
    rh_notes_add(&all, run->arena, notes);
    run->not_measured = all.items;
    run->not_measured_count = all.count;
}
