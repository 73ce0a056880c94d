/* The plan of `setup` against instances drawn at random: carried out, it leaves nothing to do;
 * taken back, it leaves what was there; and it never touches what is not its business. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/setup_plan.h"

#define HOST   "acme.service-now.com"
#define USER   "itsm.integration"
#define CLIENT "itsm-bridge (prod)"
#define ROUNDS 4000

static const char *const all_roles[] = {"itil", "personalize_choices", "evt_mgmt_integration"};
static char client_id[33];

static json_t *rows(const json_t *state, const char *table)
{
    return json_object_get(state, table);
}

static const char *text(const json_t *row, const char *column)
{
    const char *t = json_string_value(json_object_get(row, column));

    return t != NULL ? t : "";
}

static json_t *find(const json_t *state, const char *table, const char *column, const char *value)
{
    json_t *row;
    size_t i;

    json_array_foreach (rows(state, table), i, row)
        if (strcmp(text(row, column), value) == 0)
            return row;
    return NULL;
}

static bool chance(struct rand *r, int of)
{
    return rand_between(r, 1, of) == 1;
}

static const char *one_of(struct rand *r, const char *a, const char *b)
{
    return chance(r, 2) ? a : b;
}

static json_t *row(json_t *state, const char *table, const char *sys_id)
{
    json_t *made = json_pack("{s:s}", "sys_id", sys_id);

    (void)json_array_append_new(rows(state, table), made);
    return made;
}

static void put(json_t *made, const char *column, const char *value)
{
    (void)json_object_set_new(made, column, json_string(value));
}

static void draw_user(json_t *state, struct rand *r)
{
    json_t *u = row(state, SETUP_USER, "00000000000000000000000000000001");

    put(u, "user_name", USER);
    put(u, "active", chance(r, 5) ? "false" : "true");
    put(u, "locked_out", chance(r, 5) ? "true" : "false");
    put(u, "time_zone", one_of(r, "GMT", "US/Pacific"));
    put(u, "web_service_access_only", one_of(r, "true", "false"));
    put(u, "password_needs_reset", "false");
    put(u, "title", one_of(r, "", "Integration"));
    for (size_t i = 0; i < ARRAY_LEN(all_roles); i++)
        if (chance(r, 2)) {
            json_t *has = row(state, SETUP_HAS_ROLE, all_roles[i]);

            put(has, "user", text(u, "sys_id"));
            put(has, "role", all_roles[i]);
        }
}

static void draw_client(json_t *state, struct rand *r)
{
    json_t *c = row(state, SETUP_CLIENT, "00000000000000000000000000000002");

    put(c, "name", one_of(r, CLIENT, "old connector"));
    put(c, "client_id", client_id);
    put(c, "active", chance(r, 5) ? "false" : "true");
    put(c, "refresh_token_lifespan", one_of(r, "8640000", "86400"));
    put(c, "user", one_of(r, "", "00000000000000000000000000000009"));
    put(c, "comments", one_of(r, "", "of the network team"));
}

/* An instance before setup: any of its parts may be there, made by people. */
static json_t *draw_state(struct rand *r)
{
    json_t *state = json_pack("{s:[],s:[],s:[],s:[],s:[]}", SETUP_USER, SETUP_CLIENT, SETUP_ROLE,
                              SETUP_HAS_ROLE, SETUP_PROPERTY);
    json_t *p;

    for (size_t i = 0; i < ARRAY_LEN(all_roles); i++)
        if (!chance(r, 8))
            put(row(state, SETUP_ROLE, all_roles[i]), "name", all_roles[i]);
    if (chance(r, 2))
        draw_user(state, r);
    if (chance(r, 2))
        draw_client(state, r);
    if (chance(r, 2)) {
        p = row(state, SETUP_PROPERTY, "00000000000000000000000000000003");
        put(p, "name", SETUP_CLIENT_PROPERTY);
        put(p, "value", one_of(r, "true", "false"));
    }
    return state;
}

