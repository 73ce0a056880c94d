/* Metrics: one member a name and label set, and the text format to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/metrics.h"

static void known_text(void **state)
{
    struct metrics *m = metrics_new();
    struct metric *a = metrics_counter(m, "alerts_total", NULL, "Alerts read");
    struct metric *b = metrics_gauge(m, "lanes", "state=\"waiting\"", "Lanes");
    struct metric *c = metrics_gauge(m, "lanes", "state=\"idle\"", "Lanes");
    struct buf out;

    (void)state;
    metric_add(a, 3);
    metric_add(a, 4);
    metric_set(b, -5);
    metric_set(c, 6);
    assert_int_equal(metric_value(a), 7);
    assert_int_equal(metric_value(b), -5);
    assert_ptr_equal(metrics_gauge(m, "lanes", "state=\"idle\"", "Lanes"), c);
    assert_ptr_not_equal(b, c);
    buf_init(&out, 4096);
    assert_int_equal(metrics_print(m, &out), 0);
    assert_string_equal(buf_text(&out), "# HELP itsm_bridge_alerts_total Alerts read\n"
                                        "# TYPE itsm_bridge_alerts_total counter\n"
                                        "itsm_bridge_alerts_total 7\n"
                                        "# HELP itsm_bridge_lanes Lanes\n"
                                        "# TYPE itsm_bridge_lanes gauge\n"
                                        "itsm_bridge_lanes{state=\"waiting\"} -5\n"
                                        "itsm_bridge_lanes{state=\"idle\"} 6\n");
    buf_done(&out);
    buf_init(&out, 100);
    assert_int_equal(metrics_print(m, &out), -1);
    buf_done(&out);
    assert_null(metrics_free(m));
}

/* The number behind the first line that starts with `line`. */
static double number_of(const char *text, const char *line)
{
    const char *at = strstr(text, line);

    assert_non_null(at);
    return strtod(at + strlen(line), NULL);
}

static void histogram(void **state)
{
    static const double seconds[] = {0.0005, 0.001, 0.0011, 0.3, 59, 61, 1000};
    struct metrics *m = metrics_new();
    struct metric *plain = metrics_histogram(m, "request_seconds", NULL, "Time");
    struct metric *labelled = metrics_histogram(m, "other_seconds", "op=\"read\"", "Time");
    struct buf out;
    const char *text;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(seconds); i++)
        metric_observe(plain, seconds[i]);
    metric_observe(labelled, 2);
    buf_init(&out, 1 << 16);
    assert_int_equal(metrics_print(m, &out), 0);
    text = buf_text(&out);
    assert_true(number_of(text, "itsm_bridge_request_seconds_bucket{le=\"0.001\"} ") == 2);
    assert_true(number_of(text, "itsm_bridge_request_seconds_bucket{le=\"0.0025\"} ") == 3);
    assert_true(number_of(text, "itsm_bridge_request_seconds_bucket{le=\"0.25\"} ") == 3);
    assert_true(number_of(text, "itsm_bridge_request_seconds_bucket{le=\"60\"} ") == 5);
    assert_true(number_of(text, "itsm_bridge_request_seconds_bucket{le=\"+Inf\"} ") == 7);
    assert_true(number_of(text, "itsm_bridge_request_seconds_count ") == 7);
    assert_true(number_of(text, "itsm_bridge_request_seconds_sum ") == 1120.3026);
    assert_true(number_of(text, "itsm_bridge_other_seconds_bucket{op=\"read\",le=\"2.5\"} ") == 1);
    assert_true(number_of(text, "itsm_bridge_other_seconds_count{op=\"read\"} ") == 1);
    buf_done(&out);
    (void)metrics_free(m);
}

static void labels_are_escaped(void **state)
{
    char *label = metrics_label("topic", "a\"b\\c\nd");

    (void)state;
    assert_string_equal(label, "topic=\"a\\\"b\\\\c\\nd\"");
    free(label);
    label = metrics_label("topic", "");
    assert_string_equal(label, "topic=\"\"");
    free(label);
}

static void without_metrics(void **state)
{
    (void)state;
    assert_null(metrics_free(NULL));
    assert_null(metrics_counter(NULL, "x_total", NULL, "X"));
    metric_add(NULL, 1);
    metric_set(NULL, 1);
    metric_observe(NULL, 1);
    assert_int_equal(metric_value(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_text),
        cmocka_unit_test(histogram),
        cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(without_metrics),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
