/*
 * The journal of applied changes, kept as ready-made JSON lines (the oldest fall out beyond
 * journal_max), and the counters behind /_sim/stats. A test reads here what really happened, which
 * the answers of a faulty instance do not tell.
 */
#include "tests/simulator/journal.h"

#include <stdlib.h>
#include <string.h>

struct journal {
    char **entry;
    uint64_t first, n, cap; /* entries first .. first + n - 1, in a ring */
};

struct counter {
    char *key; /* kind NUL name */
    uint64_t n;
    UT_hash_handle hh;
};

struct stats {
    struct counter *counter;
    int64_t in_flight, in_flight_max;
    uint64_t response_bytes;
};

void journal_init(struct sim *sim)
{
    sim->journal = xalloc(sizeof(*sim->journal));
    sim->journal->first = 1;
    sim->stats = xalloc(sizeof(*sim->stats));
}

void journal_free(struct sim *sim)
{
    struct journal *j = sim->journal;
    struct counter *c, *next;

    for (uint64_t i = 0; j && i < j->n; i++)
        free(j->entry[(j->first + i) % j->cap]);
    if (j)
        free(j->entry);
    free(j);
    sim->journal = NULL;
    if (sim->stats == NULL)
        return;
    HASH_ITER (hh, sim->stats->counter, c, next) {
        HASH_DEL(sim->stats->counter, c);
        free(c->key);
        free(c);
    }
    free(sim->stats);
    sim->stats = NULL;
}

static void ring_grow(struct journal *j)
{
    uint64_t cap = j->cap ? j->cap * 2 : 256;
    char **entry = xalloc(cap * sizeof(*entry));

    for (uint64_t i = 0; i < j->n; i++)
        entry[(j->first + i) % cap] = j->entry[(j->first + i) % j->cap];
    free(j->entry);
    j->entry = entry;
    j->cap = cap;
}

static void append(struct sim *sim, char *take_line)
{
    struct journal *j = sim->journal;

    if (j->n > 0 && j->n >= (uint64_t)sim->set.journal_max) {
        free(j->entry[j->first % j->cap]);
        j->first++;
        j->n--;
    }
    if (j->n == j->cap)
        ring_grow(j);
    j->entry[(j->first + j->n) % j->cap] = take_line;
    j->n++;
}

static void head(struct sim *sim, struct str *s, const char *method, const char *user,
                 const char *table, const char *sys_id)
{
    char when[DATE_LEN];

    date_format(sim_now_s(sim), when);
    str_printf(s, "{\"seq\":%llu,\"wall_ms\":%lld,\"time\":\"%s\",\"method\":",
               (unsigned long long)(sim->journal->first + sim->journal->n),
               (long long)(clock_wall_us() / 1000), when);
    str_json(s, method);
    str_puts(s, ",\"user\":");
    str_json(s, user);
    str_puts(s, ",\"table\":");
    str_json(s, table);
    str_puts(s, ",\"sys_id\":");
    str_json(s, sys_id);
}

static void tail(struct str *s, const char *request_id, bool late)
{
    str_puts(s, ",\"request_id\":");
    if (request_id)
        str_json(s, request_id);
    else
        str_puts(s, "null");
    str_printf(s, ",\"late\":%s}", late ? "true" : "false");
}

static void change_member(struct str *s, const char *name, const char *old, const char *value)
{
    str_putc(s, s->p[s->n - 1] == '{' ? ' ' : ',');
    str_json(s, name);
    str_puts(s, ":{\"old\":");
    if (old)
        str_json(s, old);
    else
        str_puts(s, "null");
    str_puts(s, ",\"new\":");
    str_json(s, value);
    str_putc(s, '}');
}

