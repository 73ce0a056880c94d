/* Judges answers of the token endpoint (servicenow-api 1.2 and 1.4; style-anchors 6.4 points 5 and
 * 6). Pure: no clock, no I/O, no log. */
#ifndef BRIDGE_SERVICENOW_OAUTH_ANSWER_H
#define BRIDGE_SERVICENOW_OAUTH_ANSWER_H

#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "bridge/servicenow/http.h"

/* Life of a token whose answer names none: the instance's default (servicenow-api 1.3). */
#define OAUTH_DEFAULT_LIFE (1800 * USEC_S)

enum oauth_verdict {
    OAUTH_GRANTED, /* tokens are there */
    OAUTH_REFUSED, /* 400, 401, an error in a 200: asking again gives the same */
    OAUTH_LATER,   /* endpoint away, 429, 5xx, HTML, nonsense: ask again later */
};

struct oauth_answer {
    enum oauth_verdict verdict;
    char *access_token, *refresh_token; /* new; refresh_token may be NULL */
    usec_t life;                        /* of the access token, from the moment of the request */
    usec_t refresh_life;                /* of the refresh token, when the answer tells; 0: not */
    usec_t retry_after;                 /* 0: none */
    struct err err;                     /* unless granted; never holds a token or a secret */
};

/* Fills *ret in any case. Free with oauth_answer_done. */
void oauth_answer_judge(const struct http_answer *a, struct oauth_answer *ret);
void oauth_answer_done(struct oauth_answer *a); /* wipes */

#endif
