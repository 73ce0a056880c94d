/* Token endpoint answers. All is read into the caller's struct first, so a bad answer never harms a
 * good token. The endpoint says 401 `access_denied` for nearly everything (servicenow-api 0.9): the
 * text therefore names the usual causes instead of guessing one. */
#include "bridge/servicenow/oauth_answer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/token_store.h"
#include "bridge/servicenow/wipe.h"

#define LIFE_MAX_S (366LL * 24 * 3600) /* what an answer may claim; above it is cut */

void oauth_answer_done(struct oauth_answer *a)
{
    wipe_free(a->access_token);
    wipe_free(a->refresh_token);
    *a = (struct oauth_answer){.verdict = a->verdict};
}

/* A token goes into a header: visible ASCII only. Opaque tokens and JWTs alike. */
static bool is_token(const char *text)
{
    if (text == NULL || text[0] == '\0')
        return false;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        if (*p <= 0x20 || *p >= 0x7f)
            return false;
    return true;
}

/* A number, or a number as text. 0: not there; -1: there, and unusable. */
static int read_seconds(const json_t *root, const char *member, usec_t *ret_life)
{
    const json_t *value = json_object_get(root, member);
    long long seconds;

    if (value == NULL || json_is_null(value))
        return 0;
    if (json_is_number(value)) {
        if (!(json_number_value(value) >= 1))
            return -1;
        seconds = json_number_value(value) > (double)LIFE_MAX_S
                      ? LIFE_MAX_S
                      : (long long)json_number_value(value);
    } else if (!json_is_string(value) || text_to_int(json_string_value(value), &seconds) != 0) {
        return -1;
    }
    if (seconds <= 0)
        return -1;
    *ret_life = (seconds > LIFE_MAX_S ? LIFE_MAX_S : seconds) * USEC_S;
    return 1;
}

/* Not of the standard and not documented for instances; other servers tell under these names. */
static usec_t read_refresh_life(const json_t *root)
{
    usec_t life = 0;

    if (read_seconds(root, "refresh_token_expires_in", &life) <= 0)
        (void)read_seconds(root, "refresh_expires_in", &life);
    return life;
}

static void later(struct oauth_answer *ret, const char *code, const char *what, int status)
{
    ret->verdict = OAUTH_LATER;
    (void)err_set(&ret->err, ERR_RETRY, code, "The token endpoint answered HTTP %d: %s", status,
                  what);
}

static void judge_tokens(const json_t *root, int status, struct oauth_answer *ret)
{
    const char *access = json_string_value(json_object_get(root, "access_token"));
    const char *type = json_string_value(json_object_get(root, "token_type"));
    const char *refresh = json_string_value(json_object_get(root, "refresh_token"));

    if (!is_token(access))
        later(ret, "token-answer", "no usable access_token in the answer", status);
    else if (type == NULL || strcasecmp(type, "bearer") != 0)
        later(ret, "token-answer", "the token is not of type Bearer", status);
    else if (read_seconds(root, "expires_in", &ret->life) < 0)
        later(ret, "token-answer", "expires_in is no positive number of seconds", status);
    else {
        if (ret->life == 0)
            ret->life = OAUTH_DEFAULT_LIFE; /* optional in the standard */
        ret->refresh_life = read_refresh_life(root);
        ret->verdict = OAUTH_GRANTED;
        ret->access_token = xstrdup(access);
        ret->refresh_token = is_token(refresh) ? xstrdup(refresh) : NULL;
    }
}

static void judge_refusal(const json_t *root, int status, struct oauth_answer *ret)
{
    const json_t *error = json_object_get(root, "error");
    const char *word = json_string_value(error), *text;

    /* The Table API's envelope has an object there. */
    if (json_is_object(error))
        word = json_string_value(json_object_get(error, "message"));
    text = json_string_value(json_object_get(root, "error_description"));
    ret->verdict = OAUTH_REFUSED;
    (void)err_set(&ret->err, ERR_AUTH, "refused",
                  "ServiceNow refused the sign-in: HTTP %d, %.80s%s%.160s", status,
                  word == NULL ? "no error named" : word, text == NULL ? "" : ": ",
                  text == NULL ? "" : text);
}

static bool is_html(const struct http_answer *a)
{
    return strstr(a->content_type, "html") != NULL || a->body[strspn(a->body, " \t\r\n")] == '<';
}

static void judge_status(const struct http_answer *a, const json_t *root, struct oauth_answer *ret)
{
    bool has_error = json_object_get(root, "error") != NULL;

    if (a->status == 401 || (a->status == 400 && has_error) || (a->status == 200 && has_error))
        judge_refusal(root, a->status, ret);
    else if (a->status == 200 && json_is_object(root))
        judge_tokens(root, a->status, ret);
    else if (a->status == 429)
        later(ret, "throttled", "too many requests", a->status);
    else if (a->status >= 300 && a->status < 400)
        later(ret, "redirect",
              "a redirect, which is not followed; check connection.server_url (a log-in page "
              "stands before the instance?)",
              a->status);
    else if (is_html(a))
        later(ret, "html",
              a->status == 200 ? "a web page instead of a token; the instance may be hibernating "
                                 "or under maintenance"
                               : "a web page; a gateway or maintenance page",
              a->status);
    else
        later(ret, a->status >= 500 ? "server-error" : "token-answer", "no token in the answer",
              a->status);
}

void oauth_answer_judge(const struct http_answer *a, struct oauth_answer *ret)
{
    json_t *root;

    *ret = (struct oauth_answer){.verdict = OAUTH_LATER, .retry_after = a->retry_after};
    if (a->end != HTTP_ANSWERED) {
        ret->err = a->err;
        return;
    }
    root = json_loadb(a->body, a->body_length, 0, NULL);
    judge_status(a, root, ret);
    token_json_wipe(root);
}
