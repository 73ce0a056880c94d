/* Running a mapping on a message: shape, items, identity, state, then the rest. Identity and state
 * are strict; all else is filled by what is there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/digest.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/identity.h"
#include "consumers/json_in.h"
#include "consumers/mapping/mapping_program.h"

#define NEXT "The message goes to the dead-letter topic; correct its sender or the mapping."

struct run {
    const struct map_shape *shape;
    const struct map_input *in;
    struct map_fill fill;
    struct alert *a;
};

/* How much of a hole's text is its paths. */
static int shown(const char *hole)
{
    size_t n = strcspn(hole, "|");

    return (int)(n < 80 ? n : 80);
}

/* What a strict fill could not find. `what`: "series", "state", ... */
static int strict_end(const struct run *r, const char *what, bool must, struct err *e)
{
    const char *format = r->shape->mapping->format;

    if (r->fill.wrong != NULL)
        return err_set(e, ERR_REJECT, "wrong-type",
                       "In the message (%s, %s) \"%.*s\" is %s, but it must be a single value: the "
                       "alert's %s is made of it. " NEXT,
                       format, r->shape->kind, shown(r->fill.wrong), r->fill.wrong,
                       r->fill.wrong_type, what);
    if (must && r->fill.missing != NULL)
        return err_set(e, ERR_REJECT, strcmp(what, "state") == 0 ? "no-state" : "no-identity",
                       "The message (%s, %s) has no usable \"%.*s\", which the alert's %s is made "
                       "of. " NEXT,
                       format, r->shape->kind, shown(r->fill.missing), r->fill.missing, what);
    return 0;
}

static void strict_begin(struct run *r)
{
    r->fill.strict = true;
    r->fill.missing = r->fill.wrong = NULL;
}

/* The parts joined by ALERT_SEP: new, NULL with e. */
static char *identity(struct run *r, const struct map_templates *parts, const char *what,
                      struct err *e)
{
    struct buf b;
    int rc;

    buf_init(&b, SIZE_MAX / 4);
    strict_begin(r);
    for (size_t i = 0; i < parts->count; i++) {
        if (i > 0)
            (void)buf_add_text(&b, ALERT_SEP);
        (void)map_template_fill(&parts->items[i], &r->fill, &b);
    }
    rc = strict_end(r, what, true, e);
    if (rc == 0 && b.length < parts->count) /* separators alone */
        rc = err_set(e, ERR_REJECT, "no-identity",
                     "Nothing in the message (%s, %s) tells which alert it is: each part of its "
                     "%s is empty. " NEXT,
                     r->shape->mapping->format, r->shape->kind, what);
    if (rc != 0) {
        buf_done(&b);
        return NULL;
    }
    return buf_take(&b, NULL);
}

static void take(char **member, char *text)
{
    free(*member);
    *member = text;
}

static int read_series(struct run *r, struct err *e)
{
    char *series = identity(r, &r->shape->series, "series", e);
    char hex[DIGEST_HEX_SIZE];

    if (series == NULL)
        return -1;
    take(&r->a->series, series);
    if (r->shape->series_digest) {
        digest_hex(series, strlen(series), hex);
        alert_set(&r->a->series, hex);
    }
    return 0;
}

/* `instance_with_fire_time` tells cycles apart whose sender uses one id for ever. */
static int add_fire_time(struct run *r, char **instance, struct err *e)
{
    char iso[CLOCK_ISO_SIZE];
    char *longer;

    if (r->a->fired == MSEC_NONE)
        return err_set(e, ERR_REJECT, "no-identity",
                       "The message (%s, %s) tells no fire time, which instance_with_fire_time "
                       "makes part of the alert's identity. " NEXT,
                       r->shape->mapping->format, r->shape->kind);
    clock_format_iso(r->a->fired, iso);
    longer = xasprintf("%s" ALERT_SEP "%s", *instance, iso);
    take(instance, longer);
    return 0;
}

/* `fold = series` makes a marked format unmarked. */
static int read_instance(struct run *r, struct err *e)
{
    const struct config_consumer *c = r->in->consumer;
    char *instance;

    r->a->marked = r->shape->instance.count > 0 && c->fold != FOLD_SERIES;
    if (!r->a->marked)
        return 0;
    instance = identity(r, &r->shape->instance, "instance", e);
    if (instance == NULL)
        return -1;
    take(&r->a->instance, instance);
    if (c->instance_with_fire_time)
        return add_fire_time(r, &r->a->instance, e);
    take(&r->a->short_id, map_template_text(&r->shape->short_id, &r->fill));
    return strict_end(r, "short id", false, e);
}

static const struct map_word *find_word(const struct map_words *w, const char *word)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcasecmp(w->items[i].word, word) == 0)
            return &w->items[i];
    return NULL;
}

