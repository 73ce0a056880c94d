/* Shared by the files of the rules (rules.c: deciding; rules_condition.c: one condition;
 * rules_index.c: which rules can hold at all; rules_result.c: what they set; rules_life.c: what
 * they make of a record's life). Nobody else includes
 * it. */
#ifndef CONSUMERS_RULES_INTERNAL_H
#define CONSUMERS_RULES_INTERNAL_H

#include <stdint.h>

#include "bridge/base/regex.h"
#include "bridge/base/weekly.h"
#include "bridge/config/field.h"
#include "bridge/config/template.h"
#include "consumers/rules.h"

struct condition;

struct condition_kind {
    const char *name; /* for people: "equals" */
    bool (*holds)(const struct condition *x, const struct alert *a);
};

struct condition {
    const struct config_condition *config;
    const struct condition_kind *kind;
    struct field field;
    struct regex *regex;
    int severity;
    struct weekly window;
    struct zone *zone;
};

struct rule_column {
    const char *name; /* borrowed */
    struct template *template;
};

struct rule {
    const struct config_rule *config;
    struct condition *when;
    size_t when_count;
    struct rule_column *columns;
    size_t columns_count;
    bool has_life; /* some key of its life is set */
};

struct rules {
    const struct config_consumer *consumer;
    struct rule *items;
    size_t count;
    struct rules_index *index;
    bool reopen, delay;       /* the entry or some rule says refire = reopen, clear_delay */
    struct rules_life *lives; /* what rules have made of the entry's life so far, each once */
};

void condition_init(struct condition *x, const struct config_condition *config);
void condition_done(struct condition *x);
bool condition_holds(const struct condition *x, const struct alert *a);
/* "label.env equals "prod"", for people. */
void condition_describe(const struct condition *x, struct buf *out);

/* The texts of which the condition wants the field to have one, letter by letter; NULL when it
 * tests something else. */
const char *const *condition_texts(const struct condition *x, size_t *ret_count);

/* Which rules can hold: a rule with a condition `equals` or `one_of` only where the alert has such
 * a value, any other rule always. Borrows the rules. */
struct rules_index *rules_index_new(const struct rule *items, size_t count) MUST_CHECK;
struct rules_index *rules_index_free(struct rules_index *x);
/* Their numbers, ascending; borrowed until the next call. */
const size_t *rules_index_find(struct rules_index *x, const struct alert *a, size_t *ret_count);

bool rule_has_life(const struct config_life *l);
void rules_lives_init(struct rules *r);
void rules_lives_done(struct rules *r);

#endif
