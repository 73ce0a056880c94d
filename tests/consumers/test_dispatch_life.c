/* What the configuration wants of a record's life, from message to request, with a stand-in for the
 * instance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "tests/consumers/instance.h"

#define ENTRY "{ topics = [\"alerts\"]; clear_wait_s = 0; settle_s = 2; }"

/* ---------------------------------------------------------------- repeats and notes */

/* The very same report costs no request, neither while the record is open nor once it is done; one
 * with news does, and the same again does not. */
static void a_repeat_without_news_costs_no_request(void **state)
{
    char *first = standin_alert(1, "Fired"), *second = standin_alert(1, "Fired");
    size_t before;
    struct rig r;

    (void)state;
    rig_start(&r, ENTRY);
    rig_receive(&r, xstrdup(first));
    rig_settle(&r, 50);
    before = standin_ops();
    rig_receive(&r, xstrdup(first));
    rig_receive(&r, xstrdup(first));
    rig_settle(&r, 50);
    assert_int_equal(standin_ops(), before);
    assert_string_equal(rig_outcome(&r, 2, "operation"), "nothing");
    rig_receive(&r, xstrdup(second));
    rig_settle(&r, 50);
    assert_int_equal(rig_count(SNOW_UPDATE), 1);
    before = standin_ops();
    rig_receive(&r, xstrdup(second));
    rig_settle(&r, 50);
    assert_int_equal(standin_ops(), before);
    /* Back to what was said at first: that is news again. */
    rig_receive(&r, xstrdup(first));
    rig_settle(&r, 50);
    assert_int_equal(rig_count(SNOW_UPDATE), 2);
    rig_stop(&r);
    free(first);
    free(second);
}

/* The text of the record for people, without the version at its end. New. */
static char *words_of(const json_t *row)
{
    const char *text = rig_column(row, "description"), *last = strrchr(text, '\n');

    return xstrndup(text, last == NULL ? strlen(text) : (size_t)(last - text));
}

static void says(struct rig *r, const char *words)
{
    char *now = words_of(rig_only_row(r));

    assert_string_equal(now, words);
    free(now);
}

/* A says X, B says Y, and the answer to B is lost; then X again. Whether B landed at once, late or
 * never: it is no repeat of what the record says, and X is what it says in the end. */
static void old_words_after_a_lost_answer_are_news(void **state)
{
    enum { AT_ONCE, LATE, NEVER, TIMES };

    (void)state;
    for (int landed = AT_ONCE; landed < TIMES; landed++) {
        struct snow_outcome lost = {
            .verdict = SNOW_UNKNOWN, .date = MSEC_NONE, .sent = true, .outage = true};
        char *first = standin_alert(1, "Fired"), *words;
        struct standin_op *op;
        struct rig r;

        (void)err_set(&lost.err, ERR_RETRY, "lost", "no answer");
        rig_start(&r, ENTRY);
        rig_receive(&r, xstrdup(first));
        rig_settle(&r, 50);
        words = words_of(rig_only_row(&r));
        rig_receive(&r, standin_alert(1, "Fired"));
        op = rig_until(&r, "incident", false);
        assert_non_null(op);
        if (landed == AT_ONCE)
            assert_true(rig_apply(&r, op));
        standin_op_outcome(op, &lost, r.now);
        rig_receive(&r, first);
        if (landed == LATE) { /* after a look that does not show it */
            rig_serve(&r, rig_until(&r, "incident", true));
            assert_true(rig_apply(&r, op));
        }
        rig_settle(&r, 50);
        says(&r, words);
        rig_stop(&r);
        free(words);
    }
}

/* Between two assignments another process wrote other words. */
static void old_words_after_an_assignment_are_news(void **state)
{
    char *first = standin_alert(1, "Fired"), *words, *others;
    char line[VERSION_LINE_SIZE];
    struct version v;
    struct rig r;

    (void)state;
    rig_start(&r, ENTRY);
    rig_receive(&r, xstrdup(first));
    rig_settle(&r, 50);
    words = words_of(rig_only_row(&r));
    assert_int_equal(version_parse(rig_column(rig_only_row(&r), "description"), &v), 0);
    v.offset = r.offset++;
    version_format(&v, line);
    others = xasprintf("other words\n%s", line);
    rig_set(rig_only_row(&r), "description", others);
    dispatch_suspect(r.d);
    rig_receive(&r, first);
    rig_settle(&r, 50);
    says(&r, words);
    rig_stop(&r);
    free(others);
    free(words);
}

