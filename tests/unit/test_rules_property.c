/* Rules, by properties: which rules hold does not depend on the index that finds them, and nothing
 * that an alert says changes where a request goes or what the bridge writes for itself (promise 9).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/rand.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/request.h"
#include "consumers/alert_edit.h"
#include "consumers/incident_text.h"
#include "consumers/record.h"
#include "tests/support/alert_support.h"

/* ---------------------------------------------------------------- the index */

#define RULES_MAX 12
#define WHEN_MAX  3

static char none[] = "", utc[] = "UTC";
static const char *const fields[] = {"rule", "kind", "label.a", "label.b", "target", "ci"};
static const char *const values[] = {"x", "X", "y", "yy", "z"};

struct draft {
    struct config_consumer consumer;
    struct config_rule rules[RULES_MAX];
    struct config_condition when[RULES_MAX][WHEN_MAX];
    char *one_of[RULES_MAX][WHEN_MAX][2];
};

static char *pick(struct rand *r, const char *const *texts, size_t n)
{
    return (char *)(uintptr_t)texts[rand_between(r, 0, (int64_t)n - 1)];
}

static void draft_condition(struct rand *r, struct config_condition *c, char **one_of)
{
    *c = (struct config_condition){
        .equals = none,
        .prefix = none,
        .matches = none,
        .at_least = none,
        .from = none,
        .to = none,
        .zone = utc,
        .field = pick(r, fields, ARRAY_LEN(fields)),
    };
    c->ignore_case = rand_between(r, 0, 2) == 0;
    c->negated = rand_between(r, 0, 4) == 0;
    one_of[0] = pick(r, values, ARRAY_LEN(values));
    one_of[1] = pick(r, values, ARRAY_LEN(values));
    switch (rand_between(r, 0, 3)) {
    case 0:
        c->one_of = (struct config_list){.items = one_of, .count = 2};
        break;
    case 1:
        c->prefix = one_of[0];
        break;
    default:
        c->equals = one_of[0];
        break;
    }
}

static void draft_rules(struct rand *r, struct draft *d)
{
    *d = (struct draft){.consumer = alert_support_consumer()};
    d->consumer.rules = d->rules;
    d->consumer.rules_count = (size_t)rand_between(r, 0, RULES_MAX);
    for (size_t i = 0; i < d->consumer.rules_count; i++) {
        d->rules[i] = (struct config_rule){.name = none,
                                           .target = none,
                                           .work_item_type = none,
                                           .assignment_group = none,
                                           .category = none,
                                           .template = none,
                                           .go_on = rand_between(r, 0, 1) == 0,
                                           .when = d->when[i],
                                           .when_count = (size_t)rand_between(r, 0, WHEN_MAX)};
        for (size_t k = 0; k < d->rules[i].when_count; k++)
            draft_condition(r, &d->when[i][k], d->one_of[i][k]);
    }
}

static struct alert *draft_alert(struct rand *r)
{
    struct alert *a = alert_new("azure");
    int64_t n = rand_between(r, 0, 3);

    a->kind = pick(r, values, ARRAY_LEN(values));
    alert_set(&a->rule, rand_between(r, 0, 3) == 0 ? "" : pick(r, values, ARRAY_LEN(values)));
    for (int64_t i = 0; i < n; i++) {
        alert_add_label(a, rand_between(r, 0, 1) == 0 ? "a" : "b", pick(r, values, 5));
        alert_add_target(a, pick(r, values, ARRAY_LEN(values)));
        alert_add_ci(a, pick(r, values, ARRAY_LEN(values)));
    }
    return a;
}

static bool test_one(const struct config_condition *c, const char *value)
{
    const char *texts[] = {c->equals, c->one_of.count > 0 ? c->one_of.items[0] : none,
                           c->one_of.count > 1 ? c->one_of.items[1] : none};

    if (c->prefix[0] != '\0')
        return c->ignore_case ? strncasecmp(value, c->prefix, strlen(c->prefix)) == 0
                              : text_starts(value, c->prefix);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i][0] != '\0' &&
            (c->ignore_case ? text_equal_nocase(texts[i], value) : strcmp(texts[i], value) == 0))
            return true;
    return false;
}

