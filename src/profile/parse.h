/* Internal to profile/: a profile that is being read. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/model/profile.h"

typedef struct rh_profile_parser {
    rh_json *root;
    rh_arena *arena;
    rh_profile *profile;
    size_t more_warnings; /* beyond the most that a profile keeps */
} rh_profile_parser;

/* Adds a sentence to the warnings. */
void rh_profile_warn(rh_profile_parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* KEY of OBJECT in the arena; NULL: it is no string. */
const char *rh_profile_text(rh_profile_parser *p, const rh_json *object, const char *key);
/* KEY of OBJECT in [0, HIGH]; RH_NOT_MEASURED for null and for what makes no sense. WHOSE names OBJECT in
 * warnings. */
double rh_profile_real(rh_profile_parser *p, const rh_json *object, const char *key, double high,
                       const char *whose);
/* The same as a whole number; RH_UNKNOWN. */
int64_t rh_profile_count(rh_profile_parser *p, const rh_json *object, const char *key, const char *whose);
/* Rates of the database: WAL, transactions. */
void rh_profile_parse_activity(rh_profile_parser *p);
/* Rates of the tables. */
void rh_profile_parse_counters(rh_profile_parser *p);
/* The probe, of one round or several. */
void rh_profile_parse_probe(rh_profile_parser *p);
