/* Internal to backup/: the columns that a CREATE TABLE names. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "statement.h"

/* WORDS stand behind "CREATE [UNLOGGED] TABLE name": the first word behind each comma at the first level, but
 * for constraints. */
void rh_create_table_columns(rh_dump_words words, rh_arena *arena, const char ***columns, size_t *count);
/* True if the statement is a CREATE TABLE: sets SCHEMA ("" if it names none) and NAME, and moves WORDS past
 * the name. */
bool rh_create_table_name(rh_dump_words *words, char schema[RH_NAME_SIZE], char name[RH_NAME_SIZE]);
