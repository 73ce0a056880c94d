/* Three questions a table, one after another: the tables it extends, the columns of all, the
 * choices of all. An instance that does not let us read one of them is no error: names and values
 * are then sent as they are given. */
#include "consumers/dictionary.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "bridge/base/log.h"
#include "bridge/base/near.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/request.h"

#define LIFE         (3600 * USEC_S)
#define RETRY        (USEC_S)
#define CHOICES_MOST 10000

static const char *const close_codes[] = {"Solution provided", "Solved (Permanently)"};
static const char *const contact_types[] = {"monitoring", "event"};

enum step { STEP_TABLES, STEP_COLUMNS, STEP_CHOICES, STEP_DONE };

/* A choice by its value, and once more by its label; a column of choices by its name, with the
 * table whose list counts: the nearest that has one hides those of the tables further up. */
struct choice {
    char *key, *value;
    char *label; /* of an entry by value; NULL */
    UT_hash_handle hh;
};

struct entry {
    char *table;
    enum step step;
    bool known, said;
    bool cut; /* there are more choices than were read */
    usec_t due;
    json_t *chain; /* answer of the first step, while the second is to come */
    char *tables;  /* "incident,task": whose choices count */
    struct columns *columns;
    struct choice *choices; /* by column, value_key and label_key */
    struct entry *next;
};

struct dictionary {
    struct snow *snow;
    struct entry *entries;
    unsigned revision;
    struct entry *asking; /* the request under way is for it; NULL: none */
    struct buf query;
};

struct dictionary *dictionary_new(struct snow *s)
{
    struct dictionary *d = xcalloc(1, sizeof *d);

    d->snow = s;
    buf_init(&d->query, REQUEST_URL_MAX);
    return d;
}

static void choices_free(struct entry *e)
{
    struct choice *c, *next;

    HASH_ITER (hh, e->choices, c, next) {
        HASH_DEL(e->choices, c); /* NOLINT(clang-analyzer-unix.Malloc) */
        free(c->key);
        free(c->value);
        free(c->label);
        free(c);
    }
}

struct dictionary *dictionary_free(struct dictionary *d)
{
    struct entry *e, *next;

    if (d == NULL)
        return NULL;
    LL_FOREACH_SAFE(d->entries, e, next)
    {
        json_decref(e->chain);
        choices_free(e);
        (void)columns_free(e->columns);
        free(e->tables);
        free(e->table);
        free(e);
    }
    buf_done(&d->query);
    free(d);
    return NULL;
}

static struct entry *find(const struct dictionary *d, const char *table)
{
    struct entry *e = d->entries;

    while (e != NULL && strcmp(e->table, table) != 0)
        e = e->next;
    return e;
}

void dictionary_want(struct dictionary *d, const char *table)
{
    struct entry *e;

    if (find(d, table) != NULL)
        return;
    e = xcalloc(1, sizeof *e);
    e->table = xstrdup(table);
    e->tables = xstrdup(table);
    LL_APPEND(d->entries, e);
}

bool dictionary_wanted(const struct dictionary *d, const char *table)
{
    return find(d, table) != NULL;
}

void dictionary_reload(struct dictionary *d)
{
    for (struct entry *e = d->entries; e != NULL; e = e->next)
        if (e->step == STEP_DONE)
            e->step = STEP_TABLES;
    for (struct entry *e = d->entries; e != NULL; e = e->next)
        e->due = 0;
}

/* ---------------------------------------------------------------- reading */

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text == NULL ? "" : text;
}

/* Fills *ret with the question of this step. -1: there is none, the next step comes. */
static int question(struct dictionary *d, struct entry *e, struct snow_op *ret)
{
    buf_clear(&d->query);
    if (e->step == STEP_TABLES)
        return columns_ask_tables(&d->query, e->table, ret);
    if (e->step == STEP_COLUMNS)
        return columns_ask_columns(&d->query, e->table, e->chain, ret);
    if (buf_addf(&d->query, "nameIN%s^inactive=false^ORDERBYname", e->tables) != 0)
        return -1;
    *ret = (struct snow_op){.kind = SNOW_LIST,
                            .table = "sys_choice",
                            .query = buf_text(&d->query),
                            .fields = "name,element,value,label",
                            .limit = CHOICES_MOST};
    return 0;
}

