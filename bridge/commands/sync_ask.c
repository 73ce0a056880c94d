/* Requests to tables. The record is removed by the process that has carried it out, which is also
 * how the command learns of it. A request to read configuration again concerns no table: it goes to
 * every partition and is removed at once, since only who listens at that moment needs it. */
#include "bridge/commands/sync_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/base/xalloc.h"
#include "bridge/commands/state_topic.h"
#include "producers/workitems.h"

int sync_moment(const char *text, int64_t *ret_second)
{
    msec_t ms = 0;
    if (strcmp(text, "now") == 0)
        ms = clock_wall();
    else if (strchr(text, '-') == NULL || clock_parse(text, &ms) != 0) {
        char *midnight = xasprintf("%sT00:00:00Z", text);
        int r = strlen(text) == strlen("2026-01-31") ? clock_parse(midnight, &ms) : -1;
        free(midnight);
        if (r != 0)
            return -1;
    }
    *ret_second = ms / 1000;
    return 0;
}

bool sync_has_table(const struct config *c, const char *table)
{
    for (size_t i = 0; i < c->producers_count; i++)
        if (strcmp(c->producers[i].table, table) == 0)
            return true;
    (void)fprintf(stderr, "itsm-bridge: table %s is not published by %s; it has", table, c->file);
    for (size_t i = 0; i < c->producers_count; i++)
        (void)fprintf(stderr, "%s %s", i > 0 ? "," : "", c->producers[i].table);
    (void)fputs(c->producers_count == 0 ? " no table\n" : "\n", stderr);
    return false;
}

struct wait {
    const char *key;
    bool gone;
};

static void look(void *arg, int32_t partition, const void *key, size_t key_length,
                 const void *value, size_t value_length)
{
    struct wait *w = arg;
    (void)partition;
    (void)value_length;
    if (value == NULL && key_length == strlen(w->key) && memcmp(key, w->key, key_length) == 0)
        w->gone = true;
}

static char *new_id(void)
{
    return xasprintf("%llx-%x", (unsigned long long)clock_wall(), (unsigned)getpid());
}

static int ask_one(struct state_topic *s, const struct config *c, const char *table,
                   const struct control *request, usec_t at_most, struct err *e)
{
    size_t length;
    char *base = xasprintf("%s/%s", c->connection.name, table);
    char *key = control_key(base, request->id);
    char *value = control_encode(request, c->connection.host, &length);
    int32_t partition = workitems_partition(base, state_topic_partitions(s));
    struct wait w = {.key = key};
    int r = value == NULL ? err_set(e, ERR_FATAL, "control-encode", "memory is short")
                          : state_topic_read(s, look, &w, e);
    if (r == 0)
        r = state_topic_write(s, partition, key, value, length, e);
    if (r == 0)
        state_topic_watch(s, look, &w, &w.gone, at_most);
    if (r == 0)
        (void)printf("%s %s: %s\n", control_name(request->what), table,
                     w.gone ? "carried out; the log of the bridge and `itsm-bridge sync show` tell "
                              "how far it is"
                            : "asked for; no bridge has carried it out yet, the next one that has "
                              "the table will");
    free(value);
    free(key);
    free(base);
    return r;
}

static int ask_all(struct state_topic *s, const struct config *c, const struct control *request,
                   struct err *e)
{
    size_t length;
    char *base = control_no_table(c->connection.name);
    char *key = control_key(base, request->id);
    char *value = control_encode(request, c->connection.host, &length);
    int r = value == NULL ? err_set(e, ERR_FATAL, "control-encode", "memory is short") : 0;
    for (int32_t i = 0; r == 0 && i < state_topic_partitions(s); i++) {
        r = state_topic_write(s, i, key, value, length, e);
        if (r == 0)
            r = state_topic_write(s, i, key, NULL, 0, e);
    }
    if (r == 0)
        (void)puts("read: every running bridge that has a partition of the state topic reads the "
                   "configuration of the instance again");
    free(value);
    free(key);
    free(base);
    return r;
}

int sync_ask(const struct config *c, const char *table, const struct control *request, usec_t wait)
{
    char asked[CLOCK_ISO_SIZE];
    struct control full = *request;
    struct err e;
    clock_format_iso(clock_wall(), asked);
    full.id = new_id();
    full.asked = asked;
    struct state_topic *s = state_topic_open(c, &e);
    int r = s == NULL       ? -1
            : table == NULL ? ask_all(s, c, &full, &e)
                            : ask_one(s, c, table, &full, wait, &e);
    if (r != 0)
        (void)fprintf(stderr, "itsm-bridge: %s: %s\n", e.code, e.text);
    state_topic_close(s);
    free(full.id);
    return r == 0 ? 0 : e.class == ERR_RETRY ? 75 : 1;
}