static struct setup_wanted draw_wanted(struct rand *r)
{
    static const enum config_grant grants[] = {
        GRANT_PASSWORD,   GRANT_REFRESH_TOKEN, GRANT_CLIENT_CREDENTIALS,
        GRANT_JWT_BEARER, GRANT_BASIC,         GRANT_API_KEY};
    struct setup_wanted w = {.host = HOST,
                             .user_name = USER,
                             .client_name = CLIENT,
                             .client_id = client_id,
                             .grant = grants[rand_between(r, 0, 5)],
                             .secret_known = chance(r, 2),
                             .password_known = chance(r, 2)};

    for (size_t i = 0; i < ARRAY_LEN(all_roles); i++)
        if (chance(r, 2))
            w.roles[w.roles_count++] = (struct setup_role){all_roles[i], "to be tested"};
    return w;
}

static void apply_step(json_t *state, const struct setup_step *s)
{
    json_t *at = find(state, s->table, "sys_id", s->sys_id), *it;
    size_t i;

    if (s->action == SETUP_CREATE) {
        assert_null(at);
        at = row(state, s->table, s->sys_id);
    }
    assert_non_null(at);
    if (s->action != SETUP_DELETE) {
        (void)json_object_update(at, s->body);
        return;
    }
    json_array_foreach (rows(state, s->table), i, it)
        if (it == at)
            break;
    (void)json_array_remove(rows(state, s->table), i);
}

static void apply(json_t *state, const struct setup_plan *p, json_t *changes)
{
    for (size_t i = 0; i < p->count; i++) {
        apply_step(state, &p->steps[i]);
        if (changes != NULL)
            setup_changes_add(changes, &p->steps[i]);
    }
}

/* A run that ends after some steps, as many times as chance wants, and then one to the end. */
static void carry_out(struct rand *r, struct setup_wanted *w, json_t *state, json_t *changes)
{
    struct setup_plan p;

    for (;;) {
        bool whole = chance(r, 3);

        setup_plan_make(w, state, &p);
        if (!whole && p.count > 0)
            for (size_t i = (size_t)rand_between(r, 0, (int64_t)p.count); i < p.count; i++) {
                json_decref(p.steps[i].body);
                json_decref(p.steps[i].before);
                free(p.steps[i].what);
                p.steps[i] = p.steps[--p.count];
                i--;
            }
        apply(state, &p, changes);
        for (size_t i = 0; i < p.count; i++) { /* a made secret is on disk before it is sent */
            w->secret_known |= p.steps[i].secret == SETUP_CLIENT_SECRET;
            w->password_known |= p.steps[i].secret == SETUP_PASSWORD;
        }
        setup_plan_done(&p);
        if (whole)
            return;
    }
}

/* Rows that setup may not have touched are as they were; undone, all of them are. */
static void one_round(struct rand *r)
{
    struct setup_wanted w = draw_wanted(r);
    json_t *before = draw_state(r), *state = json_deep_copy(before), *changes = json_array();
    struct setup_plan p;

    carry_out(r, &w, state, changes);
    setup_plan_make(&w, state, &p);
    assert_int_equal(p.count, 0);
    setup_plan_done(&p);
    assert_null(find(state, SETUP_USER, "title", SETUP_MARK_OPEN)); /* its secret was never sent */
    assert_null(find(state, SETUP_CLIENT, "comments", SETUP_MARK_OPEN));

    setup_plan_undo(&w, state, changes, &p);
    apply(state, &p, NULL);
    setup_plan_done(&p);
    if (!json_equal(state, before)) {
        (void)json_dumpf(before, stderr, JSON_INDENT(1) | JSON_SORT_KEYS);
        (void)json_dumpf(state, stderr, JSON_INDENT(1) | JSON_SORT_KEYS);
        fail_msg("grant %d: undone, the instance is not what it was", (int)w.grant);
    }
    setup_plan_undo(&w, state, NULL, &p);
    assert_int_equal(p.count, 0);
    setup_plan_done(&p);
    json_decref(state);
    json_decref(before);
    json_decref(changes);
}

static void test_there_and_back(void **state)
{
    struct rand r;

    (void)state;
    setup_client_id(HOST, "prod", client_id);
    rand_seed(&r, 7);
    for (int i = 0; i < ROUNDS; i++)
        one_round(&r);
}

/* ---------------------------------------------------------------- single decisions */

