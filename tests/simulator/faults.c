/*
 * The fault rules: reading, matching and counting them. What an action does to an answer is in
 * fault_actions.c, what it does to the course of a request in flow.c. Chance comes from the seeded
 * generator, so a run can be repeated.
 */
#include "tests/simulator/faults.h"
#include "tests/simulator/users.h"

#include <stdlib.h>
#include <string.h>

struct faults {
    struct fault *list;
    unsigned made;
};

static const char *const action_names[FAULT_ACTIONS] = {
    [FAULT_STATUS] = "status",
    [FAULT_AFTER_COMMIT] = "after_commit",
    [FAULT_CUT_BEFORE] = "cut_before",
    [FAULT_CUT_AFTER] = "cut_after",
    [FAULT_CUT_MID_BODY] = "cut_mid_body",
    [FAULT_DELAY] = "delay_ms",
    [FAULT_HANG] = "hang",
    [FAULT_TRAILING_ERROR] = "trailing_error",
    [FAULT_HIBERNATE] = "hibernate",
    [FAULT_HTML] = "html",
    [FAULT_REDIRECT] = "redirect",
    [FAULT_SLOW_DRIP] = "slow_drip",
    [FAULT_RATE_LIMIT] = "ratelimit",
    [FAULT_SEMAPHORE] = "semaphore",
    [FAULT_EXPIRE_TOKEN] = "expire_token",
    [FAULT_EMPTY_BODY] = "empty_body",
    [FAULT_TRUNCATE_JSON] = "truncate_json",
    [FAULT_BAD_CONTENT_TYPE] = "bad_content_type",
    [FAULT_HUGE_BODY] = "huge_body",
};

void faults_init(struct sim *sim)
{
    sim->faults = xalloc(sizeof(*sim->faults));
}

void fault_release(struct fault *f)
{
    if (f == NULL || --f->holders > 0)
        return;
    free(f->name);
    free(f->method);
    free(f->path_prefix);
    free(f->table);
    free(f->query_contains);
    free(f->body_contains);
    free(f->user);
    free(f->body);
    free(f->type);
    json_decref(f->headers);
    free(f);
}

int faults_remove(struct sim *sim, const char *name)
{
    struct fault **link = &sim->faults->list;
    int n = 0;

    while (*link) {
        struct fault *f = *link;

        if (name && strcmp(f->name, name) != 0) {
            link = &f->next;
            continue;
        }
        *link = f->next;
        fault_release(f);
        n++;
    }
    return n;
}

void faults_free(struct sim *sim)
{
    if (sim->faults == NULL)
        return;
    faults_remove(sim, NULL);
    free(sim->faults);
    sim->faults = NULL;
}

static bool holds(const char *text, size_t n, const char *part)
{
    return part == NULL || memmem(text ? text : "", n, part, strlen(part)) != NULL;
}

/* A table is also found in the URLs of a Batch call, through body_contains only. */
static bool fits(const struct fault *f, const struct request *r, const char *table)
{
    return (f->method == NULL || strcmp(f->method, r->method) == 0) &&
           (f->path_prefix == NULL ||
            strncmp(r->path, f->path_prefix, strlen(f->path_prefix)) == 0) &&
           (f->table == NULL || (table && strcmp(f->table, table) == 0)) &&
           (f->user == NULL || (r->user && strcmp(f->user, r->user->name) == 0)) &&
           holds(r->query, strlen(r->query), f->query_contains) &&
           holds(r->body.p, r->body.n, f->body_contains);
}

struct fault *fault_match(struct sim *sim, const struct request *r, const char *table)
{
    for (struct fault *f = sim->faults->list; f; f = f->next) {
        if (f->count == 0 || !fits(f, r, table))
            continue;
        if (f->seen++ < (uint64_t)f->skip)
            continue;
        if (f->probability < 1 && rng_unit(&sim->rng) >= f->probability)
            continue;
        f->count -= f->count > 0;
        f->hits++;
        f->holders++;
        return f;
    }
    return NULL;
}

static char *text_member(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);

    if (json_is_string(v))
        return xstrdup(json_string_value(v));
    return v && !json_is_null(v) ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

static double real_member(const json_t *o, const char *name, double fallback)
{
    const json_t *v = json_object_get(o, name);

    return json_is_number(v) ? json_number_value(v) : fallback;
}

static int action_of(const char *name)
{
    for (int i = 0; name && i < FAULT_ACTIONS; i++) {
        if (strcmp(action_names[i], name) == 0)
            return i;
    }
    return -1;
}

