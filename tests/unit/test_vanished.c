/* Rows that are gone, against a simulated table where some rows are hidden: exactly those that do
 * not exist are found, and each row is decided once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "producers/vanished.h"

#define ROWS_MAX 400

enum fate { SHOWN, HIDDEN, GONE };

struct world {
    enum fate fate[ROWS_MAX];
    bool found[ROWS_MAX];
    bool counts; /* the answer has a total */
    unsigned questions;
};

/* Answers the query as an instance does. */
static void answer(struct world *w, struct vanished *v, const char *query, long long rows)
{
    json_t *list = json_array();
    long long total = 0, asked = 0;
    size_t n;
    assert_int_equal(strncmp(query, "sys_idIN", 8), 0);
    char *text = xstrdup(query + 8), *rest = text, *id;
    while ((id = strsep(&rest, ",")) != NULL) {
        size_t i = strtoul(id, NULL, 16);
        asked++;
        total += w->fate[i] != GONE;
        if (w->fate[i] == SHOWN)
            json_array_append_new(list, json_pack("{s:s}", "sys_id", id));
    }
    assert_int_equal(asked, rows);
    const char **gone = vanished_answer(v, list, w->counts ? total : -1, &n);
    for (size_t k = 0; k < n; k++) {
        size_t i = strtoul(gone[k], NULL, 16);
        assert_false(w->found[i]);
        w->found[i] = true;
    }
    free((void *)gone);
    free(text);
    json_decref(list);
    w->questions++;
}

static void run(struct world *w, size_t count, size_t most)
{
    char **ids = xcalloc(count + 1, sizeof(*ids));
    for (size_t i = 0; i < count; i++)
        ids[i] = xasprintf("%032zx", i);
    struct vanished *v = vanished_new(ids, count, most);
    struct buf query;
    long long rows;
    buf_init(&query, 65536);
    while (vanished_next(v, &query, &rows)) {
        assert_true(rows >= 1 && rows <= (long long)most);
        answer(w, v, buf_text(&query), rows);
        buf_clear(&query);
    }
    buf_done(&query);
    vanished_free(v);
}

static void test_exactly_those(void **state)
{
    struct rand r;
    (void)state;
    rand_seed(&r, 17);
    for (int round = 0; round < 500; round++) {
        struct world w = {.counts = true};
        size_t count = (size_t)rand_between(&r, 0, ROWS_MAX);
        int64_t hidden = rand_between(&r, 0, 30), gone = rand_between(&r, 0, 30);
        for (size_t i = 0; i < count; i++) {
            int64_t dice = rand_between(&r, 0, 99);
            w.fate[i] = dice < hidden ? HIDDEN : dice < hidden + gone ? GONE : SHOWN;
        }
        run(&w, count, (size_t)rand_between(&r, 1, 100));
        for (size_t i = 0; i < count; i++)
            assert_int_equal(w.found[i], w.fate[i] == GONE);
    }
}

static void test_few_questions(void **state)
{
    struct world w = {.counts = true};
    (void)state;
    w.fate[3] = w.fate[150] = w.fate[151] = GONE;
    run(&w, ROWS_MAX, 100);
    assert_int_equal(w.questions, 4);
    assert_true(w.found[3] && w.found[150] && w.found[151]);
}

/* Nothing is called gone by an answer that does not say how many there are. */
static void test_no_total(void **state)
{
    struct world w = {0};
    (void)state;
    w.fate[3] = GONE;
    run(&w, ROWS_MAX, 100);
    for (size_t i = 0; i < ROWS_MAX; i++)
        assert_false(w.found[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exactly_those),
        cmocka_unit_test(test_few_questions),
        cmocka_unit_test(test_no_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
