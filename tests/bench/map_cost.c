/* What mapping costs beside reading and writing JSON: run under callgrind by map_cost.py, which
 * counts the instructions of bare_all and of map_all. Usage: map-cost ROUNDS MESSAGE... */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/servicenow/row_text.h"
#include "consumers/alert.h"
#include "consumers/identity.h"
#include "consumers/incident.h"

#define FILE_MAX ((size_t)16 * 1024 * 1024)

static struct config_consumer consumer(void)
{
    static char name[] = "alerts", format[] = "auto", target[] = "incident", none[] = "";

    return (struct config_consumer){
        .name = name, .format = format, .target = target, .close_code = none};
}

static int read_file(const char *path, struct buf *text)
{
    FILE *f = fopen(path, "rb");
    char piece[4096];
    size_t n;

    if (f == NULL)
        return -1;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        (void)buf_add(text, piece, n);
    (void)fclose(f);
    return text->failed || text->length == 0 ? -1 : 0;
}

/* The least that a bridge has to do: read the message, write a body of its size. */
__attribute__((noinline)) size_t bare_all(const struct buf *text);
size_t bare_all(const struct buf *text)
{
    json_t *json = json_loadb(text->data, text->length, JSON_REJECT_DUPLICATES, NULL);
    char *out = json_dumps(json, JSON_COMPACT);
    size_t n = out != NULL ? strlen(out) : 0;

    free(out);
    json_decref(json);
    return n;
}

static size_t body_of(const struct config_consumer *c, const struct alert *a,
                      const struct version *v)
{
    struct incident_context x = {.consumer = c,
                                 .table = "incident",
                                 .record_namespace = "",
                                 .close_code = "Solution provided",
                                 .contact_type = "",
                                 .cmdb_ci = ""};
    struct stamp stamp = {.generation = a->marked ? 0 : 1, .version = *v};
    json_t *body = incident_create(&x, a, stamp.generation, v, &stamp);
    size_t n = 0;
    char *out = row_text(body, &n); /* as requests do */

    free(out);
    json_decref(body);
    return n;
}

/* From bytes to the bodies of requests, written out. */
static size_t map_one(const struct config_consumer *c, const struct buf *text)
{
    struct message m = {.topic = "alerts",
                        .timestamp = MSEC_NONE,
                        .value = text->data,
                        .value_length = text->length};
    struct version v = version_of(&m);
    struct alerts list = {0};
    size_t n = 0;

    if (decode_message(c, &m, &list, NULL) != DECODE_OK)
        return 0;
    for (size_t i = 0; i < list.count; i++)
        n += body_of(c, list.items[i], &v);
    alerts_done(&list);
    return n;
}

__attribute__((noinline)) size_t map_all(const struct config_consumer *c, const struct buf *text);
size_t map_all(const struct config_consumer *c, const struct buf *text)
{
    return map_one(c, text);
}

int main(int argc, char **argv)
{
    struct config_consumer c = consumer();
    long rounds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;

    for (int i = 2; i < argc; i++) {
        struct buf text;
        size_t out = 0;

        buf_init(&text, FILE_MAX);
        if (read_file(argv[i], &text) != 0) {
            (void)fprintf(stderr, "map-cost: cannot read %s\n", argv[i]);
            return 1;
        }
        (void)map_one(&c, &text); /* the first use compiles the shipped mappings */
        for (long k = 0; k < rounds; k++)
            out += bare_all(&text) + map_all(&c, &text);
        buf_done(&text);
        if (out == 0)
            return 1;
    }
    return rounds > 0 ? 0 : 2;
}
