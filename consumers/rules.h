/* The rules of a consumers entry, compiled (README, "Rules"): which of them hold for an alert, and
 * what they set. What is decided depends on the alert and the configuration alone, never on the
 * clock, so that a message that is read twice is judged alike. Pure; not thread-safe, because the
 * compiled rules hold scratch memory. */
#ifndef CONSUMERS_RULES_H
#define CONSUMERS_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/config/config.h"
#include "consumers/alert.h"

struct rules;

/* Borrows c. Never NULL: config_load has refused what does not compile. */
struct rules *rules_new(const struct config_consumer *c) MUST_CHECK;
struct rules *rules_free(struct rules *r); /* NULL is fine; returns NULL */

/* What the rules decide about one alert. */
struct ruling {
    size_t *held; /* numbers of the rules that hold and were looked at, in order; owned */
    size_t count;
    const struct config_rule *drop; /* the rule that drops the alert, or NULL */
    bool individual;                /* a record for each configuration item */
    const char *target;             /* borrowed, "" = the consumer's */
    const char *template;           /* borrowed, "" = none */
};

/* r may be NULL: no rules. *ret is to be given to ruling_done. */
void rules_decide(struct rules *r, const struct alert *a, struct ruling *ret);
void ruling_done(struct ruling *g);

/* What is wanted of the life of the alert's record where a rule that holds sets some of it: the
 * entry's keys, over them the rules', the later rule winning; where on_clear leaves the state to
 * people nothing expires. Borrowed, lives as long as r; one
 * pointer for the same values. NULL: no rule sets any, the entry's own life holds. */
const struct config_life *rules_life(struct rules *r, const struct ruling *g) MUST_CHECK;
/* May refire = reopen, or a clear_delay, hold for some alert: by the entry or one of its rules? */
bool rules_reopen(const struct rules *r);
bool rules_delay(const struct rules *r);
/* For people: each key of the life that is set, as in the file, with `before` in front of it. */
void life_describe(const struct config_life *l, const char *before, struct buf *out);

/* The columns that the rules set, as texts; "" means that the column is left out. */
struct ruling_columns {
    json_t *fields;  /* new reference; win over `fields` of the entry */
    json_t *presets; /* new reference; stand back behind everything else */
};

void ruling_columns(const struct rules *r, const struct ruling *g, const struct alert *a,
                    struct ruling_columns *ret);
void ruling_columns_done(struct ruling_columns *c);

/* Names of the rules that hold, as an array: new reference. */
json_t *ruling_names(const struct rules *r, const struct ruling *g) MUST_CHECK;

/* For people: a line for each rule that holds with why it does and what it sets. */
void ruling_describe(const struct rules *r, const struct ruling *g, const struct alert *a,
                     struct buf *out);

#endif
