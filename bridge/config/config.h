/* The effective configuration: an immutable snapshot, read from one libconfig file by the table in
 * config_table.c (design D14). Everything has a value: defaults are filled in. All strings are
 * owned by the snapshot and never NULL ("" = not set), except where said. */
#ifndef BRIDGE_CONFIG_CONFIG_H
#define BRIDGE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "bridge/base/log.h"

enum config_grant {
    GRANT_PASSWORD,
    GRANT_REFRESH_TOKEN,
    GRANT_CLIENT_CREDENTIALS,
    GRANT_JWT_BEARER,
    GRANT_BASIC,
    GRANT_API_KEY,
    GRANT_TOKEN, /* no file can name it: a token that somebody lends to a command, in api_key */
};

enum config_exactly_once { EXACTLY_ONCE_AUTO, EXACTLY_ONCE_REQUIRED, EXACTLY_ONCE_OFF };
enum config_start { START_EARLIEST, START_LATEST, START_TIME };
enum config_orphan_clear { ORPHAN_INSERT_RESOLVED, ORPHAN_IGNORE };
enum config_fold { FOLD_INSTANCE, FOLD_SERIES };
enum config_refire { REFIRE_NEW, REFIRE_REOPEN, REFIRE_NOTE, REFIRE_AS_ENTRY };
enum config_one_per { ONE_PER_ALERT, ONE_PER_GROUP };
enum config_on_clear {
    ON_CLEAR_RESOLVE,
    ON_CLEAR_RESOLVE_UNTOUCHED, /* a note, where somebody works on the record */
    ON_CLEAR_NOTE,
    ON_CLEAR_NOTHING,
    ON_CLEAR_AS_ENTRY,
};
enum config_log_rows { LOG_ROWS_TOGETHER, LOG_ROWS_EACH };
enum config_display { DISPLAY_RAW, DISPLAY_SHOWN, DISPLAY_BOTH };
enum config_on_change { ON_CHANGE_CONTINUE, ON_CHANGE_REPULL, ON_CHANGE_REFUSE };
enum config_message_key { MESSAGE_KEY_INSTANCE, MESSAGE_KEY_SERIES };
enum config_form { FORM_SERVICENOW, FORM_ITSMC, FORM_BOTH };
enum config_own_changes { OWN_CHANGES_MARK, OWN_CHANGES_LEAVE_OUT };

struct config_list { /* of strings */
    char **items;
    size_t count;
};

struct config_pair { /* name = value, both as text */
    char *name, *value;
};

struct config_pairs {
    struct config_pair *items;
    size_t count;
};

/* A secret: `spec` is what the file says (file:PATH, env:NAME or the text itself), `value` what it
 * stands for. Wiped when the snapshot is freed. Never print `value`; config_print shows file: and
 * env: specs and hides the rest. */
struct config_secret {
    char *spec, *value;
};

/* Grant jwt_bearer: what is signed, and by which key. Empty texts are filled in for that grant. */
struct config_jwt {
    char *key; /* file of the private key, PEM; read for each assertion */
    struct config_secret key_password;
    char *kid, *issuer, *subject, *audience;
    usec_t life;
    bool in_header; /* also as `Authentication: Bearer`, as the vendor's Python client has it */
};

struct config_auth {
    enum config_grant grant;
    char *client_id;
    struct config_secret client_secret;
    char *username;
    struct config_secret password;
    struct config_secret refresh_token; /* grant refresh_token: the first one; later in the store */
    struct config_secret api_key;
    struct config_jwt jwt;
    char *token_store;   /* "" = tokens in memory only */
    usec_t refresh_life; /* of a refresh token; 0 = asked for or assumed */
};

struct config_connection {
    char *name, *partner_type, *server_url,
        *host; /* host: of server_url, lower case, with port when given */
    struct config_list allowed_hosts;
    bool allow_insecure_loopback;
    char *ca_file, *proxy, *record_namespace;
    char *client_certificate, *client_key; /* files, PEM; "" = none; key "": in the certificate's */
    struct config_secret client_key_password;
    struct config_auth auth;
    int64_t sync_scope_days;
    struct config_list work_items;
    bool create_configuration_items;
    char *ci_class;               /* the table that these are made in */
    struct config_list ci_fields; /* columns of cmdb_ci that may hold the name, best first; never
                                     empty */
    usec_t lookup_life, lookup_negative_life; /* how long a name found, not found, is believed */
    usec_t connect_timeout, request_timeout;
    int64_t max_in_flight; /* upper end of the request window */
};