/* "nameINincident,task^..." to "incident,task". */
static void take_tables(struct entry *e, const char *query)
{
    const char *from = query + sizeof "nameIN" - 1;

    free(e->tables);
    e->tables = xstrndup(from, strcspn(from, "^"));
}

static void take_columns(struct entry *e, const json_t *rows)
{
    struct columns *c = columns_new(e->table, rows);

    (void)columns_free(e->columns);
    e->columns = c;
}

static char *value_key(const char *column, const char *value)
{
    return xasprintf("%s=%s", column, value);
}

static char *label_key(const char *column, const char *label)
{
    char *key = xasprintf("%s~%s", column, label);

    text_lower(key + strlen(column));
    return key;
}

static const struct choice *choice_at(const struct entry *e, const char *key)
{
    struct choice *c;

    HASH_FIND_STR(e->choices, key, c);
    return c;
}

/* The first of its key stays; takes the key. */
static void add_choice(struct entry *e, char *key, const char *value, const char *label)
{
    struct choice *c;

    if (choice_at(e, key) != NULL) {
        free(key);
        return;
    }
    c = xcalloc(1, sizeof *c);
    c->key = key;
    c->value = xstrdup(value);
    c->label = label == NULL ? NULL : xstrdup(label);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    HASH_ADD_KEYPTR(hh, e->choices, c->key, strlen(c->key), c);
}

static void take_choice(struct entry *e, const char *table, const json_t *row)
{
    const char *column = text_of(row, "element"), *value = text_of(row, "value");
    const char *label = text_of(row, "label");

    add_choice(e, xstrdup(column), table, NULL);
    if (strcmp(choice_at(e, column)->value, table) != 0)
        return;
    add_choice(e, value_key(column, value), value, label);
    add_choice(e, label_key(column, label), value, NULL);
}

/* `e->tables` has the nearest table first. */
static void take_choices(struct entry *e, const json_t *rows)
{
    const json_t *row;
    size_t i;

    choices_free(e);
    e->cut = json_array_size(rows) >= CHOICES_MOST;
    if (e->cut && !e->known)
        log_warn("dictionary",
                 "table=%s code=choices\tsys_choice has more than %d choices for %s; values that "
                 "are not among these are sent as they are given, unchecked",
                 e->table, CHOICES_MOST, e->table);
    for (const char *from = e->tables; *from != '\0';) {
        size_t length = strcspn(from, ",");
        char *table = xstrndup(from, length);

        json_array_foreach (rows, i, row)
            if (strcmp(text_of(row, "name"), table) == 0)
                take_choice(e, table, row);
        free(table);
        from += length + (from[length] == ',');
    }
}

static void say_unreadable(struct entry *e, const struct snow_outcome *o)
{
    static const char *const what[] = {"sys_db_object", "sys_dictionary", "sys_choice"};

    if (e->said)
        return;
    e->said = true;
    log_warn("dictionary",
             "table=%s code=%s\t%s cannot be read for %s: %s. Names and values that need it are "
             "sent as they are given; give the bridge's user read access to it",
             e->table, o->err.code, what[e->step], e->table, o->err.text);
}

static void take(struct entry *e, const struct snow_op *op, const struct snow_outcome *o)
{
    bool ok = o->verdict == SNOW_OK;

    if (!ok)
        say_unreadable(e, o);
    if (e->step == STEP_TABLES) {
        json_decref(e->chain);
        e->chain = ok ? json_incref(o->result) : json_array();
    } else if (e->step == STEP_COLUMNS) {
        take_columns(e, ok ? o->result : NULL);
        take_tables(e, op->query);
    } else {
        take_choices(e, ok ? o->result : NULL);
    }
}

static void step_on(struct entry *e, usec_t now)
{
    e->step++;
    if (e->step != STEP_DONE)
        return;
    json_decref(e->chain);
    e->chain = NULL;
    e->known = true;
    e->due = now + LIFE;
}

static bool passes(enum snow_verdict v)
{
    return v != SNOW_OK && v != SNOW_REJECTED && v != SNOW_ABSENT;
}

