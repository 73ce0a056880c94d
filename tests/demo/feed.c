/* Dresses samples as alerts of their own, per kind of sample as their identity asks for, and plans
 * when each message goes: steadily, with one burst, clears some seconds after their fires, and
 * some messages twice, as an at-least-once sender does. */
#include "tests/demo/feed.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"

enum dress { DRESS_PLAIN, DRESS_ACTIVITY, DRESS_RESOURCE, DRESS_SERVICE, DRESS_BUDGET };

/* The thirteen messages of the portal's test button; what never clears stands at the end. */
static const struct sample {
    const char *file;
    enum dress dress;
    bool clears;
} samples[] = {
    {"test-metric-static.json", DRESS_PLAIN, true},
    {"test-log-v2.json", DRESS_PLAIN, true},
    {"test-availability.json", DRESS_PLAIN, true},
    {"test-resource-health.json", DRESS_RESOURCE, true},
    {"test-metric-dynamic.json", DRESS_PLAIN, true},
    {"test-log-v1-number-of-results.json", DRESS_PLAIN, true},
    {"test-service-health.json", DRESS_SERVICE, true},
    {"test-smart-detector.json", DRESS_PLAIN, true},
    {"test-log-v1-metric-measurement.json", DRESS_PLAIN, true},
    {"test-activity-log.json", DRESS_ACTIVITY, false},
    {"test-budget.json", DRESS_BUDGET, false},
    {"test-budget-actual-cost.json", DRESS_BUDGET, false},
    {"test-budget-forecasted.json", DRESS_BUDGET, false},
};

#define SAMPLES     ARRAY_LEN(samples)
#define REPEAT_EACH 5
#define STAY_EACH   4 /* one in so many is not cleared, though it could be */
#define REPEAT_WAIT (700 * USEC_MS)

static const int severities[] = {3, 1, 2, 4, 2, 3, 0, 2, 3, 1, 4};

static json_t *part(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

static void put(json_t *object, const char *name, char *take_text)
{
    (void)json_object_set_new(object, name, json_string(take_text));
    free(take_text);
}

static char *id_of(size_t number, msec_t wall)
{
    return xasprintf("%08x-%04x-4%03x-8%03x-%012llx", (unsigned)number,
                     (unsigned)(wall / 1000) & 0xffff, (unsigned)number & 0xfff,
                     (unsigned)(wall >> 20) & 0xfff, (unsigned long long)wall);
}

static char *iso(msec_t ms)
{
    char text[CLOCK_ISO_SIZE];

    clock_format_iso(ms, text);
    return xstrdup(text);
}

/* The path with its last part replaced. */
static char *with_last(const char *path, const char *last)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;

    return slash != NULL ? xasprintf("%.*s/%s", (int)(slash - path), path, last) : xstrdup(last);
}

static void dress_resource(json_t *essentials, json_t *context, size_t number, bool clear)
{
    json_t *targets = part(essentials, "alertTargetIDs");
    char *name = xasprintf("test-VM-%zu", number + 1);
    char *target = with_last(json_string_value(json_array_get(targets, 0)), name);

    (void)json_array_set_new(targets, 0, json_string(target));
    (void)json_array_set_new(part(essentials, "configurationItems"), 0, json_string(name));
    if (clear) {
        put(context, "status", xstrdup("Resolved"));
        put(part(context, "properties"), "currentHealthStatus", xstrdup("Available"));
    }
    free(target);
    free(name);
}

static void dress_service(json_t *context, size_t number, bool clear)
{
    put(part(context, "properties"), "trackingId", xasprintf("DEMO-%zu", number + 1));
    put(part(context, "properties"), "stage", xstrdup(clear ? "Resolved" : "Active"));
    put(context, "status", xstrdup(clear ? "Resolved" : "Active"));
}

static void dress_common(json_t *essentials, const struct feed_alert *a, msec_t fired)
{
    const char *old = json_string_value(part(essentials, "description"));
    char *text = xasprintf("%s [%s]", old != NULL ? old : "", a->mark);

    put(essentials, "description", text);
    put(essentials, "firedDateTime", iso(fired));
    if (a->severity >= 0)
        put(essentials, "severity", xasprintf("Sev%d", a->severity));
}

static void dress(json_t *message, const struct sample *s, const struct feed_alert *a,
                  size_t number, msec_t fired, msec_t cleared)
{
    json_t *data = part(message, "data");
    json_t *essentials = part(data, "essentials"), *context = part(data, "alertContext");
    char *id = id_of(number, fired);
    bool clear = cleared != MSEC_NONE;

    dress_common(essentials, a, fired);
    if (s->dress == DRESS_PLAIN)
        put(essentials, "alertId", with_last(json_string_value(part(essentials, "alertId")), id));
    if (s->dress == DRESS_ACTIVITY)
        put(context, "operationId", xstrdup(id));
    if (s->dress == DRESS_RESOURCE)
        dress_resource(essentials, context, number, clear);
    if (s->dress == DRESS_SERVICE)
        dress_service(context, number, clear);
    if (s->dress == DRESS_PLAIN && clear) {
        put(essentials, "monitorCondition", xstrdup("Resolved"));
        put(essentials, "resolvedDateTime", iso(cleared));
    }
    free(id);
}

