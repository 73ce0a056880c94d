/* One question for each template; a second, of all names of its table, when it is not there. What
 * was read stays in use while it is read again. */
#include "consumers/snow_template.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "bridge/base/log.h"
#include "bridge/base/near.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/query.h"
#include "bridge/servicenow/request.h"

#define LIFE       (3600 * USEC_S)
#define RETRY      USEC_S
#define NAMES_MOST 1000

struct entry {
    char *table, *name;
    bool known, found, missing; /* missing: the names of the table are asked for */
    bool told;                  /* what is wrong with it was said */
    struct config_pairs pairs;
    usec_t due;
    struct entry *next;
};

struct snow_templates {
    struct snow *snow;
    struct entry *entries, *asking;
    struct buf query;
};

/* ---------------------------------------------------------------- the column */

static void add_pair(struct config_pairs *to, const char *term)
{
    const char *is = strchr(term, '=');
    char *name = is == NULL ? NULL : xstrndup(term, (size_t)(is - term));

    if (name == NULL || !query_name_ok(name) || strchr(name, '.') != NULL) {
        free(name);
        return;
    }
    to->items = xrealloc(to->items, to->count + 1, sizeof *to->items);
    to->items[to->count++] = (struct config_pair){.name = name, .value = xstrdup(is + 1)};
}

void snow_template_parse(const char *text, struct config_pairs *ret)
{
    struct config_pairs pairs = {0};
    struct buf term;

    buf_init(&term, strlen(text) + 1);
    for (const char *p = text;; p++) {
        if (p[0] == '^' && p[1] == '^') {
            (void)buf_add_char(&term, '^');
            p++;
        } else if (p[0] == '^' || p[0] == '\0') {
            add_pair(&pairs, buf_text(&term));
            buf_clear(&term);
        } else {
            (void)buf_add_char(&term, *p);
        }
        if (*p == '\0')
            break;
    }
    buf_done(&term);
    *ret = pairs;
}

void snow_template_done(struct config_pairs *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->items[i].name);
        free(p->items[i].value);
    }
    free(p->items);
    *p = (struct config_pairs){0};
}

/* ---------------------------------------------------------------- reading */

struct snow_templates *snow_templates_new(struct snow *s)
{
    struct snow_templates *t = xcalloc(1, sizeof *t);

    t->snow = s;
    buf_init(&t->query, REQUEST_URL_MAX);
    return t;
}

struct snow_templates *snow_templates_free(struct snow_templates *t)
{
    struct entry *e, *next;

    if (t == NULL)
        return NULL;
    LL_FOREACH_SAFE(t->entries, e, next)
    {
        snow_template_done(&e->pairs);
        free(e->table);
        free(e->name);
        free(e);
    }
    buf_done(&t->query);
    free(t);
    return NULL;
}

static struct entry *find(const struct snow_templates *t, const char *table, const char *name)
{
    struct entry *e = t->entries;

    while (e != NULL && (strcmp(e->table, table) != 0 || strcmp(e->name, name) != 0))
        e = e->next;
    return e;
}

void snow_templates_want(struct snow_templates *t, const char *table, const char *name)
{
    struct entry *e;

    if (find(t, table, name) != NULL)
        return;
    e = xcalloc(1, sizeof *e);
    e->table = xstrdup(table);
    e->name = xstrdup(name);
    LL_APPEND(t->entries, e);
}

void snow_templates_reload(struct snow_templates *t)
{
    for (struct entry *e = t->entries; e != NULL; e = e->next) {
        e->due = 0;
        e->told = false;
    }
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text == NULL ? "" : text;
}

static void settle(struct entry *e, usec_t now)
{
    e->known = true;
    e->missing = false;
    e->due = now + LIFE;
}

static void say_missing(const struct entry *e, const json_t *names, const char *why)
{
    struct buf like;
    struct near n;
    json_t *row;
    size_t i;

    buf_init(&like, 1000);
    near_init(&n, e->name);
    json_array_foreach (names, i, row)
        near_offer(&n, text_of(row, "name"));
    near_text(&n, &like);
    near_done(&n);
    log_error(
        "template-missing",
        "table=%s\tThe instance has no template '%s' for %s%s%s%s%s. Records are made without "
        "its values; correct the name, or make the template, then run `itsm-bridge resync`",
        e->table, e->name, e->table, why[0] == '\0' ? "" : ": ", why,
        like.length == 0 ? "" : "; did you mean ", buf_text(&like));
    buf_done(&like);
}

