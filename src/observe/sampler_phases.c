/* Samples of the phase of the migration's statement. */
#include "sampler_state.h"
#include <string.h>

/* A statement is looked at from this age on, and then each time that it has grown older by a twentieth. */
static const rh_usec FIRST_LOOK = RH_SECOND / 10, SHORTEST_PAUSE = RH_SECOND / 50, LONGEST_PAUSE = RH_SECOND;
enum { LOOKS_PER_AGE = 20 };

/* Under the mutex. */
static rh_phases *phases_of(rh_sampler *sampler, const rh_sampler_label *label)
{
    for (size_t i = sampler->phases_count; i-- > 0;)
        if (sampler->phases[i].migration == label->migration &&
            sampler->phases[i].statement == label->statement)
            return &sampler->phases[i].phases;
    rh_seen_phases *added = rh_arena_add(sampler->shared, &sampler->phases, &sampler->phases_count);
    *added = (rh_seen_phases){.migration = label->migration, .statement = label->statement};
    return &added->phases;
}

/* The statement that the last sample saw in a phase has ended. */
static void end_statement(rh_sampler *sampler)
{
    const rh_sampler_label *label = &sampler->phase_label;
    rh_phase_sample sample;
    pthread_mutex_lock(&sampler->mutex);
    bool seen = phases_of(sampler, label)->last.command != NULL;
    pthread_mutex_unlock(&sampler->mutex);
    if (!seen || !rh_phases_sample(sampler->pg, label->pid, sampler->options.local, sampler->arena, &sample))
        return;
    pthread_mutex_lock(&sampler->mutex);
    if (sampler->ended_at > label->since)
        sample.at = sampler->ended_at; /* what its end took to be noticed is not its own */
    rh_phases_end(phases_of(sampler, label), &sample, sampler->shared);
    pthread_mutex_unlock(&sampler->mutex);
}

void rh_sampler_sample_phase(rh_sampler *sampler, const rh_sampler_label *label)
{
    rh_usec now = rh_clock_monotonic();
    rh_phase_sample sample;
    if (!sampler->looks_at_phases)
        return;
    if (label->generation != sampler->phase_label.generation) {
        if (sampler->phase_label.migration)
            end_statement(sampler);
        sampler->phase_label = (rh_sampler_label){.generation = label->generation};
        sampler->phase_at = label->migration && label->pid > 0 ? label->since + FIRST_LOOK : 0;
        if (sampler->phase_at > 0)
            rh_phases_base(label->pid, sampler->options.local, label->since, &sampler->phase_base);
    }
    if (sampler->phase_at == 0 || now < sampler->phase_at)
        return;
    rh_usec pause = (now - label->since) / LOOKS_PER_AGE;
    pause = pause < SHORTEST_PAUSE ? SHORTEST_PAUSE : pause > LONGEST_PAUSE ? LONGEST_PAUSE : pause;
    sampler->phase_at = now + pause;
    if (!rh_phases_sample(sampler->pg, label->pid, sampler->options.local, sampler->arena, &sample)) {
        sampler->phase_at = 0; /* the next sample finds out why */
        return;
    }
    pthread_mutex_lock(&sampler->mutex);
    bool fresh = sampler->label.generation == label->generation;
    if (fresh) /* else it may be the next statement's */
        rh_phases_add(phases_of(sampler, label), &sampler->phase_base, &sample, sampler->shared);
    pthread_mutex_unlock(&sampler->mutex);
    if (fresh)
        sampler->phase_label = *label;
}

size_t rh_sampler_phases(rh_sampler *sampler, const char *migration, int statement, rh_arena *arena,
                         rh_progress_phase **phases)
{
    size_t count = 0;
    *phases = NULL;
    pthread_mutex_lock(&sampler->mutex);
    for (size_t i = 0; i < sampler->phases_count; i++) {
        const rh_phases *seen = &sampler->phases[i].phases;
        if (sampler->phases[i].statement != statement || strcmp(sampler->phases[i].migration, migration) != 0)
            continue;
        for (size_t k = 0; k < seen->count; k++) {
            rh_progress_phase *copy = rh_arena_add(arena, phases, &count);
            *copy = seen->list[k];
            copy->command = rh_arena_strdup(arena, copy->command);
            copy->phase = rh_arena_strdup(arena, copy->phase);
        }
    }
    pthread_mutex_unlock(&sampler->mutex);
    return count;
}
