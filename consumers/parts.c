/* The part is the target in small letters (names of Azure resources differ in case from message to
 * message); an alert with one target is a part too, so that a message that names fewer of them
 * still finds its records. */
#include "consumers/parts.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"

/* More targets than these in one alert stay together. */
#define PARTS_MAX 1000

static bool named_before(const struct alert *a, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (text_equal_nocase(a->targets[i], a->targets[index]))
            return true;
    return false;
}

static bool last_segment_is(const char *target, const char *name)
{
    const char *slash = strrchr(target, '/');

    return text_equal_nocase(slash != NULL ? slash + 1 : target, name);
}

/* Names of a configuration item belong to the part whose target ends in them. A target that none of
 * them fits is looked up by its own last segment. */
static void keep_own_names(struct alert *part, const char *target)
{
    const char *slash = strrchr(target, '/');
    size_t kept = 0;

    for (size_t i = 0; i < part->ci_names_count; i++) {
        if (last_segment_is(target, part->ci_names[i]))
            part->ci_names[kept++] = part->ci_names[i];
        else
            free(part->ci_names[i]);
    }
    if (kept == 0) {
        free(part->ci_names);
        part->ci_names = NULL;
    }
    part->ci_names_count = kept;
    if (kept == 0)
        alert_add_ci(part, slash != NULL && slash[1] != '\0' ? slash + 1 : target);
}

/* The texts were written for the whole alert: they say now which of its items this record is of. */
static void name_item(struct alert *part, const char *target)
{
    const char *name = part->ci_names_count > 0 ? part->ci_names[0] : target;
    char *text;

    if (strcasestr(part->title, name) == NULL) {
        text = xasprintf("%s: %s", name, part->title);
        alert_set(&part->title, text);
        free(text);
    }
    text = xasprintf("Configuration item: %s\n%s", name, part->description);
    alert_set(&part->description, text);
    free(text);
}

static struct alert *part_new(const struct alert *whole, const char *target)
{
    struct alert *part = alert_copy(whole);

    alert_set(&part->part, target);
    text_lower(part->part);
    alert_set(&part->resource, target);
    for (size_t i = 0; i < part->targets_count; i++)
        free(part->targets[i]);
    free(part->targets);
    part->targets = NULL;
    part->targets_count = 0;
    alert_add_target(part, target);
    if (whole->targets_count > 1) {
        keep_own_names(part, target);
        name_item(part, target);
    }
    return part;
}

/* Takes the alert. */
static void add_parts(struct alerts *list, struct rules *r, struct alert *a)
{
    struct ruling g;
    bool split;

    rules_decide(r, a, &g);
    split = g.individual && g.drop == NULL && a->targets_count > 0;
    ruling_done(&g);
    if (split && a->targets_count > PARTS_MAX) {
        alert_note(a, "more than %d configuration items: one record for all of them", PARTS_MAX);
        split = false;
    }
    if (!split) {
        alerts_add(list, a);
        return;
    }
    for (size_t i = 0; i < a->targets_count; i++)
        if (!named_before(a, i))
            alerts_add(list, part_new(a, a->targets[i]));
    (void)alert_free(a);
}

enum decode_result parts_decode(const struct config_consumer *c, struct rules *r,
                                const struct message *m, struct alerts *ret_alerts, struct err *e)
{
    struct alerts whole = {0}, list = {0};
    enum decode_result result = decode_message(c, m, &whole, e);

    if (result != DECODE_OK)
        return result;
    for (size_t i = 0; i < whole.count; i++)
        add_parts(&list, r, whole.items[i]);
    free(whole.items);
    *ret_alerts = list;
    return DECODE_OK;
}
