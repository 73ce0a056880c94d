#ifndef SIM_USERS_H
#define SIM_USERS_H

#include "tests/simulator/request.h"
#include "tests/simulator/sim.h"

enum deny { DENY_READ, DENY_INSERT, DENY_UPDATE, DENY_DELETE, DENY_COUNT };

struct user {
    char *name;
    char *password;
    char *api_key; /* NULL: none */
    char sys_id[33];
    bool active, locked;
    char *roles;              /* ",itil,admin," */
    char *denied[DENY_COUNT]; /* ",incident," tables; ",*," all; NULL none */
    uint64_t requests;
    int64_t window, window_requests; /* of the rate rule */
    UT_hash_handle hh;
};

/* Makes the first user of the settings and the administrator. */
void users_init(struct sim *sim);
void users_free(struct sim *sim);
struct user *user_find(const struct sim *sim, const char *name);

/* Makes or changes a user and its row in sys_user. Members: user_name, password, api_key, roles,
 * active, locked_out, deny {read, insert, update, delete: [tables]}, any sys_user column.
 * Returns 0, or -1 with *ret_why (new). */
int user_put(struct sim *sim, const json_t *object, char **ret_why);
/* A row of sys_user was written over the API: its user is as the row says, made when missing. */
void user_follow(struct sim *sim, const char *name, const char *sys_id, bool active, bool locked);
/* It was removed: the user is gone. */
void user_drop(struct sim *sim, const char *name);
bool user_has_role(const struct user *u, const char *role);
bool user_denied(const struct user *u, enum deny what, const char *table);

/* Signs a request in: bearer token, Basic or API key; sets r->user. Returns 0, or -1 after it
 * filled the 401 answer. */
int sign_in(struct sim *sim, struct request *r, struct answer *a);
/* Fills the answer for missing or bad credentials. */
void answer_unauthenticated(const struct sim *sim, struct answer *a);

/* The hourly rule (setting rate_limit) for the user of the request: adds its headers.
 * Returns 0, or -1 after it filled the 429 answer. */
int rate_check(struct sim *sim, struct request *r, struct answer *a);
/* Headers and body of a 429 of a rate rule. */
void answer_rate_limited(const struct sim *sim, struct answer *a, int64_t limit,
                         int64_t retry_after_s);

json_t *users_json(const struct sim *sim);

#endif
