/* Rules after reading: each condition tests one thing, no rule contradicts itself, and each
 * consumers entry knows its rules. */
#include "bridge/config/config_rules.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/regex.h"
#include "bridge/base/text.h"
#include "bridge/base/weekly.h"
#include "bridge/base/xalloc.h"
#include "bridge/base/zone.h"
#include "bridge/config/config_reader.h"
#include "bridge/config/config_text.h"
#include "bridge/config/config_value.h"
#include "bridge/config/template.h"

#define RULE(name_) "consumers[].rules[]." name_
#define WHEN(name_) "consumers[].rules[].when[]." name_

char *config_explain_template(const char *text)
{
    struct err e;
    struct template *t = template_new(text, &e);

    if (t == NULL)
        return xstrdup(e.text);
    (void)template_free(t);
    return NULL;
}

char *config_explain_field(const char *text)
{
    struct field f;
    struct err e;

    if (field_parse(text, strlen(text), &f, &e) != 0)
        return xstrdup(e.text);
    field_done(&f);
    return NULL;
}

char *config_explain_regex(const char *text)
{
    struct err e;
    struct regex *r = regex_new(text, false, &e);

    if (r == NULL)
        return xasprintf("the regular expression is not possible: %s", e.text);
    (void)regex_free(r);
    return NULL;
}

char *config_explain_zone(const char *text)
{
    struct err e;
    struct zone *z = zone_new(text, &e);

    if (z == NULL)
        return xasprintf("the zone \"%.60s\" %s", text, e.text);
    (void)zone_free(z);
    return NULL;
}

/* ---------------------------------------------------------------- conditions */

struct test {
    const char *path;
    bool set, window;
};

/* The tests of a condition, in the order of the manual. */
static size_t tests_of(const struct config_condition *x, struct test out[9])
{
    const struct test tests[] = {
        {WHEN("equals"), *x->equals, false},
        {WHEN("one_of"), x->one_of.count > 0, false},
        {WHEN("prefix"), *x->prefix, false},
        {WHEN("matches"), *x->matches, false},
        {WHEN("at_least"), *x->at_least, false},
        {WHEN("present"), x->present, false},
        {WHEN("days"), x->days.count > 0, true},
        {WHEN("from"), *x->from, true},
        {WHEN("to"), *x->to, true},
    };

    memcpy(out, tests, sizeof tests);
    return ARRAY_LEN(tests);
}

/* Was the value of a test refused already? Then nothing more is said. */
static bool refused(struct config_reader *r, const struct test *tests, size_t n, size_t entry)
{
    for (size_t i = 0; i < n; i++) {
        const struct config_mark *mark = config_mark_find(r, tests[i].path, entry);

        if (mark && !tests[i].set && config_problems_at(&r->problems, mark->place))
            return true;
    }
    return false;
}

static void check_window(struct config_reader *r, const struct config_condition *x, size_t entry)
{
    const char *from = *x->from ? x->from : "00:00", *to = *x->to ? x->to : "24:00";

    if (*x->field)
        config_fail(r, WHEN("field"), entry,
                    "a time window looks at the time at which the alert fired; leave field out, or "
                    "write two conditions");
    if (strcmp(from, to) == 0)
        config_fail(r, *x->from ? WHEN("from") : WHEN("to"), entry,
                    "the window from %s to %s is empty; leave both out for the whole day", from,
                    to);
}

static void check_field(struct config_reader *r, const struct config_condition *x, size_t entry)
{
    const struct config_mark *mark = config_mark_find(r, WHEN("field"), entry);
    struct config_place place = config_mark_find(r, "consumers[].rules[].when", entry)->place;

    if (!*x->field && !config_problems_at(&r->problems, place) &&
        !(mark && config_problems_at(&r->problems, mark->place)))
        config_fail(r, WHEN("field"), entry,
                    "is missing; name what is looked at, as in field = \"severity\" or "
                    "field = \"label.env\"");
    if (*x->at_least && *x->field && strcmp(x->field, "severity") != 0)
        config_fail(r, WHEN("at_least"), entry,
                    "only severity has an order; use field = \"severity\"");
}

