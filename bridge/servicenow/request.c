/* Requests. Table, sys_id and field names are checked, everything else is
 * percent-encoded, so nothing from outside can leave its place in the URL. */
#include "bridge/servicenow/request.h"

#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/servicenow/query.h"
#include "bridge/servicenow/row_text.h"

#define TABLE_PATH "/api/now/table/"

static void row_parameters(struct buf *out, const struct snow_op *op);
static void count_parameters(struct buf *out, const struct snow_op *op);

static const struct kind {
    const char *method, *name, *path;
    bool by_id, write, list;
    bool whole_path;                                               /* no table behind it */
    void (*parameters)(struct buf *out, const struct snow_op *op); /* NULL: none */
} kinds[] = {
    [SNOW_GET] = {"GET", "get", TABLE_PATH, .by_id = true, .parameters = row_parameters},
    [SNOW_LIST] = {"GET", "list", TABLE_PATH, .list = true, .parameters = row_parameters},
    [SNOW_CREATE] = {"POST", "create", TABLE_PATH, .write = true, .parameters = row_parameters},
    [SNOW_UPDATE] = {"PATCH", "update", TABLE_PATH, .by_id = true, .write = true,
                     .parameters = row_parameters},
    [SNOW_DELETE] = {"DELETE", "delete", TABLE_PATH, .by_id = true},
    [SNOW_COUNT] = {"GET", "count", "/api/now/stats/", .parameters = count_parameters},
    [SNOW_EVENTS] = {"POST", "events", "/api/global/em/jsonv2", .whole_path = true},
    [SNOW_IMPORT] = {"POST", "import", "/api/now/import/", .write = true},
};

const char *request_method(enum snow_kind kind)
{
    return kinds[kind].method;
}

const char *request_kind_name(enum snow_kind kind)
{
    return kinds[kind].name;
}

bool request_has_body(enum snow_kind kind)
{
    return kinds[kind].write;
}

/* A column list: names (dots allowed, to walk to other tables) and single commas between them. */
static bool fields_ok(const char *fields)
{
    for (;;) {
        size_t n =
            strspn(fields, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

        if (n == 0)
            return false;
        if (fields[n] == '\0')
            return true;
        if (fields[n] != ',')
            return false;
        fields += n + 1;
    }
}

static bool display_ok(const char *display)
{
    return strcmp(display, "true") == 0 || strcmp(display, "false") == 0 ||
           strcmp(display, "all") == 0;
}

/* A chosen sys_id is the identity of the record: half a one would make another record. */
static bool body_ok(const json_t *body)
{
    const json_t *sys_id = json_object_get(body, "sys_id");

    if (!json_is_object(body))
        return false;
    return sys_id == NULL || (json_is_string(sys_id) && query_sys_id_ok(json_string_value(sys_id)));
}

static int unusable(struct err *e, const char *table, const char *what)
{
    return err_set(e, ERR_REJECT, "bad-request",
                   "Nothing was sent to ServiceNow for table '%.80s': %s", table, what);
}

int request_check(const struct snow_op *op, struct err *e)
{
    const char *table = op->table == NULL ? "" : op->table;
    const struct kind *k;

    invariant((size_t)op->kind < ARRAY_LEN(kinds));
    k = &kinds[op->kind];
    if (!query_name_ok(table) || strchr(table, '.') != NULL)
        return unusable(e, table, "this is not the name of a table (letters, digits, `_`)");
    if (k->by_id && (op->sys_id == NULL || !query_sys_id_ok(op->sys_id)))
        return unusable(e, table, "the sys_id is not one (32 hexadecimal digits)");
    if (op->fields != NULL && !fields_ok(op->fields))
        return unusable(e, table, "the list of fields holds something else than column names");
    if (op->display != NULL && !display_ok(op->display))
        return unusable(e, table, "sysparm_display_value is none of true, false, all");
    if (k->write && !body_ok(op->body))
        return unusable(e, table, "the record is no JSON object, or its sys_id is none");
    if (op->kind == SNOW_EVENTS && (op->text == NULL || op->text_length == 0))
        return unusable(e, table, "there is no event to send");
    return 0;
}

static void parameter(struct buf *out, char *separator, const char *name, const char *value)
{
    (void)buf_add_char(out, *separator);
    *separator = '&';
    (void)buf_add_text(out, name);
    (void)buf_add_char(out, '=');
    if (query_escape(out, value) != 0)
        out->failed = true;
}

static void list_parameters(struct buf *out, char *separator, const struct snow_op *op)
{
    if (op->query != NULL && op->query[0] != '\0')
        parameter(out, separator, "sysparm_query", op->query);
    if (op->limit > 0)
        (void)buf_addf(out, "%csysparm_limit=%lld", *separator, op->limit);
    /* The pagination header repeats a long query up to four times; the count costs a query. */
    parameter(out, separator, "sysparm_suppress_pagination_header", "true");
    if (!op->count)
        parameter(out, separator, "sysparm_no_count", "true");
}

static void row_parameters(struct buf *out, const struct snow_op *op)
{
    char separator = '?';

    parameter(out, &separator, "sysparm_exclude_reference_link", op->links ? "false" : "true");
    parameter(out, &separator, "sysparm_display_value",
              op->display == NULL ? "false" : op->display);
    if (op->fields != NULL)
        parameter(out, &separator, "sysparm_fields", op->fields);
    if (op->input_display)
        parameter(out, &separator, "sysparm_input_display_value", "true");
    if (kinds[op->kind].list)
        list_parameters(out, &separator, op);
}

static void count_parameters(struct buf *out, const struct snow_op *op)
{
    char separator = '?';

    parameter(out, &separator, "sysparm_count", "true");
    if (op->query != NULL && op->query[0] != '\0')
        parameter(out, &separator, "sysparm_query", op->query);
}

int request_url(struct buf *out, const char *base, const struct snow_op *op, struct err *e)
{
    const struct kind *k = &kinds[op->kind];
    size_t length = strlen(base);

    while (length > 0 && base[length - 1] == '/')
        length--;
    (void)buf_add(out, base, length);
    (void)buf_addf(out, "%s%s", k->path, k->whole_path ? "" : op->table);
    if (k->by_id)
        (void)buf_addf(out, "/%s", op->sys_id);
    if (k->parameters != NULL)
        k->parameters(out, op);
    if (out->failed || out->length > REQUEST_URL_MAX)
        return unusable(e, op->table,
                        "the URL would be too long for an instance; ask for fewer records or "
                        "fields at once");
    return 0;
}

char *request_body(const struct snow_op *op, size_t *ret_length, struct err *e)
{
    char *text = row_text(op->body, ret_length);

    if (text == NULL)
        (void)unusable(e, op->table, "the record cannot be written as JSON (memory?)");
    return text;
}

void request_describe(struct buf *out, const struct snow_op *op)
{
    const char *sys_id = kinds[op->kind].by_id ? op->sys_id
                         : op->kind == SNOW_CREATE
                             ? json_string_value(json_object_get(op->body, "sys_id"))
                             : NULL;

    (void)buf_addf(out, "%s %s", kinds[op->kind].method, op->table);
    if (sys_id != NULL)
        (void)buf_addf(out, " %s", sys_id);
}
