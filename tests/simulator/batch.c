/*
 * Batch API. A batch runs its items one after another inside one server limit (batch_limit_ms):
 * what does not fit comes back unserviced.
 */
#include "tests/simulator/api.h"
#include "tests/simulator/journal.h"

#include <stdlib.h>
#include <string.h>

static json_t *body_json(const struct request *r)
{
    return json_loadb(r->body.p ? r->body.p : "", r->body.n, 0, NULL);
}

static const struct {
    const char *name;
    enum header at;
} item_headers[] = {
    {"Accept", HDR_ACCEPT},
    {"Content-Type", HDR_CONTENT_TYPE},
    {"X-no-response-body", HDR_NO_BODY},
    {"X-HTTP-Method-Override", HDR_OVERRIDE},
};

static void item_header(struct request *sub, const json_t *h)
{
    const char *name = json_string_value(json_object_get(h, "name"));
    const char *value = json_string_value(json_object_get(h, "value"));

    for (size_t i = 0; name && value && i < sizeof(item_headers) / sizeof(item_headers[0]); i++) {
        if (strcasecmp(name, item_headers[i].name) == 0) {
            free(sub->header[item_headers[i].at]);
            sub->header[item_headers[i].at] = xstrdup(value);
        }
    }
}

/* Fills a request from an item. Returns 0, or -1 for one that cannot be read. */
static int item_read(const struct request *r, const json_t *item, struct request *sub)
{
    const char *method = json_string_value(json_object_get(item, "method"));
    const char *url = json_string_value(json_object_get(item, "url"));
    const char *body = json_string_value(json_object_get(item, "body"));
    const json_t *headers = json_object_get(item, "headers");
    const char *id = r->header[HDR_REQUEST_ID];
    struct str target = {0};

    if (method == NULL || url == NULL)
        return -1;
    str_printf(&target, "%s%s", url[0] == '/' ? "" : "/", url);
    request_init(sub, method, target.p);
    str_free(&target);
    for (size_t i = 0; i < json_array_size(headers); i++)
        item_header(sub, json_array_get(headers, i));
    if (body) {
        size_t n;
        char *plain = base64_decode(body, strlen(body), &n);

        if (plain)
            str_add(&sub->body, plain, n);
        free(plain);
    }
    sub->header[HDR_REQUEST_ID] = id ? xstrdup(id) : NULL;
    sub->user = r->user;
    sub->stamp_s = r->stamp_s;
    sub->late = r->late;
    return 0;
}

static bool is_batch(const struct request *r)
{
    const char *end = strrchr(r->path, '/');

    return end && strcmp(end, "/batch") == 0;
}

static usec_t item_cost(struct sim *sim, const struct request *r, const json_t *item)
{
    struct request sub = {0};
    usec_t cost = 0, commit;

    if (item_read(r, item, &sub) == 0 && !is_batch(&sub))
        cost = api_cost(sim, &sub, &commit);
    request_free(&sub);
    return cost;
}

usec_t batch_cost(struct sim *sim, const struct request *r)
{
    usec_t limit = (usec_t)(sim->set.batch_limit_ms * 1000);
    usec_t total = 0;
    json_t *body, *items;

    if (sim->set.insert_ms <= 0 && sim->set.update_ms <= 0 && sim->set.read_ms <= 0 &&
        sim->set.page_ms <= 0 && sim->set.page_row_us <= 0)
        return 0;
    body = body_json(r);
    items = json_object_get(body, "rest_requests");
    for (size_t i = 0; i < json_array_size(items) && total < limit; i++)
        total += item_cost(sim, r, json_array_get(items, i));
    json_decref(body);
    return total < limit ? total : limit;
}

static json_t *answer_headers(const struct answer *a)
{
    json_t *list = json_array();

    for (const char *p = a->headers.p; p && *p;) {
        const char *end = strchr(p, '\n');
        const char *colon = strstr(p, ": ");

        if (end && colon && colon < end)
            json_array_append_new(list, json_pack("{s:s%,s:s%}", "name", p, (size_t)(colon - p),
                                                  "value", colon + 2, (size_t)(end - colon - 2)));
        p = end ? end + 1 : NULL;
    }
    json_array_append_new(list, json_pack("{s:s,s:s}", "name", "Content-Type", "value",
                                          a->type ? a->type : "application/json"));
    return list;
}

static json_t *item_serve(struct sim *sim, const struct request *r, const json_t *item, usec_t cost)
{
    bool bare = json_is_true(json_object_get(item, "exclude_response_headers"));
    struct request sub = {0};
    struct answer a = {0};
    struct str body = {0};
    json_t *o = json_object();
    char *table = NULL;

    if (item_read(r, item, &sub) < 0 || is_batch(&sub))
        answer_error(&a, 400, "Requested URI does not represent any resource", NULL);
    else
        api_serve(sim, &sub, &a);
    base64_encode(&body, a.body.p, a.body.n);
    table = sub.path ? api_table_name(sub.path) : NULL;
    if (sub.method)
        stats_count(sim, "batch_items", sub.method, 1);
    stats_count(sim, "batch_tables", table ? table : "other", 1);
    free(table);
    json_object_set(o, "id", json_object_get(item, "id"));
    json_object_set_new(o, "body", json_string(body.p ? body.p : ""));
    json_object_set_new(o, "status_code", json_integer(a.status));
    json_object_set_new(o, "status_text", json_string(status_text(a.status)));
    json_object_set_new(o, "headers", bare ? json_array() : answer_headers(&a));
    json_object_set_new(o, "execution_time", json_integer((json_int_t)(cost / 1000)));
    str_free(&body);
    answer_free(&a);
    request_free(&sub);
    return o;
}

/* The id comes back as text even when sent as a number. */
static json_t *batch_id(const json_t *id)
{
    char *text;
    json_t *v;

    if (json_is_string(id) || id == NULL)
        return json_string(id ? json_string_value(id) : "");
    text = json_dumps(id, JSON_ENCODE_ANY);
    v = json_string(text ? text : "");
    free(text);
    return v;
}

void batch_serve(struct sim *sim, struct request *r, struct answer *a)
{
    usec_t limit = (usec_t)(sim->set.batch_limit_ms * 1000);
    json_t *body = body_json(r);
    json_t *items = json_object_get(body, "rest_requests");
    json_t *served = json_array(), *left = json_array(), *out = json_object();
    usec_t total = 0;

    if (!json_is_array(items)) {
        answer_error(a, 400, "Exception while reading request", "rest_requests is missing");
        json_decref(served);
        json_decref(left);
        json_decref(out);
        json_decref(body);
        return;
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        usec_t cost = item_cost(sim, r, item);

        total += cost;
        if (total > limit)
            json_array_append(left, json_object_get(item, "id"));
        else
            json_array_append_new(served, item_serve(sim, r, item, cost));
    }
    stats_count(sim, "batch", "calls", 1);
    stats_count(sim, "batch", "items", json_array_size(items));
    stats_count(sim, "batch", "unserviced", json_array_size(left));
    json_object_set_new(out, "batch_request_id",
                        batch_id(json_object_get(body, "batch_request_id")));
    json_object_set_new(out, "serviced_requests", served);
    json_object_set_new(out, "unserviced_requests", left);
    answer_json(a, 200, out);
    json_decref(body);
}
