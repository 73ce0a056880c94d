/*
 * Requests and answers as data, without any transport. The error body is the one the platform
 * gives everywhere; texts come from the callers.
 */
#include "tests/simulator/request.h"

#include <stdlib.h>
#include <string.h>

struct pair *pairs_read(const char *text, bool plus, size_t *ret_n)
{
    struct pair *pairs;
    size_t n = 1, used = 0;

    for (const char *p = text; *p; p++)
        n += *p == '&';
    pairs = xalloc(n * sizeof(*pairs));
    while (*text) {
        size_t len = strcspn(text, "&");
        size_t name = strcspn(text, "&=");

        if (len > 0) {
            pairs[used].name = xstrndup(text, name);
            pairs[used].value =
                name < len ? xstrndup(text + name + 1, len - name - 1) : xstrdup("");
            url_decode(pairs[used].name, plus);
            url_decode(pairs[used].value, plus);
            used++;
        }
        text += len + (text[len] == '&');
    }
    *ret_n = used;
    return pairs;
}

void pairs_free(struct pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(pairs[i].name);
        free(pairs[i].value);
    }
    free(pairs);
}

void request_init(struct request *r, const char *method, const char *target)
{
    size_t n = strcspn(target, "?");
    const char *query = target[n] ? target + n + 1 : "";

    free(r->method);
    free(r->path);
    free(r->query);
    pairs_free(r->arg, r->n_args);
    r->method = xstrdup(method);
    r->path = xstrndup(target, n);
    url_decode(r->path, false);
    r->query = xstrdup(query);
    url_decode(r->query, true);
    r->arg = pairs_read(query, true, &r->n_args);
    r->url_bytes = strlen(target);
}

void request_free(struct request *r)
{
    free(r->method);
    free(r->path);
    free(r->query);
    pairs_free(r->arg, r->n_args);
    for (int i = 0; i < HDR_COUNT; i++)
        free(r->header[i]);
    str_free(&r->body);
    memset(r, 0, sizeof(*r));
}

const char *request_arg(const struct request *r, const char *name)
{
    for (size_t i = 0; i < r->n_args; i++) {
        if (strcmp(r->arg[i].name, name) == 0)
            return r->arg[i].value;
    }
    return NULL;
}

bool request_flag(const struct request *r, const char *name)
{
    const char *v = request_arg(r, name);

    return v != NULL && strcmp(v, "true") == 0;
}

void answer_free(struct answer *a)
{
    str_free(&a->body);
    str_free(&a->headers);
    memset(a, 0, sizeof(*a));
}

void answer_header(struct answer *a, const char *name, const char *value)
{
    str_printf(&a->headers, "%s: %s\n", name, value);
}

void answer_error(struct answer *a, int status, const char *message, const char *detail)
{
    a->status = status;
    a->type = "application/json;charset=UTF-8";
    str_clear(&a->body);
    str_puts(&a->body, "{\"error\":{\"message\":");
    str_json(&a->body, message);
    str_puts(&a->body, ",\"detail\":");
    if (detail)
        str_json(&a->body, detail);
    else
        str_puts(&a->body, "null");
    str_puts(&a->body, "},\"status\":\"failure\"}");
}

void answer_json(struct answer *a, int status, json_t *take_value)
{
    char *text = json_dumps(take_value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));

    a->status = status;
    a->type = "application/json;charset=UTF-8";
    str_clear(&a->body);
    str_puts(&a->body, text ? text : "null");
    free(text);
    json_decref(take_value);
}

const char *status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {{200, "OK"},
                 {201, "Created"},
                 {204, "No Content"},
                 {302, "Found"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {406, "Not Acceptable"},
                 {415, "Unsupported Media Type"},
                 {429, "Too Many Requests"},
                 {500, "Internal Server Error"},
                 {502, "Bad Gateway"},
                 {503, "Service Unavailable"}};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].status == status)
            return texts[i].text;
    }
    return "Unknown";
}
