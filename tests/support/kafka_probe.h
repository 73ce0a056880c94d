/* For tests against a real Kafka: topics, and what a read-committed reader sees. Blocking calls,
 * bounded; a failure ends the test. */
#ifndef TESTS_SUPPORT_KAFKA_PROBE_H
#define TESTS_SUPPORT_KAFKA_PROBE_H

#include <stddef.h>
#include <stdint.h>

/* ITSM_TEST_KAFKA, or ends the program: 77 (skipped), 1 when CI=true. */
const char *probe_brokers(void);

/* New topic with a name that begins with `stem` and is unlike any other; caller frees. settings:
 * pairs of name and value, NULL at the end; NULL = none. */
char *probe_topic(const char *stem, int partitions, const char *const *settings);
void probe_delete_topic(const char *topic);

struct probe_record {
    int32_t partition;
    int64_t offset;
    char *key, *value; /* NUL-terminated; value NULL: tombstone */
    size_t value_length;
    char *headers; /* "name=value\n..." in order */
};

/* All committed records of a topic, each partition from beginning to end. New; free with
 * probe_free. */
struct probe_record *probe_read(const char *topic, size_t *ret_count);
/* End offset of a partition. */
int64_t probe_end(const char *topic, int32_t partition);
void probe_free(struct probe_record *records, size_t count);

#endif
