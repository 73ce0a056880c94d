/* The parts that the show runs with: cluster, simulator, bridge, and the names they go by. Main
 * thread. */
#ifndef DEMO_SCENE_H
#define DEMO_SCENE_H

#include <stdbool.h>
#include <stdio.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "tests/demo/child.h"
#include "tests/demo/cluster.h"

enum scene_topic {
    TOPIC_ALERTS,
    TOPIC_OUTCOMES,
    TOPIC_DEAD_LETTER,
    TOPIC_STATE,
    TOPIC_INCIDENT,
    TOPIC_CHANGE_REQUEST,
    TOPICS
};

struct scene_options {
    const char *programs;  /* folder of itsm-bridge and snow-sim */
    const char *folder;    /* exists; gets configuration and logs */
    const char *bootstrap; /* NULL: the mock */
};

struct scene {
    struct cluster *cluster;
    struct child simulator, bridge;
    FILE *kafka_log;
    char *topics[TOPICS];
    bool topics_made;
    char *group, *config_file;
    char *simulator_url, *status_url; /* "http://127.0.0.1:PORT", no slash at the end */
};

/* What scene_open is waiting for; called often, false gives up. */
typedef bool scene_wait(void *arg, const char *what);

/* Starts everything and returns when the bridge says that it is ready. On failure *s is to be
 * closed just the same. */
int scene_open(struct scene *s, const struct scene_options *o, scene_wait *wait, void *arg,
               struct err *e) MUST_CHECK;

/* -1 and *e when simulator or bridge have ended by themselves. */
int scene_check(struct scene *s, struct err *e) MUST_CHECK;

/* Stops the bridge; true when it ended in good order within 15 s. */
bool scene_stop_bridge(struct scene *s);

/* Stops what still runs, removes the topics that the demo made on a real broker (keep_topics: not),
 * frees. *e, when not NULL, tells what could not be removed. */
int scene_close(struct scene *s, bool keep_topics, struct err *e);

#endif
