/* Internal to adapters/: the tree of a YAML document. */
#pragma once
#include "pgrehearse/adapters/yaml.h"
#include "pgrehearse/base/arena.h"

struct rh_yaml_node {
    rh_yaml_kind kind;
    bool quoted;
    const char *name;
    const char *text;
    int line, column;
    size_t weight; /* of nodes, itself and what aliases below bring in */
    rh_yaml_node **keys, **values;
    size_t key_count, count;
};

struct rh_yaml {
    rh_arena *arena;
    const char *name;
    rh_yaml_node *root;
    rh_yaml *grafted; /* list of documents whose nodes this one uses */
};
