/* One Kafka record as the consumers see it, free of librdkafka. All pointers are borrowed. */
#ifndef CONSUMERS_MESSAGE_H
#define CONSUMERS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "bridge/base/clock.h"

struct message_header {
    const char *name;
    const void *value; /* NULL: header without value */
    size_t length;
};

struct message {
    const char *topic;
    int32_t partition;
    int64_t offset;
    msec_t timestamp; /* of the Kafka record; MSEC_NONE when it has none */
    const void *key;  /* NULL: no key */
    size_t key_length;
    const void *value; /* NULL: tombstone */
    size_t value_length;
    const struct message_header *headers;
    size_t headers_count;
};

#endif