static const char *const known[] = {
    "name", "match", "skip",    "count", "probability", "action", "status", "headers", "body",
    "type", "ms",    "late_ms", "bytes", "retry_after", "limit",  "when",   "form",    NULL};
static const char *const known_match[] = {"method",        "path_prefix", "table", "query_contains",
                                          "body_contains", "user",        NULL};

/* The first member that is not in the list, or NULL. */
static const char *unknown_member(const json_t *o, const char *const *list)
{
    json_t *object = (json_t *)(uintptr_t)o;
    void *it;

    for (it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
        const char *const *k = list;

        while (*k && strcmp(*k, json_object_iter_key(it)) != 0)
            k++;
        if (*k == NULL)
            return json_object_iter_key(it);
    }
    return NULL;
}

static int rule_check(const json_t *o, char **ret_why)
{
    const char *action = json_string_value(json_object_get(o, "action"));
    const char *bad = unknown_member(o, known);
    struct str s = {0};

    if (bad == NULL)
        bad = unknown_member(json_object_get(o, "match"), known_match);
    if (!json_is_object(o))
        str_puts(&s, "a rule is an object");
    else if (action_of(action) < 0)
        str_printf(&s, "a rule has no action '%s'; see the README", action ? action : "");
    else if (bad)
        str_printf(&s, "a rule has no member '%s'; see the README", bad);
    if (s.n == 0)
        return 0;
    *ret_why = str_take(&s);
    return -1;
}

static struct fault *rule_read(struct sim *sim, const json_t *o)
{
    const json_t *m = json_object_get(o, "match");
    const char *when = json_string_value(json_object_get(o, "when"));
    const char *form = json_string_value(json_object_get(o, "form"));
    struct fault *f = xalloc(sizeof(*f));
    struct str name = {0};

    f->holders = 1;
    f->action = (enum fault_action)action_of(json_string_value(json_object_get(o, "action")));
    f->name = text_member(o, "name");
    f->method = text_member(m, "method");
    f->path_prefix = text_member(m, "path_prefix");
    f->table = text_member(m, "table");
    f->query_contains = text_member(m, "query_contains");
    f->body_contains = text_member(m, "body_contains");
    f->user = text_member(m, "user");
    f->body = text_member(o, "body");
    f->type = text_member(o, "type");
    f->headers = json_incref(json_object_get(o, "headers"));
    f->skip = (int64_t)real_member(o, "skip", 0);
    f->count = (int64_t)real_member(o, "count", -1);
    f->probability = real_member(o, "probability", 1);
    f->status = (int)real_member(o, "status", f->action == FAULT_HTML ? 502 : 500);
    f->ms = real_member(o, "ms", f->action == FAULT_SLOW_DRIP ? 50 : 0);
    f->late_ms = real_member(o, "late_ms", -1);
    f->bytes = (int64_t)real_member(o, "bytes", f->action == FAULT_HUGE_BODY ? 50000000 : -1);
    f->retry_after = (int64_t)real_member(o, "retry_after", 60);
    f->limit = (int64_t)real_member(o, "limit", 100);
    f->after = when && strcmp(when, "after") == 0;
    f->malformed = form && strcmp(form, "malformed") == 0;
    if (f->name == NULL) {
        str_printf(&name, "rule-%u", ++sim->faults->made);
        f->name = str_take(&name);
    }
    return f;
}

int faults_put(struct sim *sim, const json_t *rules, char **ret_why)
{
    size_t n = json_is_array(rules) ? json_array_size(rules) : 1;
    struct fault **end;

    for (size_t i = 0; i < n; i++) {
        if (rule_check(json_is_array(rules) ? json_array_get(rules, i) : rules, ret_why) < 0)
            return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct fault *f = rule_read(sim, json_is_array(rules) ? json_array_get(rules, i) : rules);

        faults_remove(sim, f->name);
        for (end = &sim->faults->list; *end; end = &(*end)->next)
            ;
        *end = f;
    }
    return 0;
}

json_t *faults_json(const struct sim *sim)
{
    json_t *list = json_array();

    for (const struct fault *f = sim->faults->list; f; f = f->next) {
        json_t *o = json_object();

        json_object_set_new(o, "name", json_string(f->name));
        json_object_set_new(o, "action", json_string(action_names[f->action]));
        json_object_set_new(o, "hits", json_integer((json_int_t)f->hits));
        json_object_set_new(o, "seen", json_integer((json_int_t)f->seen));
        json_object_set_new(o, "left", f->count < 0 ? json_null() : json_integer(f->count));
        json_array_append_new(list, o);
    }
    return list;
}
