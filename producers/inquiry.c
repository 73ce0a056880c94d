/* Names of columns, checked before the first page that a new query asks for. The question is put so
 * that an instance which drops unknown conditions, one which finds nothing by them, and an empty
 * table tell themselves apart: a column that exists is empty or not, never both. Counts are asked
 * for, because rows that the user may not see count, too. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/query.h"
#include "producers/parts.h"

enum step {
    STEP_ROW,     /* any row, with the columns of `fields` */
    STEP_BOTH,    /* empty and not empty: nothing, unless the condition is dropped */
    STEP_EITHER,  /* empty or not: everything, unless unknown conditions find nothing */
    STEP_UNKNOWN, /* the column is none */
    STEP_DONE,
};

struct name {
    char *text;
    bool of_query; /* else of `fields` */
};

struct inquiry {
    enum step step;
    struct name *names;
    size_t count, at;
};

static void add(struct inquiry *p, const char *text, size_t length, bool of_query)
{
    for (size_t i = 0; i < p->count; i++)
        if (strlen(p->names[i].text) == length && memcmp(p->names[i].text, text, length) == 0)
            return;
    p->names = xrealloc(p->names, p->count + 1, sizeof(*p->names));
    p->names[p->count++] =
        (struct name){.text = xasprintf("%.*s", (int)length, text), .of_query = of_query};
}

static void add_of_query(void *arg, const char *text, size_t length)
{
    add(arg, text, length, true);
}

struct inquiry *inquiry_new(struct table *t)
{
    const char *why = "";
    struct err e;
    if (t->p->query[0] == '\0' && t->p->fields.count == 0)
        return NULL;
    struct inquiry *p = xcalloc(1, sizeof(*p));
    if (query_columns(t->p->query, add_of_query, p, &why) == 0)
        return p;
    err_set(&e, ERR_CONFIG, "query",
            "The query of the producer cannot be used: %s. The table is not read; change `query` "
            "in the configuration",
            why);
    table_stop(t, &e);
    return inquiry_free(p);
}

struct inquiry *inquiry_free(struct inquiry *p)
{
    if (p == NULL)
        return NULL;
    for (size_t i = 0; i < p->count; i++)
        free(p->names[i].text);
    free(p->names);
    free(p);
    return NULL;
}

/* Of the columns that are read only those are in doubt that the row does not have. */
static void got_row(struct inquiry *p, const struct config_list *fields, const json_t *row)
{
    for (size_t i = 0; i < fields->count; i++)
        if (json_object_get(row, fields->items[i]) == NULL)
            add(p, fields->items[i], strlen(fields->items[i]), false);
    p->step = p->count > 0 ? STEP_BOTH : STEP_DONE;
}

static void next_name(struct inquiry *p)
{
    p->at++;
    p->step = p->at < p->count ? STEP_BOTH : STEP_DONE;
}

void inquiry_answer(struct table *t, const struct snow_outcome *o)
{
    struct inquiry *p = t->inquiry;
    size_t rows = json_array_size(o->result);
    bool found = rows > 0 || o->total_count > 0;
    if (p->step == STEP_ROW && rows == 0) /* an empty table tells nothing, and none is read */
        p->step = STEP_DONE;
    else if (p->step == STEP_ROW)
        got_row(p, &t->p->fields, json_array_get(o->result, 0));
    else if (p->step == STEP_BOTH)
        p->step = found ? STEP_UNKNOWN : STEP_EITHER;
    else if (p->step == STEP_EITHER && !found)
        p->step = STEP_UNKNOWN;
    else if (p->step == STEP_EITHER)
        next_name(p);
}

static void unknown(struct table *t, const struct name *n)
{
    struct err e;
    err_set(&e, ERR_CONFIG, "query-column",
            "Table %s has no column '%s', which %s names. %s The table is not read; correct `%s` "
            "of the producer and start the bridge again",
            t->p->table, n->text, n->of_query ? "its query" : "its list of fields",
            n->of_query ? "The instance would leave the condition out and give other rows."
                        : "The records would be without it, in silence.",
            n->of_query ? "query" : "fields");
    table_stop(t, &e);
}

static usec_t ask(struct table *t, const struct inquiry *p, usec_t now)
{
    if (p->step == STEP_ROW)
        return table_ask_probe(t, "sys_idISNOTEMPTY", feed_live(t)->fields, now);
    const char *name = p->names[p->at].text;
    char *query =
        xasprintf("%sISEMPTY^%s%sISNOTEMPTY", name, p->step == STEP_EITHER ? "OR" : "", name);
    usec_t due = table_ask_probe(t, query, "sys_id", now);
    free(query);
    return due;
}

usec_t inquiry_step(struct table *t, usec_t now)
{
    struct inquiry *p = t->inquiry;
    if (now < t->due)
        return t->due;
    if (t->ask != NULL)
        return USEC_NEVER;
    if (p->step == STEP_UNKNOWN) {
        unknown(t, &p->names[p->at]);
        return USEC_NEVER;
    }
    if (p->step != STEP_DONE)
        return ask(t, p, now);
    t->inquiry = inquiry_free(p);
    t->query_is_new = false;
    table_probed(t, now);
    return now;
}
