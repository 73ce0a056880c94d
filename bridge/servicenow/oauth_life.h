/* How long a refresh token lives: rules. ServiceNow does not tell with the token, and refreshing
 * does not move the end, so a bridge that lives on refreshing alone dies on a day that has to be
 * known ahead (servicenow-api 1.2, 1.3). Pure. */
#ifndef BRIDGE_SERVICENOW_OAUTH_LIFE_H
#define BRIDGE_SERVICENOW_OAUTH_LIFE_H

#include <jansson.h>
#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/clock.h"

/* The default of an OAuth application in the instance's registry. */
#define OAUTH_REFRESH_LIFE (8640000 * USEC_S)

enum oauth_life {
    OAUTH_LIFE_UNKNOWN,    /* no refresh token, or nothing known yet */
    OAUTH_LIFE_ASSUMED,    /* OAUTH_REFRESH_LIFE since it was got */
    OAUTH_LIFE_CONFIGURED, /* connection.auth.refresh_life_s since it was got */
    OAUTH_LIFE_ASKED,      /* table oauth_credential told */
    OAUTH_LIFE_ANSWERED,   /* the token endpoint told */
};

const char *oauth_life_name(enum oauth_life l);  /* static: "assumed", ... */
enum oauth_life oauth_life_of(const char *name); /* UNKNOWN for anything else, and NULL */

/* The mark (14, 7, 3 or 1 days before the end) that `left` has passed, 0: none yet. */
int oauth_life_mark(usec_t left);

/* Table oauth_credential (servicenow-api 1.2; the names of its columns are believed, not known, so
 * each row is checked): the question, and what its rows tell. */
#define OAUTH_LIFE_TABLE  "oauth_credential"
#define OAUTH_LIFE_FIELDS "type,expires,user.user_name,peer.client_id"
/* -1: no such question can be put (a name that cannot stand in a query). */
int oauth_life_query(struct buf *out, const char *client_id) MUST_CHECK;
/* The latest end among rows that are a refresh token of this client (and user, unless ""); 0: the
 * rows do not tell. */
msec_t oauth_life_read(const json_t *rows, const char *client_id, const char *username);

#endif