static void check_condition(struct config_reader *r, size_t entry)
{
    const struct config_condition *x = &r->config->conditions[entry];
    struct test tests[9];
    struct config_place place = config_mark_find(r, "consumers[].rules[].when", entry)->place;
    size_t n = tests_of(x, tests), first = n, second = n;

    for (size_t i = 0; i < n; i++) {
        if (!tests[i].set || (tests[i].window && first < n && tests[first].window))
            continue;
        if (first == n)
            first = i;
        else
            second = i;
    }
    if (first == n) {
        if (!config_problems_at(&r->problems, place) && !refused(r, tests, n, entry))
            config_fail(r, WHEN("field"), entry,
                        "the condition tests nothing; add one of equals, one_of, prefix, matches, "
                        "at_least, present = true, or a time window (days, from, to)");
        return;
    }
    if (second < n)
        config_fail(r, tests[second].path, entry,
                    "the condition tests %s already, and may test one thing; put this into a "
                    "condition of its own",
                    strrchr(tests[first].path, '.') + 1);
    else if (tests[first].window)
        check_window(r, x, entry);
    else
        check_field(r, x, entry);
}

/* ---------------------------------------------------------------- rules */

/* The first key of the life that the rule sets, or NULL. */
static const char *life_key(const struct config_life *l)
{
    const struct {
        const char *name;
        bool set;
    } keys[] = {
        {"on_clear", l->on_clear != ON_CLEAR_AS_ENTRY}, {"clear_delay_s", l->clear_delay >= 0},
        {"refire", l->refire != REFIRE_AS_ENTRY},       {"reopen_within_h", l->reopen_within >= 0},
        {"note_every_min", l->note_every >= 0},         {"expire_h", l->expire >= 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (keys[i].set)
            return keys[i].name;
    return NULL;
}

/* The first key by which the rule sets something, or NULL. */
static const char *sets_something(const struct config_rule *x)
{
    const struct {
        const char *name;
        bool set;
    } actions[] = {
        {"work_item_type", *x->work_item_type},
        {"target", *x->target},
        {"assignment_group", *x->assignment_group},
        {"category", *x->category},
        {"impact", x->impact != 0},
        {"urgency", x->urgency != 0},
        {"template", *x->template},
        {"fields", x->fields.count > 0},
        {"default_fields", x->default_fields.count > 0},
        {"individual_work_items", x->individual_work_items},
        {life_key(&x->life), life_key(&x->life) != NULL},
        {"continue", x->go_on},
    };

    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (actions[i].set)
            return actions[i].name;
    return NULL;
}

/* A column that has a key of its own and stands in `fields` too. */
static void check_twice(struct config_reader *r, size_t entry)
{
    const struct config_rule *x = &r->config->rules[entry];

    for (size_t i = 0; i < x->fields.count; i++) {
        const char *column = x->fields.items[i].name;

        if ((*x->assignment_group && strcmp(column, "assignment_group") == 0) ||
            (*x->category && strcmp(column, "category") == 0) ||
            (x->impact && strcmp(column, "impact") == 0) ||
            (x->urgency && strcmp(column, "urgency") == 0))
            config_fail(r, RULE("fields"), entry,
                        "%s is set by a key of its own too; remove one of the two", column);
    }
}

static void check_rule(struct config_reader *r, size_t entry)
{
    const struct config *c = r->config;
    const struct config_rule *x = &c->rules[entry];
    bool last = entry + 1 == c->rules_count || c->rules[entry + 1].consumer != x->consumer;
    const char *sets = sets_something(x);

    if (x->drop && sets)
        config_fail(r, RULE("drop"), entry,
                    "the rule drops the alert, so %s has no effect; remove one of the two", sets);
    if (*x->target && *x->work_item_type && !text_equal_nocase(x->target, x->work_item_type))
        config_fail(r, RULE("work_item_type"), entry,
                    "\"%s\" is not the target (\"%s\"); the two keys mean the same, remove one",
                    x->work_item_type, x->target);
    if (x->log_rows == LOG_ROWS_EACH)
        config_fail(r, RULE("log_rows"), entry,
                    "\"each\" is not built yet; use \"together\": the rows of a log search in one "
                    "record");
    if (x->when_count == 0 && !x->go_on && !last &&
        !config_given(r, "consumers[].rules[].when", CONFIG_REFUSED))
        config_fail(r, RULE("name"), entry,
                    "the rule has no condition and does not continue, so the rules behind it are "
                    "never looked at; add `when`, or put it last");
    check_twice(r, entry);
}

/* Do the entry or its rules say anywhere that something comes of a record that fires again? */
static bool fires_again(const struct config_consumer *c)
{
    bool again = c->life.refire != REFIRE_NEW;

    for (size_t i = 0; i < c->rules_count; i++)
        again = again || c->rules[i].life.refire == REFIRE_REOPEN ||
                c->rules[i].life.refire == REFIRE_NOTE;
    return again;
}

/* The target of alerts for which the rule holds; "": another rule may choose it. */
static const char *target_of(const struct config *c, const struct config_rule *x)
{
    const struct config_consumer *owner = &c->consumers[x->consumer];

    if (*x->target)
        return x->target;
    for (size_t i = 0; i < owner->rules_count; i++)
        if (*owner->rules[i].target)
            return "";
    return owner->target;
}

static bool leaves(enum config_on_clear c)
{
    return c == ON_CLEAR_NOTE || c == ON_CLEAR_NOTHING;
}

/* on_clear as the rule has it; where another rule may set it: resolve. */
static enum config_on_clear on_clear_of(const struct config *c, const struct config_rule *x)
{
    const struct config_consumer *owner = &c->consumers[x->consumer];

    if (x->life.on_clear != ON_CLEAR_AS_ENTRY)
        return x->life.on_clear;
    for (size_t i = 0; i < owner->rules_count; i++)
        if (owner->rules[i].life.on_clear != ON_CLEAR_AS_ENTRY)
            return ON_CLEAR_RESOLVE;
    return owner->life.on_clear;
}

static void check_expiry(struct config_reader *r, size_t entry)
{
    const struct config_rule *x = &r->config->rules[entry];
    const char *target = target_of(r->config, x);

    if (x->life.expire <= 0)
        return;
    if (leaves(on_clear_of(r->config, x)))
        config_fail(r, RULE("expire_h"), entry,
                    "resolves records, which on_clear = \"%s\" leaves to people; remove one of the "
                    "two",
                    on_clear_of(r->config, x) == ON_CLEAR_NOTE ? "note" : "nothing");
    if (strcmp(target, "alert") == 0 || strcmp(target, "em_alert") == 0)
        config_fail(r, RULE("expire_h"), entry,
                    "has no effect with the target \"%s\", which keeps no stamp that tells of the "
                    "last news; remove it",
                    target);
}

static bool is_rows(const char *target)
{
    return strcmp(target, "event") == 0 || text_starts(target, "import:");
}

static void check_life(struct config_reader *r, size_t entry)
{
    const struct config_rule *x = &r->config->rules[entry];
    const char *key = life_key(&x->life), *target = target_of(r->config, x);
    char *path;

    if (key != NULL && is_rows(target)) {
        path = xasprintf(RULE("%s"), key);
        config_fail(r, path, entry,
                    "has no effect with the target \"%s\", which gets a row for each message and "
                    "is not looked at again; remove it",
                    target);
        free(path);
    }
    if (x->life.reopen_within == 0)
        config_fail(r, RULE("reopen_within_h"), entry,
                    "0 is not possible; use 1 or more, -1 for the entry's, or refire = \"new\"");
    else if (x->life.reopen_within > 0 && !fires_again(&r->config->consumers[x->consumer]))
        config_fail(r, RULE("reopen_within_h"), entry,
                    "neither the entry nor a rule of it says refire = \"reopen\" or \"note\", so "
                    "it has no effect; add refire, or remove it");
}

static void check_names(struct config_reader *r)
{
    struct config_rule *rules = r->config->rules;

    for (size_t i = 0; i < r->config->rules_count; i++)
        for (size_t k = i; k > 0 && rules[k - 1].consumer == rules[i].consumer; k--)
            if (strcmp(rules[k - 1].name, rules[i].name) == 0) {
                config_fail(r, RULE("name"), i,
                            "\"%s\" is the name of another rule of this entry; names must differ",
                            rules[i].name);
                break;
            }
}

/* work_item_type is another name of target; from here on only target counts. */
static void take_work_item(struct config_rule *x)
{
    if (*x->target || !*x->work_item_type)
        return;
    config_set(&x->target, xstrdup(x->work_item_type));
    text_lower(x->target);
}

/* The arrays do not grow any more: who belongs to whom, and names for those without. */
static void link_rules(struct config *c)
{
    size_t number = 0;

    for (size_t i = 0; i < c->conditions_count; i++) {
        struct config_rule *owner = &c->rules[c->conditions[i].rule];

        if (owner->when_count++ == 0)
            owner->when = &c->conditions[i];
    }
    for (size_t i = 0; i < c->rules_count; i++) {
        struct config_consumer *owner = &c->consumers[c->rules[i].consumer];

        if (owner->rules_count++ == 0) {
            owner->rules = &c->rules[i];
            number = 0;
        }
        number++;
        take_work_item(&c->rules[i]);
        if (!*c->rules[i].name)
            config_set(&c->rules[i].name, xasprintf("rule %zu", number));
    }
}

void config_finish_rules(struct config_reader *r)
{
    link_rules(r->config);
    for (size_t i = 0; i < r->config->conditions_count; i++)
        check_condition(r, i);
    for (size_t i = 0; i < r->config->rules_count; i++) {
        check_rule(r, i);
        check_life(r, i);
        check_expiry(r, i);
    }
    check_names(r);
}
