/* libfyaml: a document whose every node knows its line and column. */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct rh_yaml rh_yaml;           /* the document */
typedef struct rh_yaml_node rh_yaml_node; /* lives as long as the document */
typedef enum rh_yaml_kind { RH_YAML_SCALAR, RH_YAML_SEQUENCE, RH_YAML_MAPPING, RH_YAML_NULL } rh_yaml_kind;

/* Parses PATH. Syntax errors and duplicate keys carry file, line and column. Aliases are resolved, with a limit on expansion. */
rh_yaml *rh_yaml_read(const char *path, rh_error *error);
/* The same from memory; NAME is used in messages. */
rh_yaml *rh_yaml_parse(const char *text, const char *name, rh_error *error);
void rh_yaml_free(rh_yaml *yaml);

rh_yaml_node *rh_yaml_root(rh_yaml *yaml);
rh_yaml_kind rh_yaml_node_kind(const rh_yaml_node *node);
/* Text of a scalar (0-terminated, owned by the document); NULL for other kinds. */
const char *rh_yaml_scalar(rh_yaml_node *node);
/* True for a quoted scalar: "yes" is then a string. */
bool rh_yaml_is_quoted(const rh_yaml_node *node);
int rh_yaml_line(const rh_yaml_node *node);
int rh_yaml_column(const rh_yaml_node *node);
/* Items of a sequence or pairs of a mapping. */
size_t rh_yaml_count(const rh_yaml_node *node);
rh_yaml_node *rh_yaml_item(rh_yaml_node *sequence, size_t index);
rh_yaml_node *rh_yaml_key(rh_yaml_node *mapping, size_t index);
rh_yaml_node *rh_yaml_value(rh_yaml_node *mapping, size_t index);
/* The value of KEY, or NULL. */
rh_yaml_node *rh_yaml_get(rh_yaml_node *mapping, const char *key);