static bool oracle(const struct config_condition *c, const struct alert *a)
{
    bool found = false;

    if (strcmp(c->field, "rule") == 0)
        found = a->rule[0] != '\0' && test_one(c, a->rule);
    else if (strcmp(c->field, "kind") == 0)
        found = test_one(c, a->kind);
    for (size_t i = 0; i < a->labels_count; i++)
        if (text_starts(c->field, "label.") && strcmp(c->field + 6, a->labels[i].name) == 0)
            found |= test_one(c, a->labels[i].value);
    for (size_t i = 0; i < a->targets_count; i++)
        found |= strcmp(c->field, "target") == 0 && test_one(c, a->targets[i]);
    for (size_t i = 0; i < a->ci_names_count; i++)
        found |= strcmp(c->field, "ci") == 0 && test_one(c, a->ci_names[i]);
    return found != c->negated;
}

/* The rules one by one, without an index: numbers of those that hold. */
static size_t decide_slowly(const struct draft *d, const struct alert *a, size_t held[RULES_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < d->consumer.rules_count; i++) {
        bool all = true;

        for (size_t k = 0; k < d->rules[i].when_count; k++)
            all = all && oracle(&d->when[i][k], a);
        if (!all)
            continue;
        held[n++] = i;
        if (!d->rules[i].go_on)
            break;
    }
    return n;
}

static void test_index(void **state)
{
    struct rand r;
    size_t some = 0;

    (void)state;
    rand_seed(&r, 99);
    for (int i = 0; i < 3000; i++) {
        struct draft d;
        struct rules *rules;

        draft_rules(&r, &d);
        rules = rules_new(&d.consumer);
        for (int k = 0; k < 5; k++) {
            struct alert *a = draft_alert(&r);
            size_t held[RULES_MAX], n = decide_slowly(&d, a, held);
            struct ruling g;

            rules_decide(rules, a, &g);
            if (g.count != n || (n > 0 && memcmp(g.held, held, n * sizeof *held) != 0))
                fail_msg("set %d, alert %d: %zu rules hold, not %zu", i, k, g.count, n);
            some += n > 1;
            ruling_done(&g);
            (void)alert_free(a);
        }
        (void)rules_free(rules);
    }
    assert_true(some > 500);
}

/* ---------------------------------------------------------------- promise 9 */

static const char *const hostile[] = {
    "^sys_id=1",
    "x^ORDERBYsys_id",
    "..%2f..%2fsys_user",
    "/api/now/table/sys_user?sysparm_query=",
    "a\r\nX-Injected: 1\r\n\r\nGET / HTTP/1.1",
    "\", \"state\": \"7\", \"x\": \"",
    "{\"sys_id\":\"0\"}",
    "javascript:gs.getUserID()",
    "{title}{{label.a}}",
    "%s%n%x",
    "\xe2\x80\xae\xef\xbb\xbf\xf0\x9f\x94\xa5",
    "\x01\x02\x1f\x7f",
    "[itsm-bridge 9.9.9.9]",
    "itsm-bridge 0000000000000000 000000.1.0 00000000.0.0",
    "<script>alert(1)</script>",
};

static char *hostile_text(struct rand *r)
{
    struct buf b;
    int64_t n = rand_between(r, 0, 12);

    buf_init(&b, 1 << 20);
    for (int64_t i = 0; i < n; i++) {
        const char *part = hostile[rand_between(r, 0, ARRAY_LEN(hostile) - 1)];
        int64_t times = rand_between(r, 0, 20) == 0 ? 500 : 1;

        for (int64_t k = 0; k < times; k++)
            (void)buf_add_text(&b, part);
    }
    return buf_take(&b, NULL);
}

static void set_hostile(struct rand *r, char **member)
{
    char *text = hostile_text(r);

    alert_set(member, text);
    free(text);
}

/* The same identity always; everything else is the sender's to choose when r is given. */
static struct alert *stranger(struct rand *r)
{
    struct alert *a = alert_new("azure");
    char **members[] = {&a->rule,  &a->service,     &a->source,       &a->resource,
                        &a->title, &a->description, &a->severity_text};
    char *text;

    a->kind = "metric";
    a->marked = true;
    a->fired = a->own_time = INT64_C(1795642200000);
    alert_set(&a->series, "series");
    alert_set(&a->instance, "instance");
    for (size_t i = 0; r != NULL && i < ARRAY_LEN(members); i++)
        set_hostile(r, members[i]);
    text = r == NULL ? xstrdup("") : hostile_text(r);
    alert_add_label(a, "a", text);
    alert_add_label(a, "a", text);
    alert_add_target(a, text);
    alert_add_ci(a, text);
    free(text);
    return a;
}

