/* Rules: each kind of condition, the order of rules, what they set and where it goes. Everything is
 * read by config_load, as in the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/incident_text.h"
#include "consumers/parts.h"
#include "tests/support/alert_support.h"

static const struct version content = {.time = 1, .topic = 2, .partition = 3, .offset = 4};
static const struct stamp stamp = {.series = 5};

/* A Wednesday, 21:30 UTC, 22:30 in Berlin. */
#define FIRED INT64_C(1795642200000)

static struct alert *sample(void)
{
    struct alert *a = alert_new("azure");

    a->kind = "metric";
    a->marked = true;
    a->severity = 1;
    a->fired = a->own_time = FIRED;
    alert_set(&a->severity_text, "Sev1");
    alert_set(&a->rule, "CPU high");
    alert_set(&a->service, "Platform");
    alert_set(&a->title, "CPU high on web-1");
    alert_set(&a->description, "What: CPU\nWhere: web-1");
    alert_set(&a->series, "s");
    alert_set(&a->instance, "i");
    alert_set(&a->short_id, "guid");
    alert_add_label(a, "env", "prod");
    alert_add_label(a, "team", "Web Shop");
    alert_add_label(a, "team", "Second");
    alert_add_label(a, "empty", "");
    alert_add_target(a, "/x/web-1");
    alert_add_target(a, "/x/Web-2");
    alert_add_ci(a, "web-1");
    alert_add_ci(a, "web-2");
    return a;
}

struct fixture {
    struct config *config;
    struct rules *rules;
    struct alert *alert;
    struct ruling ruling;
    struct ruling_columns columns;
};

static struct fixture decided(const char *rules, struct alert *a)
{
    char *text = xasprintf("( { topics = [\"a\"]; fields = { caller_id = \"abel\"; "
                           "category = \"entry\"; }; rules = ( %s ); } )",
                           rules);
    struct fixture f = {.config = alert_support_config(text), .alert = a};

    f.rules = rules_new(&f.config->consumers[0]);
    rules_decide(f.rules, a, &f.ruling);
    ruling_columns(f.rules, &f.ruling, a, &f.columns);
    free(text);
    return f;
}

static void done(struct fixture *f)
{
    ruling_columns_done(&f->columns);
    ruling_done(&f->ruling);
    (void)rules_free(f->rules);
    (void)config_free(f->config);
    (void)alert_free(f->alert);
}

static bool holds(const char *condition, struct alert *a)
{
    char *text = xasprintf("{ when = ( { %s } ); }", condition);
    struct fixture f = decided(text, a);
    bool held = f.ruling.count == 1;

    done(&f);
    free(text);
    return held;
}