/* Why a template may not give this value; NULL: it may. */
static const char *refusal(const struct config_pair *p)
{
    static const char *const own[] = {
        "active", "correlation_display", "correlation_id", "incident_state", "number", "state"};

    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (strcmp(p->name, own[i]) == 0)
            return "the bridge or the instance sets this column";
    if (text_starts(p->name, "sys_"))
        return "the bridge or the instance sets this column";
    return strncasecmp(p->value, "javascript:", strlen("javascript:")) == 0
               ? "the value is a script, which is not run for records of the Table API"
               : NULL;
}

static void keep_constants(struct entry *e)
{
    struct config_pairs *pairs = &e->pairs;
    size_t kept = 0;

    for (size_t i = 0; i < pairs->count; i++) {
        const char *why = refusal(&pairs->items[i]);

        if (why == NULL) {
            pairs->items[kept++] = pairs->items[i];
            continue;
        }
        if (!e->told)
            log_warn("template-value", "table=%s\tOf the template '%s' %s is left out: %s",
                     e->table, e->name, pairs->items[i].name, why);
        free(pairs->items[i].name);
        free(pairs->items[i].value);
    }
    pairs->count = kept;
    e->told = true;
}

static void take(struct entry *e, const json_t *rows, usec_t now)
{
    const json_t *row = json_array_get(rows, 0);

    if (row == NULL) {
        e->missing = true;
        e->due = now;
        return;
    }
    snow_template_done(&e->pairs);
    snow_template_parse(text_of(row, "template"), &e->pairs);
    keep_constants(e);
    e->found = true;
    settle(e, now);
}

static void gone(struct entry *e, const json_t *names, const char *why, usec_t now)
{
    if (!e->told || e->found)
        say_missing(e, names, why);
    e->told = true;
    snow_template_done(&e->pairs);
    e->found = false;
    settle(e, now);
}

static bool passes(enum snow_verdict v)
{
    return v != SNOW_OK && v != SNOW_REJECTED && v != SNOW_ABSENT;
}

static void answer(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                   size_t n, usec_t now)
{
    struct snow_templates *t = arg;
    struct entry *e = t->asking;
    const struct snow_outcome *o = &outcomes[0];

    (void)ops;
    (void)n;
    t->asking = NULL;
    if (passes(o->verdict))
        e->due = o->verdict == SNOW_UNKNOWN ? now + RETRY : now;
    else if (e->missing)
        gone(e, o->result, "", now);
    else if (o->verdict == SNOW_OK)
        take(e, o->result, now);
    else
        gone(e, NULL, o->err.text, now);
}

static void question(struct snow_templates *t, const struct entry *e, struct snow_op *ret)
{
    buf_clear(&t->query);
    (void)buf_addf(&t->query, "table=%s", e->table);
    if (!e->missing)
        (void)buf_addf(&t->query, "^name=%s", e->name);
    (void)buf_add_text(&t->query, "^active=true^ORDERBYsys_id");
    *ret = (struct snow_op){.kind = SNOW_LIST,
                            .table = "sys_template",
                            .query = buf_text(&t->query),
                            .fields = e->missing ? "name" : "name,template",
                            .limit = e->missing ? NAMES_MOST : 1};
}

static usec_t ask(struct snow_templates *t, struct entry *e, usec_t now)
{
    struct snow_op op;
    struct err err;

    if (!query_value_ok(e->name)) {
        gone(e, NULL, "its name holds characters that a query cannot carry", now);
        return e->due;
    }
    if (snow_room(t->snow, WINDOW_ALERTS, true, now) == 0)
        return USEC_NEVER;
    question(t, e, &op);
    t->asking = e;
    if (snow_submit(t->snow, WINDOW_ALERTS, &op, 1, answer, t, now, &err) == 0)
        return USEC_NEVER;
    t->asking = NULL;
    gone(e, NULL, err.text, now);
    return e->due;
}

usec_t snow_templates_tick(struct snow_templates *t, usec_t now)
{
    usec_t next = USEC_NEVER;

    for (struct entry *e = t->entries; e != NULL && t->asking == NULL; e = e->next)
        next = usec_min(next, now >= e->due ? ask(t, e, now) : e->due);
    return t->asking != NULL ? USEC_NEVER : next;
}

bool snow_templates_known(const struct snow_templates *t)
{
    for (const struct entry *e = t->entries; e != NULL; e = e->next)
        if (!e->known)
            return false;
    return true;
}

const struct config_pairs *snow_templates_find(const struct snow_templates *t, const char *table,
                                               const char *name)
{
    const struct entry *e = find(t, table, name);

    return e == NULL || !e->found ? NULL : &e->pairs;
}
