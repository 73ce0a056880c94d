/* Whatever a mapping file and a message hold: no crash, bounded work and size, the same result each
 * time, bodies that are JSON, and no secret in them. Seeds are fixed; MAPPING_FUZZ_S=60 in the
 * environment goes on for so many seconds, from a seed of its own that is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/clock.h"
#include "bridge/base/rand.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/formats.h"
#include "consumers/mapping/mapping_program.h"
#include "consumers/shipped.h"
#include "tests/support/alert_support.h"

#define ROUNDS   1500
#define WORK_MAX (5 * USEC_S) /* of one message; it takes milliseconds, the machine may be busy */
#define SECRET   "hunter2hunter2"

/* libconfig 1.5 leaks the text that it was reading when a file turns out to be none. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

static const char *const words[] = {
    "labels",    "alerts",   "status",   "firing",      "resolved", "startsAt",  "name",
    "value",     "data",     "context",  "id",          "message",  "state",     "severity",
    "a",         "source",   "groupKey", "annotations", "Message",  "AlarmName", "event_action",
    "dedup_key", "incident",
};

static const char *word(struct rand *r)
{
    return words[rand_between(r, 0, (int64_t)ARRAY_LEN(words) - 1)];
}

static json_t *random_text(struct rand *r)
{
    static const char *const texts[] = {
        "firing",
        "resolved",
        "2026-05-04T10:00:00Z",
        "",
        "critical",
        "\xc3\xa9\xf0\x9f\x98\x80",
        "http://x.example/y",
        "javascript:x",
        "1499368214",
        "{\"a\":[1]}",
        "a\r\nb\x01\t",
        "<p>x",
    };
    char *text;
    json_t *json;

    if (rand_between(r, 0, 3) > 0)
        return json_string(texts[rand_between(r, 0, (int64_t)ARRAY_LEN(texts) - 1)]);
    text = xasprintf("%s%lld", word(r), (long long)rand_between(r, 0, 9));
    json = json_string(text);
    free(text);
    return json;
}

static json_t *random_json(struct rand *r, int depth)
{
    json_t *json;

    switch (rand_between(r, depth > 0 ? 0 : 3, 8)) {
    case 0:
    case 1:
        json = json_object();
        for (int64_t n = rand_between(r, 0, 6); n > 0; n--)
            (void)json_object_set_new(json, word(r), random_json(r, depth - 1));
        (void)json_object_set_new(json, "db_password", json_string(SECRET));
        return json;
    case 2:
        json = json_array();
        for (int64_t n = rand_between(r, 0, 4); n > 0; n--)
            (void)json_array_append_new(json, random_json(r, depth - 1));
        return json;
    case 3:
        return json_integer((json_int_t)rand_next(r));
    case 4:
        return json_real((double)rand_between(r, -1000, 1000) / 7);
    case 5:
        return rand_between(r, 0, 1) ? json_true() : json_null();
    default:
        return random_text(r);
    }
}

/* Some of the file's text in another place, another character, or a piece left out. */
static char *mutated(struct rand *r, const char *text)
{
    size_t length = strlen(text);
    char *work = xmalloc(length + 1);

    memcpy(work, text, length + 1);
    for (int64_t n = rand_between(r, 0, 4); n > 0 && length > 40; n--) {
        size_t at = (size_t)rand_between(r, 0, (int64_t)length - 30);
        size_t from = (size_t)rand_between(r, 0, (int64_t)length - 30);
        size_t span = (size_t)rand_between(r, 1, 20);

        if (rand_between(r, 0, 2) == 0)
            work[at] = "{}[]|'\".,*$@;"[rand_between(r, 0, 12)];
        else if (rand_between(r, 0, 1) == 0)
            memmove(work + at, work + from, span);
        else
            memmove(work + at, work + at + span, length + 1 - at - span);
        length = strlen(work);
    }
    return work;
}

/* Puts a value (taken) where the path leads, making objects on the way; plain paths only. */
static void put(json_t *from, const struct map_path *p, json_t *value)
{
    json_t *at = from;

    for (size_t k = 0; k < p->count; k++) {
        json_t *next;

        if (p->steps[k].kind != STEP_NAME || !json_is_object(at))
            break;
        if (k + 1 == p->count) {
            (void)json_object_set(at, p->steps[k].name, value);
            break;
        }
        next = json_object_get(at, p->steps[k].name);
        if (!json_is_object(next)) {
            next = json_object();
            (void)json_object_set_new(at, p->steps[k].name, next);
        }
        at = next;
    }
    json_decref(value);
}

static void put_holes(json_t *item, const struct map_template *t, struct rand *r)
{
    for (size_t i = 0; i < t->count; i++)
        for (size_t k = 0; k < t->pieces[i].paths_count; k++)
            put(item, &t->pieces[i].paths[k],
                rand_between(r, 0, 9) > 0 ? json_string("2026-05-04T10:00:00Z")
                                          : random_json(r, 2));
}

