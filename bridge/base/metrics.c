/* Metric families in order of registration. A family is a name with its kind and help; its members
 * differ by labels. Values are atomics, so helpers may count without a lock. */
#include "bridge/base/metrics.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const double bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                0.5,   1,      2.5,   5,    10,    30,   60};
#define BOUNDS ARRAY_LEN(bounds)

struct metric {
    enum kind kind;
    char *labels; /* NULL: none */
    _Atomic int64_t value;
    _Atomic uint64_t buckets[BOUNDS + 1]; /* histogram only; the last is +Inf */
    _Atomic uint64_t sum_us;
    struct metric *next;
};

struct family {
    enum kind kind;
    char *name, *help;
    struct metric *members, **tail;
    struct family *next;
};

struct metrics {
    struct family *families, **tail;
};

struct metrics *metrics_new(void)
{
    struct metrics *m = xcalloc(1, sizeof *m);

    m->tail = &m->families;
    return m;
}

static void family_free(struct family *f)
{
    for (struct metric *x = f->members, *next; x != NULL; x = next) {
        next = x->next;
        free(x->labels);
        free(x);
    }
    free(f->name);
    free(f->help);
    free(f);
}

struct metrics *metrics_free(struct metrics *m)
{
    if (m == NULL)
        return NULL;
    for (struct family *f = m->families, *next; f != NULL; f = next) {
        next = f->next;
        family_free(f);
    }
    free(m);
    return NULL;
}

static struct family *family_get(struct metrics *m, enum kind kind, const char *name,
                                 const char *help)
{
    struct family *f;

    for (f = m->families; f != NULL; f = f->next)
        if (strcmp(f->name, name) == 0)
            break;
    if (f == NULL) {
        f = xcalloc(1, sizeof *f);
        f->kind = kind;
        f->name = xstrdup(name);
        f->help = xstrdup(help);
        f->tail = &f->members;
        *m->tail = f;
        m->tail = &f->next;
    }
    if (f->kind != kind)
        panic("metric %s is registered as two kinds", name);
    return f;
}

static struct metric *member_get(struct metrics *m, enum kind kind, const char *name,
                                 const char *labels, const char *help)
{
    struct family *f;
    struct metric *x;

    if (m == NULL)
        return NULL;
    f = family_get(m, kind, name, help);
    for (x = f->members; x != NULL; x = x->next)
        if (strcmp(x->labels == NULL ? "" : x->labels, labels == NULL ? "" : labels) == 0)
            return x;
    x = xcalloc(1, sizeof *x);
    x->kind = kind;
    x->labels = xstrdup(labels);
    *f->tail = x;
    f->tail = &x->next;
    return x;
}

struct metric *metrics_counter(struct metrics *m, const char *name, const char *labels,
                               const char *help)
{
    return member_get(m, COUNTER, name, labels, help);
}

struct metric *metrics_gauge(struct metrics *m, const char *name, const char *labels,
                             const char *help)
{
    return member_get(m, GAUGE, name, labels, help);
}

struct metric *metrics_histogram(struct metrics *m, const char *name, const char *labels,
                                 const char *help)
{
    return member_get(m, HISTOGRAM, name, labels, help);
}

char *metrics_label(const char *name, const char *value)
{
    struct buf b;

    buf_init(&b, strlen(name) + 2 * strlen(value) + 8);
    (void)buf_addf(&b, "%s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            (void)buf_add_text(&b, "\\n");
        else if (*value == '"' || *value == '\\')
            (void)buf_addf(&b, "\\%c", *value);
        else
            (void)buf_add_char(&b, *value);
    }
    (void)buf_add_char(&b, '"');
    return buf_take(&b, NULL);
}

void metric_add(struct metric *c, uint64_t n)
{
    if (c != NULL)
        atomic_fetch_add_explicit(&c->value, (int64_t)n, memory_order_relaxed);
}

void metric_set(struct metric *g, int64_t value)
{
    if (g != NULL)
        atomic_store_explicit(&g->value, value, memory_order_relaxed);
}

void metric_observe(struct metric *h, double seconds)
{
    size_t i = 0;

    if (h == NULL)
        return;
    while (i < BOUNDS && seconds > bounds[i])
        i++;
    atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_us, (uint64_t)(seconds * 1e6), memory_order_relaxed);
}

int64_t metric_value(const struct metric *x)
{
    return x == NULL ? 0 : atomic_load_explicit(&x->value, memory_order_relaxed);
}

static void print_histogram(struct buf *out, const char *name, struct metric *h)
{
    const char *labels = h->labels == NULL ? "" : h->labels;
    const char *comma = h->labels == NULL ? "" : ",";
    const char *open = h->labels == NULL ? "" : "{", *close = h->labels == NULL ? "" : "}";
    uint64_t total = 0;

    for (size_t i = 0; i < BOUNDS; i++) {
        total += atomic_load(&h->buckets[i]);
        (void)buf_addf(out, "itsm_bridge_%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, comma,
                       bounds[i], (unsigned long long)total);
    }
    total += atomic_load(&h->buckets[BOUNDS]);
    (void)buf_addf(out, "itsm_bridge_%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, labels, comma,
                   (unsigned long long)total);
    (void)buf_addf(out, "itsm_bridge_%s_sum%s%s%s %.6f\n", name, open, labels, close,
                   (double)atomic_load(&h->sum_us) / 1e6);
    (void)buf_addf(out, "itsm_bridge_%s_count%s%s%s %llu\n", name, open, labels, close,
                   (unsigned long long)total);
}

static void print_value(struct buf *out, const char *name, struct metric *x)
{
    (void)buf_addf(out, "itsm_bridge_%s", name);
    if (x->labels != NULL)
        (void)buf_addf(out, "{%s}", x->labels);
    (void)buf_addf(out, " %lld\n", (long long)metric_value(x));
}

int metrics_print(struct metrics *m, struct buf *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};

    for (struct family *f = m->families; f != NULL; f = f->next) {
        (void)buf_addf(out, "# HELP itsm_bridge_%s %s\n# TYPE itsm_bridge_%s %s\n", f->name,
                       f->help, f->name, kinds[f->kind]);
        for (struct metric *x = f->members; x != NULL; x = x->next) {
            if (f->kind == HISTOGRAM)
                print_histogram(out, f->name, x);
            else
                print_value(out, f->name, x);
        }
    }
    return out->failed ? -1 : 0;
}
