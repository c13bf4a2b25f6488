/* Internal to cli/: the keeper, the parent process of the run. It ensures that no process that the run starts
 * outlives it. */
#pragma once
#include <stdbool.h>

/* Forks. The child returns true and does the work. The parent passes signals on to it and inherits whatever
 * the child's programs leave running, also in sessions of their own; when the child has ended, however it
 * ended, the parent kills what is left, removes the clusters that a killed child left in CLUSTERS (NULL: none
 * can be there) and ends like the child. When the parent is killed, the child gets SIGTERM. False: the fork
 * failed; the work can be done without. Call before any thread is started. */
bool rh_keeper_start(const char *clusters);