struct config_kafka {
    char *bootstrap_servers, *group_id, *group_instance_id;
    struct config_pairs properties; /* properties_file first, then properties; secrets resolved in
                                       value, so never print it */
    char *properties_file;
    struct config_list properties_spec; /* `properties` as the file has them, for config_print */
};

struct config_topics {
    char *prefix, *outcomes, *dead_letter, *state;
    bool create, outcomes_enabled;
    int64_t replication_factor, partitions, state_partitions; /* -1: the broker's default */
    enum config_exactly_once exactly_once;
};

struct formats; /* consumers/formats.h */

/* What is wanted of a record's life. Zeroed: the defaults. Of a rule, what it does not set is
 * ..._AS_ENTRY or below 0. */
struct config_life {
    enum config_on_clear on_clear;
    enum config_refire refire;
    msec_t reopen_within; /* REFIRE_REOPEN, REFIRE_NOTE: of a record that was resolved not longer
                             ago */
    usec_t clear_delay;   /* a clear is acted on so long after it was read */
    usec_t note_every;    /* least time between two work notes about news; 0: with all of them */
    msec_t expire;        /* a record without news so long is resolved; 0: never */
};

/* One condition of a rule; exactly one test of it is set. */
struct config_condition {
    char *field; /* "" for a time window */
    char *equals, *prefix, *matches, *at_least;
    struct config_list one_of, days;
    bool present;
    char *from, *to, *zone; /* of a time window */
    bool ignore_case, negated;
    size_t rule; /* number in struct config */
    int line;
};

struct config_rule {
    char *name;
    bool go_on, drop, individual_work_items;
    char *target;                       /* "" = the consumer's */
    char *work_item_type;               /* the same by the old connector's name */
    char *assignment_group, *category;  /* templates, "" = not set */
    int64_t impact, urgency;            /* 0 = not set */
    char *template;                     /* of the instance, "" = none */
    struct config_pairs fields;         /* column = template */
    struct config_pairs default_fields; /* column = constant */
    enum config_log_rows log_rows;
    struct config_life life;
    const struct config_condition *when; /* all must hold; in struct config */
    size_t when_count;
    size_t consumer; /* number of the entry it belongs to */
    int line;
};

struct config_consumer {
    char *name;
    struct config_list topics; /* "^..." is a regular expression, as in librdkafka */
    char *format, *target;     /* target: "event", "import:TABLE", "alert" or a table's name */
    char *state_column, *open_value, *resolved_value; /* of the target; "" = as it is usual there */
    enum config_start start;
    msec_t start_time; /* START_TIME only */
    int64_t max_alert_age_h;
    struct config_pairs fields; /* column = constant value */
    char *template;             /* name of a template of the instance, "" = none */
    char *close_code;           /* "" = found in sys_choice */
    usec_t clear_wait, settle;
    enum config_orphan_clear orphan_clear;
    enum config_fold fold;
    struct config_life life;
    enum config_message_key message_key;
    bool instance_with_fire_time;
    enum config_one_per one_per;     /* formats whose messages are groups of alerts */
    const struct formats *formats;   /* the user's own, by formats_open; NULL: the shipped ones */
    const struct config_rule *rules; /* in struct config */
    size_t rules_count;
    int line; /* where the entry begins in the file, for messages */
};

struct config_producer {
    char *name, *table, *topic, *query; /* query: encoded query that narrows the table, "" = all */
    struct config_list fields;          /* columns to read, empty = all */
    usec_t poll_busy, poll_idle, overlap, reread;
    int64_t page_size;
    char *start_from;     /* "" = sync_scope_days ago, "latest", or a time */
    int64_t history_rate; /* rows a second, 0 = no bound */
    enum config_display display;
    bool reference_links;
    enum config_on_change on_change; /* query, fields or display are other ones than last time */
    enum config_form form;
    char *topic_itsmc; /* FORM_BOTH: for the form itsmc; `topic` has the form servicenow */
    enum config_own_changes own_changes;
    int64_t last_seen_bytes; /* bound of what is remembered of published rows, 0 = nothing */
    bool last_seen_rebuild;  /* fill it from the topic at start */
    bool deletes;            /* tombstones for deleted rows, where the instance tells of them */
    usec_t delete_sweep;     /* where it does not: time between looks for rows that are gone, 0 =
                                none */
    bool journal;
    char *topic_journal;
    int line;
};

