/* libfyaml's event parser feeds a tree of our own: every node knows its place, an alias is a second pointer
 * to the node that it names (so nothing is ever copied), and what the library would take silently (duplicate
 * keys, bytes that are no text, which it reads as the end of the file) is refused here. */
#include "yaml_tree.h"
#include "pgrehearse/adapters/yaml.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include <libfyaml.h>
#include <string.h>

enum {
    MAX_DEPTH = 48,      /* below the library's own limit of 64 */
    MAX_WEIGHT = 100000, /* nodes after every alias has been followed */
};

typedef struct anchor {
    const char *name;
    rh_yaml_node *node;
} anchor;

typedef struct builder {
    rh_yaml *yaml;
    struct fy_parser *parser;
    struct fy_diag *diag;
    anchor *anchors;
    size_t anchor_count;
    int line, column; /* of the last token, for nodes that have none of their own */
    rh_error *error;
} builder;

static bool fail_at(const builder *b, int line, int column, const char *format, const char *argument)
{
    rh_text text = {0};
    rh_text_append(&text, format);
    if (argument)
        rh_text_printf(&text, " \"%s\"", argument);
    rh_error_set(b->error, RH_ERROR_SCENARIO, "%s", rh_text_string(&text));
    rh_text_release(&text);
    return rh_error_at(b->error, b->yaml->name, line, column);
}

/* The library's own complaint. */
static bool fail_syntax(const builder *b)
{
    void *iterator = NULL;
    const struct fy_diag_error *found = fy_diag_errors_iterate(b->diag, &iterator);
    rh_error_set(b->error, RH_ERROR_SCENARIO, "not valid YAML: %s", found ? found->msg : "unreadable");
    rh_error_hint(b->error, "look at the indentation and the quotes here and in the line above");
    return rh_error_at(b->error, b->yaml->name, found ? found->line : 0, found ? found->column : 0);
}

static bool check_text(const builder *b, const char *text, size_t length)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t step = rh_utf8_decode(text + i, &code);
        if (step == 1 && code == 0xfffd)
            return fail_at(b, line, column, "this byte is not UTF-8 text", NULL);
        if (step == 0 || code == 0x7f || (code < 0x20 && code != '\n' && code != '\t' && code != '\r'))
            return fail_at(b, line, column, "a control character: this is not a YAML file", NULL);
        column = code == '\n' ? 1 : column + 1;
        line += code == '\n';
        i += step;
    }
    return true;
}

static rh_yaml_node *build(builder *b, struct fy_event *event, int depth);

static struct fy_event *next_event(builder *b)
{
    struct fy_event *event = fy_parser_parse(b->parser);
    if (!event) {
        fail_syntax(b);
        return NULL;
    }
    struct fy_token *token = fy_event_get_token(event);
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    if (mark && event->type != FYET_MAPPING_END && event->type != FYET_SEQUENCE_END) {
        b->line = mark->line + 1;
        b->column = mark->column + 1;
    }
    return event;
}

static const char *token_text(builder *b, struct fy_token *token)
{
    size_t length = 0;
    const char *text = token ? fy_token_get_text(token, &length) : NULL;
    return rh_arena_strndup(b->yaml->arena, text ? text : "", text ? length : 0);
}

static rh_yaml_node *new_node(builder *b, rh_yaml_kind kind)
{
    rh_yaml_node *node = rh_arena_alloc(b->yaml->arena, sizeof *node);
    *node = (rh_yaml_node){
        .kind = kind, .name = b->yaml->name, .line = b->line, .column = b->column, .weight = 1};
    return node;
}

static bool is_null_word(const char *text)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static rh_yaml_node *build_scalar(builder *b, struct fy_event *event)
{
    rh_yaml_node *node = new_node(b, RH_YAML_SCALAR);
    node->text = token_text(b, event->scalar.value);
    enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
    node->quoted = event->scalar.tag || style != FYSS_PLAIN;
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
        node->column--; /* the library's mark is behind the quote */
    if (!node->quoted && is_null_word(node->text)) {
        node->kind = RH_YAML_NULL;
        node->text = NULL;
    }
    /* a NUL from an escape ("\0") would cut the string short */
    size_t length = 0;
    if (node->text && event->scalar.value && fy_token_get_text(event->scalar.value, &length) &&
        strlen(node->text) != length) {
        fail_at(b, node->line, node->column, "a NUL character inside a value", NULL);
        return NULL;
    }
    return node;
}

static rh_yaml_node *build_alias(builder *b, struct fy_event *event)
{
    const char *name = token_text(b, event->alias.anchor);
    for (size_t i = b->anchor_count; i > 0; i--)
        if (strcmp(b->anchors[i - 1].name, name) == 0)
            return b->anchors[i - 1].node;
    fail_at(b, b->line, b->column, "an alias to an anchor that is not set before it:", name);
    return NULL;
}

static bool add_weight(builder *b, rh_yaml_node *parent, const rh_yaml_node *child)
{
    parent->weight += child->weight;
    if (parent->weight > MAX_WEIGHT)
        return fail_at(b, b->line, b->column, "aliases expand this document beyond the limit", NULL);
    return true;
}

static rh_yaml_node **slot(builder *b, rh_yaml_node ***items, size_t *count)
{
    return rh_arena_add(b->yaml->arena, items, count);
}

static bool add_key(builder *b, rh_yaml_node *mapping, rh_yaml_node *key)
{
    if (key->kind != RH_YAML_SCALAR)
        return fail_at(b, key->line, key->column, "a key must be a plain word", NULL);
    const rh_yaml_node *earlier = NULL;
    for (size_t i = 0; i < mapping->key_count && !earlier; i++)
        if (strcmp(mapping->keys[i]->text, key->text) == 0)
            earlier = mapping->keys[i];
    if (earlier) {
        fail_at(b, key->line, key->column, "duplicate key", key->text);
        return rh_error_hint(b->error, "it was given before, in line %d: keep one of the two", earlier->line);
    }
    *slot(b, &mapping->keys, &mapping->key_count) = key;
    return true;
}

