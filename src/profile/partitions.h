/* Internal to profile/: sums the figures of partitioned tables over their partitions. */
#pragma once
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/profile.h"

/* Gives every partitioned table of PROFILE that has partitions in it the sums of those that have storage:
 * sizes, rows and rates. */
void rh_profile_sum_partitions(rh_profile *profile);
