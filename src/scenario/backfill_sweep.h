/* The settings of a backfill that are tried, the gates that they must hold, and its proof. */
#pragma once
#include "values.h"
#include "pgrehearse/model/backfill.h"

bool rh_backfill_read_sweep(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
bool rh_backfill_read_gates(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
bool rh_backfill_read_archive(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
/* Keys of proof, or none. */
bool rh_backfill_read_proof(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
/* What the scenario leaves out of the sweep. */
void rh_backfill_default_sweep(rh_reader *reader, rh_backfill *backfill);
