/* A format as data: a mapping file compiled once, run on each message. The language of the files is
 * described in the README; the shipped ones stand in schemas/mappings. Pure but for reading a file.
 * Work on a message is bounded: no loop in it is longer than the message or a fixed bound. */
#ifndef CONSUMERS_MAPPING_MAPPING_H
#define CONSUMERS_MAPPING_MAPPING_H

#include <jansson.h>
#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/config/config.h"
#include "consumers/alert.h"

struct mapping;
struct map_shape;

/* New, of a file's text. `shipped`: its format is the name that it gives itself; else the format is
 * `mapping:<name>`. NULL: errors has every fault as "FILE:LINE: what is wrong; what to do" added.
 */
struct mapping *mapping_new(const char *file, const char *text, bool shipped,
                            struct config_errors *errors) MUST_CHECK;
/* The same, of a file. */
struct mapping *mapping_load(const char *file, struct config_errors *errors) MUST_CHECK;
struct mapping *mapping_free(struct mapping *p); /* no alert of it lives any more; NULL is fine */

const char *mapping_format(const struct mapping *p); /* borrowed, as long as the mapping */
const char *mapping_file(const struct mapping *p);   /* borrowed */

/* What a mapping may look at. All borrowed; the message is changed where the mapping unpacks JSON
 * inside a text. */
struct map_input {
    const struct config_consumer *consumer;
    const struct message *record;
    json_t *message;
    const json_t *event; /* CloudEvents attributes around it; NULL: none */
};

/* The first shape that the message has; NULL: none. Where consumer->one_per is a group, shapes that
 * make one alert of a whole group come first. */
const struct map_shape *mapping_detect(const struct mapping *p, const struct map_input *in);

/* Adds the alerts of the message to the list; -1 with e as decode_message says. On failure the list
 * may have grown; it is the caller's. */
int mapping_decode(const struct mapping *p, const struct map_shape *shape,
                   const struct map_input *in, struct alerts *list, struct err *e) MUST_CHECK;

#endif
