/* When a record is over that nobody clears: one thing at a time that keeps it open, and the stamp
 * that it is resolved with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "consumers/expire.h"

#define HOUR INT64_C(3600000)
#define WALL INT64_C(1790000000000)

static struct record record_of(msec_t stamped, msec_t content)
{
    return (struct record){.state = RECORD_NEW,
                           .has_stamp = true,
                           .has_content = content != MSEC_NONE,
                           .stamp = {.version = {.time = stamped, .topic = 1, .offset = 1}},
                           .content = {.time = content, .topic = 1, .offset = 2}};
}

static struct expire_view view_of(const struct record *r)
{
    return (struct expire_view){
        .record = r, .updated = WALL - 10 * HOUR, .wall = WALL, .there = WALL, .age = 4 * HOUR};
}

static void a_silent_record_is_due(void **state)
{
    struct record r = record_of(WALL - 10 * HOUR, WALL - 5 * HOUR);
    struct expire_view v = view_of(&r);

    (void)state;
    assert_true(expire_due(&v));
    r.state = RECORD_OTHER; /* somebody works on it, but has not for long */
    r.touched = true;
    assert_true(expire_due(&v));
    r.has_content = false;
    assert_true(expire_due(&v));
}

/* Each of these alone keeps it open. */
static void what_keeps_a_record_open(void **state)
{
    static const struct {
        int state, rank;
        bool no_stamp, touched;
        msec_t content, updated, there;
        bool untouched;
    } all[] = {
        {.state = RECORD_RESOLVED},
        {.state = RECORD_CLOSED},
        {.state = RECORD_CANCELED},
        {.state = RECORD_ON_HOLD},
        {.rank = 1},
        {.no_stamp = true},
        {.content = WALL - 3 * HOUR},
        {.content = WALL - 4 * HOUR}, /* not longer than the age */
        {.updated = WALL - 3 * HOUR},
        {.updated = MSEC_NONE},
        {.there = WALL - 7 * HOUR}, /* by the instance's clock it was changed three hours ago */
        {.touched = true, .untouched = true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct record r = record_of(WALL - 10 * HOUR, WALL - 5 * HOUR);
        struct expire_view v = view_of(&r);

        assert_true(expire_due(&v));
        r.state = all[i].state != 0 ? all[i].state : r.state;
        r.stamp.rank = all[i].rank;
        r.has_stamp = !all[i].no_stamp;
        r.touched = all[i].touched;
        r.content.time = all[i].content != 0 ? all[i].content : r.content.time;
        v.updated = all[i].updated != 0 ? all[i].updated : v.updated;
        v.there = all[i].there != 0 ? all[i].there : v.there;
        v.untouched = all[i].untouched;
        if (expire_due(&v))
            fail_msg("case %zu does not keep the record open", i);
    }
}

/* A clear at the last message: older and redelivered messages change nothing any more. */
static void the_stamp_is_that_of_the_last_message(void **state)
{
    struct record r = record_of(WALL - 10 * HOUR, WALL - 5 * HOUR);
    struct stamp s;

    (void)state;
    r.stamp.generation = 3;
    r.stamp.series = 77;
    s = expire_stamp(&r);
    assert_int_equal(s.rank, 1);
    assert_int_equal(s.generation, 3);
    assert_int_equal(s.series, 77);
    assert_true(version_same(&s.version, &r.content));
    r.content.offset = 0; /* older than the stamp: a person put an old description back */
    s = expire_stamp(&r);
    assert_true(version_same(&s.version, &r.stamp.version));
    r.has_content = false;
    r.content.offset = 9;
    s = expire_stamp(&r);
    assert_true(version_same(&s.version, &r.stamp.version));
}

/* A repeat without news is written four times within the age, and never where nothing expires. */
static void repeats_show_life(void **state)
{
    struct record r = record_of(WALL, WALL);
    struct version fire = r.content;
    int written = 0;

    (void)state;
    for (int minute = 0; minute < 4 * 60; minute++) {
        fire.time += 60000;
        fire.offset++;
        assert_false(expire_shows_life(&r, &fire, 0));
        if (!expire_shows_life(&r, &fire, 4 * HOUR))
            continue;
        written++;
        r.content = fire;
    }
    assert_in_range(written, 3, 4);
    r.has_content = false;
    assert_true(expire_shows_life(&r, &fire, 4 * HOUR));
}

/* ---------------------------------------------------------------- what the record tells */

#define LAST "[itsm-bridge mbx.0000abcd.1.7]"

static struct expire_wish wish_of(const struct config_consumer *c, const char *line,
                                  const char *end)
{
    char *text = xasprintf("What: CPU%sSeries: s%s%s%s" LAST "%s", end, end, line,
                           line[0] == '\0' ? "" : end, end);
    struct expire_wish w = expire_wish_of(c, text);

    free(text);
    return w;
}

/* Whatever entry and life want, the record tells what holds for it, and nothing where that is what
 * the entry wants. */
static void a_record_tells_its_wish(void **state)
{
    static const enum config_on_clear ends[] = {ON_CLEAR_RESOLVE, ON_CLEAR_RESOLVE_UNTOUCHED};
    static const msec_t ages[] = {0, HOUR, 24 * HOUR, 87600 * HOUR};

    (void)state;
    for (unsigned n = 0; n < 64; n++) {
        struct config_consumer c = {.life = {.on_clear = ends[n & 1], .expire = ages[n >> 1 & 3]}};
        struct config_life life = {.on_clear = ends[n >> 3 & 1], .expire = ages[n >> 4]};
        char line[EXPIRE_LINE_SIZE];
        struct expire_wish w;

        expire_line(&c, &life, line);
        for (int crlf = 0; crlf < 2; crlf++) {
            w = wish_of(&c, line, crlf ? "\r\n" : "\n");
            assert_int_equal(w.age, life.expire);
            assert_int_equal(w.untouched,
                             life.expire > 0 && life.on_clear == ON_CLEAR_RESOLVE_UNTOUCHED);
        }
        if (memcmp(&c.life, &life, sizeof life) == 0)
            assert_string_equal(line, "");
        /* The configuration of the entry changes: what a rule said stays. */
        if (line[0] != '\0') {
            c.life.expire = 7 * HOUR;
            assert_int_equal(wish_of(&c, line, "\n").age, life.expire);
        }
    }
}

/* Only the very line above the version counts, to the letter. */
static void what_is_no_such_line(void **state)
{
    static const char *const lines[] = {
        "Without news: resolved after 2 h.",
        "Without news: resolved after 2 hours",
        "Without news: resolved after 02 h",
        "Without news: resolved after +2 h",
        "Without news: resolved after -2 h",
        "Without news: resolved after 0 h",
        "Without news: resolved after 87601 h",
        "Without news: resolved after 99999999999999999999999999 h",
        "Without news: resolved after  h",
        "Without news: stays open, if untouched",
        "Without news: stays",
        "Without news: ",
        "Without news: stays open\nSeries: s",
        "without news: stays open",
        "Without news: resolved after 2 h, if untouched, and much more that does not fit there",
    };
    struct config_consumer c = {.life = {.expire = 5 * HOUR}};

    (void)state;
    assert_int_equal(wish_of(&c, "Without news: resolved after 2 h", "\n").age, 2 * HOUR);
    assert_int_equal(wish_of(&c, "Without news: stays open", "\n").age, 0);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (wish_of(&c, lines[i], "\n").age != 5 * HOUR)
            fail_msg("\"%s\" counts", lines[i]);
    assert_int_equal(expire_wish_of(&c, LAST).age, 5 * HOUR);
}

/* Where a person rewrote the description, or there is none, the longest wish there is holds. */
static void what_is_not_known_lives_longest(void **state)
{
    struct config_rule rules[] = {
        {.life = {.on_clear = ON_CLEAR_AS_ENTRY, .expire = 9 * HOUR}},
        {.life = {.on_clear = ON_CLEAR_AS_ENTRY, .expire = 2 * HOUR}},
        {.life = {.on_clear = ON_CLEAR_RESOLVE_UNTOUCHED, .expire = -1}},
        {.life = {.on_clear = ON_CLEAR_NOTE, .expire = -1}},
        {.life = {.on_clear = ON_CLEAR_AS_ENTRY, .expire = 0}},
    };
    static const struct expire_wish wishes[] = {{5 * HOUR, false}, {9 * HOUR, false},
                                                {9 * HOUR, false}, {9 * HOUR, true},
                                                {0, true},         {0, true}};
    struct config_consumer c = {.life = {.expire = 5 * HOUR}, .rules = rules};

    (void)state;
    for (; c.rules_count <= ARRAY_LEN(rules); c.rules_count++) {
        const char *const texts[] = {"", "mine now", "Without news: resolved after 1 h\nmine"};

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
            assert_int_equal(expire_wish_of(&c, texts[i]).age, wishes[c.rules_count].age);
            assert_int_equal(expire_wish_of(&c, texts[i]).untouched,
                             wishes[c.rules_count].untouched);
        }
        assert_int_equal(expire_least(&c), c.rules_count < 2 ? 5 * HOUR : 2 * HOUR);
    }
    c.life.expire = 0;
    c.rules_count = 1;
    assert_int_equal(expire_least(&c), 9 * HOUR);
    assert_int_equal(expire_wish_of(&c, "").age, 0);
}

