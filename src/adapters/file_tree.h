/* A file tree of its own for a confined child. Private to the adapters of processes. */
#pragma once
#include "pgrehearse/adapters/process.h"

/* In a mount namespace of the child's own, async-signal-safe: what LIMITS names, at the same paths, is all
 * that there is from now on; what it may only read is mounted read-only. 0 or errno. */
int rh_file_tree_enter(const rh_confinement_limits *limits);