static void test_conditions(void **state)
{
    static const struct {
        const char *condition;
        bool holds;
    } cases[] = {
        {"field = \"rule\"; equals = \"CPU high\";", true},
        {"field = \"rule\"; equals = \"cpu high\";", false},
        {"field = \"rule\"; equals = \"cpu HIGH\"; ignore_case = true;", true},
        {"field = \"rule\"; equals = \"CPU high\"; not = true;", false},
        {"field = \"rule\"; equals = \"CPU\";", false},
        {"field = \"rule\"; one_of = [\"a\", \"CPU high\"];", true},
        {"field = \"rule\"; one_of = [\"a\", \"b\"];", false},
        {"field = \"rule\"; one_of = [\"a\", \"b\"]; not = true;", true},
        {"field = \"rule\"; prefix = \"CPU\";", true},
        {"field = \"rule\"; prefix = \"cpu\";", false},
        {"field = \"rule\"; prefix = \"cpu\"; ignore_case = true;", true},
        {"field = \"rule\"; prefix = \"CPU high on\";", false},
        {"field = \"rule\"; matches = \"^CPU .*h$\";", true},
        {"field = \"rule\"; matches = \"^cpu\";", false},
        {"field = \"rule\"; matches = \"^cpu\"; ignore_case = true;", true},
        {"field = \"severity\"; equals = \"Sev1\";", true},
        {"field = \"severity\"; at_least = \"Sev1\";", true},
        {"field = \"severity\"; at_least = \"2\";", true},
        {"field = \"severity\"; at_least = \"Sev0\";", false},
        {"field = \"severity\"; at_least = \"Sev0\"; not = true;", true},
        {"field = \"severity_text\"; equals = \"Sev1\";", true},
        {"field = \"service\"; equals = \"Platform\";", true},
        {"field = \"format\"; equals = \"azure\";", true},
        {"field = \"kind\"; one_of = [\"metric\", \"log\"];", true},
        {"field = \"state\"; equals = \"firing\";", true},
        {"field = \"state\"; equals = \"cleared\";", false},
        {"field = \"title\"; matches = \"web-[0-9]\";", true},
        {"field = \"description\"; matches = \"CPU\\nWhere\";", true},
        {"field = \"short_id\"; equals = \"guid\";", true},
        {"field = \"source\"; present = true;", false},
        {"field = \"source\"; present = true; not = true;", true},
        {"field = \"source\"; equals = \"x\"; not = true;", true},
        {"field = \"target\"; equals = \"/x/Web-2\";", true},
        {"field = \"ci\"; prefix = \"web-2\";", true},
        {"field = \"ci\"; equals = \"web-3\";", false},
        {"field = \"label.env\"; equals = \"prod\";", true},
        {"field = \"label.team\"; equals = \"Second\";", true},
        {"field = \"label.ENV\"; equals = \"prod\";", false},
        {"field = \"label.empty\"; present = true;", false},
        {"field = \"label.nothing\"; present = true;", false},
        {"field = \"label.env\"; present = true;", true},
        {"field = \"fired\"; prefix = \"2026-11-25\";", true},
        {"field = \"resolved\"; present = true;", false},
        {"field = \"time\"; present = true;", true},
        {"days = [\"wed\"];", true},
        {"days = [\"thu-tue\"];", false},
        {"days = [\"thu-tue\"]; not = true;", true},
        {"from = \"21:00\"; to = \"22:00\";", true},
        {"from = \"21:30\";", true},
        {"from = \"21:31\";", false},
        {"to = \"21:30\";", false},
        {"from = \"22:00\"; to = \"06:00\"; zone = \"+01:00\";", true},
        {"from = \"22:00\"; to = \"06:00\";", false},
        {"days = [\"thu\"]; zone = \"+03:00\";", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (holds(cases[i].condition, sample()) != cases[i].holds)
            fail_msg("%s", cases[i].condition);
}

static void test_unknown_and_absent(void **state)
{
    struct alert *a = sample();

    (void)state;
    a->severity = -1;
    assert_false(holds("field = \"severity\"; at_least = \"Sev4\";", alert_copy(a)));
    assert_false(holds("field = \"severity\"; present = true;", alert_copy(a)));
    assert_true(holds("field = \"severity\"; at_least = \"Sev4\"; not = true;", alert_copy(a)));
    /* The time of the alert itself: fire time, else its own. */
    a->fired = MSEC_NONE;
    assert_true(holds("from = \"21:30\"; to = \"21:31\";", alert_copy(a)));
    a->own_time = MSEC_NONE;
    assert_false(holds("days = [\"mon-sun\"];", alert_copy(a)));
    (void)alert_free(a);
}

/* What fires inside a window and clears outside is judged alike, or a dropped fire would leave a
 * clear behind that makes a record. */
static void test_window_of_a_clear(void **state)
{
    struct alert *a = sample();

    (void)state;
    a->state = ALERT_CLEARED;
    a->resolved = a->own_time = FIRED + INT64_C(36000000);
    assert_true(holds("from = \"21:00\"; to = \"22:00\";", alert_copy(a)));
    assert_false(holds("from = \"07:00\"; to = \"08:00\";", a));
}

static void put(char *to, const char *text)
{
    while (*text != '\0')
        *to++ = *text++;
}

/* Beyond 4096 bytes an expression does not look, and no character is cut in two. */
static void test_long_value(void **state)
{
    char *text = xcalloc(1, 6001);
    struct alert *a = sample();

    (void)state;
    memset(text, 'x', 6000);
    put(text + 4094, "\xc3\xa9");
    put(text + 4097, "end");
    alert_set(&a->title, text);
    assert_true(holds("field = \"title\"; matches = \"\xc3\xa9$\";", alert_copy(a)));
    assert_false(holds("field = \"title\"; matches = \"end\";", alert_copy(a)));
    put(text + 4094, "x\xc3\xa9");
    alert_set(&a->title, text);
    assert_true(holds("field = \"title\"; matches = \"^x+$\";", alert_copy(a)));
    (void)alert_free(a);
    free(text);
}

static const char *column(const struct fixture *f, const char *name)
{
    return json_string_value(json_object_get(f->columns.fields, name));
}

#define ALL(name_) "{ field = \"rule\"; equals = \"" name_ "\"; }"

static void test_order(void **state)
{
    struct fixture f =
        decided("{ name = \"a\"; when = ( " ALL(
                    "no") " ); category = \"a\"; },"
                          "{ name = \"b\"; continue = true; category = \"b\"; impact = 2; },"
                          "{ name = \"c\"; when = ( " ALL("CPU high") "," ALL(
                              "no") " ); category = \"c\"; },"
                                    "{ name = \"d\"; when = ( " ALL(
                                        "CPU high") " ); category = \"d\"; urgency = 3; },"
                                                    "{ name = \"e\"; category = \"e\"; }",
                sample());
    json_t *names = ruling_names(f.rules, &f.ruling);

    (void)state;
    assert_int_equal(json_array_size(names), 2);
    assert_string_equal(json_string_value(json_array_get(names, 0)), "b");
    assert_string_equal(json_string_value(json_array_get(names, 1)), "d");
    assert_string_equal(column(&f, "category"), "d");
    assert_string_equal(column(&f, "impact"), "2");
    assert_string_equal(column(&f, "urgency"), "3");
    assert_null(f.ruling.drop);
    json_decref(names);
    done(&f);
    f = decided("{ category = \"{label.env}\"; }", sample());
    assert_int_equal(f.ruling.count, 1);
    assert_string_equal(column(&f, "category"), "prod");
    done(&f);
}

static void test_actions(void **state)
{
    struct fixture f = decided(
        "{ continue = true; target = \"incident\"; template = \"T\"; individual_work_items = true;"
        "  assignment_group = \"{label.team|join:'/'}\"; default_fields = { u_x = \"{x}\"; }; },"
        "{ fields = { u_y = \"{label.none}\"; assignment_group = \"G\"; }; }",
        sample());

    (void)state;
    assert_string_equal(f.ruling.target, "incident");
    assert_string_equal(f.ruling.template, "T");
    assert_true(f.ruling.individual);
    assert_string_equal(column(&f, "assignment_group"), "G");
    assert_string_equal(column(&f, "u_y"), "");
    assert_string_equal(json_string_value(json_object_get(f.columns.presets, "u_x")), "{x}");
    done(&f);
    f = decided("{ drop = true; name = \"gone\"; when = ( " ALL("CPU high") " ); }, "
                                                                            "{ category = \"x\"; }",
                sample());
    assert_string_equal(f.ruling.drop->name, "gone");
    assert_int_equal(f.ruling.count, 1);
    done(&f);
    f = decided("{ work_item_type = \"Incident\"; }", sample());
    assert_string_equal(f.ruling.target, "incident");
    done(&f);
    rules_decide(NULL, NULL, &f.ruling);
    assert_int_equal(f.ruling.count, 0);
    ruling_done(&f.ruling);
}

static struct incident_context context_of(const struct fixture *f)
{
    struct incident_context x = alert_support_context(&f->config->consumers[0]);

    x.rules = f->rules;
    x.contact_type = "monitoring";
    x.cmdb_ci = "found";
    return x;
}

#define IS(column_, text_) assert_string_equal(alert_support_column(body, column_), text_)

static void test_body(void **state)
{
    struct fixture f = decided(
        "{ fields = { short_description = \"{severity}: {title}\"; description = \"Only this\";"
        "    category = \"{kind}\"; contact_type = \"\"; cmdb_ci = \"{ci|cut:5}\"; u_l = \"{ci}\"; "
        "};"
        "  default_fields = { caller_id = \"nobody\"; u_p = \"preset\"; short_description = "
        "\"no\"; };"
        "  impact = 3; }",
        sample());
    struct incident_context x = context_of(&f);
    json_t *body = incident_create(&x, f.alert, 0, &content, &stamp);
    struct version back;

    (void)state;
    IS("short_description", "Sev1: CPU high on web-1");
    IS("category", "metric");
    IS("caller_id", "abel");
    IS("u_p", "preset");
    IS("cmdb_ci", "web-1");
    IS("u_l", "web-1, web-2");
    IS("impact", "3");
    IS("urgency", "1");
    IS("state", "1");
    assert_null(json_object_get(body, "contact_type"));
    assert_non_null(strstr(alert_support_column(body, "description"), "Only this\n"));
    assert_null(strstr(alert_support_column(body, "description"), "Where: web-1"));
    assert_int_equal(version_parse(alert_support_column(body, "description"), &back), 0);
    json_decref(body);
    /* An update keeps the content of the rule and leaves alone what people may have changed. */
    body = incident_update(&x, f.alert, 0, &content);
    IS("short_description", "Sev1: CPU high on web-1");
    IS("impact", "3");
    assert_non_null(strstr(alert_support_column(body, "description"), "Only this\n"));
    assert_null(json_object_get(body, "category"));
    assert_null(json_object_get(body, "caller_id"));
    assert_null(json_object_get(body, "cmdb_ci"));
    json_decref(body);
    done(&f);
}

static void test_cut(void **state)
{
    char *text = xcalloc(1, 9001);
    struct alert *a = sample();
    struct fixture f;
    struct incident_context x;
    json_t *body;

    (void)state;
    memset(text, 'y', 9000);
    alert_add_label(a, "long", text);
    alert_add_label(a, "lines", "one\r\n[itsm-bridge 1.2.3.4]\ttwo");
    f = decided("{ fields = { short_description = \"{label.long}\"; u_a = \"{label.long}\";"
                " comments = \"a\\nb\"; u_b = \"a\\nb {label.lines}\";"
                " description = \"{label.lines}\"; }; }",
                a);
    x = context_of(&f);
    body = incident_create(&x, a, 0, &content, &stamp);
    assert_int_equal(strlen(alert_support_column(body, "short_description")), 160);
    assert_string_equal(alert_support_column(body, "short_description") + 157, "...");
    assert_int_equal(strlen(alert_support_column(body, "u_a")), 4000);
    IS("comments", "a\nb");
    IS("u_b", "a b one [itsm-bridge 1.2.3.4] two");
    assert_non_null(
        strstr(alert_support_column(body, "description"), "one [itsm-bridge 1.2.3.4] two\n"));
    json_decref(body);
    done(&f);
    free(text);
}

static void test_parts(void **state)
{
    struct config *c = alert_support_config("( { topics = [\"a\"]; rules = ( { when = ( { field = "
                                            "\"label.off\"; present = true; } ); },"
                                            " { individual_work_items = true; } ); } )");
    struct rules *r = rules_new(&c->consumers[0]);
    json_t *json = alert_support_sample("test-metric-static"), *essentials, *ids;
    struct alerts list = {0};
    struct keys keys[2];
    struct message m;
    struct err e;
    char *text;

    (void)state;
    essentials = json_object_get(json_object_get(json, "data"), "essentials");
    ids = json_pack("[s, s, s]", "/p/q/VM-1", "/p/q/vm-2", "/p/q/vm-1");
    (void)json_object_set_new(essentials, "alertTargetIDs", ids);
    (void)json_object_set_new(essentials, "configurationItems", json_pack("[s, s]", "vm-1", "?"));
    text = json_dumps(json, JSON_COMPACT);
    m = alert_support_message(text, strlen(text));
    assert_int_equal(parts_decode(&c->consumers[0], r, &m, &list, &e), DECODE_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0]->part, "/p/q/vm-1");
    assert_string_equal(list.items[0]->resource, "/p/q/VM-1");
    assert_string_equal(list.items[1]->part, "/p/q/vm-2");
    assert_int_equal(list.items[1]->targets_count, 1);
    assert_int_equal(list.items[0]->ci_names_count, 1);
    assert_string_equal(list.items[0]->ci_names[0], "vm-1");
    assert_string_equal(list.items[1]->ci_names[0], "vm-2");
    for (size_t i = 0; i < 2; i++)
        identity_keys(list.items[i], "", "incident", 0, &keys[i]);
    assert_string_not_equal(keys[0].sys_id, keys[1].sys_id);
    assert_string_not_equal(keys[0].correlation_id, keys[1].correlation_id);
    assert_true(keys[0].series != keys[1].series);
    assert_string_equal(list.items[0]->instance, list.items[1]->instance);
    alerts_done(&list);
    assert_int_equal(parts_decode(&c->consumers[0], NULL, &m, &list, &e), DECODE_OK);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0]->part, "");
    alerts_done(&list);
    free(text);
    json_decref(json);
    (void)rules_free(r);
    (void)config_free(c);
}