static int no_state(const struct run *r, const char *word, struct err *e)
{
    const struct map_words *w = &r->shape->state;
    struct buf known;
    int rc;

    buf_init(&known, 200);
    for (size_t i = 0; i < w->count; i++)
        (void)buf_addf(&known, "%s%s", i > 0 ? ", " : "", w->items[i].word);
    rc = err_set(e, ERR_REJECT, "no-state",
                 "The state of the alert (%s, %s) is \"%.60s\", which is none that is known (%s), "
                 "so it cannot be told whether it opens or clears. " NEXT,
                 r->shape->mapping->format, r->shape->kind, word, buf_text(&known));
    buf_done(&known);
    return rc;
}

static int state_by_case(struct run *r, struct err *e)
{
    const struct map_cases *c = &r->shape->state_cases;

    for (size_t i = 0; i < c->count; i++)
        if (map_tests_hold(&c->items[i].when, &r->fill.scope)) {
            r->a->state = (enum alert_state)c->items[i].then;
            return 0;
        }
    return no_state(r, "of no listed case", e);
}

static int read_state(struct run *r, struct err *e)
{
    const struct map_words *w = &r->shape->state;
    const struct map_word *found;
    char *word;
    int rc;

    if (r->shape->state_cases.count > 0)
        return state_by_case(r, e);
    strict_begin(r);
    word = map_template_text(&w->of, &r->fill);
    rc = strict_end(r, "state", w->otherwise < 0, e);
    found = rc == 0 ? find_word(w, word) : NULL;
    if (found != NULL)
        r->a->state = (enum alert_state)found->value;
    else if (rc == 0 && w->otherwise >= 0)
        r->a->state = (enum alert_state)w->otherwise;
    else if (rc == 0)
        rc = no_state(r, word, e);
    free(word);
    return rc;
}

static void read_time(struct run *r, const struct map_template *t, const char *what, msec_t *ret)
{
    char *text = map_template_text(t, &r->fill);

    /* "Not yet" is written as year 1 or 0: no time, and nothing to complain of. */
    if (text[0] != '\0' && map_time_parse(text, ret) != 0 && !text_starts(text, "0"))
        alert_note(r->a, "%s \"%.40s\" is no time that is understood", what, text);
    free(text);
}

static void read_times(struct run *r)
{
    read_time(r, &r->shape->fired, "the fire time", &r->a->fired);
    if (r->a->state == ALERT_CLEARED)
        read_time(r, &r->shape->resolved, "the clear time", &r->a->resolved);
    /* The one time of a message that clears is that of the clear. */
    if (r->a->state == ALERT_CLEARED && r->a->fired == r->a->resolved)
        r->a->fired = MSEC_NONE;
    r->a->own_time = r->a->fired != MSEC_NONE ? r->a->fired : r->in->record->timestamp;
}

static void read_severity(struct run *r)
{
    const struct map_words *w = &r->shape->severity;
    char *text = map_template_text(&w->of, &r->fill);
    const struct map_word *found = find_word(w, text);

    take(&r->a->severity_text, text);
    if (found != NULL)
        r->a->severity = found->value;
    else if (w->otherwise >= 0)
        r->a->severity = w->otherwise;
    else if (text[0] == '\0' && r->a->state == ALERT_FIRING)
        alert_note(r->a, "the message tells no severity: taken as the lowest");
    else if (text[0] != '\0')
        alert_note(r->a, "severity \"%.40s\" is not known: taken as the lowest", text);
}

static void read_texts(struct run *r)
{
    const struct map_shape *s = r->shape;
    const struct {
        char **member;
        const struct map_template *t;
    } texts[] = {{&r->a->rule, &s->rule},
                 {&r->a->service, &s->service},
                 {&r->a->source, &s->source},
                 {&r->a->resource, &s->resource}};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        take(texts[i].member, map_template_text(texts[i].t, &r->fill));
}

static bool listed(char *const *items, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i], text) == 0)
            return true;
    return false;
}

static void read_lists(struct run *r)
{
    const struct map_shape *s = r->shape;

    for (size_t i = 0; i < s->targets.count; i++) {
        char *text = map_template_text(&s->targets.items[i], &r->fill);

        if (text[0] != '\0' && !listed(r->a->targets, r->a->targets_count, text))
            alert_add_target(r->a, text);
        free(text);
    }
    for (size_t i = 0; i < s->ci_names.count; i++) {
        char *text = map_template_text(&s->ci_names.items[i], &r->fill);

        if (text[0] != '\0' && !listed(r->a->ci_names, r->a->ci_names_count, text))
            alert_add_ci(r->a, text);
        free(text);
    }
    if (r->a->resource[0] == '\0' && r->a->targets_count > 0)
        alert_set(&r->a->resource, r->a->targets[0]);
    else if (r->a->resource[0] != '\0' && r->a->targets_count == 0)
        alert_add_target(r->a, r->a->resource);
}

static void note_long_identity(struct alert *a)
{
    if (identity_is_long(a->series) || identity_is_long(a->instance))
        alert_note(a, "the identity is longer than %d bytes: shown as its digest",
                   IDENTITY_SHOWN_MAX);
}

