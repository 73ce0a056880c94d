/*
 * The Table API: verbs, arguments, statuses and headers. Reads apply the limit before the ACL; the
 * texts of errors are those an instance gives.
 */
#include "tests/simulator/accounts.h"
#include "tests/simulator/api.h"
#include "tests/simulator/draft.h"
#include "tests/simulator/hides.h"
#include "tests/simulator/journal.h"
#include "tests/simulator/record.h"

#include <stdlib.h>
#include <string.h>

struct call {
    struct sim *sim;
    struct request *r;
    struct answer *a;
    const char *version;
    struct table *t;
    const char *id; /* NULL: the collection */
};

static const char json_media[] = "application/json;charset=UTF-8";

static void not_found(struct answer *a)
{
    answer_error(a, 404, "No Record found",
                 "Record doesn't exist or ACL restricts the record retrieval");
}

static const char *user_of(const struct request *r)
{
    return r->user ? r->user->name : "guest";
}

/* Slot of the addressed record as this user may see it, or NO_SLOT. */
static uint32_t visible(const struct call *c)
{
    uint32_t slot = table_find(c->t, c->id);
    const struct row *r = slot == NO_SLOT ? NULL : table_row(c->t, slot);

    if (r == NULL || !table_holds_class(c->sim->store, c->t, row_get(c->t, r, COL_CLASS)) ||
        row_hidden(c->sim, c->t, r, user_of(c->r)))
        return NO_SLOT;
    return slot;
}

static bool is_system_argument(const char *name)
{
    return strncmp(name, "sysparm_", 8) == 0;
}

struct query *api_query(struct sim *sim, const struct table *t, const struct request *r)
{
    const char *text = request_arg(r, "sysparm_query");
    struct str s = {0};
    struct query *q;

    for (size_t i = 0; text == NULL && i < r->n_args; i++) {
        if (!is_system_argument(r->arg[i].name))
            str_printf(&s, "%s%s=%s", s.n ? "^" : "", r->arg[i].name, r->arg[i].value);
    }
    q = query_parse(sim, t, text ? text : s.p ? s.p : "", r->user ? r->user->sys_id : "");
    str_free(&s);
    return q;
}

static void one_link(const struct call *c, struct str *s, const char *rel, uint64_t offset)
{
    str_printf(s, "%s<%s%s?", s->n ? "," : "", sim_base(c->sim), c->r->path);
    for (size_t i = 0; i < c->r->n_args; i++) {
        if (strcmp(c->r->arg[i].name, "sysparm_offset") == 0)
            continue;
        url_encode(s, c->r->arg[i].name);
        str_putc(s, '=');
        url_encode(s, c->r->arg[i].value);
        str_putc(s, '&');
    }
    str_printf(s, "sysparm_offset=%llu>;rel=\"%s\"", (unsigned long long)offset, rel);
}

static void put_links(const struct call *c, uint64_t total, uint64_t offset, uint64_t limit)
{
    struct str s = {0};

    if (limit == 0 || total <= limit)
        return;
    one_link(c, &s, "first", 0);
    if (offset > 0)
        one_link(c, &s, "prev", offset > limit ? offset - limit : 0);
    if (offset + limit < total)
        one_link(c, &s, "next", offset + limit);
    one_link(c, &s, "last", (total - 1) / limit * limit);
    answer_header(c->a, "Link", s.p);
    str_free(&s);
}

static uint64_t whole_argument(const struct request *r, const char *name, uint64_t fallback)
{
    const char *text = request_arg(r, name);
    int64_t v;

    return text && parse_int(text, &v) == 0 && v >= 0 ? (uint64_t)v : fallback;
}

/* Rows of a table only some roles may read give an empty list, not an error. */
static bool readable(const struct call *c)
{
    static const struct {
        const char *table, *role;
    } needs[] = {{"sys_user_has_role", "itil"},
                 {"sys_audit_delete", "admin"},
                 {"oauth_credential", "admin"},
                 {"sys_journal_field", "admin"}};

    for (size_t i = 0; c->sim->set.enforce_roles && i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (strcmp(needs[i].table, c->t->name) == 0 && !user_has_role(c->r->user, needs[i].role))
            return false;
    }
    return !c->sim->set.enforce_roles || !account_table_hidden(c->t->name) ||
           user_has_role(c->r->user, "admin");
}

/* Accounts are an administrator's. */
static bool writable(const struct call *c, enum deny what)
{
    if (c->sim->set.enforce_roles && account_table(c->t->name) &&
        !user_has_role(c->r->user, "admin"))
        return false;
    return !user_denied(c->r->user, what, c->t->name);
}

static uint64_t write_rows(const struct call *c, const struct slots *found)
{
    struct view view;
    uint64_t n = 0;

    view_read(c->sim, c->t, c->r, c->version, &view);
    str_puts(&c->a->body, "{\"result\":[");
    for (size_t i = 0; i < found->n; i++) {
        const struct row *r = table_row(c->t, found->slot[i]);

        if (row_hidden(c->sim, c->t, r, user_of(c->r)))
            continue;
        if (n++)
            str_putc(&c->a->body, ',');
        record_write(c->sim, &c->a->body, c->t, r, &view);
    }
    str_puts(&c->a->body, "]}");
    view_free(&view);
    return n;
}