/* So many targets that looking for repeats among them would take long: they stay together. */
static void test_too_many_parts(void **state)
{
    struct config *c = alert_support_config(
        "( { topics = [\"a\"]; rules = ( { individual_work_items = true; } ); } )");
    struct rules *r = rules_new(&c->consumers[0]);
    json_t *json = alert_support_sample("test-metric-static"), *ids = json_array();
    struct alerts list = {0};
    struct message m;
    struct err e;
    char *text;

    (void)state;
    for (int i = 0; i < 1001; i++) {
        char id[20];

        (void)snprintf(id, sizeof id, "/p/vm-%d", i);
        (void)json_array_append_new(ids, json_string(id));
    }
    (void)json_object_set_new(json_object_get(json_object_get(json, "data"), "essentials"),
                              "alertTargetIDs", ids);
    text = json_dumps(json, JSON_COMPACT);
    m = alert_support_message(text, strlen(text));
    assert_int_equal(parts_decode(&c->consumers[0], r, &m, &list, &e), DECODE_OK);
    assert_int_equal(list.count, 1);
    assert_non_null(strstr(list.items[0]->notes[list.items[0]->notes_count - 1], "1000"));
    alerts_done(&list);
    free(text);
    json_decref(json);
    (void)rules_free(r);
    (void)config_free(c);
}

