/* Life of the refresh token: names, marks, and reading of the instance's own table. */
#include "bridge/servicenow/oauth_life.h"

#include <string.h>
#include <strings.h>

#include "bridge/servicenow/query.h"

#define DAY (86400 * USEC_S)

static const char *const names[] = {
    [OAUTH_LIFE_UNKNOWN] = "unknown",       [OAUTH_LIFE_ASSUMED] = "assumed",
    [OAUTH_LIFE_CONFIGURED] = "configured", [OAUTH_LIFE_ASKED] = "instance",
    [OAUTH_LIFE_ANSWERED] = "answer",
};

const char *oauth_life_name(enum oauth_life l)
{
    return (size_t)l < ARRAY_LEN(names) ? names[l] : names[OAUTH_LIFE_UNKNOWN];
}

enum oauth_life oauth_life_of(const char *name)
{
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return (enum oauth_life)i;
    return OAUTH_LIFE_UNKNOWN;
}

int oauth_life_mark(usec_t left)
{
    static const int marks[] = {1, 3, 7, 14};

    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (left <= marks[i] * DAY)
            return marks[i];
    return 0;
}

int oauth_life_query(struct buf *out, const char *client_id)
{
    if (!query_value_ok(client_id))
        return -1;
    return buf_addf(out, "type=refresh_token^peer.client_id=%s^ORDERBYDESCexpires", client_id);
}

static const char *text_of(const json_t *row, const char *column)
{
    const char *text = json_string_value(json_object_get(row, column));

    return text == NULL ? "" : text;
}

/* An unknown column is left out of the query and of the rows without a word. */
static bool is_ours(const json_t *row, const char *client_id, const char *username)
{
    return strcasestr(text_of(row, "type"), "refresh") != NULL &&
           strcmp(text_of(row, "peer.client_id"), client_id) == 0 &&
           (username[0] == '\0' || strcmp(text_of(row, "user.user_name"), username) == 0);
}

msec_t oauth_life_read(const json_t *rows, const char *client_id, const char *username)
{
    msec_t latest = 0, end;
    const json_t *row;
    size_t i;

    json_array_foreach (rows, i, row) {
        if (is_ours(row, client_id, username) && clock_parse(text_of(row, "expires"), &end) == 0 &&
            end > latest)
            latest = end;
    }
    return latest;
}