static struct alert *run_item(const struct map_shape *shape, const struct map_input *in,
                              const struct map_scope *scope, struct err *e)
{
    struct run r = {.shape = shape, .in = in, .a = alert_new(shape->mapping->format)};

    r.a->kind = shape->kind;
    r.a->mapping = shape->mapping->file;
    r.fill = (struct map_fill){.scope = *scope, .mapping = shape->mapping, .alert = r.a};
    read_time(&r, &shape->fired, "the fire time", &r.a->fired);
    if (read_series(&r, e) != 0 || read_instance(&r, e) != 0 || read_state(&r, e) != 0)
        return alert_free(r.a);
    r.fill.strict = false;
    read_times(&r);
    read_severity(&r);
    read_texts(&r);
    read_lists(&r);
    note_long_identity(r.a);
    map_page_write(shape, &r.fill);
    return r.a;
}

/* The text at the path becomes the JSON that it holds. */
static int unpack(const struct map_path *path, json_t *message, struct err *e)
{
    struct map_path above = *path;
    struct map_scope scope = {.item = message, .message = message};
    json_t *parent, *value, *inner;
    const char *name = path->steps[path->count - 1].name;

    above.count--;
    parent = (json_t *)(uintptr_t)map_path_get(&above, &scope); /* of our own message */
    value = json_object_get(parent, name);
    if (!json_is_string(value))
        return 0;
    inner = json_in_load(json_string_value(value), json_string_length(value), e);
    if (inner == NULL)
        return err_prefix(e, "the JSON inside the text \"%.60s\"", name);
    return json_object_set_new(parent, name, inner);
}

/* Record and CloudEvents attributes, for paths that begin with @: new reference. */
static json_t *beside(const struct map_input *in)
{
    const struct message *m = in->record;
    json_t *json = json_object();
    json_t *key = m->key != NULL ? json_stringn(m->key, m->key_length) : NULL; /* NULL: no UTF-8 */

    (void)json_object_set_new(json, "topic", json_string(m->topic));
    if (key != NULL)
        (void)json_object_set_new(json, "key", key);
    if (in->event != NULL)
        (void)json_object_set(json, "ce", (json_t *)(uintptr_t)in->event);
    if (m->timestamp != MSEC_NONE)
        (void)json_object_set_new(json, "time", json_integer(m->timestamp));
    return json;
}

const struct map_shape *mapping_detect(const struct mapping *p, const struct map_input *in)
{
    json_t *around = p->looks_beside ? beside(in) : NULL;
    struct map_scope scope = {.item = in->message, .message = in->message, .beside = around};
    const struct map_shape *found = NULL;

    for (int group = in->consumer->one_per == ONE_PER_GROUP; found == NULL && group >= 0; group--)
        for (size_t i = 0; found == NULL && i < p->shapes_count; i++)
            if (p->shapes[i].per_group == (group == 1) &&
                map_tests_hold(&p->shapes[i].when, &scope))
                found = &p->shapes[i];
    json_decref(around);
    return found;
}

static int run_list(const struct map_shape *shape, const struct map_input *in,
                    struct map_scope *scope, const json_t *items, struct alerts *list,
                    struct err *e)
{
    size_t n = json_array_size(items);

    if (n == 0)
        return err_set(e, ERR_REJECT, "empty",
                       "The message (%s, %s) holds a list without any alert. " NEXT,
                       shape->mapping->format, shape->kind);
    for (size_t i = 0; i < n; i++) {
        struct alert *a;

        scope->item = json_array_get(items, i);
        a = run_item(shape, in, scope, e);
        if (a == NULL)
            return n == 1 ? -1 : err_prefix(e, "alert %zu of %zu in the message", i + 1, n);
        alerts_add(list, a);
    }
    return 0;
}

static int run_items(const struct map_shape *shape, const struct map_input *in,
                     struct map_scope *scope, struct alerts *list, struct err *e)
{
    const json_t *items = shape->has_each ? map_path_get(&shape->each, scope) : in->message;
    struct alert *a;

    if (json_is_array(items))
        return run_list(shape, in, scope, items, list, e);
    if (!json_is_object(items))
        return err_set(
            e, ERR_REJECT, "wrong-type",
            "In the message (%s, %s) \"%.60s\" is %s, where its alerts were expected. " NEXT,
            shape->mapping->format, shape->kind, map_path_name(&shape->each), json_in_type(items));
    scope->item = items;
    a = run_item(shape, in, scope, e);
    if (a == NULL)
        return -1;
    alerts_add(list, a);
    return 0;
}

int mapping_decode(const struct mapping *p, const struct map_shape *shape,
                   const struct map_input *in, struct alerts *list, struct err *e)
{
    struct map_scope scope = {.item = in->message, .message = in->message};
    json_t *around = p->looks_beside ? beside(in) : NULL;
    int rc = 0;

    scope.beside = around;
    for (size_t i = 0; rc == 0 && i < shape->unpack_count; i++)
        rc = unpack(&shape->unpack[i], in->message, e);
    if (rc == 0)
        rc = run_items(shape, in, &scope, list, e);
    json_decref(around);
    return rc;
}
