/* One read of sys_choice for both columns. An instance that does not let us read it gets the close
 * code of current releases and no contact type. */
#include "consumers/choices.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"

#define LIFE  (3600 * USEC_S)
#define RETRY (60 * USEC_S)

static const char *const close_codes[] = {"Solution provided", "Solved (Permanently)"};
static const char *const contact_types[] = {"monitoring", "event"};

struct choices {
    struct snow *snow;
    bool asking, known;
    usec_t due;
    const char *close_code, *contact_type;
};

struct choices *choices_new(struct snow *s)
{
    struct choices *c = xcalloc(1, sizeof *c);

    *c = (struct choices){.snow = s, .close_code = close_codes[0], .contact_type = ""};
    return c;
}

struct choices *choices_free(struct choices *c)
{
    free(c);
    return NULL;
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text == NULL ? "" : text;
}

/* The first of `wanted` that the rows have for this column; NULL. */
static const char *first_of(const json_t *rows, const char *element, const char *const *wanted,
                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_t *row;
        size_t k;

        json_array_foreach (rows, k, row) {
            if (strcmp(text_of(row, "element"), element) == 0 &&
                strcmp(text_of(row, "value"), wanted[i]) == 0)
                return wanted[i];
        }
    }
    return NULL;
}

static void take(struct choices *c, const json_t *rows)
{
    const char *code = first_of(rows, "close_code", close_codes, ARRAY_LEN(close_codes));
    const char *type = first_of(rows, "contact_type", contact_types, ARRAY_LEN(contact_types));

    if (code == NULL && json_array_size(rows) > 0)
        log_warn("close-code",
                 "table=incident\tThe instance has neither of the close codes '%s' and '%s'. "
                 "Resolves may be "
                 "refused: set close_code in the consumers entry to one that it has",
                 close_codes[0], close_codes[1]);
    c->close_code = code == NULL ? close_codes[0] : code;
    c->contact_type = type == NULL ? "" : type;
}

static void answer(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                   size_t n, usec_t now)
{
    struct choices *c = arg;
    enum snow_verdict v = outcomes[0].verdict;

    (void)ops;
    (void)n;
    c->asking = false;
    if (v == SNOW_OK) {
        take(c, outcomes[0].result);
        c->due = now + LIFE;
        c->known = true;
        return;
    }
    if (v == SNOW_REJECTED || v == SNOW_ABSENT) {
        log_warn(
            "choices",
            "code=%s\tsys_choice cannot be read: %s. Close code '%s' is used and no contact type",
            outcomes[0].err.code, outcomes[0].err.text, c->close_code);
        c->due = now + LIFE;
        c->known = true;
        return;
    }
    c->due = v == SNOW_UNKNOWN ? now + USEC_S : now;
}

usec_t choices_tick(struct choices *c, usec_t now)
{
    struct snow_op op = {.kind = SNOW_LIST,
                         .table = "sys_choice",
                         .query = "name=incident^elementINclose_code,contact_type^inactive=false",
                         .fields = "element,value",
                         .limit = 200};
    struct err e;

    if (c->asking || now < c->due)
        return c->asking ? USEC_NEVER : c->due;
    if (snow_room(c->snow, WINDOW_ALERTS, true, now) == 0)
        return USEC_NEVER;
    c->asking = true;
    if (snow_submit(c->snow, WINDOW_ALERTS, &op, 1, answer, c, now, &e) != 0) {
        c->asking = false;
        c->due = now + RETRY;
        return c->due;
    }
    return USEC_NEVER;
}

bool choices_known(const struct choices *c)
{
    return c->known;
}

const char *choices_close_code(const struct choices *c)
{
    return c->close_code;
}

const char *choices_contact_type(const struct choices *c)
{
    return c->contact_type;
}