static void test_description_for_people(void **state)
{
    struct fixture f = decided(
        "{ name = \"x\"; continue = true; when = ( { field = \"severity\"; at_least = \"Sev2\"; },"
        " { field = \"label.env\"; one_of = [\"prod\", \"qa\"]; not = true; } ); },"
        "{ name = \"y\"; continue = true; when = ( { days = [\"wed\"]; to = \"23:00\"; },"
        " { field = \"ci\"; present = true; } ); on_clear = \"note\"; clear_delay_s = 60;"
        " refire = \"reopen\"; reopen_within_h = 8; note_every_min = 10;"
        " expire_h = 0; category = \"{kind}\"; "
        "fields = { u_x = \"\"; }; "
        "},"
        "{ name = \"z\"; drop = true; }",
        sample());
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    ruling_describe(f.rules, &f.ruling, f.alert, &b);
    assert_string_equal(buf_text(&b),
                        "  y, because fired wed from 00:00 to 23:00 UTC and ci present\n"
                        "    on_clear = \"note\"\n    clear_delay_s = 60\n"
                        "    refire = \"reopen\"\n    reopen_within_h = 8\n"
                        "    note_every_min = 10\n    expire_h = 0\n"
                        "    category = \"metric\"\n    u_x is left out\n    continues\n"
                        "  z, because it has no condition\n    drops the alert\n");
    buf_done(&b);
    done(&f);
}

