/* The mapping language: paths, texts with holes, filters, times, secrets, and the faults that a
 * file may have. What whole formats make of messages is in test_format_cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/mapping/mapping_program.h"
#include "consumers/shipped.h"
#include "tests/support/alert_support.h"

static const char message_text[] =
    "{\"name\":\"CPU\",\"empty\":\"\",\"null\":null,\"n\":3,\"real\":0.1,\"yes\":true,"
    "\"url\":\"https://host.example:9100/x?y\",\"long\":\"a.b.c\",\"html\":\"<p>A &amp; B</p>\","
    "\"labels\":{\"b\":\"2\",\"a\":\"1\"},\"list\":[1,\"two\",{\"k\":\"v\"},null],"
    "\"pairs\":[{\"name\":\"x\",\"value\":\"1\"},{\"name\":\"y\",\"value\":2}],"
    "\"odd name\":{\"deep.er\":\"odd\"},\"deep\":[[{\"v\":\"p\"}],[{\"v\":\"q\"},{\"v\":\"r\"}]],"
    "\"when\":\"2026-05-04T12:00:00+02:00\",\"o\":{\"api_key\":\"s\",\"k\":1},\"none\":{}}";

struct bench {
    json_t *message;
    struct mapping mapping;
    struct map_fill fill;
    struct alert *alert;
};

static void set_up(struct bench *b)
{
    *b = (struct bench){.message = json_loads(message_text, 0, NULL), .alert = alert_new("test")};
    assert_non_null(b->message);
    b->fill = (struct map_fill){.scope = {.item = b->message, .message = b->message},
                                .mapping = &b->mapping,
                                .alert = b->alert};
}

static void tear_down(struct bench *b)
{
    (void)alert_free(b->alert);
    json_decref(b->message);
}

static void check_fill(struct bench *b, const char *text, const char *want)
{
    struct map_template t;
    struct err e;
    char *have;

    if (map_template_parse(text, &t, &e) != 0)
        fail_msg("%s: %s", text, e.text);
    have = map_template_text(&t, &b->fill);
    if (strcmp(have, want) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", text, have, want);
    free(have);
    map_template_done(&t);
}

static void texts_are_filled(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"constant", "constant"},
        {"{name}", "CPU"},
        {"{n} {real} {yes}", "3 0.1 true"},
        {"{empty}{null}{nothing}", ""},
        {"all {empty} constant", ""},
        {"{nothing, null, empty, name}", "CPU"},
        {"{ nothing , name }", "CPU"},
        {"{name}[ on {nothing}]", "CPU"},
        {"{name}[ on {n}]", "CPU on 3"},
        {"[{nothing}: ]{name}", "CPU"},
        {"{{{name}}} [[x]]", "{CPU} [x]"},
        {"{labels.a}{labels.b}", "12"},
        {"{'odd name'.'deep.er'}", "odd"},
        {"{list[1]} {list[0]}", "two 1"},
        {"{list[9]}", ""},
        {"{list[*]}", "1, two"},
        {"{list[*]|join:'+'}", "1+two"},
        {"{deep[*][*].v}", "p, q, r"},
        {"{deep[1][0].v}", "q"},
        {"{pairs[name=y].value}", "2"},
        {"{pairs[name=z].value}", ""},
        {"{$.name}", "CPU"},
        {"{@topic}", ""},
        {"{name.deeper}{list.x}{labels[0]}", ""},
        {"{name|lower}", "cpu"},
        {"{name|lower|upper}", "CPU"},
        {"{name|cut:2}", "CP..."},
        {"{name|cut:3}", "CPU"},
        {"{long|first:'.'}", "a"},
        {"{long|last:'.'}", "c"},
        {"{long|last:'x'}", "a.b.c"},
        {"{long|after:'.'}", "b.c"},
        {"{long|after:'x'}", ""},
        {"{url|host}", "host.example"},
        {"{html|plain}", "A & B"},
        {"{when|time}", "2026-05-04T10:00:00.000Z"},
        {"{name|time}", ""},
        {"{nothing|default:'d'}", "d"},
        {"{nothing|or:'d'}", "d"},
        {"{name|or:'d'}", "CPU"},
        {"{nothing|or:\"q\"|upper}", "Q"},
        {"{list|count} {labels|count} {pairs|count}", "4 2 2"},
        {"{labels|json}", "{\"b\":\"2\",\"a\":\"1\"}"},
        {"{o|json}", "{\"k\":1}"},
        {"{name|json}", "CPU"},
        {"{none|digest}", ""},
        /* printf 'a\0001\000b\0002\000' | sha256sum */
        {"{labels|digest}", "37664b19301f46515688d5a22cb9ee1852e0b6443e28c7f36340a13962f0c4f7"},
        {"{name|digest}", "db9a4c7d4c195ebf80068dd04120accce1cbfbef342bb43a53cbd651eb96e37b"},
    };
    struct bench b;

    (void)state;
    set_up(&b);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_fill(&b, cases[i].text, cases[i].want);
    assert_int_equal(b.alert->notes_count, 1); /* default alone says so */
    assert_string_equal(b.alert->notes[0], "nothing is not told: taken as \"d\"");
    check_fill(&b, "{labels}", "");
    assert_string_equal(b.alert->notes[1], "labels is an object, not a single value: left out");
    tear_down(&b);
}

