/* What an alert becomes in ServiceNow: the word of the configuration key `target`, read once. A
 * property of each alert, not of its consumer: whoever places an alert in a lane chooses. Loop
 * thread. */
#ifndef CONSUMERS_TARGET_H
#define CONSUMERS_TARGET_H

#include "bridge/base/attr.h"
#include "bridge/config/config.h"
#include "consumers/alert.h"
#include "consumers/identity.h"
#include "consumers/target_table.h"

enum target_kind {
    TARGET_RECORD, /* a record that is looked at, changed and resolved (design D4) */
    TARGET_EVENT,  /* "event": one em_event for each message, sent in bulk, never read */
    TARGET_IMPORT, /* "import:<table>": one row of a staging table for each message, never read */
};
#define TARGET_KINDS (TARGET_IMPORT + 1)

struct target {
    enum target_kind kind;
    char *word;        /* as in the configuration: names the target in keys and logs */
    const char *table; /* that rows are written to: borrowed, lives as long as the target */
    const struct target_table *shape; /* of a record's table; NULL: rows. Borrowed likewise */
};

/* The table of records that a target of the configuration means; NULL: rows. Borrowed from the
 * word, or static. */
const char *target_word_table(const char *word);

/* The targets that are in use, each once. */
struct targets;

struct targets *targets_new(void);
struct targets *targets_free(struct targets *t); /* NULL is fine */
/* The target of this word, which config_load has checked; made when it is new. Borrowed: the same
 * pointer for the same word until targets_free. */
const struct target *targets_get(struct targets *t, const char *word);
/* The same for an alert of this consumer: its own target where the word is empty or says the same,
 * with the state column and values that the entry gives; the target of the word otherwise. */
const struct target *targets_of(struct targets *t, const struct config_consumer *c,
                                const char *word);

/* Rows are written without a look at what is there. */
bool target_is_rows(const struct target *t);

/* Is one key of this consumer for a whole series, whatever cycle a message names? */
bool target_by_series(const struct target *t, const struct config_consumer *c);

/* Rows only: the key that the instance knows the alert by, message_key of an event and
 * correlation_id of an import. That of the instance; of the series where the alert does not name
 * its cycle (which cycle it is only a look could tell) or `message_key = "series"` wants it. */
void target_row_key(const struct target *t, const struct config_consumer *c, const struct alert *a,
                    char out[CORRELATION_ID_SIZE]);

/* Key of the alert's lane, TARGET_KEY_SIZE bytes. Records: the sys_id. Rows: a digest of word and
 * row key, so that everything that ServiceNow counts as one alert is sent in order. */
#define TARGET_KEY_SIZE 16
void target_lane_key(const struct target *t, const struct config_consumer *c,
                     const char *record_namespace, const struct alert *a,
                     unsigned char out[TARGET_KEY_SIZE]);
/* The same of a record of a marked alert, by its sys_id. */
void target_key_of(const char *sys_id, unsigned char out[TARGET_KEY_SIZE]);

#endif