/* ---------------------------------------------------------------- life */

static const struct config_life *life_of(struct fixture *f)
{
    return rules_life(f->rules, &f->ruling);
}

/* What a rule sets is put over the entry's; of two rules that set the same, the later one wins. */
static void test_life(void **state)
{
    struct fixture f = decided(
        "{ continue = true; on_clear = \"note\"; clear_delay_s = 60; refire = \"reopen\"; },"
        "{ continue = true; on_clear = \"nothing\"; reopen_within_h = 2; },"
        "{ on_clear = \"resolve\"; when = ( { field = \"kind\"; equals = \"log\"; } ); },"
        "{ clear_delay_s = 0; note_every_min = 5; "
        "when = ( { field = \"kind\"; equals = \"metric\"; } ); }, { refire = \"note\"; }",
        sample());
    const struct config_life *life = life_of(&f);

    (void)state;
    assert_non_null(life);
    assert_int_equal(life->on_clear, ON_CLEAR_NOTHING);
    assert_int_equal(life->clear_delay, 0);
    assert_int_equal(life->refire, REFIRE_REOPEN);
    assert_int_equal(life->reopen_within, 2 * 3600000);
    assert_int_equal(life->note_every, 300 * USEC_S);
    assert_true(rules_reopen(f.rules));
    assert_true(rules_delay(f.rules));
    done(&f);
}