static void get_list(const struct call *c)
{
    struct query *q = api_query(c->sim, c->t, c->r);
    bool count = !request_flag(c->r, "sysparm_no_count");
    uint64_t offset = whole_argument(c->r, "sysparm_offset", 0);
    uint64_t limit = whole_argument(c->r, "sysparm_limit", 10000);
    struct slots found = {0};
    uint64_t total, n;

    total = query_run(c->sim, q, offset, limit, count, &found);
    if (!readable(c)) /* the count is taken before ACLs */
        found.n = 0;
    c->a->status = 200;
    c->a->type = json_media;
    n = write_rows(c, &found);
    if (count)
        str_printf(&c->a->headers, "X-Total-Count: %llu\n", (unsigned long long)total);
    if (count && !request_flag(c->r, "sysparm_suppress_pagination_header"))
        put_links(c, total, offset, limit);
    if (found.n == 0 && strcmp(c->version, "/v1") == 0) {
        not_found(c->a);
    }
    stats_count(c->sim, "rows", "read", n);
    stats_count(c->sim, "reads",
                n == 0     ? "empty"
                : n == 1   ? "1"
                : n <= 10  ? "2-10"
                : n <= 100 ? "11-100"
                           : "over 100",
                1);
    free(found.slot);
    query_free(q);
}

static void write_one(const struct call *c, uint32_t slot, int status)
{
    const char *quiet = c->r->header[HDR_NO_BODY];
    struct view view;

    c->a->status = status;
    c->a->type = json_media;
    if (quiet && strcasecmp(quiet, "true") == 0)
        return;
    view_read(c->sim, c->t, c->r, c->version, &view);
    str_reserve(&c->a->body, 5000);
    str_puts(&c->a->body, "{\"result\":");
    record_write(c->sim, &c->a->body, c->t, table_row(c->t, slot), &view);
    str_putc(&c->a->body, '}');
    view_free(&view);
}

static void get_one(const struct call *c)
{
    uint32_t slot = readable(c) ? visible(c) : NO_SLOT;

    if (slot == NO_SLOT) {
        not_found(c->a);
        return;
    }
    write_one(c, slot, 200);
    stats_count(c->sim, "rows", "read", 1);
}

static void get(const struct call *c)
{
    const char *offset = request_arg(c->r, "sysparm_offset");

    if (user_denied(c->r->user, DENY_READ, c->t->name))
        answer_error(c->a, 403, "Insufficient rights to query records", NULL);
    else if (c->id)
        get_one(c);
    else if (offset && offset[0] == '-')
        answer_error(c->a, 400, "Invalid value for sysparm_offset", "It must not be negative");
    else
        get_list(c);
}

/* Body as an object (of an array the first element), new; NULL after the answer was filled. */
static json_t *body_object(const struct call *c)
{
    json_error_t e;
    json_t *v = json_loadb(c->r->body.p ? c->r->body.p : "", c->r->body.n, 0, &e);
    json_t *o = json_is_array(v) ? json_array_get(v, 0) : v;

    if (!json_is_object(o)) {
        json_decref(v);
        answer_error(c->a, 400, "Exception while reading request", v ? "No JSON object" : e.text);
        return NULL;
    }
    json_incref(o);
    json_decref(v);
    return o;
}

static void refused(const struct call *c, const struct draft *d)
{
    answer_error(c->a, d->refused, d->message, d->detail);
}

static int store_draft(const struct call *c, struct draft *d, const json_t *body, const char *verb)
{
    draft_by(d, user_of(c->r));
    draft_take(d, body, request_flag(c->r, "sysparm_input_display_value"));
    return draft_store(d, verb, c->r->header[HDR_REQUEST_ID], c->r->late);
}

/* The sys_id that a body asks for: any text, cut to the column. */
static void take_sys_id(const struct call *c, struct draft *d, const json_t *body)
{
    const char *id = json_string_value(json_object_get(body, "sys_id"));

    if (id && *id && c->sim->set.honour_sys_id)
        d->value[COL_SYS_ID] = arena_copy(&d->arena, id, strnlen(id, 32));
}

static void post(const struct call *c)
{
    struct draft d;
    json_t *body;

    if (c->id) {
        answer_error(c->a, 405, "Method Not Allowed", NULL);
        return;
    }
    if (!writable(c, DENY_INSERT)) {
        answer_error(c->a, 403, "Operation Failed",
                     "ACL Exception Insert Failed due to security constraints");
        return;
    }
    body = body_object(c);
    if (body == NULL)
        return;
    draft_open(&d, c->sim, c->t, NO_SLOT, c->r->stamp_s);
    take_sys_id(c, &d, body);
    if (store_draft(c, &d, body, "POST") < 0) {
        refused(c, &d);
    } else {
        accounts_written(c->sim, c->t, table_row(c->t, d.slot));
        write_one(c, d.slot, 201);
        str_printf(&c->a->headers, "Location: %s/api/now%s/table/%s/%s\n", sim_base(c->sim),
                   c->version, c->t->name, row_get(c->t, table_row(c->t, d.slot), COL_SYS_ID));
    }
    draft_close(&d);
    json_decref(body);
}

