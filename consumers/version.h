/* Which of two messages is newer (design D4, alert-identity 3.3), and the two stamps that records
 * carry. Pure. */
#ifndef CONSUMERS_VERSION_H
#define CONSUMERS_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "consumers/message.h"

/* Version of a message: where it stood in Kafka and its record's time. */
struct version {
    msec_t time;
    uint32_t topic; /* first 8 hex digits of SHA-256 of the topic's name */
    int32_t partition;
    int64_t offset;
};

struct version version_of(const struct message *m); /* no timestamp: time 0 */

/* Is a newer than b? Same topic and partition: by offset; else by time (equal times: no). */
bool version_newer(const struct version *a, const struct version *b);
bool version_same(const struct version *a, const struct version *b);

/* The state stamp: correlation_display. */
struct stamp {
    uint64_t series;     /* first 16 hex digits of SHA-256 of the series */
    uint32_t generation; /* 0 for marked formats */
    int rank;            /* 0 fire, 1 clear */
    struct version version;
};

/* `itsm-bridge <16 hex of the series> <generation>.<rank>.<time> <topic
 * digest>.<partition>.<offset>` (time in base 36). */
#define STAMP_SIZE 101
void stamp_format(const struct stamp *s, char out[STAMP_SIZE]);
int stamp_parse(const char *text, struct stamp *ret) MUST_CHECK; /* -1: not ours */

/* The content version, last line of the description: `[itsm-bridge <time>.<topic
 * digest>.<partition>.<offset>]`. */
#define VERSION_LINE_SIZE 96
void version_format(const struct version *v, char out[VERSION_LINE_SIZE]);
/* Of a whole description (its last line). -1: there is none, the record counts as older than any
 * message. */
int version_parse(const char *description, struct version *ret) MUST_CHECK;

/* Is stamp a newer than stamp b (same series)? Generation, then rank where both are of one
 * generation of a marked format (`marked`), then version. */
bool stamp_newer(const struct stamp *a, const struct stamp *b, bool marked);

#endif