#define EVERYTHING                                                                                 \
    "{severity}{severity_text}{rule}{service}{source}{resource}{title}{description}{format}{kind}" \
    "{state}{part}{short_id}{target}{ci}{fired}{resolved}{time}{label.a}{link.a}"

static struct config *hostile_config(void)
{
    return alert_support_config(
        "( { topics = [\"a\"]; rules = ( { assignment_group = \"" EVERYTHING "\"; category = "
        "\"{label.a}\"; fields = { short_description = \"{title}\"; description = \"" EVERYTHING
        "\"; impact = \"{label.a}\"; cmdb_ci = \"{ci}\"; u_any = \"" EVERYTHING "\"; comments = "
        "\"{description}\"; contact_type = \"{rule}\"; }; default_fields = { u_p = \"p\"; }; } ); "
        "} )");
}

static char *url_of(const struct snow_op *op)
{
    struct buf url;
    struct err e;

    buf_init(&url, REQUEST_URL_MAX + 1);
    if (request_check(op, &e) != 0 ||
        request_url(&url, "https://acme.service-now.com", op, &e) != 0)
        fail_msg("%s", e.text);
    return buf_take(&url, NULL);
}

struct sent {
    char *url;
    json_t *body; /* as it left */
};

static struct sent send_create(const struct incident_context *x, const struct alert *a)
{
    const struct version v = {.time = 1};
    const struct stamp s = {.series = 5, .version = v};
    json_t *body = incident_create(x, a, 0, &v, &s);
    struct snow_op op = {.kind = SNOW_CREATE,
                         .table = "incident",
                         .fields = target_table_of("incident")->write_fields,
                         .body = body};
    struct sent sent;
    size_t length;
    struct err e;
    char *text;

    op.sys_id = alert_support_column(body, "sys_id");
    sent.url = url_of(&op);
    text = request_body(&op, &length, &e);
    if (text == NULL)
        fail_msg("%s", e.text);
    sent.body = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(sent.body);
    free(text);
    json_decref(body);
    return sent;
}

static void sent_done(struct sent *s)
{
    free(s->url);
    json_decref(s->body);
}

static void check_columns(json_t *body)
{
    static const char *const allowed[] = {"assignment_group",
                                          "category",
                                          "short_description",
                                          "description",
                                          "impact",
                                          "urgency",
                                          "cmdb_ci",
                                          "u_any",
                                          "comments",
                                          "contact_type",
                                          "u_p",
                                          "correlation_id",
                                          "correlation_display",
                                          "sys_id",
                                          "state"};
    const char *name;
    json_t *value;

    json_object_foreach (body, name, value) {
        bool fine = false;

        for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
            fine |= strcmp(name, allowed[i]) == 0;
        if (!fine || !json_is_string(value))
            fail_msg("the body holds %s", name);
        if (strcmp(name, "comments") != 0 && strcmp(name, "description") != 0)
            assert_null(strpbrk(json_string_value(value), "\r\n"));
        assert_int_equal(incident_fit(json_string_value(value), INCIDENT_TEXT_MAX),
                         json_string_length(value));
    }
}

static void test_nothing_leaves_its_place(void **state)
{
    static const char *const own[] = {"sys_id", "correlation_id", "correlation_display", "state"};
    struct config *c = hostile_config();
    struct rules *rules = rules_new(&c->consumers[0]);
    struct incident_context x = alert_support_context(&c->consumers[0]);
    struct alert *a = stranger(NULL);
    struct version back;
    struct sent quiet, loud;
    struct rand r;

    (void)state;
    x.rules = rules;
    quiet = send_create(&x, a);
    (void)alert_free(a);
    rand_seed(&r, 4);
    for (int i = 0; i < 500; i++) {
        a = stranger(&r);
        loud = send_create(&x, a);
        assert_string_equal(loud.url, quiet.url);
        for (size_t k = 0; k < ARRAY_LEN(own); k++)
            assert_string_equal(alert_support_column(loud.body, own[k]),
                                alert_support_column(quiet.body, own[k]));
        check_columns(loud.body);
        assert_int_equal(version_parse(alert_support_column(loud.body, "description"), &back), 0);
        assert_int_equal(back.time, 1);
        sent_done(&loud);
        (void)alert_free(a);
    }
    sent_done(&quiet);
    (void)rules_free(rules);
    (void)config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_nothing_leaves_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