static void the_query_narrows(void **state)
{
    static const uint32_t topics[] = {0x0000abcd, 0x12345678};
    static const char id[] = "0123456789abcdef0123456789abcdef";
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    expire_query(&b, target_table_of("incident"), topics, 2, WALL, "");
    assert_string_equal(buf_text(&b),
                        "correlation_displaySTARTSWITHitsm-bridge ^correlation_displayLIKE "
                        "0000abcd.^ORcorrelation_displayLIKE 12345678.^stateNOT IN6,7,8"
                        "^sys_updated_on<2026-09-21 14:13:20^ORDERBYsys_id");
    buf_clear(&b);
    expire_query(&b, target_table_of("problem"), topics, 1, WALL, id);
    assert_non_null(strstr(buf_text(&b), "^stateNOT IN106,107,4^"));
    assert_non_null(strstr(buf_text(&b), "^sys_id>0123456789abcdef0123456789abcdef^ORDERBY"));
    assert_null(strstr(buf_text(&b), "^OR"
                                     "correlation"));
    buf_done(&b);
}

/* What the configuration gives as a value cannot change the query. */
static void values_stay_values(void **state)
{
    const struct target_table *t =
        target_table_new("u_x", "u_status", "open", "done^ORactive=true");
    static const uint32_t topic = 1;
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    expire_query(&b, t, &topic, 1, WALL, "");
    assert_null(strstr(buf_text(&b), "active"));
    assert_non_null(strstr(buf_text(&b), "^sys_updated_on<"));
    buf_done(&b);
    target_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_record_is_due),
        cmocka_unit_test(what_keeps_a_record_open),
        cmocka_unit_test(the_stamp_is_that_of_the_last_message),
        cmocka_unit_test(repeats_show_life),
        cmocka_unit_test(a_record_tells_its_wish),
        cmocka_unit_test(what_is_no_such_line),
        cmocka_unit_test(what_is_not_known_lives_longest),
        cmocka_unit_test(the_query_narrows),
        cmocka_unit_test(values_stay_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
