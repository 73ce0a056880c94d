/* No broker anywhere: everything ends in time, and the log says it once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/base/log.h"
#include "bridge/kafka/group.h"
#include "bridge/kafka/output.h"
#include "tests/support/kafka_rig.h"

static int answers, done, freed_in_done;
static enum err_class last_class;

static void on_answer(void *arg, const struct err *error, usec_t now)
{
    (void)arg;
    (void)now;
    answers++;
    last_class = error == NULL ? ERR_NONE : error->class;
}

static void on_done(void *arg, usec_t now)
{
    struct group **g = arg;

    (void)now;
    done++;
    *g = group_free(*g);
    freed_in_done = 1;
}

static bool is_done(void *arg)
{
    (void)arg;
    return done > 0;
}

static int count_lines(FILE *f, const char *with)
{
    char line[4096];
    int n = 0;

    rewind(f);
    while (fgets(line, sizeof line, f) != NULL)
        n += strstr(line, with) != NULL ? 1 : 0;
    return n;
}

static bool is_said(void *arg)
{
    return count_lines(arg, "kafka-down client=consumer") > 0;
}

static void test_dead_broker(void **state)
{
    static const char *const topics[] = {"alerts"};
    static const char *const fast[] = {"reconnect.backoff.ms", "10", "reconnect.backoff.max.ms",
                                       "50", NULL};
    static const struct output_record r = {
        .topic = "out", .partition = 0, .value = "v", .value_length = 1};
    struct group_callbacks cb = {.arg = NULL};
    struct config *c = kafka_rig_config("127.0.0.1:1", "g", fast);
    FILE *log = tmpfile();
    int saved = dup(STDERR_FILENO);
    struct loop *l;
    struct output *o;
    struct lookup *k;
    struct group *g;
    struct err e;

    (void)state;
    /* One file offset for reading here and writing there: writes must go to the end. */
    assert_int_equal(fcntl(fileno(log), F_SETFL, O_APPEND), 0);
    assert_true(dup2(fileno(log), STDERR_FILENO) >= 0);
    log_setup(LOG_LEVEL_DEBUG, LOG_PLAIN);
    l = loop_new(&e);
    o = output_new(l, c, NULL, 0, NULL, &e);
    k = lookup_new(l, output_handle(o));
    g = group_new(l, c, topics, 1, NULL, 0, NULL, k, &cb, NULL, &e);
    assert_non_null(g);
    assert_int_equal(output_send(o, &r, on_answer, NULL, &e), 0);
    kafka_rig_until(&l, 1, is_said, log, 20);
    for (usec_t end = clock_now() + USEC_S; clock_now() < end;) /* 20 attempts more */
        loop_turn(l, 50 * USEC_MS);
    assert_int_equal(count_lines(log, "kafka-down client=consumer"), 1);
    assert_true(count_lines(log, "kafka-down client=producer") <= 1);
    assert_int_equal(answers, 0); /* it waits: the broker may come back */

    group_close(g, on_done, &g);
    kafka_rig_until(&l, 1, is_done, NULL, 3);
    assert_int_equal(freed_in_done, 1);
    k = lookup_free(k);
    o = output_free(o);
    assert_int_equal(answers, 1);
    assert_int_equal(last_class, ERR_RETRY);
    loop_turn(l, 0);
    l = loop_free(l);
    c = kafka_rig_config_free(c);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    (void)fclose(log);
    assert_true(k == NULL && o == NULL && l == NULL && c == NULL);
}

static bool is_broken(void *arg)
{
    return output_broken(arg) != NULL;
}

/* What the broker answers to a producer that it has forgotten, by librdkafka's own means. */
static void test_broken_producer(void **state)
{
    struct config *c = kafka_rig_config("127.0.0.1:1", "g", NULL);
    struct loop *l;
    struct output *o;
    struct err e;

    (void)state;
    l = loop_new(&e);
    o = output_new(l, c, NULL, 0, NULL, &e);
    assert_null(output_broken(o));
    (void)rd_kafka_test_fatal_error(
        output_handle(o), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "records are missing");
    kafka_rig_until(&l, 1, is_broken, o, 10);
    assert_int_equal(output_broken(o)->class, ERR_FATAL);
    assert_non_null(strstr(output_broken(o)->text, "records are missing"));
    (void)output_free(o);
    (void)loop_free(l);
    (void)kafka_rig_config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_broker),
        cmocka_unit_test(test_broken_producer),
    };

    return cmocka_run_group_tests_name("kafka_dead", tests, NULL, NULL);
}
