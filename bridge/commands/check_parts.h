/* The parts of the checklist. Each asks and adds lines; what judges is apart, pure, and is given
 * facts. Main thread. */
#ifndef BRIDGE_COMMANDS_CHECK_PARTS_H
#define BRIDGE_COMMANDS_CHECK_PARTS_H

#include <curl/curl.h>
#include <stdbool.h>

#include "bridge/commands/check.h"
#include "bridge/commands/check_report.h"
#include "bridge/config/config.h"

/* The file: what it has, and what cannot be seen from outside (notes). */
void check_config(struct check_report *r, const struct config *c);

/* Name, connection and TLS to the instance. False: nothing can be asked of it. */
bool check_net(struct check_report *r, const struct config *c);

/* What the way to the instance was like. */
struct check_net_facts {
    const char *host;   /* as in the configuration */
    bool secure;        /* https */
    bool proxied;       /* through a proxy, which looks the name up */
    CURLcode code;      /* how it ended */
    const char *reason; /* curl's own words, "" when it has none */
    const char *address;
    long long name_us, connect_us, tls_us; /* when each was done; 0: never */
    bool days_known;
    long long days; /* that the server's certificate is valid for */
};
bool check_judge_net(struct check_report *r, const struct check_net_facts *f);

/* The instance; `reachable` false: all lines are skipped. */
void check_snow(struct check_report *r, const struct config *c, const struct check_options *o,
                bool reachable);

/* The cluster and its topics. */
void check_kafka(struct check_report *r, const struct config *c, const struct check_options *o);

#endif
