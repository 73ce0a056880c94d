/* Checks of texts that stand in the configuration. Pure, any thread. A check returns NULL when the
 * text is fine, else a static half sentence that follows the value: `"a b" contains ...; use ...`.
 */
#ifndef BRIDGE_CONFIG_CONFIG_TEXT_H
#define BRIDGE_CONFIG_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"

/* Any text: UTF-8 without control characters other than line ends and tabs. */
const char *config_check_plain(const char *text);

const char *config_check_name(const char *text);         /* letters, digits, `.`, `_`, `-` */
const char *config_check_topic(const char *text);        /* legal for Kafka, at most 249 */
const char *config_check_subscription(const char *text); /* a topic, or `^` and something */
const char *config_check_table(const char *text);        /* a-z, 0-9, `_` */
const char *config_check_column(const char *text);       /* the same, and for reading */
const char *config_check_constant(const char *text);     /* a column that `fields` may set */
const char *config_check_server(const char *text); /* the form only; hosts are a cross-check */
const char *config_check_proxy(const char *text);
const char *config_check_host(const char *text);    /* a host name or address, no port */
const char *config_check_listen(const char *text);  /* ADDRESS:PORT */
const char *config_check_brokers(const char *text); /* HOST[:PORT], ... */
const char *config_check_line(const char *text);    /* no line ends or tabs */
const char *config_check_start(const char *text);   /* "latest", a date or a time */
const char *config_check_partner(const char *text);
const char *config_check_format(const char *text);
const char *config_check_target(const char *text);
const char *config_check_work_item(const char *text); /* a target, in any case of letters */
const char *config_check_severity(const char *text);  /* Sev0 to Sev4, or the number alone */
const char *config_check_days(const char *text);      /* mon, mon-fri */
const char *config_check_minutes(const char *text);   /* 00:00 to 24:00 */

/* 0 (worst) to 4, or -1 when the text is no severity. */
int config_severity(const char *text);

struct config_url {
    char *scheme, *host; /* lower case; an IPv6 address without its brackets */
    char *port;          /* "" when not given */
    bool loopback;       /* 127.0.0.0/8, ::1 or localhost */
    bool ipv6;
};

/* Takes SCHEME://HOST[:PORT][/] apart. NULL and *ret_url filled (config_url_done frees it), or
 * what is wrong. User names, paths and queries are refused. */
const char *config_url_parse(const char *text, struct config_url *ret_url) MUST_CHECK;
void config_url_done(struct config_url *u);
/* HOST or HOST:PORT, IPv6 in brackets; new. */
char *config_url_host(const struct config_url *u) MUST_CHECK;

/* Edit distance, for "did you mean"; letters in upper and lower case count as the same. */
size_t config_distance(const char *a, const char *b);
/* The nearest of the words that is near enough to be meant, or NULL. */
const char *config_nearest(const char *text, const char *const *words, size_t n);

#endif