/* A series may have got its next record elsewhere, so its repeats are looked up before they count
 * as no news. */
static void a_repeat_of_a_series_is_looked_up(void **state)
{
    char *report = standin_alert(1, "Fired");
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; fold = \"series\"; }");
    rig_receive(&r, xstrdup(report));
    rig_settle(&r, 50);
    rig_receive(&r, xstrdup(report));
    assert_non_null(rig_until(&r, "incident", true));
    rig_settle(&r, 50);
    assert_int_equal(rig_count(SNOW_UPDATE), 0);
    assert_string_equal(rig_outcome(&r, 1, "operation"), "nothing");
    rig_stop(&r);
    free(report);
}

static void work_notes_keep_their_distance(void **state)
{
    struct standin_op *op;
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; note_every_min = 10; }");
    rig_receive(&r, standin_alert(1, "Fired"));
    rig_settle(&r, 50);
    for (int i = 0; i < 3; i++) {
        rig_receive(&r, standin_alert(1, "Fired"));
        op = rig_until(&r, "incident", false);
        assert_non_null(op);
        assert_int_equal(rig_column(op->body, "work_notes")[0] != '\0', i != 1);
        assert_string_not_equal(rig_column(op->body, "description"), "");
        rig_settle(&r, 50);
        if (i == 1)
            r.now += 600 * USEC_S;
    }
    rig_stop(&r);
}

/* ---------------------------------------------------------------- what the configuration wants */

static const char *last_word(const struct rig *r)
{
    return rig_outcome(r, rig_outcomes(r) - 1, "operation");
}

static void a_clear_does_what_is_wanted(void **state)
{
    static const struct {
        const char *entry, *taken_up, *word, *ends_in;
    } wishes[] = {
        {"on_clear = \"resolve\"; ", NULL, "resolved", "6"},
        {"on_clear = \"note\"; ", NULL, "noted", "1"},
        {"on_clear = \"nothing\"; ", NULL, "stamped", "1"},
        {"on_clear = \"resolve_untouched\"; ", NULL, "resolved", "6"},
        {"on_clear = \"resolve_untouched\"; ", "2", "noted", "2"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
        char *entry = xasprintf("{ topics = [\"alerts\"]; %s }", wishes[i].entry);
        struct rig r;

        rig_start(&r, entry);
        rig_receive(&r, standin_alert(1, "Fired"));
        rig_settle(&r, 50);
        if (wishes[i].taken_up != NULL)
            rig_set(rig_only_row(&r), "state", wishes[i].taken_up);
        rig_receive(&r, standin_alert(1, "Resolved"));
        rig_settle(&r, 50);
        assert_string_equal(last_word(&r), wishes[i].word);
        assert_string_equal(rig_column(rig_only_row(&r), "state"), wishes[i].ends_in);
        rig_stop(&r);
        free(entry);
    }
}

static void a_clear_waits_its_delay(void **state)
{
    struct rig r;
    usec_t read_at;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; clear_delay_s = 60; }");
    rig_receive(&r, standin_alert(1, "Fired"));
    rig_settle(&r, 50);
    rig_receive(&r, standin_alert(1, "Resolved"));
    read_at = r.now;
    rig_settle(&r, 50);
    assert_true(r.now >= read_at + 60 * USEC_S);
    assert_string_equal(rig_column(rig_only_row(&r), "state"), "6");
    rig_stop(&r);
}

