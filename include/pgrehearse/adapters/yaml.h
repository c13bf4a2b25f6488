/* libfyaml: a document whose every node knows its line and column. */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct rh_yaml rh_yaml;           /* the document */
typedef struct rh_yaml_node rh_yaml_node; /* lives as long as the document */
typedef enum rh_yaml_kind { RH_YAML_SCALAR, RH_YAML_SEQUENCE, RH_YAML_MAPPING, RH_YAML_NULL } rh_yaml_kind;

enum { RH_YAML_LIMIT = 1024 * 1024 }; /* bytes of one document */

/* Parses PATH (RH_ERROR_IO when it cannot be read or is larger than RH_YAML_LIMIT). What is wrong inside is
 * RH_ERROR_SCENARIO with file, line and column: syntax, duplicate keys, a second document, bytes that are not
 * UTF-8 or no text at all, keys that are not plain words, tags other than !!str. Aliases are resolved to the
 * node that they name; how much they may multiply is limited. An empty document is one RH_YAML_NULL. */
rh_yaml *rh_yaml_read(const char *path, rh_error *error);
/* The same from LENGTH bytes of memory (with a 0 after them); NAME (copied) is used in messages. */
rh_yaml *rh_yaml_parse_bytes(const char *text, size_t length, const char *name, rh_error *error);
rh_yaml *rh_yaml_parse(const char *text, const char *name, rh_error *error);
/* Takes NULL. */
void rh_yaml_free(rh_yaml *yaml);

/* Puts the root of VALUE at the place that DOTTED ("workload.rate") names, making mappings on the way and
 * replacing what was there. YAML takes VALUE over in any case. False (RH_ERROR_USAGE) when the way leads
 * through something that is no mapping. */
bool rh_yaml_set(rh_yaml *yaml, const char *dotted, rh_yaml *value, rh_error *error);

rh_yaml_node *rh_yaml_root(rh_yaml *yaml);
rh_yaml_kind rh_yaml_node_kind(const rh_yaml_node *node);
/* Text of a scalar (0-terminated, owned by the document); NULL for other kinds. */
const char *rh_yaml_scalar(rh_yaml_node *node);
/* True for a quoted scalar: "yes" is then a string. */
bool rh_yaml_is_quoted(const rh_yaml_node *node);
/* The name of the document that the node came from: another one's for a grafted node. */
const char *rh_yaml_name(const rh_yaml_node *node);
/* From 1; columns count characters. */
int rh_yaml_line(const rh_yaml_node *node);
int rh_yaml_column(const rh_yaml_node *node);
/* Items of a sequence or pairs of a mapping. */
size_t rh_yaml_count(const rh_yaml_node *node);
rh_yaml_node *rh_yaml_item(rh_yaml_node *sequence, size_t index);
rh_yaml_node *rh_yaml_key(rh_yaml_node *mapping, size_t index);
rh_yaml_node *rh_yaml_value(rh_yaml_node *mapping, size_t index);
/* The value of KEY, or NULL. */
rh_yaml_node *rh_yaml_get(rh_yaml_node *mapping, const char *key);
