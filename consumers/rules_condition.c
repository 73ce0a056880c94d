/* One condition: how it is read from the configuration, and whether an alert meets it. A field with
 * several values meets it when one of them does; `not` turns the answer round. */
#include <string.h>
#include <strings.h>

#include "bridge/base/panic.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_text.h"
#include "consumers/alert_field.h"
#include "consumers/layout.h"
#include "consumers/rules_internal.h"

/* Of a value, for a regular expression: bounds the time that one condition takes. */
#define MATCH_MAX ((size_t)4096)

static bool any_value(const struct condition *x, const struct alert *a,
                      bool (*passes)(const struct condition *x, const char *value))
{
    char space[ALERT_FIELD_SPACE];
    size_t cursor = 0;
    const char *value;

    while ((value = alert_field_next(a, &x->field, &cursor, space)) != NULL)
        if (passes(x, value))
            return true;
    return false;
}

static bool same(const struct condition *x, const char *a, const char *b)
{
    return x->config->ignore_case ? text_equal_nocase(a, b) : strcmp(a, b) == 0;
}

static bool is_one(const struct condition *x, const char *value)
{
    size_t n;
    const char *const *texts = condition_texts(x, &n);

    for (size_t i = 0; i < n; i++)
        if (same(x, texts[i], value))
            return true;
    return false;
}

static bool holds_equal(const struct condition *x, const struct alert *a)
{
    return any_value(x, a, is_one);
}

static bool begins(const struct condition *x, const char *value)
{
    const char *prefix = x->config->prefix;
    size_t n = strlen(prefix);

    return x->config->ignore_case ? strncasecmp(value, prefix, n) == 0
                                  : strncmp(value, prefix, n) == 0;
}

static bool holds_prefix(const struct condition *x, const struct alert *a)
{
    return any_value(x, a, begins);
}

static bool matches(const struct condition *x, const char *value)
{
    size_t length = strlen(value);
    bool found;
    char *start;

    if (length <= MATCH_MAX)
        return regex_matches(x->regex, value);
    start = xstrndup(value, text_boundary(value, length, MATCH_MAX));
    found = regex_matches(x->regex, start);
    free(start);
    return found;
}

static bool holds_match(const struct condition *x, const struct alert *a)
{
    return any_value(x, a, matches);
}

static bool holds_severity(const struct condition *x, const struct alert *a)
{
    return a->severity >= 0 && a->severity <= x->severity;
}

static bool is_there(const struct condition *x, const char *value)
{
    (void)x;
    return value[0] != '\0';
}

static bool holds_present(const struct condition *x, const struct alert *a)
{
    return any_value(x, a, is_there);
}

/* The time at which the alert fired, which its end names too: fire and end, read at whatever time
 * and however often, are judged alike. */
static bool holds_window(const struct condition *x, const struct alert *a)
{
    msec_t time = alert_field_time(a, FIELD_TIME);

    return time != MSEC_NONE && weekly_holds(&x->window, time);
}

static const struct condition_kind kind_equals = {"equals", holds_equal};
static const struct condition_kind kind_one_of = {"one_of", holds_equal};
static const struct condition_kind kind_prefix = {"prefix", holds_prefix};
static const struct condition_kind kind_matches = {"matches", holds_match};
static const struct condition_kind kind_at_least = {"at_least", holds_severity};
static const struct condition_kind kind_present = {"present", holds_present};
static const struct condition_kind kind_window = {"window", holds_window};

static const struct condition_kind *kind_of(const struct config_condition *c)
{
    if (c->field[0] == '\0')
        return &kind_window;
    if (c->equals[0] != '\0')
        return &kind_equals;
    if (c->one_of.count > 0)
        return &kind_one_of;
    if (c->prefix[0] != '\0')
        return &kind_prefix;
    if (c->matches[0] != '\0')
        return &kind_matches;
    return c->at_least[0] != '\0' ? &kind_at_least : &kind_present;
}

/* All of it was checked when the file was read. */
static void init_window(struct condition *x)
{
    const struct config_condition *c = x->config;
    struct err e;
    bool fine = true;

    x->window = (struct weekly){.days = c->days.count == 0 ? WEEKLY_ALL : 0, .to = 24 * 60};
    for (size_t i = 0; i < c->days.count; i++)
        fine &= weekly_days(c->days.items[i], &x->window.days) == 0;
    if (c->from[0] != '\0')
        fine &= weekly_minutes(c->from, &x->window.from) == 0;
    if (c->to[0] != '\0')
        fine &= weekly_minutes(c->to, &x->window.to) == 0;
    x->zone = zone_new(c->zone, &e);
    if (!fine || x->zone == NULL)
        panic("a time window that the configuration has accepted is not understood");
    x->window.zone = x->zone;
}

void condition_init(struct condition *x, const struct config_condition *config)
{
    struct err e;

    *x = (struct condition){.config = config, .kind = kind_of(config)};
    if (x->kind == &kind_window) {
        init_window(x);
        return;
    }
    if (field_parse(config->field, strlen(config->field), &x->field, &e) != 0)
        panic("a field that the configuration has accepted is not known: %s", e.text);
    if (x->kind == &kind_at_least)
        x->severity = config_severity(config->at_least);
    if (x->kind == &kind_matches) {
        x->regex = regex_new(config->matches, config->ignore_case, &e);
        if (x->regex == NULL)
            panic("an expression that the configuration has accepted does not compile: %s", e.text);
    }
}

void condition_done(struct condition *x)
{
    field_done(&x->field);
    (void)regex_free(x->regex);
    (void)zone_free(x->zone);
}

bool condition_holds(const struct condition *x, const struct alert *a)
{
    return x->kind->holds(x, a) != x->config->negated;
}

const char *const *condition_texts(const struct condition *x, size_t *ret_count)
{
    if (x->kind == &kind_equals) {
        *ret_count = 1;
        return (const char *const *)&x->config->equals;
    }
    if (x->kind == &kind_one_of) {
        *ret_count = x->config->one_of.count;
        return (const char *const *)x->config->one_of.items;
    }
    *ret_count = 0;
    return NULL;
}

static void describe_window(const struct config_condition *c, struct buf *out)
{
    (void)buf_add_text(out, "fired ");
    for (size_t i = 0; i < c->days.count; i++)
        (void)buf_addf(out, "%s%s", i > 0 ? "," : "", c->days.items[i]);
    (void)buf_addf(out, "%sfrom %s to %s %s", c->days.count > 0 ? " " : "",
                   c->from[0] != '\0' ? c->from : "00:00", c->to[0] != '\0' ? c->to : "24:00",
                   c->zone);
}

void condition_describe(const struct condition *x, struct buf *out)
{
    const struct config_condition *c = x->config;
    const char *what = c->prefix[0] != '\0'    ? c->prefix
                       : c->matches[0] != '\0' ? c->matches
                                               : c->at_least;
    size_t n;
    const char *const *texts = condition_texts(x, &n);

    if (c->negated)
        (void)buf_add_text(out, "not ");
    if (x->kind == &kind_window) {
        describe_window(c, out);
        return;
    }
    (void)buf_addf(out, "%s %s", c->field, x->kind->name);
    if (x->kind == &kind_present)
        return;
    for (size_t i = 0; i < n; i++)
        (void)buf_addf(out, "%s\"%s\"", i > 0 ? ", " : " ", texts[i]);
    if (n == 0)
        (void)buf_addf(out, " \"%s\"", what);
}
