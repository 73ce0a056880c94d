/* Counters, gauges and histograms with Prometheus names (text format 0.0.4), registered once, found
 * by pointer afterwards. Values may be changed by any thread; registration and printing are for the
 * loop thread only. */
#ifndef BRIDGE_BASE_METRICS_H
#define BRIDGE_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"

struct metrics;
struct metric;

struct metrics *metrics_new(void);
struct metrics *metrics_free(struct metrics *m); /* NULL is fine; returns NULL */

/* The one with this name and these labels; made when there is none. `name` without the prefix
 * `itsm_bridge_` that printing adds; a counter's name ends in `_total`. `labels` is `a="b",c="d"`
 * or NULL, values escaped by metrics_label. Borrowed, lives as long as m. */
struct metric *metrics_counter(struct metrics *m, const char *name, const char *labels,
                               const char *help);
struct metric *metrics_gauge(struct metrics *m, const char *name, const char *labels,
                             const char *help);
/* Buckets for seconds: 1 ms to 60 s. */
struct metric *metrics_histogram(struct metrics *m, const char *name, const char *labels,
                                 const char *help);

/* name="value" with the value escaped as the text format asks; new, caller frees. */
char *metrics_label(const char *name, const char *value) MUST_CHECK;

/* NULL metric: nothing happens (parts can be tested without metrics). */
void metric_add(struct metric *c, uint64_t n);
void metric_set(struct metric *g, int64_t value);
void metric_observe(struct metric *h, double seconds);
int64_t metric_value(const struct metric *x); /* counter or gauge */

/* The whole exposition. -1 when it does not fit into out. */
int metrics_print(struct metrics *m, struct buf *out) MUST_CHECK;

#endif
