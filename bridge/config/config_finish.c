/* After reading: what is missing, defaults made from other keys, and limits that belong together.
 * Keys whose own value was refused are at their defaults here and may not be blamed again. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_reader.h"
#include "bridge/config/config_value.h"

static const struct config_key *key_of(const char *path)
{
    for (size_t i = 0; i < config_keys_count(); i++)
        if (strcmp(config_key_at(i)->path, path) == 0)
            return config_key_at(i);
    panic("there is no configuration key %s", path);
}

bool config_given(const struct config_reader *r, const char *path, size_t entry)
{
    return config_mark_find(r, path, entry) != NULL;
}

void config_fail(struct config_reader *r, const char *path, size_t entry, const char *format, ...)
{
    const struct config_key *k = key_of(path);
    char *shown = config_key_shown(r->config, k, entry), *text = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = xstrdup("is wrong");
    va_end(ap);
    config_problems_add(&r->problems, config_key_place(r, k, entry), shown, "%s", text);
    free(text);
    free(shown);
}

static const char *example_of(const struct config_key *k)
{
    if (strcmp(k->path, "connection.server_url") == 0)
        return "\"https://acme.service-now.com\"";
    if (strcmp(k->path, "kafka.bootstrap_servers") == 0)
        return "\"localhost:9092\"";
    if (strcmp(k->path, "producers[].table") == 0)
        return "\"incident\"";
    return k->type == KEY_STRINGS ? "[\"alerts\"]" : "\"prod\"";
}

static void check_missing(struct config_reader *r)
{
    for (size_t i = 0; i < config_keys_count(); i++) {
        const struct config_key *k = config_key_at(i);
        const struct config_group *g = config_key_group(k);

        if (config_given(r, g->path, CONFIG_REFUSED))
            continue;
        for (size_t entry = 0; !k->preset && entry < config_group_count(r->config, g); entry++)
            if (!config_given(r, k->path, entry))
                config_fail(r, k->path, entry, "is missing; add %s = %s to %s", config_key_name(k),
                            example_of(k), g->path);
    }
}

static char *or_default(char *text, char *otherwise)
{
    if (*text) {
        free(otherwise);
        return text;
    }
    free(text);
    return otherwise;
}

static void add_work_items(struct config *c)
{
    const struct config_list *tables = &c->connection.work_items;

    for (size_t i = 0; i < tables->count; i++) {
        bool there = false;
        size_t entry;

        for (size_t j = 0; j < c->producers_count; j++)
            there |= strcmp(c->producers[j].table, tables->items[i]) == 0;
        if (there)
            continue;
        for (entry = 0; entry < config_groups_count; entry++)
            if (config_groups[entry].kind == GROUP_PRODUCERS)
                break;
        entry = config_group_add(c, &config_groups[entry]);
        config_set(&c->producers[entry].table, xstrdup(tables->items[i]));
    }
}

static void fill_defaults(struct config_reader *r)
{
    struct config *c = r->config;

    c->kafka.group_id =
        or_default(c->kafka.group_id, xasprintf("itsm-bridge.%s", c->connection.name));
    for (size_t i = 0; i < c->consumers_count; i++)
        c->consumers[i].name = or_default(
            c->consumers[i].name,
            xstrdup(c->consumers[i].topics.count ? c->consumers[i].topics.items[0] : ""));
    for (size_t i = 0; i < c->producers_count; i++) {
        struct config_producer *p = &c->producers[i];

        p->name = or_default(p->name, xstrdup(p->table));
        p->topic = or_default(p->topic, *p->table ? xasprintf("%s.%s", c->topics.prefix, p->table)
                                                  : xstrdup(""));
        p->topic_itsmc =
            or_default(p->topic_itsmc, xasprintf("%s%s", p->topic, *p->topic ? ".itsmc" : ""));
        p->topic_journal =
            or_default(p->topic_journal, xasprintf("%s%s", p->topic, *p->topic ? ".journal" : ""));
    }
    if (!config_given(r, "limits.max_parked", 0) && c->limits.max_parked > c->limits.max_waiting)
        c->limits.max_parked = c->limits.max_waiting;
    if (!config_given(r, "limits.max_per_alert", 0) &&
        c->limits.max_per_alert > c->limits.max_waiting / 4)
        c->limits.max_per_alert = c->limits.max_waiting < 4 ? 1 : c->limits.max_waiting / 4;
}

static void check_limits(struct config_reader *r)
{
    const struct config_limits *l = &r->config->limits;

    if (l->max_parked > l->max_waiting)
        config_fail(r, "limits.max_parked", 0,
                    "%lld is above limits.max_waiting (%lld), of which it is a part; lower it",
                    (long long)l->max_parked, (long long)l->max_waiting);
    if (l->max_per_alert > l->max_waiting)
        config_fail(r, "limits.max_per_alert", 0,
                    "%lld is above limits.max_waiting (%lld), of which it is a part; lower it",
                    (long long)l->max_per_alert, (long long)l->max_waiting);
    if (l->retry_min > l->retry_max)
        config_fail(r, "limits.retry_min_ms", 0,
                    "%lld ms is above limits.retry_max_s (%lld s); lower one or raise the other",
                    (long long)(l->retry_min / USEC_MS), (long long)(l->retry_max / USEC_S));
}

static void check_polls(struct config_reader *r)
{
    for (size_t i = 0; i < r->config->producers_count; i++) {
        const struct config_producer *p = &r->config->producers[i];

        if (p->poll_busy > p->poll_idle)
            config_fail(r,
                        config_given(r, "producers[].poll_busy_ms", i) ? "producers[].poll_busy_ms"
                                                                       : "producers[].poll_idle_ms",
                        i,
                        "busy tables would be read less often (every %lld ms) than quiet ones "
                        "(every %lld ms); poll_busy_ms must not be above poll_idle_ms",
                        (long long)(p->poll_busy / USEC_MS), (long long)(p->poll_idle / USEC_MS));
    }
}

static void check_records(struct config_reader *r)
{
    for (size_t i = 0; i < r->config->producers_count; i++) {
        const struct config_producer *p = &r->config->producers[i];

        if (p->form == FORM_ITSMC && p->fields.count > 0)
            config_fail(r, "producers[].fields", i,
                        "the form \"itsmc\" has its own columns; leave fields out, or use form = "
                        "\"both\"");
        if (p->form == FORM_ITSMC && p->last_seen_rebuild)
            config_fail(r, "producers[].last_seen_rebuild", i,
                        "records of the form \"itsmc\" do not hold the row; set it to false, or "
                        "use form = \"both\"");
        else if (p->last_seen_bytes == 0 && p->last_seen_rebuild)
            config_fail(r, "producers[].last_seen_rebuild", i,
                        "there is no memory to fill: last_seen_kb is 0; raise it");
        if (p->last_seen_bytes == 0 && p->own_changes == OWN_CHANGES_LEAVE_OUT)
            config_fail(r, "producers[].own_changes", i,
                        "\"leave_out\" must know the last version of a row, but last_seen_kb is 0; "
                        "raise it, or use \"mark\"");
        if (p->last_seen_bytes == 0 && p->delete_sweep > 0)
            config_fail(r, "producers[].delete_sweep_s", i,
                        "no row is remembered that could be gone, last_seen_kb is 0; raise it, or "
                        "use 0");
        if (p->journal && *p->query)
            config_fail(r, "producers[].journal", i,
                        "entries cannot be narrowed as the table is: all of the table's would be "
                        "published; leave out journal or query");
    }
}

static void check_created_topics(struct config_reader *r)
{
    const struct config_topics *t = &r->config->topics;
    const struct {
        const char *path;
        int64_t value;
    } counts[] = {{"topics.partitions", t->partitions},
                  {"topics.state_partitions", t->state_partitions},
                  {"topics.replication_factor", t->replication_factor}};

    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        if (counts[i].value == 0)
            config_fail(r, counts[i].path, 0,
                        "0 is not possible; use 1 or more, or -1 for the "
                        "broker's default");
}

static void check_work(struct config_reader *r)
{
    const struct config *c = r->config;
    const struct config_mark *tables = config_mark_find(r, "connection.work_items", 0);

    if (c->consumers_count > 0 || c->producers_count > 0 ||
        config_given(r, "consumers", CONFIG_REFUSED) ||
        config_given(r, "producers", CONFIG_REFUSED) ||
        config_given(r, "connection", CONFIG_REFUSED))
        return;
    if (!tables)
        config_problems_add(&r->problems, (struct config_place){r->file, 0}, NULL,
                            "there is nothing to do; add an entry to consumers or producers, or a "
                            "table to connection.work_items");
    else if (!config_problems_at(&r->problems, tables->place))
        config_fail(r, "connection.work_items", 0,
                    "names no table, and consumers and producers are empty; there is nothing to "
                    "do: add one");
}

void config_finish(struct config_reader *r)
{
    check_missing(r);
    add_work_items(r->config);
    fill_defaults(r);
    config_finish_properties(r);
    config_finish_connection(r);
    config_finish_topics(r);
    config_finish_rules(r);
    check_limits(r);
    check_polls(r);
    check_records(r);
    check_created_topics(r);
    check_work(r);
}
