/* What the checklist finds out about topics, and what it says about them. Pure. */
#ifndef BRIDGE_COMMANDS_CHECK_TOPICS_H
#define BRIDGE_COMMANDS_CHECK_TOPICS_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/commands/check_report.h"
#include "bridge/kafka/topics.h"

/* A question that may not have been asked. */
enum check_answer { CHECK_NOT_ASKED, CHECK_YES, CHECK_NO };

struct check_topic {
    struct topic_wish wish; /* of the bridge's own; else only its name */
    bool own;               /* the bridge's own: written, and made when missing */
    bool wanted_read;       /* alert topics and the state topic */
    int32_t partitions;     /* 0: it is not there */
    struct err err;         /* why it cannot be used; class ERR_NONE when it can */
    bool create;            /* topics.create */
    enum check_answer creatable;
    struct err create_err;
    char *policy;    /* cleanup.policy, owned; NULL: not to be read */
    long long bytes; /* max.message.bytes; 0: not to be read */
    enum check_answer readable, writable;
    struct err read_err, write_err;
};

void check_judge_topic(struct check_report *r, const struct check_topic *t);
/* A subscription by regular expression, and how many topics it has. */
void check_judge_pattern(struct check_report *r, const char *pattern, int topics);

enum check_transactions { CHECK_TXN_UNUSED, CHECK_TXN_OFF, CHECK_TXN_WORK, CHECK_TXN_FAILED };
/* `required`: topics.exactly_once is "required". */
void check_judge_transactions(struct check_report *r, enum check_transactions how, bool required,
                              const struct err *why);

#endif