/* Identities say which hole is empty or of another type, and are never cut. */
static void strict_texts_say_what_is_missing(void **state)
{
    struct map_template missing, wrong; /* what is said points into them */
    struct bench b;
    struct err e;

    (void)state;
    set_up(&b);
    b.fill.strict = true;
    check_fill(&b, "{name}{nothing|optional}", "CPU");
    assert_null(b.fill.missing);
    assert_int_equal(map_template_parse("{name}{nothing|lower}", &missing, &e), 0);
    free(map_template_text(&missing, &b.fill));
    assert_string_equal(b.fill.missing, "nothing|lower");
    assert_null(b.fill.wrong);
    assert_int_equal(map_template_parse("{labels}", &wrong, &e), 0);
    free(map_template_text(&wrong, &b.fill));
    assert_string_equal(b.fill.wrong, "labels");
    assert_string_equal(b.fill.wrong_type, "an object");
    assert_int_equal(b.alert->notes_count, 0);
    map_template_done(&missing);
    map_template_done(&wrong);
    tear_down(&b);
}

static void bad_texts_are_refused(void **state)
{
    static const char *const bad[] = {
        "{",
        "}",
        "{}",
        "{name",
        "{name|}",
        "{name|nope}",
        "{name|cut}",
        "{name|cut:}",
        "{name|cut:0}",
        "{name|cut:x}",
        "{name|or:x}",
        "{name|or:'x}",
        "{name,}",
        "{.name.}",
        "{a[}",
        "{a[x]}",
        "{a[-1]}",
        "{a[1}",
        "{'a}",
        "{''}",
        "[a",
        "a]",
        "[a[b]]c]",
        "{a b}",
        "{a|first}",
        "{a|default:''}",
        "{a[12345678]}",
        "{a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct map_template t;
        struct err e = {0};

        if (map_template_parse(bad[i], &t, &e) == 0)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(e.class, ERR_CONFIG);
        assert_true(e.text[0] != '\0');
    }
}

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        msec_t want; /* 0: no time */
    } cases[] = {
        {"1499368214", 1499368214000},
        {"1499368214.25", 1499368214250},
        {"1369757346267", 1369757346267},
        {"1369757346267123", 1369757346267},
        {"1369757346267123456", 1369757346267},
        {"2019-05-13T08:41:43.548+0000", 1557736903548},
        {"2015-03-09T02:30:58.027602-0600", 1425889858027},
        {"2020-09-04 03:06:11", 1599188771000},
        {"Mon, 13 May 2019 08:41:43 GMT", 1557736903000},
        {"3/22/2019 1:36:31 PM", 1553261791000},
        {"0001-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00Z", 0},
        {"0", 0},
        {"-5", 0},
        {"", 0},
        {"soon", 0},
        {"99999999999999999999", 0},
        {"12x", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        msec_t ms = 0;
        int rc = map_time_parse(cases[i].text, &ms);

        if (ms != cases[i].want || (rc == 0) != (cases[i].want != 0))
            fail_msg("%s: %lld", cases[i].text, (long long)ms);
    }
}

