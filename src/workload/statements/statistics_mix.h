/* Internal to workload/: turning production's statements into templates of the mix. */
#pragma once
#include "statistics.h"
#include "statement_values.h"

typedef struct mix_item {
    const rh_statement_stats *statement;
    mix_candidate candidate;
    double importance; /* the larger of its shares of calls and time */
    const char *why;   /* it is left out; NULL: it is not */
    const char *group; /* with WHY: "statements …" of the same kind */
    bool reported;
} mix_item;

typedef struct mix_player {
    mix_copy copy;
    mix_item *items;
    size_t count;
    double calls, time; /* of all statements */
} mix_player;

/* Makes ITEM's candidate, or says why it cannot be run. False: the connection is lost. */
bool rh_mix_judge(mix_player *player, mix_item *item, rh_error *error);
