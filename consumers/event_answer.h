/* What the outcome of a request that holds rows means for the messages in it, and how many messages
 * the next request may hold. Pure: no clock, no I/O. */
#ifndef CONSUMERS_EVENT_ANSWER_H
#define CONSUMERS_EVENT_ANSWER_H

#include <stddef.h>

#include "bridge/base/clock.h"
#include "bridge/servicenow/snow.h"

/* The bulk endpoint names no single event, so what is wrong with one shows only when it goes
 * alone. */
enum rows_action {
    ROWS_DONE,   /* every message is taken */
    ROWS_SPLIT,  /* some are not, or it is not known: all again, uncharged, in smaller requests */
    ROWS_CHARGE, /* it went alone and was not clearly taken: one of its attempts */
    ROWS_DEAD,   /* it went alone and was refused for a reason of its own */
    ROWS_PLACE,  /* endpoint, table or right is missing: all wait, uncharged (promise 6) */
    ROWS_AGAIN,  /* the instance is not answering: all again, uncharged */
};

/* `messages`: how many the request held, at least 1. */
enum rows_action rows_judge(enum snow_kind kind, const struct snow_outcome *o, size_t messages);

/* How many messages a request may hold: grows while answers are quick, follows the measured time of
 * a message so that a request is at most `work` long, and is halved by time-outs (design D7). */
#define ROWS_MOST  ((size_t)1000)
#define ROWS_FIRST ((size_t)200)

struct rows_pace {
    size_t most;
    usec_t work;
};

void rows_pace_init(struct rows_pace *p, usec_t work);
void rows_pace_learn(struct rows_pace *p, const struct snow_outcome *o, size_t messages);

#endif
