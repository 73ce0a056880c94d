/* Requests of people as records. Unknown members are left alone, an unknown version or action is
 * refused. */
#include "producers/control.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"

#define MARK "/control/"

static const char *const names[] = {
    [CONTROL_RESYNC] = "resync", [CONTROL_SET] = "set", [CONTROL_READ] = "read"};

const char *control_name(enum control_what what)
{
    return names[what];
}

char *control_key(const char *table_key, const char *id)
{
    return xasprintf("%s" MARK "%s", table_key, id);
}

char *control_no_table(const char *connection)
{
    return xasprintf("%s/*", connection); /* no name of a table */
}

const char *control_id(const char *table_key, const void *key, size_t length, size_t *ret_length)
{
    size_t n = strlen(table_key), m = strlen(MARK);
    const char *text = key;
    if (length <= n + m || memcmp(text, table_key, n) != 0 || memcmp(text + n, MARK, m) != 0)
        return NULL;
    *ret_length = length - n - m;
    return text + n + m;
}

char *control_encode(const struct control *c, const char *host, size_t *ret_length)
{
    char from[CLOCK_SN_SIZE] = "";
    if (c->from != CONTROL_SCOPE)
        clock_format_sn(c->from * 1000, from);
    json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s}", "version", CONTROL_VERSION, "owner", host,
                          "do", names[c->what], "from", from, "asked", c->asked);
    char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    *ret_length = text != NULL ? strlen(text) : 0;
    return text;
}

static const char *text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text != NULL ? text : "";
}

static int read_members(const json_t *o, struct control *c)
{
    const char *from = text_of(o, "from");
    msec_t ms = 0;
    size_t what = 0;
    while (what < ARRAY_LEN(names) && strcmp(text_of(o, "do"), names[what]) != 0)
        what++;
    if (json_integer_value(json_object_get(o, "version")) != CONTROL_VERSION ||
        what == ARRAY_LEN(names) || (from[0] != '\0' && clock_parse(from, &ms) != 0))
        return -1;
    c->what = (enum control_what)what;
    c->from = from[0] != '\0' ? ms / 1000 : CONTROL_SCOPE;
    return 0;
}

struct control *control_decode(const void *bytes, size_t length, const char *host, struct err *e)
{
    struct control read = {0}, *c = NULL;
    json_t *o = json_loadb(bytes, length, 0, NULL);
    const char *owner = text_of(o, "owner");
    if (read_members(o, &read) != 0) {
        err_set(e, ERR_CONFIG, "control-broken",
                "A request in the state topic is none that this release knows. It is left alone; "
                "ask again with this release's itsm-bridge");
    } else if (strcmp(owner, host) != 0) {
        err_set(e, ERR_CONFIG, "control-owner",
                "A request in the state topic is for the instance %s, this bridge works with %s. "
                "It is left alone; two instances need two state topics",
                owner, host);
    } else {
        c = xcalloc(1, sizeof(*c));
        *c = read;
        c->asked = xstrdup(text_of(o, "asked"));
    }
    json_decref(o);
    return c;
}

struct control *control_free(struct control *c)
{
    if (c == NULL)
        return NULL;
    free(c->id);
    free(c->asked);
    free(c);
    return NULL;
}
