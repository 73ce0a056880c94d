/* The checklist as a whole: its parts in order, printed as they come. */
#include "bridge/commands/check.h"

#include <string.h>

#include "bridge/commands/check_parts.h"

static int finish(struct check_report *r, const struct check_options *o, FILE *out)
{
    int code = check_count(r, CHECK_NOT_COMPLETE) == 0 ? 0 : 1;

    if (o->json) {
        check_print_json(r, out);
    } else {
        check_print_new(r, out);
        check_print_end(r, out);
    }
    (void)check_report_free(r);
    return code;
}

static void so_far(struct check_report *r, const struct check_options *o, FILE *out)
{
    if (!o->json)
        check_print_new(r, out);
}

int check_run(const struct config *c, const struct check_options *o, FILE *out)
{
    struct check_report *r = check_report_new();
    bool reachable;

    check_area(r, "configuration");
    check_config(r, c);
    so_far(r, o, out);
    check_area(r, "network");
    reachable = check_net(r, c);
    so_far(r, o, out);
    check_area(r, "servicenow");
    check_snow(r, c, o, reachable);
    so_far(r, o, out);
    check_area(r, "kafka");
    check_kafka(r, c, o);
    return finish(r, o, out);
}

int check_refused(const char *file, const struct config_errors *errors,
                  const struct check_options *o, FILE *out)
{
    struct check_report *r = check_report_new();

    check_area(r, "configuration");
    for (size_t i = 0; i < errors->count; i++)
        check_add(r, CHECK_NOT_COMPLETE, "configuration", NULL, NULL, "%s", errors->items[i].text);
    if (errors->count == 0)
        check_add(r, CHECK_NOT_COMPLETE, "configuration", NULL, NULL, "%s cannot be read", file);
    (void)finish(r, o, out);
    return 2;
}

/* Formats that do not name the cycle are told by the message: under `auto` any may come. */
static void note_unmarked(struct check_report *r, const struct config_consumer *consumer)
{
    if (strcmp(consumer->format, "auto") != 0 && consumer->fold != FOLD_SERIES)
        return;
    check_note(r,
               "%s: alerts that do not name their cycle (Resource Health of Azure, for one), or "
               "fold = \"series\", need topics where all messages of one alert have the same key, "
               "or topics of one partition",
               consumer->name);
}

void check_config(struct check_report *r, const struct config *c)
{
    check_add(r, CHECK_COMPLETED, "configuration", NULL, NULL,
              "%s: %zu of alerts (consumers), %zu of work items (producers)", c->file,
              c->consumers_count, c->producers_count);
    for (size_t i = 0; i < c->consumers_count; i++)
        note_unmarked(r, &c->consumers[i]);
}