static json_t *bare(void)
{
    struct rand r;
    json_t *s;

    setup_client_id(HOST, "prod", client_id);
    rand_seed(&r, 1);
    do { /* one with all roles and nothing else */
        s = draw_state(&r);
        if (json_array_size(rows(s, SETUP_ROLE)) == ARRAY_LEN(all_roles) &&
            json_array_size(rows(s, SETUP_USER)) == 0 &&
            json_array_size(rows(s, SETUP_CLIENT)) == 0 &&
            json_array_size(rows(s, SETUP_PROPERTY)) == 0)
            return s;
        json_decref(s);
    } while (true);
}

static struct setup_wanted wanted(enum config_grant grant)
{
    return (struct setup_wanted){.host = HOST,
                                 .user_name = USER,
                                 .client_name = CLIENT,
                                 .client_id = client_id,
                                 .grant = grant,
                                 .roles = {{"itil", "to be tested"}},
                                 .roles_count = 1};
}

static size_t blocking(const struct setup_plan *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->notes_count; i++)
        n += p->notes[i].blocks;
    return n;
}

static void make_all(const struct setup_wanted *w, json_t *state)
{
    struct setup_plan p;

    setup_plan_make(w, state, &p);
    apply(state, &p, NULL);
    assert_int_equal(blocking(&p), 0);
    setup_plan_done(&p);
}

static void test_values(void **state)
{
    json_t *s = bare();
    struct setup_wanted w = wanted(GRANT_CLIENT_CREDENTIALS);
    const json_t *user, *client;

    (void)state;
    make_all(&w, s);
    user = find(s, SETUP_USER, "user_name", USER);
    client = find(s, SETUP_CLIENT, "client_id", client_id);
    assert_string_equal(text(user, "web_service_access_only"), "true");
    assert_string_equal(text(user, "time_zone"), "GMT");
    assert_string_equal(text(user, "title"), SETUP_MARK);
    assert_string_equal(text(client, "refresh_token_lifespan"), "7776000");
    assert_string_equal(text(client, "user"), text(user, "sys_id"));
    assert_string_equal(text(client, "comments"), SETUP_MARK);
    assert_string_equal(text(find(s, SETUP_PROPERTY, "name", SETUP_CLIENT_PROPERTY), "value"),
                        "true");
    assert_int_equal(json_array_size(rows(s, SETUP_HAS_ROLE)), 1);
    json_decref(s);
}

/* A secret that nobody knows is never overwritten unasked. */
static void test_unknown_secret(void **state)
{
    json_t *s = bare();
    struct setup_wanted w = wanted(GRANT_PASSWORD);
    struct setup_plan p;

    (void)state;
    make_all(&w, s);
    setup_plan_make(&w, s, &p);
    assert_int_equal(p.count, 0);
    assert_int_equal(blocking(&p), 2);
    setup_plan_done(&p);
    w.secret_known = w.password_known = true;
    setup_plan_make(&w, s, &p);
    assert_int_equal(p.count + blocking(&p), 0);
    setup_plan_done(&p);
    w.rotate = true;
    setup_plan_make(&w, s, &p);
    assert_int_equal(p.count, 2);
    assert_int_equal(p.steps[0].secret, SETUP_PASSWORD);
    assert_int_equal(p.steps[1].secret, SETUP_CLIENT_SECRET);
    setup_plan_done(&p);
    json_decref(s);
}

/* Who takes the mark away owns the record, and the user's roles with it. */
static void test_taken_over(void **state)
{
    json_t *s = bare();
    struct setup_wanted w = wanted(GRANT_CLIENT_CREDENTIALS);
    struct setup_plan p;

    (void)state;
    make_all(&w, s);
    put(find(s, SETUP_USER, "user_name", USER), "title", "Ann's robot");
    put(find(s, SETUP_CLIENT, "client_id", client_id), "comments", "Ann's");
    setup_plan_undo(&w, s, NULL, &p);
    for (size_t i = 0; i < p.count; i++)
        assert_string_equal(p.steps[i].table, SETUP_PROPERTY);
    assert_int_not_equal(p.notes_count, 0);
    setup_plan_done(&p);
    json_decref(s);
}

