/* Whole results of decoding and mapping, and their comparison with a file. */
#include "tests/support/alert_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "consumers/parts.h"
#include "tests/support/alert_support.h"

static json_t *keys_json(const struct alert *a)
{
    char series[17];
    struct keys keys;

    identity_keys(a, "", "incident", a->marked ? 0 : 1, &keys);
    (void)snprintf(series, sizeof series, "%016llx", (unsigned long long)keys.series);
    return json_pack("{s:s, s:s, s:s}", "sys_id", keys.sys_id, "correlation_id",
                     keys.correlation_id, "series", series);
}

/* The request that this alert makes when it is the first of its instance. */
static json_t *body_json(const struct incident_context *x, const struct alert *a,
                         const struct version *v)
{
    uint32_t generation = a->marked ? 0 : 1;
    struct keys keys;
    struct stamp stamp;

    identity_keys(a, "", "incident", generation, &keys);
    stamp = (struct stamp){.series = keys.series,
                           .generation = generation,
                           .rank = a->state == ALERT_CLEARED,
                           .version = *v};
    if (a->state == ALERT_NOTE)
        return incident_remark(a, v);
    if (a->state == ALERT_CLEARED)
        return json_pack("{s:o, s:o}", "resolve", incident_resolve(x, a, &stamp), "create_resolved",
                         incident_create_resolved(x, a, a, generation, v, &stamp));
    return incident_create(x, a, generation, v, &stamp);
}

static json_t *one_result(const struct incident_context *x, const struct alert *a,
                          const struct version *v)
{
    json_t *o = json_pack("{s:o, s:o}", "alert", alert_to_json(a), "keys", keys_json(a));
    struct ruling g;

    rules_decide(x->rules, a, &g);
    if (x->consumer->rules_count > 0)
        (void)json_object_set_new(o, "rules", ruling_names(x->rules, &g));
    if (g.drop != NULL)
        (void)json_object_set_new(o, "dropped", json_true());
    else
        (void)json_object_set_new(o, "body", body_json(x, a, v));
    ruling_done(&g);
    return o;
}

json_t *alert_case_result(const struct config_consumer *c, const struct message *m)
{
    struct incident_context x = alert_support_context(c);
    struct version v = version_of(m);
    struct alerts list = {0};
    struct err e = {0};
    json_t *out = NULL;

    x.rules = rules_new(c);
    switch (parts_decode(c, x.rules, m, &list, &e)) {
    case DECODE_BAD:
        out = json_pack("{s:s, s:s}", "bad", e.code, "why", e.text);
        break;
    case DECODE_SKIP:
        out = json_string("skip");
        break;
    case DECODE_OK:
        out = json_array();
        break;
    }
    for (size_t i = 0; i < list.count; i++)
        (void)json_array_append_new(out, one_result(&x, list.items[i], &v));
    alerts_done(&list);
    (void)rules_free(x.rules);
    return out;
}

static void write_want(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    (void)fprintf(f, "%s\n", text);
    assert_int_equal(fclose(f), 0);
}

bool alert_case_differs(const char *name, const char *want_path, json_t *result)
{
    char *have = json_dumps(result, JSON_INDENT(2) | JSON_ENCODE_ANY), *want;
    size_t length;
    bool differs;

    assert_non_null(have);
    if (getenv("CASES_WRITE") != NULL)
        write_want(want_path, have);
    want = alert_support_read(want_path, &length);
    differs = length != strlen(have) + 1 || strncmp(have, want, strlen(have)) != 0;
    if (differs)
        print_error("case %s: have\n%s\n", name, have);
    json_decref(result);
    free(have);
    free(want);
    return differs;
}