/* A rule that sets nothing of the life leaves the entry's, whatever else it sets; what one rule
 * sets leaves all else as the entry has it. */
static void test_life_of_the_entry(void **state)
{
    struct fixture f = decided("{ category = \"x\"; when = ( { field = \"kind\"; equals = "
                               "\"metric\"; } ); }, { on_clear = \"note\"; }",
                               sample());

    (void)state;
    assert_int_equal(f.ruling.count, 1);
    assert_null(life_of(&f));
    assert_false(rules_reopen(f.rules));
    assert_false(rules_delay(f.rules));
    done(&f);
    f = decided("{ note_every_min = 5; }", sample());
    ((struct config_consumer *)(uintptr_t)&f.config->consumers[0])->life.refire = REFIRE_NOTE;
    assert_int_equal(life_of(&f)->on_clear, ON_CLEAR_RESOLVE);
    assert_int_equal(life_of(&f)->refire, REFIRE_NOTE);
    assert_int_equal(life_of(&f)->reopen_within, 24 * 3600000);
    done(&f);
    /* What people are to end does not end by itself, whatever the entry says. */
    f = decided("{ continue = true; expire_h = 3; }, { on_clear = \"note\"; }", sample());
    assert_int_equal(life_of(&f)->expire, 0);
    done(&f);
    f = decided("{ continue = true; on_clear = \"note\"; }, { on_clear = \"resolve\"; "
                "expire_h = 3; }",
                sample());
    assert_int_equal(life_of(&f)->expire, 3 * 3600000);
    done(&f);
}

/* Alerts for which different rules make the same of it share one life: as many as there are
 * different ones, and they stay where they are. */
static void test_lives_are_shared(void **state)
{
    const struct config_life *seen[8] = {NULL};
    struct fixture f =
        decided("{ name = \"a\"; continue = true; on_clear = \"note\"; when = ( { field = "
                "\"label.a\"; present = true; } ); },"
                "{ name = \"b\"; continue = true; note_every_min = 5; when = ( { field = "
                "\"label.b\"; present = true; } ); },"
                "{ name = \"c\"; on_clear = \"note\"; when = ( { field = \"label.c\"; "
                "present = true; } ); }",
                sample());

    (void)state;
    for (int round = 0; round < 2; round++)
        for (unsigned set = 0; set < 8; set++) {
            struct alert *a = sample();
            struct ruling g;

            for (unsigned k = 0; k < 3; k++)
                if ((set & (1u << k)) != 0)
                    alert_add_label(a, (const char *[]){"a", "b", "c"}[k], "x");
            rules_decide(f.rules, a, &g);
            if (round == 0)
                seen[set] = rules_life(f.rules, &g);
            else
                assert_ptr_equal(rules_life(f.rules, &g), seen[set]);
            ruling_done(&g);
            (void)alert_free(a);
        }
    assert_null(seen[0]);
    for (unsigned set = 1; set < 8; set++)
        assert_ptr_equal(seen[set], seen[set & 4 ? (set & 2) | 1 : set]);
    assert_ptr_not_equal(seen[1], seen[2]);
    assert_ptr_not_equal(seen[1], seen[3]);
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_unknown_and_absent),
        cmocka_unit_test(test_window_of_a_clear),
        cmocka_unit_test(test_long_value),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_too_many_parts),
        cmocka_unit_test(test_description_for_people),
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_life_of_the_entry),
        cmocka_unit_test(test_lives_are_shared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
