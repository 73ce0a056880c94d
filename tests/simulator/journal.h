#ifndef SIM_JOURNAL_H
#define SIM_JOURNAL_H

#include "tests/simulator/draft.h"
#include "tests/simulator/request.h"

/* What happened to the records, in order, and how often what was asked. */
void journal_init(struct sim *sim);
void journal_free(struct sim *sim);

/* A draft that is about to be stored. */
void journal_change(struct sim *sim, const struct draft *d, const char *method,
                    const char *request_id, bool late);
void journal_delete(struct sim *sim, const struct table *t, const struct row *r, const char *user,
                    const char *request_id, bool late);
/* A refused write: counted, not listed. */
void journal_refused(struct sim *sim, const struct draft *d, const char *method);
/* Adds {"last":n,"entries":[...]} with the entries after `since`, at most `limit`. */
void journal_write(const struct sim *sim, uint64_t since, uint64_t limit, struct str *out);

/* Statistics: counts by a name of the given kind. */
void stats_count(struct sim *sim, const char *kind, const char *name, uint64_t n);
void stats_in_flight(struct sim *sim, int change);
void stats_request(struct sim *sim, const struct request *r, const char *table, int status,
                   uint64_t response_bytes);
json_t *stats_json(const struct sim *sim);

#endif
