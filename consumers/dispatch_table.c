/* Can records be kept in a table? Tables that the bridge knows have what it needs; of any other one
 * the instance's dictionary tells. Where it cannot be read the columns are taken to be there. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "consumers/dispatch_internal.h"

/* The views of the tables in use, each once. */
struct table_view {
    const struct target *target;
    unsigned revision; /* of the dictionary that it was made from */
    bool known, said;
    struct table_fit fit;
};

struct table_views {
    struct table_view *items;
    size_t count;
};

struct table_views *table_views_new(void)
{
    return xcalloc(1, sizeof(struct table_views));
}

struct table_views *table_views_free(struct table_views *v)
{
    if (v == NULL)
        return NULL;
    free(v->items);
    free(v);
    return NULL;
}

size_t table_views_count(const struct table_views *v)
{
    return v->count;
}

static bool has(const struct columns *columns, const char *name)
{
    return columns == NULL || columns_find(columns, name) != NULL;
}

static bool is_known(const struct target_table *shape)
{
    return shape->name[0] != '\0' &&
           strcmp(shape->state_column, target_table_of(shape->name)->state_column) == 0;
}

static void look_at(struct table_view *v, const struct dictionary *dictionary)
{
    const struct target_table *shape = v->target->shape;
    const struct columns *columns =
        is_known(shape) ? NULL : dictionary_columns(dictionary, v->target->table);

    v->fit = (struct table_fit){
        .no_state = !has(columns, shape->state_column),
        .no_stamp =
            !shape->stamped || !has(columns, "correlation_display") || !has(columns, "description"),
    };
}

/* Once for each table. What a known table lacks is in the manual. */
static void say(struct table_view *v)
{
    const struct target *t = v->target;

    if (v->said || is_known(t->shape) || (!v->fit.no_state && !v->fit.no_stamp))
        return;
    v->said = true;
    if (v->fit.no_state)
        log_error("table-columns",
                  "table=%s column=%s\tThe table has no such column, so the bridge cannot tell "
                  "which of its records are open. Its alerts go to the dead-letter topic: set "
                  "state_column, open_value and resolved_value in the consumers entry",
                  t->table, t->shape->state_column);
    else
        log_warn("table-columns",
                 "table=%s\tThe table lacks correlation_display or description, where the bridge "
                 "keeps what it has applied. Alerts that name their cycle work without it; others "
                 "go to the dead-letter topic: add both columns, or use a table that extends task",
                 t->table);
}

static struct table_view *find(struct table_views *v, const struct target *t)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->items[i].target == t)
            return &v->items[i];
    v->items = xrealloc(v->items, v->count + 1, sizeof *v->items);
    v->items[v->count] = (struct table_view){.target = t};
    return &v->items[v->count++];
}

struct table_fit dispatch_fit(struct dispatch *d, const struct target *t)
{
    const struct dictionary *dictionary = lookups_dictionary(d->lookups);
    struct table_view *v = find(d->views, t);

    if (!v->known || v->revision != dictionary_revision(dictionary)) {
        v->known = true;
        v->revision = dictionary_revision(dictionary);
        look_at(v, dictionary);
        say(v);
    }
    return v->fit;
}

bool dispatch_keeps_stamps(struct dispatch *d, const struct target *t)
{
    struct table_fit fit = dispatch_fit(d, t);

    return !fit.no_state && !fit.no_stamp;
}

const char *dispatch_close_code(struct dispatch *d, const struct config_consumer *c,
                                const struct target *t)
{
    const char *own = target_word_table(c->target);
    bool meant = own != NULL && strcmp(own, t->table) == 0;

    return lookups_close_code(d->lookups, t->table, meant ? c->close_code : "");
}

/* ---------------------------------------------------------------- looked at together */

/* A lane joins the batch of its table while that has room. NULL: there is none such. */
struct batch *batches_joinable(struct batches *b, const struct target *t, size_t most)
{
    for (size_t i = 0; i < BATCHES; i++)
        if (b->items[i].count > 0 && b->items[i].count < most && b->items[i].lanes[0]->target == t)
            return &b->items[i];
    return NULL;
}

unsigned batches_held(const struct batches *b)
{
    unsigned n = 0;

    for (size_t i = 0; i < BATCHES; i++)
        n += b->items[i].count > 0;
    return n;
}

static void send_batch(struct dispatch *d, struct batch *b, usec_t now)
{
    if (b->count > 0)
        dispatch_read(d, b->lanes, b->count, now);
    *b = (struct batch){0};
}

/* The batch that is full, or of the same table, or the first one, leaves to make a place. */
static struct batch *place_for(struct dispatch *d, struct batches *b, const struct target *t,
                               usec_t now)
{
    struct batch *place = &b->items[0];

    for (size_t i = 0; i < BATCHES; i++)
        if (b->items[i].count == 0)
            place = &b->items[i];
    for (size_t i = 0; i < BATCHES; i++)
        if (b->items[i].count > 0 && b->items[i].lanes[0]->target == t)
            place = &b->items[i];
    send_batch(d, place, now);
    return place;
}

void batches_begin(struct dispatch *d, struct batches *b, struct lane *lane, usec_t now)
{
    struct batch *place = place_for(d, b, lane->target, now);

    *place = (struct batch){.lanes = xcalloc(BULK_MAX, sizeof(struct lane *)), .count = 1};
    place->lanes[0] = lane;
}

void batches_send(struct dispatch *d, struct batches *b, usec_t now)
{
    for (size_t i = 0; i < BATCHES; i++)
        send_batch(d, &b->items[i], now);
}