static void put(const struct call *c)
{
    uint32_t slot = c->id ? visible(c) : NO_SLOT;
    struct draft d;
    json_t *body;

    if (slot == NO_SLOT) {
        not_found(c->a);
        return;
    }
    if (!writable(c, DENY_UPDATE)) {
        answer_error(c->a, 403, "Operation Failed",
                     "ACL Exception Update Failed due to security constraints");
        return;
    }
    body = body_object(c);
    if (body == NULL)
        return;
    draft_open(&d, c->sim, c->t, slot, c->r->stamp_s);
    if (store_draft(c, &d, body, c->r->method) < 0) {
        refused(c, &d);
    } else {
        accounts_written(c->sim, c->t, table_row(c->t, slot));
        write_one(c, slot, 200);
    }
    draft_close(&d);
    json_decref(body);
}

static void audit_row(const struct call *c, const struct row *r)
{
    struct table *t = store_find(c->sim->store, "sys_audit_delete");
    const char *v[COLUMNS_MAX] = {NULL};
    char id[33], when[DATE_LEN];
    struct str xml = {0};

    rng_hex(&c->sim->rng, id, 32, false);
    date_format(c->r->stamp_s, when);
    str_printf(&xml, "<%s>", c->t->name);
    for (uint32_t i = 0; i < c->t->columns; i++) {
        const char *name = c->t->store->column[i].name;

        str_printf(&xml, "<%s>%s</%s>", name, row_get(c->t, r, i), name);
    }
    str_printf(&xml, "</%s>", c->t->name);
    v[COL_SYS_ID] = id;
    v[COL_CREATED_ON] = v[COL_UPDATED_ON] = when;
    v[COL_CREATED_BY] = v[COL_UPDATED_BY] = user_of(c->r);
    v[table_column(t, "tablename", 9)] = c->t->name;
    v[table_column(t, "documentkey", 11)] = row_get(c->t, r, COL_SYS_ID);
    v[table_column(t, "display_value", 13)] =
        c->t->display == NO_COLUMN ? "" : row_get(c->t, r, c->t->display);
    v[table_column(t, "payload", 7)] = xml.p;
    v[table_column(t, "user", 4)] = user_of(c->r);
    table_put(t, NO_SLOT, v);
    str_free(&xml);
}

static void remove_one(const struct call *c)
{
    uint32_t slot = c->id ? visible(c) : NO_SLOT;

    if (slot == NO_SLOT) {
        not_found(c->a);
        return;
    }
    if (user_denied(c->r->user, DENY_DELETE, c->t->name) ||
        (c->sim->set.enforce_roles && !user_has_role(c->r->user, "itil_admin"))) {
        answer_error(c->a, 403, "Operation Failed",
                     "ACL Exception Delete Failed due to security constraints");
        return;
    }
    journal_delete(c->sim, c->t, table_row(c->t, slot), user_of(c->r), c->r->header[HDR_REQUEST_ID],
                   c->r->late);
    if (c->sim->set.audit_delete)
        audit_row(c, table_row(c->t, slot));
    accounts_remove(c->sim, c->t, slot);
    c->a->status = 204;
    c->a->type = json_media;
}

static const struct {
    const char *method;
    void (*run)(const struct call *);
    bool writes;
} verbs[] = {
    {"GET", get, false}, {"HEAD", get, false}, {"POST", post, true},
    {"PUT", put, true},  {"PATCH", put, true}, {"DELETE", remove_one, true},
};

static bool header_wrong(const char *value, const char *want)
{
    return value == NULL || (strstr(value, want) == NULL && strstr(value, "*/*") == NULL);
}

/* With strict_headers: writes want Accept and Content-Type. */
static bool headers_refused(const struct call *c)
{
    if (!c->sim->set.strict_headers)
        return false;
    if (header_wrong(c->r->header[HDR_ACCEPT], "json"))
        answer_error(c->a, c->r->header[HDR_ACCEPT] ? 406 : 400, "Invalid Accept header", NULL);
    else if (strcmp(c->r->method, "DELETE") != 0 &&
             header_wrong(c->r->header[HDR_CONTENT_TYPE], "json"))
        answer_error(c->a, c->r->header[HDR_CONTENT_TYPE] ? 415 : 400,
                     "Invalid Content-Type header", NULL);
    else
        return false;
    return true;
}

void table_serve(struct sim *sim, struct request *r, const char *version, const char *table,
                 const char *sys_id, struct answer *a)
{
    struct call c = {sim, r, a, version, store_find(sim->store, table), sys_id};

    if (c.t == NULL) {
        struct str s = {0};

        str_printf(&s, "Invalid table %s", table);
        answer_error(a, 400, s.p, NULL);
        str_free(&s);
        return;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].method, r->method) == 0) {
            if (!verbs[i].writes || !headers_refused(&c))
                verbs[i].run(&c);
            return;
        }
    }
    answer_error(a, 405, "Method Not Allowed", NULL);
}
