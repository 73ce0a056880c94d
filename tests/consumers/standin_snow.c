/* The ServiceNow client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "tests/consumers/standin.h"
#include "tests/consumers/standin_internal.h"

unsigned standin_room = 8;
enum window_class standin_class = WINDOW_ALERTS;

msec_t snow_clock_skew(const struct snow *s)
{
    (void)s;
    return 0;
}

static struct standin_op **submitted;
static size_t submitted_count;

void standin_snow_reset(void)
{
    for (size_t i = 0; i < submitted_count; i++) {
        json_decref(submitted[i]->body);
        free(submitted[i]->table);
        free(submitted[i]->sys_id);
        free(submitted[i]->query);
        free(submitted[i]);
    }
    free(submitted);
    submitted = NULL;
    submitted_count = 0;
    standin_room = 8;
    standin_class = WINDOW_ALERTS;
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : xstrdup(text);
}

/* The text of events is borrowed for the submit only. */
static json_t *events_of(const struct snow_op *op)
{
    json_t *body = json_loadb(op->text, op->text_length, JSON_REJECT_DUPLICATES, NULL);

    assert_true(json_is_array(json_object_get(body, "records")));
    return body;
}

int snow_submit(struct snow *s, enum window_class c, const struct snow_op *ops, size_t n,
                snow_fn fn, void *arg, usec_t now, struct err *e)
{
    struct standin_op *x = xcalloc(1, sizeof *x);

    (void)s;
    (void)now;
    (void)e;
    assert_int_equal(c, standin_class);
    assert_int_equal(n, 1);
    assert_true(standin_open_ops() < standin_room);
    *x = (struct standin_op){.kind = ops->kind,
                             .table = copy(ops->table),
                             .sys_id = copy(ops->sys_id),
                             .query = copy(ops->query),
                             .limit = ops->limit,
                             .body =
                                 ops->kind == SNOW_EVENTS ? events_of(ops) : json_incref(ops->body),
                             .op = *ops,
                             .fn = fn,
                             .arg = arg};
    submitted = xrealloc(submitted, submitted_count + 1, sizeof(struct standin_op *));
    submitted[submitted_count++] = x;
    return 0;
}

unsigned snow_room(struct snow *s, enum window_class c, bool waiting, usec_t now)
{
    size_t open = standin_open_ops();

    (void)s;
    (void)c;
    (void)waiting;
    (void)now;
    return open >= standin_room ? 0 : standin_room - (unsigned)open;
}

size_t standin_ops(void)
{
    return submitted_count;
}

struct standin_op *standin_op(size_t i)
{
    assert_true(i < submitted_count);
    return submitted[i];
}

size_t standin_open_ops(void)
{
    size_t n = 0;

    for (size_t i = 0; i < submitted_count; i++)
        n += !submitted[i]->answered;
    return n;
}

struct standin_op *standin_open_op(void)
{
    for (size_t i = submitted_count; i > 0; i--)
        if (!submitted[i - 1]->answered)
            return submitted[i - 1];
    fail_msg("no request is under way");
    return NULL;
}

void standin_op_outcome(struct standin_op *op, const struct snow_outcome *o, usec_t now)
{
    assert_false(op->answered);
    op->answered = true;
    op->fn(op->arg, &op->op, o, 1, now);
}

void standin_op_answer(struct standin_op *op, enum snow_verdict v, json_t *result, usec_t now)
{
    struct snow_outcome o = {.verdict = v, .result = result, .date = MSEC_NONE, .sent = true};

    err_clear(&o.err);
    if (v != SNOW_OK)
        (void)err_set(&o.err, ERR_RETRY, "standin", "the stand-in says so");
    standin_op_outcome(op, &o, now);
    json_decref(result);
}