static json_t *sample_read(const char *folder, const struct sample *s, struct err *e)
{
    char *path = xasprintf("%s/%s", folder, s->file);
    json_error_t why;
    json_t *v = json_load_file(path, 0, &why);

    if (!json_is_object(part(part(v, "data"), "essentials")) ||
        !json_is_object(part(part(v, "data"), "alertContext"))) {
        (void)err_set(e, ERR_FATAL, "demo-sample", "The sample %s cannot be used: %s", path,
                      v == NULL ? why.text : "no data.essentials and data.alertContext");
        json_decref(v);
        v = NULL;
    }
    free(path);
    return v;
}

static void message_add(struct feed *f, size_t alert, enum feed_kind kind, usec_t due,
                        const char *value, const char *key)
{
    f->messages = xrealloc(f->messages, f->messages_count + 1, sizeof *f->messages);
    f->messages[f->messages_count++] = (struct feed_message){
        .alert = alert, .kind = kind, .due = due, .value = xstrdup(value), .key = key};
}

static int text_new(const struct feed *f, const json_t *sample, size_t number, msec_t fired,
                    msec_t cleared, char **ret_text, struct err *e)
{
    json_t *copy = json_deep_copy(sample);

    if (copy != NULL)
        dress(copy, &samples[number % SAMPLES], &f->alerts[number], number, fired, cleared);
    *ret_text = copy != NULL ? json_dumps(copy, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    json_decref(copy);
    return *ret_text != NULL
               ? 0
               : err_set(e, ERR_FATAL, "demo-sample", "An alert cannot be written as JSON");
}

/* Clears come two to five seconds after their fires, and never after the end. */
static usec_t clear_due(usec_t fire, size_t number, usec_t length)
{
    return usec_min(fire + 2 * USEC_S + (usec_t)(number * 37 % 31) * 100 * USEC_MS,
                    length - 900 * USEC_MS);
}

static int alert_add(struct feed *f, const json_t *sample, usec_t due, usec_t length, msec_t wall,
                     struct err *e)
{
    size_t n = f->alerts_count;
    const struct sample *s = &samples[n % SAMPLES];
    json_t *essentials = part(part(sample, "data"), "essentials");
    const char *rule = json_string_value(part(essentials, "alertRule"));
    bool unmarked = s->dress == DRESS_RESOURCE;
    usec_t clear = clear_due(due, n, length);
    struct feed_alert *a = &f->alerts[f->alerts_count++];
    /* no two at the same moment: the moment is all that tells budget alerts apart */
    msec_t fired = wall + due / USEC_MS + (msec_t)n;
    const char *key;
    char *text;

    a->mark = xasprintf("demo-%04zu", n + 1);
    a->rule = xstrdup(rule != NULL ? rule : "budget");
    a->severity =
        json_is_string(part(essentials, "severity")) ? severities[n % ARRAY_LEN(severities)] : -1;
    a->clears = s->clears && n % STAY_EACH != STAY_EACH - 1;
    key = unmarked ? a->mark : NULL;
    if (text_new(f, sample, n, fired, MSEC_NONE, &text, e) != 0)
        return -1;
    message_add(f, n, FEED_FIRE, due, text, key);
    if (n % REPEAT_EACH == REPEAT_EACH - 1)
        message_add(f, n, FEED_REPEAT, due + REPEAT_WAIT, text, key);
    free(text);
    if (!a->clears)
        return 0;
    if (text_new(f, sample, n, fired, wall + clear / USEC_MS, &text, e) != 0)
        return -1;
    message_add(f, n, FEED_CLEAR, clear, text, key);
    if (n % REPEAT_EACH == 1)
        message_add(f, n, FEED_REPEAT, clear + REPEAT_WAIT, text, key);
    free(text);
    return 0;
}

static int by_due(const void *a, const void *b)
{
    const struct feed_message *x = a, *y = b;

    if (x->due != y->due)
        return x->due < y->due ? -1 : 1;
    return (x->alert > y->alert) - (x->alert < y->alert);
}

static usec_t fire_due(const struct feed_plan *p, size_t number)
{
    /* the last clears need some seconds */
    usec_t room = p->length - 4 * USEC_S;

    if (number >= p->steady)
        return room / 2;
    return room * (usec_t)number / (usec_t)p->steady;
}

struct feed *feed_new(const char *folder, const struct feed_plan *plan, msec_t wall, struct err *e)
{
    struct feed *f = xcalloc(1, sizeof *f);
    json_t *loaded[SAMPLES] = {NULL};
    size_t count = plan->steady + plan->burst;
    int rc = 0;

    f->alerts = xcalloc(count, sizeof *f->alerts);
    for (size_t i = 0; rc == 0 && i < SAMPLES; i++) {
        loaded[i] = sample_read(folder, &samples[i], e);
        rc = loaded[i] != NULL ? 0 : -1;
    }
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = alert_add(f, loaded[i % SAMPLES], fire_due(plan, i), plan->length, wall, e);
    for (size_t i = 0; i < SAMPLES; i++)
        json_decref(loaded[i]);
    if (rc != 0) {
        feed_free(f);
        return NULL;
    }
    qsort(f->messages, f->messages_count, sizeof *f->messages, by_due);
    return f;
}

void feed_free(struct feed *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->alerts_count; i++) {
        free(f->alerts[i].mark);
        free(f->alerts[i].rule);
    }
    for (size_t i = 0; i < f->messages_count; i++)
        free(f->messages[i].value);
    free(f->alerts);
    free(f->messages);
    free(f);
}