/* A series: fires, clears and fires again. */
static void a_series_fires_again(void **state)
{
    static const struct {
        const char *refire, *word, *ends_in;
        size_t records;
    } wishes[] = {
        {"new", "created", "", 2}, {"reopen", "reopened", "2", 1}, {"note", "noted", "6", 1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
        char *entry = xasprintf("{ topics = [\"alerts\"]; fold = \"series\"; refire = \"%s\"; }",
                                wishes[i].refire);
        char closed[CLOCK_SN_SIZE];
        struct rig r;

        rig_start(&r, entry);
        rig_receive(&r, standin_alert(1, "Fired"));
        rig_settle(&r, 50);
        rig_receive(&r, standin_alert(1, "Resolved"));
        rig_settle(&r, 50);
        clock_format_sn(1748773230000, closed);
        rig_set(rig_only_row(&r), "resolved_at", closed);
        rig_receive(&r, standin_alert(2, "Fired"));
        rig_settle(&r, 50);
        assert_string_equal(last_word(&r), wishes[i].word);
        assert_int_equal(json_object_size(r.rows), wishes[i].records);
        if (wishes[i].records == 1)
            assert_string_equal(rig_column(rig_only_row(&r), "state"), wishes[i].ends_in);
        rig_stop(&r);
        free(entry);
    }
}

/* ---------------------------------------------------------------- what rules want */

#define OF_ALERT(number_) "when: ( { field = \"short_id\"; prefix = \"0000000" number_ "\"; } );"
#define OF_CLEARS         "when: ( { field = \"state\"; equals = \"cleared\"; } );"

static const json_t *row_of(const struct rig *r, int n)
{
    char *id = xasprintf("azure:%08x-0000-4000-8000-000000000000", (unsigned)n);
    const json_t *found = NULL;
    const char *key;
    json_t *row;

    json_object_foreach (r->rows, key, row)
        if (strcmp(rig_column(row, "correlation_id"), id) == 0)
            found = row;
    assert_non_null(found);
    free(id);
    return found;
}

/* Two alerts of one entry with different ends; what no rule says is as the entry has it. */
static void a_rule_says_what_a_clear_does(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; on_clear = \"nothing\"; rules: ("
                  " { on_clear = \"note\"; " OF_ALERT(
                      "1") " },"
                           " { continue = true; on_clear = \"note\"; " OF_ALERT(
                               "2") " },"
                                    " { on_clear = \"resolve\"; " OF_ALERT("2") " } ); }");
    for (int n = 1; n <= 3; n++) {
        rig_receive(&r, standin_alert(n, "Fired"));
        rig_settle(&r, 50);
        rig_receive(&r, standin_alert(n, "Resolved"));
        rig_settle(&r, 50);
    }
    assert_string_equal(rig_column(row_of(&r, 1), "state"), "1");
    assert_string_equal(rig_column(row_of(&r, 2), "state"), "6");
    assert_string_equal(rig_column(row_of(&r, 3), "state"), "1");
    assert_string_equal(rig_outcome(&r, 1, "operation"), "noted");
    assert_string_equal(rig_outcome(&r, 1, "why"), "note-only");
    assert_string_equal(rig_outcome(&r, 3, "operation"), "resolved");
    assert_string_equal(rig_outcome(&r, 5, "operation"), "stamped");
    rig_stop(&r);
}