/* A topic that an entry writes. */
#define CONFIG_PRODUCER_TOPICS_MAX 3
struct config_producer_topic {
    const char *topic;
    bool compacted;
    const char *path; /* of the key that names it */
};

struct config_status {
    char *listen; /* "127.0.0.1:9464", "[::1]:0"; "" = no status server */
};

struct config_limits {
    int64_t memory_mb;
    int64_t max_waiting;             /* messages in memory, all consumers together */
    int64_t max_parked;              /* of these: waiting for a retry */
    int64_t max_per_alert;           /* of these: of one alert; then its partition rests */
    int64_t max_attempts;            /* of one record, before it is dead-lettered */
    usec_t retry_min, retry_max;     /* delays between attempts of one record */
    usec_t shutdown;                 /* bound on a clean shutdown */
    int64_t dead_letters_per_minute; /* above it intake pauses; 0 = no bound */
};

struct config_log {
    enum log_level level;
    enum log_format format;
};

struct config {
    char *file;
    struct config_connection connection;
    struct config_kafka kafka;
    struct config_topics topics;
    struct config_list mappings; /* files of the user's own formats */
    struct formats *formats;     /* made of them by formats_open; not owned */
    struct config_consumer *consumers;
    size_t consumers_count;
    struct config_rule *rules; /* of all consumers, those of one in a row */
    size_t rules_count;
    struct config_condition *conditions; /* of all rules, those of one in a row */
    size_t conditions_count;
    struct config_producer *producers; /* work_items without an entry of their own are added */
    size_t producers_count;
    struct config_status status;
    struct config_limits limits;
    struct config_log log;
};

/* Everything that is wrong with a file, one entry each, in order of lines. */
struct config_errors {
    struct config_error {
        char *text; /* "FILE:LINE: KEY: what is wrong; what to do" */
    } * items;
    size_t count;
};

/* What a command needs of the file: `map` runs without network, so it wants no secrets. */
enum config_need {
    CONFIG_FULL,       /* everything, secrets resolved */
    CONFIG_NO_SIGN_IN, /* the same, but connection.auth may lack what a sign-in needs, and its
                          secrets are not looked up: for who makes them */
    CONFIG_NO_SECRETS, /* secrets are not looked up, value stays "" */
};

/* Reads and checks the whole file. NULL when anything is wrong: then *errors holds all of it (the
 * caller frees it with config_errors_done); on success *errors is empty. Secrets from files and the
 * environment are resolved here. */
struct config *config_load(const char *file, enum config_need need,
                           struct config_errors *errors) MUST_CHECK;
struct config *config_free(struct config *c); /* NULL is fine; returns NULL; wipes secrets */
void config_errors_done(struct config_errors *errors);

/* What a secret that stands in a file is now: new, wiped by the caller. NULL when it does not come
 * from a file, or the file cannot be read or holds no usable secret at this moment. */
char *config_secret_again(const struct config_secret *s) MUST_CHECK;
/* The file of a `file:` secret, NULL for others; borrowed. */
const char *config_secret_file(const struct config_secret *s);
/* Reads FILE or variable of a spec given to a command ("file:PATH", "env:NAME"); any other form is
 * an error, so that no secret stands on a command line. New, wiped by the caller. */
char *config_secret_given(const char *spec, struct err *e) MUST_CHECK;

/* The topics that an entry writes; strings borrowed. Returns how many. */
size_t config_producer_topics(const struct config_producer *p,
                              struct config_producer_topic ret_topics[CONFIG_PRODUCER_TOPICS_MAX]);

/* The effective configuration in the file's own syntax, every key with its value, secrets hidden.
 * Output of config_print can be read again by config_load when no secret stood in the file itself.
 */
void config_print(const struct config *c, FILE *out);

/* The manual of the file: every key with type, unit, range, default, help, and whether a reload
 * (SIGHUP) may change it. One block a key; the block's first line is the key's path. */
void config_reference(FILE *out);

/* What a reload may take over from `next`, which is a freshly loaded file: writes one line per
 * difference that needs a restart to `say` (may be NULL), and moves the reloadable values (log
 * level, secrets, ...) into `c`. Loop thread only. */
void config_reload(struct config *c, struct config *next, void (*say)(void *arg, const char *text),
                   void *arg);

#endif