static void put_state(json_t *item, const struct map_words *w, struct rand *r)
{
    for (size_t i = 0; i < w->of.count && w->count > 0; i++)
        if (w->of.pieces[i].paths_count > 0)
            put(item, &w->of.pieces[i].paths[0],
                json_string(w->items[rand_between(r, 0, (int64_t)w->count - 1)].word));
}

static json_t *likely_item(struct rand *r, const struct map_shape *s)
{
    json_t *item = json_object();

    (void)json_object_update_new(item, random_json(r, 4));
    for (size_t i = 0; i < s->series.count; i++)
        put_holes(item, &s->series.items[i], r);
    for (size_t i = 0; i < s->instance.count; i++)
        put_holes(item, &s->instance.items[i], r);
    put_state(item, &s->state, r);
    return item;
}

static json_t *wanted(struct rand *r, const struct map_test *t)
{
    if (t->kind == TEST_HAS)
        return random_text(r);
    if (t->kind != TEST_TYPE)
        return json_string(t->words.items[0]);
    return strcmp(t->words.items[0], "array") == 0
               ? json_pack("[o, o]", random_json(r, 3), random_json(r, 3))
               : json_pack("{s:o}", word(r), random_json(r, 2));
}

/* A message that the shape may well take: what it looks for is put in its place. */
static json_t *likely_message(struct rand *r, const struct map_shape *s)
{
    json_t *message = likely_item(r, s);

    for (size_t i = 0; i < s->when.count; i++) {
        const struct map_path *p = &s->when.items[i].at;

        if (s->when.items[i].kind == TEST_MISSING)
            put(message, p, json_null());
        else
            put(message, p, wanted(r, &s->when.items[i]));
    }
    if (s->has_each && s->each.count > 0)
        put(message, &s->each,
            rand_between(r, 0, 3) > 0
                ? json_pack("[o, o, o]", likely_item(r, s), likely_item(r, s), likely_item(r, s))
                : likely_item(r, s));
    return message;
}

/* No message makes a column of its own (promise 9). */
static void check_columns(json_t *body)
{
    static const char *const columns[] = {
        "sys_id",
        "correlation_id",
        "correlation_display",
        "short_description",
        "description",
        "impact",
        "urgency",
        "state",
        "caller_id",
        "contact_type",
        "cmdb_ci",
    };
    const char *name;
    json_t *value;

    json_object_foreach (body, name, value) {
        bool known = false;

        for (size_t i = 0; i < ARRAY_LEN(columns); i++)
            known = known || strcmp(columns[i], name) == 0;
        if (!known)
            fail_msg("column %s", name);
        assert_true(json_is_string(value));
    }
}

static void check_body(const struct config_consumer *c, const struct alert *a)
{
    struct incident_context x = alert_support_context(c);
    struct version v = {.topic = 1};
    struct stamp stamp = {.version = v};
    json_t *body = incident_create(&x, a, 1, &v, &stamp);
    char *text = json_dumps(body, JSON_COMPACT);

    assert_non_null(text);
    assert_true(strlen(text) < (size_t)64 * 1024);
    assert_non_null(json_object_get(body, "description"));
    assert_null(strstr(text, SECRET));
    check_columns(body);
    free(text);
    json_decref(body);
}

/* Results must not differ: an alert that is let go is decoded again from the same bytes. */
static void check_again(const struct config_consumer *c, const struct message *m,
                        const struct alerts *first)
{
    struct alerts again = {0};

    assert_int_equal(decode_message(c, m, &again, NULL), DECODE_OK);
    assert_int_equal(again.count, first->count);
    for (size_t i = 0; i < again.count; i++) {
        assert_string_equal(again.items[i]->series, first->items[i]->series);
        assert_string_equal(again.items[i]->instance, first->items[i]->instance);
        assert_string_equal(again.items[i]->description, first->items[i]->description);
    }
    alerts_done(&again);
}

/* Around the message whatever may stand there, right or nearly so: new. */
static char *wrapped(struct rand *r, json_t *message, size_t *ret_length)
{
    char *plain = json_dumps(message, JSON_COMPACT), *text;
    json_t *outer;

    switch (rand_between(r, 0, 6)) {
    case 0:
        text = xmalloc(strlen(plain) + 6);
        memset(text, 0, 5);
        memcpy(text + 5, plain, strlen(plain) + 1);
        *ret_length = strlen(plain) + 5 - (size_t)rand_between(r, 0, 6) / 6;
        free(plain);
        return text;
    case 1:
        outer = json_pack("{s:s, s:s, s:s, s:s, s:O}", "specversion", "1.0", "id", "1", "source",
                          "/x", "type", "t", "data", message);
        break;
    case 2:
        outer = json_pack("{s:s, s:s, s:s, s:s, s:s}", "specversion", "1.0", "id", "1", "source",
                          "/x", "type", "t", "data_base64", plain + rand_between(r, 0, 1));
        break;
    case 3:
        outer = json_pack("[{s:[O, O]}]", "records", message, message);
        break;
    case 4:
        outer = json_pack("{s:s, s:s, s:s}", "Type", "x", "TopicArn", "y", "Message", plain);
        break;
    default:
        *ret_length = strlen(plain);
        return plain;
    }
    free(plain);
    text = json_dumps(outer, JSON_COMPACT);
    json_decref(outer);
    *ret_length = strlen(text);
    return text;
}

