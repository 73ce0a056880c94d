#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "tests/simulator/request.h"
#include "tests/simulator/sim.h"

enum fault_action {
    FAULT_STATUS,
    FAULT_AFTER_COMMIT,
    FAULT_CUT_BEFORE,
    FAULT_CUT_AFTER,
    FAULT_CUT_MID_BODY,
    FAULT_DELAY,
    FAULT_HANG,
    FAULT_TRAILING_ERROR,
    FAULT_HIBERNATE,
    FAULT_HTML,
    FAULT_REDIRECT,
    FAULT_SLOW_DRIP,
    FAULT_RATE_LIMIT,
    FAULT_SEMAPHORE,
    FAULT_EXPIRE_TOKEN,
    FAULT_EMPTY_BODY,
    FAULT_TRUNCATE_JSON,
    FAULT_BAD_CONTENT_TYPE,
    FAULT_HUGE_BODY,
    FAULT_ACTIONS
};

/* A rule, alive while the list or a request holds it. */
struct fault {
    char *name;
    char *method, *path_prefix, *table, *query_contains, *body_contains, *user; /* NULL: any */
    int64_t skip, count; /* count < 0: no end */
    double probability;
    uint64_t hits, seen;
    enum fault_action action;
    int status;
    json_t *headers;    /* object, or NULL */
    char *body, *type;  /* NULL: the usual */
    double ms, late_ms; /* late_ms < 0: never */
    int64_t bytes, retry_after, limit;
    bool after, malformed; /* delay after the effect; broken form of trailing_error */
    unsigned holders;
    struct fault *next;
};

void faults_init(struct sim *sim);
void faults_free(struct sim *sim);

/* The first rule that fits and is due; counts it. Borrowed with a hold: give it back with
 * fault_release. NULL: none. */
struct fault *fault_match(struct sim *sim, const struct request *r, const char *table);
void fault_release(struct fault *f);

/* Adds rules from one object or an array; a rule of the same name is replaced. All or none.
 * Returns 0, or -1 with *ret_why (new). */
int faults_put(struct sim *sim, const json_t *rules, char **ret_why);
/* Removes one by name, or all for NULL. Returns how many. */
int faults_remove(struct sim *sim, const char *name);
json_t *faults_json(const struct sim *sim);

/* Whether the action answers without any effect. */
bool fault_is_before(const struct fault *f);
/* Fills the answer of such an action. */
void fault_answer(struct sim *sim, const struct fault *f, const struct request *r,
                  struct answer *a);
/* Changes the answer after the effect. */
void fault_mangle(const struct fault *f, struct answer *a);

#endif