void journal_change(struct sim *sim, const struct draft *d, const char *method,
                    const char *request_id, bool late)
{
    const struct table *t = d->table->store;
    bool insert = d->slot == NO_SLOT;
    struct str s = {0};

    head(sim, &s, method, d->user_name, d->table->name, d->value[COL_SYS_ID]);
    str_puts(&s, ",\"changes\":{");
    for (uint32_t i = 0; i < t->stored; i++) {
        const char *before = insert ? t->column[i].fallback : d->old[i];

        if (strcmp(before, d->value[i]) != 0)
            change_member(&s, t->column[i].name, insert ? NULL : d->old[i], d->value[i]);
    }
    for (unsigned i = 0; i < d->notes; i++)
        change_member(&s, t->column[d->note[i].column].name, NULL, d->note[i].text);
    str_putc(&s, '}');
    tail(&s, request_id, late);
    append(sim, str_take(&s));
    stats_count(sim, "applied", insert ? "insert" : "update", 1);
}

void journal_delete(struct sim *sim, const struct table *t, const struct row *r, const char *user,
                    const char *request_id, bool late)
{
    struct str s = {0};

    head(sim, &s, "DELETE", user, t->name, row_get(t, r, COL_SYS_ID));
    str_puts(&s, ",\"changes\":{}");
    tail(&s, request_id, late);
    append(sim, str_take(&s));
    stats_count(sim, "applied", "delete", 1);
}

void journal_refused(struct sim *sim, const struct draft *d, const char *method)
{
    (void)method;
    stats_count(sim, "refused", d->detail ? d->detail : d->message, 1);
}

void journal_write(const struct sim *sim, uint64_t since, uint64_t limit, struct str *out)
{
    const struct journal *j = sim->journal;
    uint64_t from = since + 1 < j->first ? j->first : since + 1;
    uint64_t end = j->first + j->n;

    str_printf(out, "{\"first\":%llu,\"last\":%llu,\"entries\":[", (unsigned long long)j->first,
               (unsigned long long)(end - 1));
    for (uint64_t i = from; i < end && i - from < limit; i++) {
        if (i > from)
            str_putc(out, ',');
        str_puts(out, j->entry[i % j->cap]);
    }
    str_puts(out, "]}");
}

void stats_count(struct sim *sim, const char *kind, const char *name, uint64_t n)
{
    char key[200];
    size_t a = strnlen(kind, 40), b = strnlen(name, 150);
    struct counter *c;

    memcpy(key, kind, a);
    key[a] = '\0';
    memcpy(key + a + 1, name, b);
    HASH_FIND(hh, sim->stats->counter, key, a + 1 + b, c);
    if (c == NULL) {
        c = xalloc(sizeof(*c));
        c->key = xalloc(a + b + 2);
        memcpy(c->key, key, a + 1 + b);
        HASH_ADD_KEYPTR(hh, sim->stats->counter, c->key, a + 1 + b, c);
    }
    c->n += n;
}

void stats_in_flight(struct sim *sim, int change)
{
    struct stats *s = sim->stats;

    s->in_flight += change;
    if (s->in_flight > s->in_flight_max)
        s->in_flight_max = s->in_flight;
}

void stats_request(struct sim *sim, const struct request *r, const char *table, int status,
                   uint64_t response_bytes)
{
    char text[16] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
                     (char)('0' + status % 10)};

    stats_count(sim, "method", r->method, 1);
    stats_count(sim, "status", status ? text : "none", 1);
    stats_count(sim, "table", table ? table : r->path, 1);
    stats_count(sim, "bytes", "request", r->body.n);
    stats_count(sim, "bytes", "response", response_bytes);
}

json_t *stats_json(const struct sim *sim)
{
    json_t *o = json_object();

    for (struct counter *c = sim->stats->counter; c; c = c->hh.next) {
        json_t *kind = json_object_get(o, c->key);

        if (kind == NULL) {
            kind = json_object();
            json_object_set_new(o, c->key, kind);
        }
        json_object_set_new(kind, c->key + strlen(c->key) + 1, json_integer((json_int_t)c->n));
    }
    json_object_set_new(o, "in_flight", json_integer(sim->stats->in_flight));
    json_object_set_new(o, "in_flight_max", json_integer(sim->stats->in_flight_max));
    json_object_set_new(o, "journal_last",
                        json_integer((json_int_t)(sim->journal->first + sim->journal->n - 1)));
    return o;
}
