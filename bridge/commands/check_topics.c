/* Lines about topics: there or made at the start, compaction, size of records, rights. A right that
 * was not tried is Skipped, never assumed. */
#include "bridge/commands/check_topics.h"

#include <string.h>

static void judge_missing(struct check_report *r, const struct check_topic *t)
{
    const char *name = t->wish.name;

    if (!t->own)
        check_add(r, CHECK_NOT_COMPLETE, "topic", name,
                  "make the topic, or correct its name in consumers; a running bridge finds it "
                  "within half a minute",
                  "the topic of alerts does not exist");
    else if (!t->create)
        check_add(r, CHECK_NOT_COMPLETE, "topic", name,
                  "make it by hand, or set topics.create = true",
                  "the topic does not exist, and topics.create is off");
    else if (t->creatable == CHECK_NO)
        check_add_err(r, "topic", name, &t->create_err);
    else
        check_add(r, CHECK_WILL_BE_CREATED, "topic", name, NULL,
                  "it is missing; the bridge makes it when it starts%s",
                  t->creatable == CHECK_YES ? ", the cluster has agreed" : "");
}

static void judge_policy(struct check_report *r, const struct check_topic *t)
{
    bool compacted = t->policy != NULL && strstr(t->policy, "compact") != NULL;

    if (t->policy == NULL)
        check_add(r, CHECK_SKIPPED, "compaction", t->wish.name, NULL,
                  "the settings of the topic cannot be read");
    else if (t->wish.compacted && !compacted)
        check_add(r, CHECK_NOT_COMPLETE, "compaction", t->wish.name,
                  "set cleanup.policy=compact on the topic",
                  "cleanup.policy is %s: the newest version of a record would be deleted with time",
                  t->policy);
    else if (!t->wish.compacted && compacted)
        check_add(r, CHECK_NOT_COMPLETE, "compaction", t->wish.name,
                  "set cleanup.policy=delete on the topic",
                  "cleanup.policy is %s: records without a key would be refused", t->policy);
    else
        check_add(r, CHECK_COMPLETED, "compaction", t->wish.name, NULL, "cleanup.policy is %s",
                  t->policy);
}

static void judge_size(struct check_report *r, const struct check_topic *t)
{
    if (t->bytes <= 0)
        check_add(r, CHECK_SKIPPED, "size", t->wish.name, NULL,
                  "the settings of the topic cannot be read");
    else if (t->bytes < t->wish.max_message_bytes)
        check_add(r, CHECK_NOT_COMPLETE, "size", t->wish.name,
                  "raise max.message.bytes of the topic",
                  "max.message.bytes is %lld, less than the %lld that the largest records need: "
                  "such are cut",
                  t->bytes, t->wish.max_message_bytes);
    else
        check_add(r, CHECK_COMPLETED, "size", t->wish.name, NULL, "max.message.bytes is %lld",
                  t->bytes);
}

static void judge_right(struct check_report *r, const char *check, const char *topic,
                        enum check_answer answer, const struct err *why, const char *done,
                        const char *not_asked)
{
    if (answer == CHECK_YES)
        check_add(r, CHECK_COMPLETED, check, topic, NULL, "%s", done);
    else if (answer == CHECK_NO)
        check_add_err(r, check, topic, why);
    else
        check_add(r, CHECK_SKIPPED, check, topic, NULL, "%s", not_asked);
}

void check_judge_topic(struct check_report *r, const struct check_topic *t)
{
    const char *name = t->wish.name;

    if (t->err.class != ERR_NONE) {
        check_add_err(r, "topic", name, &t->err);
        return;
    }
    if (t->partitions == 0) {
        judge_missing(r, t);
        return;
    }
    check_add(r, CHECK_COMPLETED, "topic", name, NULL, "it is there, with %d partition%s",
              (int)t->partitions, t->partitions == 1 ? "" : "s");
    if (t->own) {
        judge_policy(r, t);
        judge_size(r, t);
    }
    if (t->wanted_read)
        judge_right(r, "read", name, t->readable, &t->read_err, "it can be read",
                    "the cluster did not answer in time");
    if (t->own)
        judge_right(r, "write", name, t->writable, &t->write_err,
                    "a record in an aborted transaction was taken",
                    "needs --write, and transactions: without them a record would stay");
}

void check_judge_pattern(struct check_report *r, const char *pattern, int topics)
{
    if (topics > 0)
        check_add(r, CHECK_COMPLETED, "topic", pattern, NULL, "%d topic%s of this pattern", topics,
                  topics == 1 ? "" : "s");
    else
        check_add(r, CHECK_NOT_COMPLETE, "topic", pattern,
                  "make one, or correct the pattern in consumers; a running bridge finds new ones "
                  "within half a minute",
                  "no topic that this user may see fits the pattern");
}

void check_judge_transactions(struct check_report *r, enum check_transactions how, bool required,
                              const struct err *why)
{
    static const char *const odd = "work items are published at least once: after a crash some "
                                   "changes may come twice";

    if (how == CHECK_TXN_UNUSED) {
        check_add(r, CHECK_SKIPPED, "transactions", NULL, NULL,
                  "only work items need them, and no table is to be published");
    } else if (how == CHECK_TXN_OFF) {
        check_add(r, CHECK_SKIPPED, "transactions", NULL, NULL, "topics.exactly_once is off: %s",
                  odd);
    } else if (how == CHECK_TXN_WORK) {
        check_add(r, CHECK_COMPLETED, "transactions", NULL, NULL,
                  "a transactional id was fenced: work items are published exactly once");
    } else if (strcmp(why->code, "no-transactions") != 0 || required) {
        check_add_err(r, "transactions", NULL, why);
    } else {
        check_add(r, CHECK_COMPLETED, "transactions", NULL, NULL,
                  "the cluster has none (%.300s), and topics.exactly_once = \"auto\" goes on "
                  "without",
                  why->text);
        check_note(r, "Without transactions %s", odd);
    }
}
