/* Requests as dispatch_rows.c sends them, for one message alone. */
#include "bridge/commands/map_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/servicenow/request.h"

static void print_json(const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY);

    (void)printf("%s\n", text != NULL ? text : "(cannot be printed)");
    free(text);
}

static void print_request(const struct snow_op *op, const json_t *body)
{
    struct buf path;
    struct err e;

    buf_init(&path, REQUEST_URL_MAX);
    if (request_check(op, &e) != 0 || request_url(&path, "", op, &e) != 0)
        (void)printf("\nNo request can be made: %s\n", e.text);
    else
        (void)printf("\nRequest for this message, whatever is there\n%s %s\n",
                     request_method(op->kind), buf_text(&path));
    print_json(body);
    buf_done(&path);
}

/* In JSON a text of many lines, or of JSON, cannot be read. */
static void print_inside(const json_t *event)
{
    const char *text = json_string_value(json_object_get(event, "description"));
    json_t *info =
        json_loads(json_string_value(json_object_get(event, "additional_info")), 0, NULL);

    (void)printf("\nIts description, as a person sees it\n");
    while (text != NULL && *text != '\0') {
        size_t n = strcspn(text, "\n");

        (void)printf("  | %.*s\n", (int)n, text);
        text += n + (text[n] == '\n');
    }
    (void)printf("\nIts additional_info, unfolded\n");
    print_json(info);
    json_decref(info);
}

static void print_event(const struct row_context *x, const struct alert *a)
{
    struct snow_op op = {.kind = SNOW_EVENTS, .table = x->target->table};
    struct buf text;
    json_t *body;

    if (a->state == ALERT_NOTE) {
        (void)printf("\nA note makes no event: no request.\n");
        return;
    }
    buf_init(&text, 2 * EVENT_BYTES_MAX);
    (void)buf_add_text(&text, EVENTS_HEAD);
    event_add(&text, x, a);
    (void)buf_add_text(&text, EVENTS_TAIL);
    op.text = buf_text(&text);
    op.text_length = text.length;
    body = json_loadb(op.text, op.text_length, 0, NULL);
    invariant(body != NULL);
    print_request(&op, body);
    print_inside(json_array_get(json_object_get(body, "records"), 0));
    json_decref(body);
    buf_done(&text);
}

static void print_import(const struct row_context *x, const struct alert *a)
{
    struct snow_op op = {.kind = SNOW_IMPORT, .table = x->target->table, .body = import_row(x, a)};

    print_request(&op, op.body);
    json_decref(op.body);
}

void map_rows(const struct row_context *x, const struct alert *a)
{
    char key[CORRELATION_ID_SIZE];

    target_row_key(x->target, x->consumer, a, key);
    (void)printf("\nKeys\n  %-20s %s\n",
                 x->target->kind == TARGET_EVENT ? "message_key" : "u_correlation_id", key);
    if (x->target->kind == TARGET_EVENT)
        print_event(x, a);
    else
        print_import(x, a);
}
