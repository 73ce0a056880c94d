/* Which Azure alert is this: series and instance of each kind. Not a byte of this may change after
 * a release. ARM ids enter in lower case, target lists sorted, times in UTC with milliseconds; an
 * absent part is empty, but what alone names the cycle must be there. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/panic.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/azure.h"

/* Parts joined by ALERT_SEP. */
struct parts {
    struct buf text;
    bool begun;
};

static void add_part(struct parts *p, const char *text, bool lower)
{
    size_t start;

    if (p->begun)
        (void)buf_add_text(&p->text, ALERT_SEP);
    p->begun = true;
    start = p->text.length;
    (void)buf_add_text(&p->text, text);
    if (lower && p->text.length > start)
        text_lower(p->text.data + start);
}

/* The parts as the value of an owned string. Memory for what one message holds was there before;
 * a short key would be a wrong key, so shortage is not survived. */
static void set_parts(char **member, struct parts *p)
{
    invariant(!p->text.failed);
    free(*member);
    *member = buf_take(&p->text, NULL);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All targets in lower case, sorted; none: one empty part. */
static void add_targets(struct parts *p, const struct alert *a)
{
    size_t n = a->targets_count;
    char **sorted = xcalloc(n + 1, sizeof *sorted);

    for (size_t i = 0; i < n; i++) {
        sorted[i] = xstrdup(a->targets[i]);
        text_lower(sorted[i]);
    }
    qsort(sorted, n, sizeof *sorted, by_bytes);
    if (n == 0)
        add_part(p, "", false);
    for (size_t i = 0; i < n; i++) {
        add_part(p, sorted[i], false);
        free(sorted[i]);
    }
    free(sorted);
}

static struct parts parts_new(void)
{
    struct parts p = {.begun = false};

    buf_init(&p.text, SIZE_MAX / 4);
    return p;
}

static void set_series(struct azure *z)
{
    struct parts p = parts_new();

    add_part(&p, z->a->rule, true);
    add_targets(&p, z->a);
    set_parts(&z->a->series, &p);
}

static int missing(struct err *e, const struct azure *z, const char *what)
{
    return err_set(e, ERR_REJECT, "no-identity",
                   "The Azure alert (%s) has no %s, so it cannot be told which alert it belongs "
                   "to. The message goes to the dead-letter topic; correct its sender.",
                   z->kind->kind, what);
}

/* The fire time as a part of a key. */
static int add_fire_time(struct azure *z, struct parts *p, struct err *e)
{
    char time[CLOCK_ISO_SIZE];

    if (z->a->fired == MSEC_NONE)
        return missing(e, z, "readable firedDateTime, which names its cycle");
    clock_format_iso(z->a->fired, time);
    add_part(p, time, false);
    return 0;
}

/* `fold = series` makes every alert of a series one record; `instance_with_fire_time` tells cycles
 * apart whose sender uses one id for ever: the id alone then names nothing. */
static int finish(struct azure *z, struct parts *p, bool has_fire_time, struct err *e)
{
    struct alert *a = z->a;

    a->marked = z->consumer->fold != FOLD_SERIES;
    if (!a->marked) {
        alert_set(&a->short_id, "");
        buf_done(&p->text);
        return 0;
    }
    if (z->consumer->instance_with_fire_time && !has_fire_time) {
        if (add_fire_time(z, p, e) != 0) {
            buf_done(&p->text);
            return -1;
        }
        alert_set(&a->short_id, "");
    }
    set_parts(&a->instance, p);
    return 0;
}

const char *azure_alert_guid(const char *alert_id)
{
    static const char marker[] = "/providers/microsoft.alertsmanagement/alerts/";
    const char *id = strcasestr(alert_id, marker);

    if (id == NULL)
        return NULL;
    id += sizeof marker - 1;
    return *id != '\0' && strchr(id, '/') == NULL ? id : NULL;
}

int azure_identify_alert(struct azure *z, struct err *e)
{
    struct parts p = parts_new();
    const char *alert_id, *id;

    if (azure_key(z->essentials, "alertId", &alert_id, e) != 0)
        return -1;
    id = azure_alert_guid(alert_id);
    if (id == NULL)
        return missing(e, z,
                       "alertId of the form "
                       "/subscriptions/.../providers/Microsoft.AlertsManagement/alerts/<id>");
    set_series(z);
    alert_set(&z->a->short_id, id);
    text_lower(z->a->short_id);
    add_part(&p, id, true);
    add_part(&p, z->a->rule, true);
    return finish(z, &p, false, e);
}

int azure_identify_activity(struct azure *z, struct err *e)
{
    const char *operation, *event;
    struct parts p = parts_new();

    if (azure_key(z->context, "operationId", &operation, e) != 0)
        return -1;
    set_series(z);
    if (operation[0] != '\0') {
        add_part(&p, operation, false);
        add_targets(&p, z->a);
        add_part(&p, z->a->rule, true);
        return finish(z, &p, false, e);
    }
    if (azure_key(z->context, "eventDataId", &event, e) != 0)
        return -1;
    if (event[0] == '\0')
        return missing(e, z, "operationId and no eventDataId");
    add_part(&p, event, false);
    return finish(z, &p, false, e);
}

int azure_identify_resource(struct azure *z, struct err *e)
{
    if (z->a->rule[0] == '\0' && z->a->targets_count == 0)
        return missing(e, z, "alertRule and no alertTargetIDs");
    set_series(z);
    return 0;
}

/* `<id>` of an ARM id that begins with /subscriptions/<id>; 0 when it does not. */
static size_t subscription(const char *arm, const char **ret)
{
    static const char prefix[] = "/subscriptions/";

    if (strncasecmp(arm, prefix, sizeof prefix - 1) != 0)
        return 0;
    *ret = arm + sizeof prefix - 1;
    return strcspn(*ret, "/");
}

/* Of the first target in sorted order that lies in a subscription, else of the alert's id. */
static char *find_subscription(const struct azure *z, const char *alert_id)
{
    const char *found, *least = NULL;
    size_t n, length = 0;
    char *text;

    for (size_t i = 0; i < z->a->targets_count; i++) {
        n = subscription(z->a->targets[i], &found);
        if (n > 0 && (least == NULL || strcasecmp(found, least) < 0)) {
            least = found;
            length = n;
        }
    }
    if (least == NULL)
        length = subscription(alert_id, &least);
    text = xstrndup(least != NULL ? least : "", length);
    text_lower(text);
    return text;
}

int azure_identify_service(struct azure *z, struct err *e)
{
    const json_t *properties = json_object_get(z->context, "properties");
    const char *tracking, *alert_id;
    struct parts p = parts_new();
    char *subscribed;

    if (azure_key(properties, "trackingId", &tracking, e) != 0 ||
        azure_key(z->essentials, "alertId", &alert_id, e) != 0)
        return -1;
    if (tracking[0] == '\0')
        return missing(e, z, "trackingId");
    set_series(z);
    subscribed = find_subscription(z, alert_id);
    add_part(&p, subscribed, false);
    free(subscribed);
    add_part(&p, tracking, false);
    add_part(&p, z->a->rule, true);
    return finish(z, &p, false, e);
}

/* Budgets name neither rule nor target: the budget is the target, so that two budgets are never one
 * series. */
int azure_identify_budget(struct azure *z, struct err *e)
{
    const json_t *data = json_object_get(z->context, "AlertData");
    const char *budget, *type, *amount;
    struct parts p = parts_new();

    if (azure_key(data, "BudgetId", &budget, e) != 0 ||
        azure_key(data, "ThresholdType", &type, e) != 0 ||
        azure_key(data, "NotificationThresholdAmount", &amount, e) != 0)
        return -1;
    if (budget[0] == '\0')
        return missing(e, z, "BudgetId");
    if (z->a->targets_count == 0) {
        alert_add_target(z->a, budget);
        alert_set(&z->a->resource, budget);
    }
    set_series(z);
    add_part(&p, budget, true);
    add_part(&p, type, false);
    add_part(&p, amount, false);
    if (add_fire_time(z, &p, e) != 0) {
        buf_done(&p.text);
        return -1;
    }
    return finish(z, &p, true, e);
}