static void answer(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                   size_t n, usec_t now)
{
    struct dictionary *d = arg;
    struct entry *e = d->asking;

    (void)n;
    d->asking = NULL;
    if (passes(outcomes[0].verdict)) {
        /* The window knows when; a bad answer is asked for again in a moment. */
        e->due = outcomes[0].verdict == SNOW_UNKNOWN ? now + RETRY : now;
        return;
    }
    take(e, &ops[0], &outcomes[0]);
    d->revision++;
    step_on(e, now);
}

static usec_t ask(struct dictionary *d, struct entry *e, usec_t now)
{
    struct snow_op op;
    struct err err;

    while (e->step != STEP_DONE && question(d, e, &op) != 0)
        step_on(e, now);
    if (e->step == STEP_DONE)
        return now;
    if (snow_room(d->snow, WINDOW_ALERTS, true, now) == 0)
        return USEC_NEVER;
    d->asking = e;
    if (snow_submit(d->snow, WINDOW_ALERTS, &op, 1, answer, d, now, &err) == 0)
        return USEC_NEVER;
    d->asking = NULL;
    e->due = now + RETRY;
    return e->due;
}

usec_t dictionary_tick(struct dictionary *d, usec_t now)
{
    usec_t next = USEC_NEVER;

    for (struct entry *e = d->entries; e != NULL && d->asking == NULL; e = e->next) {
        if (now >= e->due && e->step == STEP_DONE)
            e->step = STEP_TABLES;
        next = usec_min(next, now >= e->due ? ask(d, e, now) : e->due);
    }
    return d->asking != NULL ? USEC_NEVER : next;
}

bool dictionary_known(const struct dictionary *d)
{
    for (const struct entry *e = d->entries; e != NULL; e = e->next)
        if (!e->known)
            return false;
    return true;
}

/* ---------------------------------------------------------------- telling */

unsigned dictionary_revision(const struct dictionary *d)
{
    return d->revision;
}

const struct columns *dictionary_columns(const struct dictionary *d, const char *table)
{
    const struct entry *e = find(d, table);

    return e == NULL ? NULL : e->columns;
}

/* Takes the key. */
static const char *stored_under(const struct entry *e, char *key)
{
    const struct choice *c = choice_at(e, key);

    free(key);
    return c == NULL ? NULL : c->value;
}

static const char *choice(const struct entry *e, const char *column, const char *text)
{
    const char *stored;

    if (e == NULL || choice_at(e, column) == NULL)
        return NULL;
    stored = stored_under(e, value_key(column, text));
    return stored != NULL ? stored : stored_under(e, label_key(column, text));
}

static bool has(const struct entry *e, const char *column, const char *value)
{
    const char *stored = choice(e, column, value);

    return stored != NULL && strcmp(stored, value) == 0;
}

const char *dictionary_choice(const struct dictionary *d, const char *table, const char *column,
                              const char *text)
{
    return choice(find(d, table), column, text);
}

bool dictionary_has_choices(const struct dictionary *d, const char *table, const char *column)
{
    const struct entry *e = find(d, table);

    return e != NULL && !e->cut && choice_at(e, column) != NULL;
}

void dictionary_near(const struct dictionary *d, const char *table, const char *column,
                     const char *text, struct buf *out)
{
    const struct entry *e = find(d, table);
    size_t length = strlen(column);
    struct near n;

    near_init(&n, text);
    for (const struct choice *c = e == NULL ? NULL : e->choices; c != NULL; c = c->hh.next)
        if (c->label != NULL && strncmp(c->key, column, length) == 0 && c->key[length] == '=')
            near_offer(&n, c->label);
    near_text(&n, out);
    near_done(&n);
}

static const char *first_of(const struct dictionary *d, const char *table, const char *column,
                            const char *const *wanted, size_t n)
{
    const struct entry *e = find(d, table);

    for (size_t i = 0; i < n; i++)
        if (e != NULL && has(e, column, wanted[i]))
            return wanted[i];
    return NULL;
}

const char *dictionary_close_code(const struct dictionary *d, const char *table)
{
    const char *code = first_of(d, table, "close_code", close_codes, ARRAY_LEN(close_codes));

    return code == NULL ? close_codes[0] : code;
}

const char *dictionary_contact_type(const struct dictionary *d, const char *table)
{
    const char *type = first_of(d, table, "contact_type", contact_types, ARRAY_LEN(contact_types));

    return type == NULL ? "" : type;
}
