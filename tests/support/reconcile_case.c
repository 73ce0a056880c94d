/* Cases of the decision table: text to facts, decision against what is wanted. */
#include "tests/support/reconcile_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct messages {
    struct fact facts[CASE_MAX];
    bool other[CASE_MAX];
    size_t count;
};

static long long digits(const char **text)
{
    long long n = 0;

    for (; **text >= '0' && **text <= '9'; ++*text)
        n = 10 * n + (**text - '0');
    return n;
}

static struct fact read_fact(const char **text)
{
    struct fact f = {.fired = MSEC_NONE, .version = {.topic = 7}};
    char kind = *(*text)++;

    f.state = kind == 'f' ? ALERT_FIRING : kind == 'c' ? ALERT_CLEARED : ALERT_NOTE;
    f.version.offset = digits(text);
    f.version.time = f.version.offset;
    if (**text == '\'') {
        ++*text;
        f.version.partition = 1;
    }
    if (**text == '@') {
        ++*text;
        f.version.time = digits(text);
    }
    if (**text == '~') {
        ++*text;
        f.due = CASE_LATER;
    }
    f.own_time = f.version.time;
    return f;
}

static struct messages read_messages(const char *text)
{
    struct messages m = {0};

    for (; *text != '\0'; text += *text == ' ') {
        assert_true(m.count < CASE_MAX);
        m.facts[m.count] = read_fact(&text);
        m.other[m.count] = *text == '!';
        text += m.other[m.count++];
    }
    return m;
}

static struct record make_record(const struct rule *r)
{
    const char *stamp = r->look.stamp == NULL ? "" : r->look.stamp;
    const char *content = r->look.content == NULL ? "" : r->look.content;
    struct record record = {.state = r->look.state,
                            .has_stamp = stamp[0] != '\0',
                            .has_content = content[0] != '\0',
                            .mod_count = -1,
                            .touched = r->known.touched,
                            .closed = r->look.closed == 0 ? MSEC_NONE : r->look.closed};

    if (record.has_stamp) {
        struct fact f = read_fact(&stamp);

        record.stamp = (struct stamp){.generation = r->look.generation,
                                      .rank = f.state == ALERT_CLEARED,
                                      .version = f.version};
    }
    if (record.has_content)
        record.content = read_fact(&content).version;
    return record;
}

static struct decision decide(const struct rule *r)
{
    struct messages m = read_messages(r->messages);
    struct record record = make_record(r);
    struct reconcile input = {
        .marked = r->marked,
        .facts = m.facts,
        .count = m.count,
        .sight = r->sight,
        .record = &record,
        .refused = r->known.refused,
        .known_before = r->known.known_before,
        .read_first = r->known.read_first,
        .orphan_ignore = r->known.orphan_ignore,
        .reopens = r->known.life.refire == REFIRE_REOPEN || r->known.other.refire == REFIRE_REOPEN,
        .delays = r->known.life.clear_delay > 0 || r->known.other.clear_delay > 0,
        .cut = r->known.cut == 0 ? MSEC_NONE : r->known.cut,
        .now = CASE_NOW,
        .clear_wait_until = r->known.clear_waits ? CASE_LATER : CASE_NOW,
        .settle_until = r->known.settles ? CASE_LATER : CASE_NOW,
    };

    for (size_t i = 0; i < m.count; i++) {
        m.facts[i].life = m.other[i] ? &r->known.other : &r->known.life;
        if (r->known.fired != 0)
            m.facts[i].fired = r->known.fired;
    }
    return reconcile(&input);
}

static int index_of(size_t index)
{
    return index == SIZE_MAX ? -1 : (int)index;
}

void reconcile_case(void **state)
{
    const struct rule *r = *state;
    const struct wanted *want = &r->wanted;
    struct decision got = decide(r);

    if (got.action != want->action)
        fail_msg("%s: %s (%s), wanted %s", r->name, action_name(got.action), got.why,
                 action_name(want->action));
    assert_int_equal(got.consumed, want->consumed);
    if (want->action == ACT_WAIT)
        assert_int_equal(got.until, CASE_LATER);
    if (want->why != NULL)
        assert_string_equal(got.why, want->why);
    if (want->action == ACT_NOTHING || want->action == ACT_DEAD || want->action == ACT_READ)
        return;
    assert_int_equal(index_of(got.fire), want->fire);
    assert_int_equal(index_of(got.clear), want->clear);
    assert_int_equal(got.generation, want->generation);
}
