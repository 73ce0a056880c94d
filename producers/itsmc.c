/* The columns of ServiceDesk_CL. Suffixes are Log Analytics' rule for custom logs: _s text, _t
 * time. Incident and change request have the names that Microsoft documented; where its field list
 * names a field without a column, and for other tables, the name follows the same rule. */
#include "producers/itsmc.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "bridge/base/clock.h"
#include "bridge/base/xalloc.h"
#include "producers/column.h"

enum kind {
    TEXT,
    LONG_TEXT, /* no bound on its length */
    TIME,
};

struct column {
    const char *name, *from;
    enum kind kind;
};

#define COMMON                                                                                     \
    {"ServiceDeskId_s", "number", TEXT}, {"Title_s", "short_description", LONG_TEXT},              \
        {"Description_s", "description", LONG_TEXT}, {"Urgency_s", "urgency", TEXT},               \
        {"Impact_s", "impact", TEXT}, {"Priority_s", "priority", TEXT},                            \
        {"Escalation_s", "escalation", TEXT}, {"Category_s", "category", TEXT},                    \
        {"Source_s", "contact_type", TEXT}, {"AssignedTo_s", "assigned_to", TEXT},                 \
        {"ClosedBy_s", "closed_by", TEXT}, {"Computer", "cmdb_ci", TEXT},                          \
        {"CreatedDate_t", "opened_at", TIME}, {"ClosedDate_t", "closed_at", TIME},                 \
    {                                                                                              \
        "LastModifiedDate_t", "sys_updated_on", TIME                                               \
    }

static const struct column incident[] = {
    COMMON,
    {"IncidentState_s", "state", TEXT},
    {"CreatedBy_s", "opened_by", TEXT},
    {"ResolvedBy_s", "resolved_by", TEXT},
    {"ResolvedDate_t", "resolved_at", TIME},
    {NULL, NULL, TEXT},
};

static const struct column change_request[] = {
    COMMON,
    {"CRState_s", "state", TEXT},
    {"CreatedBy_s", "requested_by", TEXT},
    {"Type_s", "type", TEXT},
    {"Risk_s", "risk", TEXT},
    {"ConflictStatus_s", "conflict_status", TEXT},
    {"RequestedDate_t", "requested_by_date", TIME},
    {"PlannedStartDate_t", "start_date", TIME},
    {"PlannedEndDate_t", "end_date", TIME},
    {"WorkStartDate_t", "work_start", TIME},
    {"WorkEndDate_t", "work_end", TIME},
    {NULL, NULL, TEXT},
};

static const struct column other[] = {
    COMMON,
    {"State_s", "state", TEXT},
    {"CreatedBy_s", "opened_by", TEXT},
    {NULL, NULL, TEXT},
};

/* type NULL: the name of the table. */
static const struct form {
    const char *table, *type;
    const struct column *columns;
} forms[] = {
    {"incident", "Incident", incident},
    {"change_request", "ChangeRequest", change_request},
    {NULL, NULL, other},
};

static const struct form *form_of(const char *table)
{
    const struct form *f = forms;
    while (f->table != NULL && strcmp(f->table, table) != 0)
        f++;
    return f;
}

static json_t *time_json(const json_t *row, const char *name)
{
    const char *text = column_value(row, name);
    char iso[CLOCK_ISO_SIZE];
    msec_t ms;
    if (text == NULL || clock_parse(text, &ms) != 0)
        return json_null();
    clock_format_iso(ms, iso);
    return json_string(iso);
}

static json_t *column_json(const json_t *row, const struct column *c, bool marker)
{
    const char *text = column_shown(row, c->from);
    if (c->kind == TIME)
        return time_json(row, c->from);
    return json_string(text == NULL || (marker && c->kind == LONG_TEXT) ? "" : text);
}

/* New; NULL when memory is short. */
static json_t *flat(const struct workitem_origin *o, const struct page_row *row, bool marker)
{
    const struct form *f = form_of(o->table);
    json_t *value = json_pack("{s:s, s:s}", "ServiceDeskConnectionName_s", o->connection,
                              "ServiceDeskWorkItemType_s", f->type != NULL ? f->type : o->table);
    for (const struct column *c = f->columns; value != NULL && c->name != NULL; c++)
        if (json_object_set_new(value, c->name, column_json(row->record, c, marker)) != 0) {
            json_decref(value);
            return NULL;
        }
    return value;
}

static int encode(const struct workitem_origin *o, const struct page_row *row,
                  const struct workitem_remarks *remarks, bool marker, struct workitem *i,
                  struct err *e)
{
    *i = (struct workitem){0};
    if (workitem_value(i, flat(o, row, marker), o->table, row->sys_id, e) != 0)
        return -1;
    i->key = xstrdup(row->sys_id);
    workitem_headers(i, o, row, remarks);
    return 0;
}

int itsmc_encode(const struct workitem_origin *o, const struct page_row *row,
                 const struct workitem_remarks *remarks, struct workitem *ret_item, struct err *e)
{
    struct workitem i;
    if (encode(o, row, remarks, false, &i, e) != 0)
        return -1;
    *ret_item = i;
    return 0;
}

int itsmc_encode_marker(const struct workitem_origin *o, const struct page_row *row,
                        const struct workitem_remarks *remarks, size_t record_bytes,
                        struct workitem *ret_item, struct err *e)
{
    struct workitem i;
    if (encode(o, row, remarks, true, &i, e) != 0)
        return -1;
    workitem_header(&i, "itsm_left_out", xstrdup("too large"));
    workitem_header(&i, "itsm_record_bytes", xasprintf("%zu", record_bytes));
    *ret_item = i;
    return 0;
}

size_t itsmc_columns(const char *table, const char *ret_columns[ITSMC_COLUMNS_MAX])
{
    size_t n = 0;
    for (const struct column *c = form_of(table)->columns; c->name != NULL; c++)
        ret_columns[n++] = c->from;
    return n;
}