static unsigned run_message(struct rand *r, const struct config_consumer *c, json_t *message)
{
    size_t length;
    char *text = wrapped(r, message, &length);
    struct message m = alert_support_message(text, length);
    struct alerts list = {0};
    struct err e = {0};
    usec_t began = clock_now();
    unsigned good = 0;

    if (decode_message(c, &m, &list, &e) == DECODE_OK) {
        assert_true(list.count > 0);
        check_again(c, &m, &list);
        for (size_t i = 0; i < list.count; i++, good++) {
            assert_string_not_equal(list.items[i]->series, "");
            assert_true(!list.items[i]->marked || list.items[i]->instance[0] != '\0');
            check_body(c, list.items[i]);
        }
    } else {
        assert_int_equal(e.class, ERR_REJECT);
        assert_true(text_is_utf8(e.text, strlen(e.text)));
        assert_null(strstr(e.text, SECRET));
    }
    assert_true(clock_now() - began < WORK_MAX);
    alerts_done(&list);
    free(text);
    return good;
}

/* One mutated mapping and messages for it; how many alerts came out. */
static unsigned run_round(struct rand *r)
{
    const struct shipped_mapping *base =
        &shipped_mappings[rand_between(r, 0, (int64_t)shipped_mappings_count - 1)];
    char *text = rand_between(r, 0, 2) > 0 ? mutated(r, base->text) : xstrdup(base->text);
    struct config_errors errors = {0};
    struct mapping *m = mapping_new("fuzz.cfg", text, false, &errors);
    struct config_consumer c = alert_support_consumer();
    unsigned good = 0;

    assert_true(m != NULL || errors.count > 0);
    for (size_t i = 0; m != NULL && i < m->shapes_count; i++) {
        json_t *message = likely_message(r, &m->shapes[i]);

        good += run_message(r, &c, message);
        if (mapping_detect(m, &(struct map_input){.consumer = &c,
                                                  .record = &(struct message){.topic = "t"},
                                                  .message = message}) != NULL) {
            struct alerts list = {0};
            struct err e = {0};
            struct message record = alert_support_message("", 0);
            struct map_input in = {.consumer = &c, .record = &record, .message = message};

            if (mapping_decode(m, &m->shapes[i], &in, &list, &e) == 0)
                for (size_t k = 0; k < list.count; k++)
                    check_body(&c, list.items[k]);
            good += (unsigned)list.count;
            alerts_done(&list);
        }
        json_decref(message);
    }
    config_errors_done(&errors);
    (void)mapping_free(m);
    free(text);
    return good;
}

static void whatever_is_mapped(void **state)
{
    const char *seconds = getenv("MAPPING_FUZZ_S");
    usec_t end = seconds != NULL ? clock_now() + strtol(seconds, NULL, 10) * USEC_S : 0;
    unsigned good = 0, rounds = 0;
    uint64_t seed = 20;
    struct rand r;

    (void)state;
    if (seconds != NULL) {
        rand_seed_system(&r);
        seed = rand_next(&r);
        print_message("seed %llu\n", (unsigned long long)seed);
    }
    rand_seed(&r, seed);
    for (; rounds < ROUNDS || clock_now() < end; rounds++)
        good += run_round(&r);
    print_message("%u rounds, %u alerts\n", rounds, good);
    assert_true(good > 100); /* else the messages miss what they are for */
}

/* A text of any characters: parsed or refused, and what was parsed can be filled. */
static void whatever_is_written(void **state)
{
    static const char signs[] = "{}[]|'\".,*$@:=abc 09_-/joinlowercut";
    json_t *message = json_loads("{\"a\":{\"b\":[1,{\"c\":\"x\"}]},\"c\":\"y\"}", 0, NULL);
    struct alert *a =
        alert_support_one(&(struct config_consumer){.format = (char[]){"auto"}},
                          "{\"check_id\":1,\"check_name\":\"x\",\"current_state\":\"DOWN\"}");
    struct mapping m = {.format = NULL};
    unsigned parsed = 0;
    struct rand r;

    (void)state;
    rand_seed(&r, 3);
    for (int round = 0; round < 200000; round++) {
        struct map_fill f = {.scope = {.item = message, .message = message},
                             .mapping = &m,
                             .alert = a,
                             .strict = round % 2 == 0};
        char text[48];
        size_t n = (size_t)rand_between(&r, 0, sizeof text - 1);
        struct map_template t;
        struct err e;

        for (size_t i = 0; i < n; i++)
            text[i] = signs[rand_between(&r, 0, sizeof signs - 2)];
        text[n] = '\0';
        if (map_template_parse(text, &t, &e) != 0)
            continue;
        free(map_template_text(&t, &f));
        map_template_done(&t);
        parsed++;
    }
    assert_true(parsed > 50);
    (void)alert_free(a);
    json_decref(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_mapped),
        cmocka_unit_test(whatever_is_written),
    };

    return cmocka_run_group_tests_name("mapping_fuzz", tests, NULL, NULL);
}
