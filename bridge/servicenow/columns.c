/* The chain of tables comes with one row, by walking super_class; tables of the product are at most
 * a handful deep. */
#include "bridge/servicenow/columns.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "bridge/base/near.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/query.h"

#define UP "super_class."
/* The column, then the name of each table further up. */
static const char *const chain[] = {
    "name",
    UP "name",
    UP UP "name",
    UP UP UP "name",
    UP UP UP UP "name",
    UP UP UP UP UP "name",
    UP UP UP UP UP UP "name",
};
#define CHAIN_FIELDS                                                                               \
    "name," UP "name," UP UP "name," UP UP UP "name," UP UP UP UP "name," UP UP UP UP UP           \
    "name," UP UP UP UP UP UP "name"

#define COLUMNS_MOST 5000

struct entry {
    struct column column;
    char *name, *type, *reference, *table;
    UT_hash_handle hh;
};

struct columns {
    char *table;
    struct entry *entries;
};

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text == NULL ? "" : text;
}

int columns_ask_tables(struct buf *query, const char *table, struct snow_op *ret_op)
{
    if (!query_name_ok(table) || strchr(table, '.') != NULL ||
        buf_addf(query, "name=%s", table) != 0)
        return -1;
    *ret_op = (struct snow_op){.kind = SNOW_LIST,
                               .table = "sys_db_object",
                               .query = buf_text(query),
                               .fields = CHAIN_FIELDS,
                               .limit = 1};
    return 0;
}

int columns_ask_columns(struct buf *query, const char *table, const json_t *rows,
                        struct snow_op *ret_op)
{
    const json_t *row = json_array_get(rows, 0);

    if (strcmp(text_of(row, "name"), table) != 0)
        return -1;
    (void)buf_addf(query, "nameIN%s", table);
    for (size_t i = 1; i < ARRAY_LEN(chain); i++) {
        const char *name = text_of(row, chain[i]);

        if (query_name_ok(name))
            (void)buf_addf(query, ",%s", name);
    }
    (void)buf_add_text(query, "^elementISNOTEMPTY^ORDERBYname");
    *ret_op =
        (struct snow_op){.kind = SNOW_LIST,
                         .table = "sys_dictionary",
                         .query = buf_text(query),
                         .fields = "name,element,internal_type,reference,max_length,mandatory",
                         .limit = COLUMNS_MOST};
    return query->failed ? -1 : 0;
}

static void fill(struct entry *at, const json_t *row)
{
    long long length = 0;

    if (text_to_int(text_of(row, "max_length"), &length) != 0 || length < 0)
        length = 0;
    free(at->type);
    free(at->reference);
    free(at->table);
    at->type = xstrdup(text_of(row, "internal_type"));
    at->reference = xstrdup(text_of(row, "reference"));
    at->table = xstrdup(text_of(row, "name"));
    at->column = (struct column){.name = at->name,
                                 .type = at->type,
                                 .reference = at->reference,
                                 .max_length = (size_t)length,
                                 .mandatory = strcmp(text_of(row, "mandatory"), "true") == 0};
}

static struct entry *find(const struct columns *c, const char *name, size_t length)
{
    struct entry *at;

    HASH_FIND(hh, c->entries, name, length, at);
    return at;
}

static void take(struct columns *c, const json_t *row)
{
    const char *name = text_of(row, "element");
    struct entry *at = find(c, name, strlen(name));

    if (!query_name_ok(name))
        return;
    if (at != NULL) {
        if (strcmp(text_of(row, "name"), c->table) == 0)
            fill(at, row);
        return;
    }
    at = xcalloc(1, sizeof *at);
    at->name = xstrdup(name);
    fill(at, row);
    HASH_ADD_KEYPTR(hh, c->entries, at->name, strlen(at->name), at);
}

struct columns *columns_new(const char *table, const json_t *rows)
{
    struct columns *c = xcalloc(1, sizeof *c);
    json_t *row;
    size_t i;

    c->table = xstrdup(table);
    json_array_foreach (rows, i, row)
        take(c, row);
    return c->entries == NULL ? columns_free(c) : c;
}

struct columns *columns_free(struct columns *c)
{
    struct entry *at, *next;

    if (c == NULL)
        return NULL;
    HASH_ITER (hh, c->entries, at, next) {
        HASH_DEL(c->entries, at);
        free(at->name);
        free(at->type);
        free(at->reference);
        free(at->table);
        free(at);
    }
    free(c->table);
    free(c);
    return NULL;
}

const char *columns_table(const struct columns *c)
{
    return c->table;
}

size_t columns_count(const struct columns *c)
{
    return HASH_COUNT(c->entries);
}

const struct column *columns_find(const struct columns *c, const char *name)
{
    const struct entry *at = find(c, name, strcspn(name, "."));

    return at == NULL ? NULL : &at->column;
}

void columns_near(const struct columns *c, const char *name, struct buf *out)
{
    struct near n;

    near_init(&n, name);
    for (const struct entry *at = c->entries; at != NULL; at = at->hh.next)
        near_offer(&n, at->name);
    near_text(&n, out);
    near_done(&n);
}
