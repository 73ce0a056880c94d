/* Rows to records. An unreadable stamp or version is no error: people may edit these columns; such
 * a record counts as one that no message was applied to. */
#include "consumers/record.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/query.h"
#include "consumers/target_table.h"

static const char *text_of(const json_t *row, const char *column)
{
    const char *value = json_string_value(json_object_get(row, column));

    return value == NULL ? "" : value;
}

static msec_t time_of(const json_t *row, const char *column)
{
    msec_t ms;

    return clock_parse(text_of(row, column), &ms) == 0 ? ms : MSEC_NONE;
}

/* A label in place of the stored value is no state: what it means cannot be known. A table of one's
 * own may leave it empty in a new record. */
static bool is_state(const struct target_table *t, const json_t *value)
{
    long long number;

    if (!t->numbers || !json_is_string(value))
        return json_is_string(value);
    return text_to_int(json_string_value(value), &number) == 0 && number >= -1000 && number <= 1000;
}

int record_parse(const json_t *row, const struct target_table *t, struct record *ret)
{
    struct record r = {.mod_count = -1};
    const char *sys_id = text_of(row, "sys_id");
    const json_t *state = json_object_get(row, t->state_column);

    if (!query_sys_id_ok(sys_id) || !is_state(t, state))
        return -1;
    r.state = (int)target_table_state(t, json_string_value(state));
    r.has_stamp = stamp_parse(text_of(row, "correlation_display"), &r.stamp) == 0;
    r.has_content = version_parse(text_of(row, "description"), &r.content) == 0;
    if (text_to_int(text_of(row, "sys_mod_count"), &r.mod_count) != 0)
        r.mod_count = -1;
    r.closed = time_of(row, "resolved_at");
    if (r.closed == MSEC_NONE)
        r.closed = time_of(row, "closed_at");
    r.touched = r.state != RECORD_NEW ||
                strcmp(text_of(row, "sys_created_by"), text_of(row, "sys_updated_by")) != 0;
    r.sys_id = xstrdup(sys_id);
    r.number = xstrdup(text_of(row, "number"));
    *ret = r;
    return 0;
}

void record_done(struct record *r)
{
    free(r->sys_id);
    free(r->number);
    *r = (struct record){0};
}

void record_copy(struct record *to, const struct record *from)
{
    struct record copy = *from;

    copy.sys_id = xstrdup(from->sys_id);
    copy.number = xstrdup(from->number);
    record_done(to);
    *to = copy;
}

bool record_open(const struct record *r)
{
    return r->state != RECORD_RESOLVED && r->state != RECORD_CLOSED && r->state != RECORD_CANCELED;
}

bool record_cleared(const struct record *r)
{
    return r->has_stamp && r->stamp.rank == 1;
}