static void hosts_are_found(void **state)
{
    static const char *const cases[][2] = {
        {"host", "host"},
        {"host:80", "host"},
        {"http://host/x", "host"},
        {"[::1]:80", "::1"},
        {"https://[fe80::1]/", "fe80::1"},
        {"fe80::1", "fe80::1"},
        {"ftp://h:1/a:b", "h"},
        {"/path", ""},
    };
    struct bench b;

    (void)state;
    set_up(&b);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)json_object_set_new(b.message, "h", json_string(cases[i][0]));
        check_fill(&b, "{h|host}", cases[i][1]);
    }
    tear_down(&b);
}

static void secrets_are_known_by_name(void **state)
{
    static const char *const secret[] = {
        "password", "DB_PASSWORD",  "client-secret", "apiKey",    "api key", "routing_key",
        "Claims",   "X-Auth-Token", "access_token",  "setCookie", "mine",
    };
    static const char *const open[] = {"key", "token_count", "pass", "signature", "author", "name"};
    char *mine[] = {secret[10] != NULL ? xstrdup("mine") : NULL};
    struct mapping m = {.never = {.items = mine, .count = 1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(secret); i++)
        if (!map_is_secret(&m, secret[i]))
            fail_msg("%s is no secret", secret[i]);
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        if (map_is_secret(&m, open[i]))
            fail_msg("%s is a secret", open[i]);
    free(mine[0]);
}

#define GOOD "name=\"a\"; series=[\"{id}\"]; state={otherwise=\"firing\";}; title=\"{t}\";"

/* Each fault names the file, the line, the key, what is wrong. */
static void faults_are_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"name = ;", "f.cfg:1: syntax error"},
        {"a=1;\nname = \"a;\n", "f.cfg:2: a text begins here and does not end"},
        {"\n\nnam = \"a\";\n" GOOD, "f.cfg:3: nam: is no key that is known here"},
        {"series=[\"{id}\"]; state={otherwise=\"firing\";}; title=\"t\";", "`name` is missing"},
        {"name=\"A b\"; series=[\"{id}\"]; state={otherwise=\"firing\";}; title=\"t\";",
         "name: must be 1 to 60 of the characters"},
        {"name=\"a\"; state={otherwise=\"firing\";}; title=\"t\";", "`series` is missing"},
        {"name=\"a\"; series=[]; state={otherwise=\"firing\";}; title=\"t\";", "`series` is empty"},
        {"name=\"a\"; series=[\"{id}\"]; title=\"t\";", "`state` is missing"},
        {"name=\"a\"; series=[\"{id}\"]; state={otherwise=\"firing\";};", "`title` is missing"},
        {GOOD "rule=\"{x\";", "rule: a hole is not closed by }"},
        {GOOD "rule=7;", "rule: is no text; put it in quotes"},
        {GOOD "rule=\"{api_key}\";", "rule: \"api_key\" is the name of a secret"},
        {GOOD "rule=\"{claims.x}\";", "rule: \"claims\" is the name of a secret"},
        {GOOD "never=[\"pin\"]; rule=\"{pin}\";", "\"pin\" is the name of a secret"},
        {GOOD "series_digest=1;", "series_digest: must be true or false"},
        {GOOD "each=\"a b\";", "each: a path ends at \" b\""},
        {GOOD "per=\"day\";", "per: must be \"alert\" or \"group\""},
        {GOOD "unpack=[\"a[*]\"];", "unpack: must be paths of one member each"},
        {GOOD "when=\"x\";", "when: must be a list in round brackets"},
        {GOOD "when=({is=\"x\";});", "has no `at`"},
        {GOOD "when=({at=\"x\";});", "wants exactly one of is, has, missing"},
        {GOOD "when=({at=\"x\"; is=\"a\"; has=true;});", "wants exactly one of is, has, missing"},
        {GOOD "when=({at=\"x\"; has=false;});", "has: can only be true"},
        {GOOD "when=({at=\"x\"; type=\"string\";});", "a type is one of object, array"},
        {GOOD "severity={sev0=[\"x\"];};", "severity: has no `of`"},
        {GOOD "severity={of=\"{s}\"; sev5=[\"x\"];};", "sev5: is no key that is known here"},
        {GOOD "severity={of=\"{s}\"; otherwise=\"bad\";};", "otherwise: must be one of \"sev0\""},
        {GOOD "labels=(\"x\");", "must read \"Name: text\""},
        {GOOD "labels=({name=\"x\";});", "wants `all`, or `name` and `value`"},
        {GOOD "labels=(\"Key: {api_key}\");", "\"api_key\" is the name of a secret"},
        {GOOD "sections=({heading=\"h\";});", "wants `heading` and `lines`"},
        {GOOD "shapes=();", "shapes: must be a list of 1 to 50 groups"},
        {GOOD "shapes=(1);", "a shape must be a group"},
        {"name=\"a\"; series=[\"{id}\"]; state=({at=\"x\"; is=\"y\";}); title=\"t\";",
         "has no `then`"},
        {"name=\"a\"; series=[\"{id}\"]; state=({then=\"open\";}); title=\"t\";",
         "then: must be one of \"firing\", \"cleared\", \"note\""},
        {"name=\"a\"; series=[\"{id}\"]; state=(); title=\"t\";", "state: has no case"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config_errors errors = {0};
        struct mapping *m = mapping_new("f.cfg", cases[i].text, false, &errors);
        bool found = false;

        for (size_t k = 0; k < errors.count; k++)
            found = found || strstr(errors.items[k].text, cases[i].says) != NULL;
        if (m != NULL || !found || strncmp(errors.items[0].text, "f.cfg:", 6) != 0)
            fail_msg("%s: %s", cases[i].text, errors.count > 0 ? errors.items[0].text : "taken");
        config_errors_done(&errors);
    }
}

static void every_fault_at_once(void **state)
{
    struct config_errors errors = {0};

    (void)state;
    assert_null(mapping_new(
        "f.cfg", "name=\"a\"; series=[\"{id\"];\nstate=7;\ntitle=\"{}\";\nfoo=1;", false, &errors));
    assert_int_equal(errors.count, 4);
    assert_non_null(strstr(errors.items[0].text, "f.cfg:4: foo"));
    config_errors_done(&errors);
}

static void shipped_mappings_are_sound(void **state)
{
    struct config_errors errors = {0};

    (void)state;
    assert_true(shipped_mappings_count >= 12);
    for (size_t i = 0; i < shipped_mappings_count; i++) {
        struct mapping *m =
            mapping_new(shipped_mappings[i].file, shipped_mappings[i].text, true, &errors);

        if (m == NULL)
            fail_msg("%s", errors.items[0].text);
        assert_string_not_equal(mapping_format(m), "");
        (void)mapping_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_filled),
        cmocka_unit_test(strict_texts_say_what_is_missing),
        cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(hosts_are_found),
        cmocka_unit_test(secrets_are_known_by_name),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(every_fault_at_once),
        cmocka_unit_test(shipped_mappings_are_sound),
    };

    return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