/* Everything up to the matching end event. */
static rh_yaml_node *build_children(builder *b, rh_yaml_node *parent, int depth)
{
    enum fy_event_type end = parent->kind == RH_YAML_MAPPING ? FYET_MAPPING_END : FYET_SEQUENCE_END;
    if (depth > MAX_DEPTH) {
        fail_at(b, b->line, b->column, "nested too deeply", NULL);
        return NULL;
    }
    for (;;) {
        struct fy_event *event = next_event(b);
        if (!event)
            return NULL;
        if (event->type == end) {
            fy_parser_event_free(b->parser, event);
            return parent;
        }
        rh_yaml_node *child = build(b, event, depth + 1);
        if (!child || !add_weight(b, parent, child))
            return NULL;
        if (parent->kind == RH_YAML_MAPPING && parent->key_count == parent->count) {
            if (!add_key(b, parent, child))
                return NULL;
        } else {
            *slot(b, &parent->values, &parent->count) = child;
        }
    }
}

static bool check_tag(builder *b, struct fy_token *tag, rh_yaml_kind kind)
{
    if (!tag)
        return true;
    const char *text = token_text(b, tag);
    if (kind == RH_YAML_SCALAR && strcmp(text, "tag:yaml.org,2002:str") == 0)
        return true;
    return fail_at(b, b->line, b->column, "YAML tags have no meaning here:", text);
}

/* Takes EVENT. */
static rh_yaml_node *build(builder *b, struct fy_event *event, int depth)
{
    rh_yaml_node *node = NULL;
    struct fy_token *anchor_token = NULL, *tag = NULL;
    switch (event->type) {
    case FYET_SCALAR:
        anchor_token = event->scalar.anchor;
        tag = event->scalar.tag;
        node = build_scalar(b, event);
        break;
    case FYET_ALIAS:
        node = build_alias(b, event);
        break;
    case FYET_SEQUENCE_START:
        anchor_token = event->sequence_start.anchor;
        tag = event->sequence_start.tag;
        node = new_node(b, RH_YAML_SEQUENCE);
        break;
    case FYET_MAPPING_START:
        anchor_token = event->mapping_start.anchor;
        tag = event->mapping_start.tag;
        node = new_node(b, RH_YAML_MAPPING);
        break;
    default:
        fail_syntax(b);
    }
    if (node && !check_tag(b, tag, event->type == FYET_SCALAR ? RH_YAML_SCALAR : RH_YAML_MAPPING))
        node = NULL;
    const char *anchor_name = anchor_token ? token_text(b, anchor_token) : NULL;
    bool opens = event->type == FYET_SEQUENCE_START || event->type == FYET_MAPPING_START;
    fy_parser_event_free(b->parser, event);
    if (node && opens)
        node = build_children(b, node, depth);
    /* known only from its end on: a node cannot contain itself */
    if (node && anchor_name)
        *rh_arena_add(b->yaml->arena, &b->anchors, &b->anchor_count) = (anchor){anchor_name, node};
    return node;
}

/* One document, and nothing after it. */
static bool build_document(builder *b)
{
    for (;;) {
        struct fy_event *event = next_event(b);
        if (!event)
            return false;
        enum fy_event_type type = event->type;
        if (type == FYET_STREAM_START || type == FYET_DOCUMENT_END ||
            (type == FYET_DOCUMENT_START && !b->yaml->root)) {
            fy_parser_event_free(b->parser, event);
        } else if (type == FYET_STREAM_END) {
            fy_parser_event_free(b->parser, event);
            break;
        } else if (type == FYET_DOCUMENT_START) {
            fy_parser_event_free(b->parser, event);
            fail_at(b, b->line, b->column, "a second document begins here", NULL);
            return rh_error_hint(b->error, "one file is one document: remove the \"---\" and what follows");
        } else {
            b->yaml->root = build(b, event, 1);
            if (!b->yaml->root)
                return false;
        }
    }
    if (!b->yaml->root)
        b->yaml->root = new_node(b, RH_YAML_NULL);
    return true;
}

static bool parse(builder *b, const char *text, size_t length)
{
    if (length > RH_YAML_LIMIT)
        return fail_at(b, 0, 0, "larger than 1 MB: this is not a scenario file", NULL);
    if (!check_text(b, text, length))
        return false;
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.colorize = false;
    b->diag = fy_diag_create(&diag_cfg);
    if (!b->diag)
        return fail_syntax(b);
    fy_diag_set_collect_errors(b->diag, true);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = b->diag};
    b->parser = fy_parser_create(&cfg);
    bool ok = b->parser && fy_parser_set_string(b->parser, text, length) == 0;
    ok = ok ? build_document(b) : fail_syntax(b);
    if (b->parser)
        fy_parser_destroy(b->parser);
    fy_diag_destroy(b->diag);
    return ok;
}

rh_yaml *rh_yaml_parse_bytes(const char *text, size_t length, const char *name, rh_error *error)
{
    rh_yaml *yaml = rh_alloc(sizeof *yaml);
    yaml->arena = rh_arena_new();
    yaml->name = rh_arena_strdup(yaml->arena, name);
    builder b = {.yaml = yaml, .line = 1, .column = 1, .error = error};
    if (parse(&b, text, length))
        return yaml;
    rh_yaml_free(yaml);
    return NULL;
}