/* The rules that hold for the clear count: the fire's say nothing about its end. */
static void the_clears_own_rules_count(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; rules: ( { on_clear = \"note\"; " OF_CLEARS " },"
                  " { on_clear = \"nothing\"; } ); }");
    rig_receive(&r, standin_alert(1, "Fired"));
    rig_receive(&r, standin_alert(1, "Resolved"));
    rig_settle(&r, 50);
    assert_string_equal(rig_outcome(&r, 0, "operation"), "created");
    assert_string_equal(last_word(&r), "noted");
    rig_stop(&r);
}

/* One alert waits its rule's delay, the other one does not wait the entry's. */
static void a_rule_delays_a_clear(void **state)
{
    static const usec_t delays[] = {0, 60 * USEC_S, 600 * USEC_S};
    static const int whose[] = {2, 1, 3};
    struct rig r;
    usec_t read_at;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; clear_delay_s = 600; rules: ("
                  " { clear_delay_s = 60; " OF_ALERT("1") " },"
                                                          " { clear_delay_s = 0; " OF_ALERT(
                                                              "2") " } ); }");
    for (int n = 1; n <= 3; n++)
        rig_receive(&r, standin_alert(n, "Fired"));
    rig_settle(&r, 50);
    read_at = r.now;
    for (int n = 1; n <= 3; n++)
        rig_receive(&r, standin_alert(n, "Resolved"));
    for (int i = 0; i < 3; i++) {
        struct standin_op *op = rig_until(&r, "incident", false);

        assert_non_null(op);
        assert_true(r.now >= read_at + delays[i]);
        rig_serve(&r, op);
        rig_turn(&r);
        for (int k = 0; k < 3; k++)
            assert_string_equal(rig_column(row_of(&r, whose[k]), "state"), k <= i ? "6" : "1");
    }
    assert_true(r.now < read_at + 700 * USEC_S);
    rig_stop(&r);
}

static void a_rule_keeps_work_notes_apart(void **state)
{
    struct standin_op *op;
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; note_every_min = 10; rules: ("
                  " { note_every_min = 0; " OF_ALERT("1") " } ); }");
    for (int n = 1; n <= 2; n++) {
        rig_receive(&r, standin_alert(n, "Fired"));
        rig_settle(&r, 50);
        for (int i = 0; i < 3; i++) {
            rig_receive(&r, standin_alert(n, "Fired"));
            op = rig_until(&r, "incident", false);
            assert_non_null(op);
            assert_int_equal(rig_column(op->body, "work_notes")[0] != '\0', n == 1 || i == 0);
            rig_settle(&r, 50);
        }
    }
    rig_stop(&r);
}

#define OF_SEVERITY(n_) "when: ( { field = \"severity\"; equals = \"Sev" n_ "\"; } );"

static char *alert_of_severity(int n, const char *condition, char severity)
{
    char *text = standin_alert(n, condition);

    strstr(text, "\"Sev1\"")[4] = severity;
    return text;
}

/* The rule of the fire that begins anew, and no other one. */
static void a_rule_says_what_firing_again_does(void **state)
{
    static const char *const words[] = {"created", "resolved", "reopened", "resolved",
                                        "noted",   "stamped",  "created"};
    char closed[CLOCK_SN_SIZE];
    struct rig r;

    (void)state;
    clock_format_sn(1748773230000, closed);
    rig_start(&r, "{ topics = [\"alerts\"]; fold = \"series\"; rules: ("
                  " { refire = \"reopen\"; " OF_SEVERITY("2") " },"
                                                              " { refire = \"note\"; " OF_SEVERITY(
                                                                  "3") " } ); }");
    for (int n = 1; n <= 4; n++)
        for (int end = 0; end < 2 && 2 * (n - 1) + end < (int)ARRAY_LEN(words); end++) {
            rig_receive(&r, alert_of_severity(n, end ? "Resolved" : "Fired", (char)('0' + n)));
            rig_settle(&r, 50);
            assert_string_equal(last_word(&r), words[2 * (n - 1) + end]);
            if (end)
                rig_set(rig_only_row(&r), "resolved_at", closed);
        }
    assert_int_equal(json_object_size(r.rows), 2);
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeat_without_news_costs_no_request),
        cmocka_unit_test(old_words_after_a_lost_answer_are_news),
        cmocka_unit_test(old_words_after_an_assignment_are_news),
        cmocka_unit_test(a_repeat_of_a_series_is_looked_up),
        cmocka_unit_test(work_notes_keep_their_distance),
        cmocka_unit_test(a_clear_does_what_is_wanted),
        cmocka_unit_test(a_clear_waits_its_delay),
        cmocka_unit_test(a_series_fires_again),
        cmocka_unit_test(a_rule_says_what_a_clear_does),
        cmocka_unit_test(the_clears_own_rules_count),
        cmocka_unit_test(a_rule_delays_a_clear),
        cmocka_unit_test(a_rule_keeps_work_notes_apart),
        cmocka_unit_test(a_rule_says_what_firing_again_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
