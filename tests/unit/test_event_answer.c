/* What outcomes mean for rows, and how large the next request may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/base/attr.h"
#include "consumers/event_answer.h"

#define E SNOW_EVENTS
#define I SNOW_IMPORT

static const struct row {
    enum snow_kind kind;
    enum snow_verdict verdict;
    bool outage, place;
    long long taken; /* of 3 messages, or of 1 */
    enum rows_action many, alone;
} rows[] = {
    {E, SNOW_OK, false, false, 3, ROWS_DONE, ROWS_DONE},
    {E, SNOW_OK, false, false, 4, ROWS_DONE, ROWS_DONE},
    {E, SNOW_OK, false, false, 2, ROWS_SPLIT, ROWS_DONE},
    {E, SNOW_OK, false, false, 0, ROWS_SPLIT, ROWS_CHARGE},
    {I, SNOW_OK, false, false, -1, ROWS_DONE, ROWS_DONE},
    {E, SNOW_REJECTED, false, false, -1, ROWS_SPLIT, ROWS_DEAD},
    {E, SNOW_REJECTED, false, true, -1, ROWS_PLACE, ROWS_PLACE},
    {I, SNOW_REJECTED, false, false, -1, ROWS_SPLIT, ROWS_DEAD},
    {I, SNOW_REJECTED, false, true, -1, ROWS_PLACE, ROWS_PLACE},
    {E, SNOW_UNKNOWN, true, false, -1, ROWS_AGAIN, ROWS_AGAIN},
    {E, SNOW_UNKNOWN, false, false, -1, ROWS_SPLIT, ROWS_CHARGE},
    {I, SNOW_UNKNOWN, false, false, -1, ROWS_SPLIT, ROWS_CHARGE},
    {E, SNOW_THROTTLED, true, false, -1, ROWS_AGAIN, ROWS_AGAIN},
    {E, SNOW_UNAVAILABLE, true, false, -1, ROWS_AGAIN, ROWS_AGAIN},
    {E, SNOW_UNAUTHORISED, false, false, -1, ROWS_AGAIN, ROWS_AGAIN},
    {E, SNOW_CANCELLED, false, false, -1, ROWS_AGAIN, ROWS_AGAIN},
};

static void test_judge(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct snow_outcome o = {.verdict = rows[i].verdict,
                                 .outage = rows[i].outage,
                                 .place = rows[i].place,
                                 .total_count = rows[i].taken};

        if (rows_judge(rows[i].kind, &o, 3) != rows[i].many ||
            rows_judge(rows[i].kind, &o, 1) != rows[i].alone)
            fail_msg("row %zu", i);
    }
}

static void learn(struct rows_pace *p, enum snow_verdict v, size_t messages, usec_t took)
{
    struct snow_outcome o = {.verdict = v, .took = took};

    rows_pace_learn(p, &o, messages);
    assert_in_range(p->most, 1, ROWS_MOST);
}

static void test_pace(void **state)
{
    struct rows_pace p;

    (void)state;
    rows_pace_init(&p, 10 * USEC_S);
    assert_int_equal(p.most, ROWS_FIRST);
    for (int i = 0; i < 10; i++)
        learn(&p, SNOW_OK, p.most, 1000);
    assert_int_equal(p.most, ROWS_MOST);
    /* 100 ms a message: a hundred of them are ten seconds of work. */
    learn(&p, SNOW_OK, 1000, 100 * USEC_S);
    assert_int_equal(p.most, 100);
    learn(&p, SNOW_OK, 100, 10 * USEC_S);
    assert_int_equal(p.most, 100);
    /* A small request in the meantime says nothing against large ones. */
    learn(&p, SNOW_OK, 1, USEC_S);
    assert_int_equal(p.most, 100);
    learn(&p, SNOW_UNKNOWN, 100, 0);
    assert_int_equal(p.most, 50);
    for (int i = 0; i < 20; i++)
        learn(&p, SNOW_UNKNOWN, p.most, 0);
    assert_int_equal(p.most, 1);
    learn(&p, SNOW_REJECTED, 1, 1);
    assert_int_equal(p.most, 1);
    learn(&p, SNOW_OK, 1, 0);
    assert_int_equal(p.most, 2);
    learn(&p, SNOW_OK, 2, INT64_MAX);
    assert_int_equal(p.most, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_pace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