/* A copy of a record carries its mark, but not its sys_id. */
static void test_copied_mark(void **state)
{
    json_t *s = bare();
    struct setup_wanted w = wanted(GRANT_BASIC);
    struct setup_plan p;

    (void)state;
    make_all(&w, s);
    put(find(s, SETUP_USER, "user_name", USER), "sys_id", "00000000000000000000000000000001");
    setup_plan_undo(&w, s, NULL, &p);
    for (size_t i = 0; i < p.count; i++)
        assert_string_not_equal(p.steps[i].table, SETUP_USER);
    setup_plan_done(&p);
    json_decref(s);
}

/* Two connections share user and property: the first that goes leaves them to the second. */
static void test_two_connections(void **state)
{
    json_t *s = bare();
    struct setup_wanted a = wanted(GRANT_CLIENT_CREDENTIALS), b = a;
    char other[33];
    struct setup_plan p;

    (void)state;
    setup_client_id(HOST, "test", other);
    b.client_id = other;
    b.client_name = "itsm-bridge (test)";
    make_all(&a, s);
    make_all(&b, s);
    setup_plan_undo(&a, s, NULL, &p);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.steps[0].table, SETUP_CLIENT);
    apply(s, &p, NULL);
    setup_plan_done(&p);
    assert_non_null(find(s, SETUP_CLIENT, "client_id", other));
    setup_plan_undo(&b, s, NULL, &p);
    assert_int_equal(p.count, 4);
    setup_plan_done(&p);
    json_decref(s);
}

/* What a person changed after setup stays. */
static void test_changed_since(void **state)
{
    json_t *s = bare(), *changes = json_array();
    struct setup_wanted w = wanted(GRANT_CLIENT_CREDENTIALS);
    struct setup_plan p;
    json_t *property = row(s, SETUP_PROPERTY, "00000000000000000000000000000003");

    (void)state;
    put(property, "name", SETUP_CLIENT_PROPERTY);
    put(property, "value", "false");
    setup_plan_make(&w, s, &p);
    apply(s, &p, changes);
    setup_plan_done(&p);
    assert_string_equal(text(property, "value"), "true");
    put(property, "value", "");
    setup_plan_undo(&w, s, changes, &p);
    apply(s, &p, NULL);
    setup_plan_done(&p);
    assert_string_equal(text(property, "value"), "");
    json_decref(changes);
    json_decref(s);
}

static void roles_are(const char *target, const char *rule_target, const char *table,
                      const char *want)
{
    char t[40], name[40], by_rule[40], got[200] = "";
    struct config_consumer consumer = {.target = t};
    struct config_producer producer = {.table = name};
    struct config_rule rule = {.target = by_rule};
    struct config c = {
        .consumers = &consumer, .producers = &producer, .rules = &rule, .rules_count = 1};
    struct setup_role out[SETUP_ROLES_MAX];
    size_t n;

    (void)snprintf(t, sizeof t, "%s", target);
    (void)snprintf(by_rule, sizeof by_rule, "%s", rule_target);
    (void)snprintf(name, sizeof name, "%s", table);
    c.consumers_count = *target != '\0';
    c.producers_count = *table != '\0';
    n = setup_roles(&c, out);
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(got);

        (void)snprintf(got + at, sizeof got - at, "%s%s", i > 0 ? " " : "", out[i].name);
    }
    assert_string_equal(got, want);
}

static void test_roles(void **state)
{
    (void)state;
    roles_are("", "", "incident", "itil");
    roles_are("incident", "", "incident", "itil personalize_choices");
    roles_are("u_custom", "", "", "itil personalize_choices");
    roles_are("event", "", "", "evt_mgmt_integration");
    roles_are("alert", "", "", "evt_mgmt_integration evt_mgmt_operator");
    roles_are("import:x_stage", "", "", "import_transformer");
    roles_are("event", "incident", "", "evt_mgmt_integration itil personalize_choices");
    roles_are("event", "", "em_alert", "evt_mgmt_integration evt_mgmt_user");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_values),
        cmocka_unit_test(test_unknown_secret), cmocka_unit_test(test_taken_over),
        cmocka_unit_test(test_copied_mark),    cmocka_unit_test(test_two_connections),
        cmocka_unit_test(test_changed_since),  cmocka_unit_test(test_roles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
