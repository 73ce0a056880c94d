/* What each stream makes of a row. */
#include "producers/records.h"

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "producers/column.h"
#include "producers/deletes.h"
#include "producers/itsmc.h"
#include "producers/journal.h"
#include "producers/less.h"

typedef int (*records_fn)(const struct records *r, const struct page_row *row, unsigned large,
                          struct txn_record *ret_records, size_t *ret_count, struct err *e);
typedef int (*encode_fn)(const struct workitem_origin *o, const struct page_row *row,
                         const struct workitem_remarks *remarks, struct workitem *ret_item,
                         struct err *e);
typedef int (*encode_marker_fn)(const struct workitem_origin *o, const struct page_row *row,
                                const struct workitem_remarks *remarks, size_t record_bytes,
                                struct workitem *ret_item, struct err *e);

struct form {
    encode_fn encode;
    encode_marker_fn marker;
};

/* The row as it is published: stored values, what a person sees, or both. The columns that tell
 * versions apart keep their stored values. New; NULL when memory is short. */
static json_t *displayed(const struct config_producer *p, const json_t *row)
{
    static const char *const stored[] = {"sys_id", "sys_updated_on", "sys_mod_count"};
    union {
        const json_t *in;
        json_t *counted; /* the reference count changes, the row does not */
    } as_it_is = {.in = row};
    if (!records_want_display(p))
        return json_incref(as_it_is.counted);
    if (p->display == DISPLAY_RAW)
        return column_stored_row(row);
    json_t *copy = p->display == DISPLAY_SHOWN ? column_shown_row(row) : json_deep_copy(row);
    for (size_t i = 0; copy != NULL && i < ARRAY_LEN(stored); i++)
        if (column_value(row, stored[i]) != NULL &&
            json_object_set_new(copy, stored[i], json_string(column_value(row, stored[i]))) != 0) {
            json_decref(copy);
            return NULL;
        }
    return copy;
}

static const struct form servicenow = {workitem_encode, workitem_encode_marker};
static const struct form itsmc = {itsmc_encode, itsmc_encode_marker};

static int in_form(const struct records *r, const struct form *f, const struct page_row *row,
                   const struct workitem_remarks *remarks, unsigned large,
                   struct workitem *ret_item, struct err *e)
{
    struct workitem whole;
    if (f->encode(&r->origin, row, remarks, &whole, e) != 0)
        return -1;
    if (large == 0) {
        *ret_item = whole;
        return 0;
    }
    int rc = f->marker(&r->origin, row, remarks, whole.value_length, ret_item, e);
    workitem_done(&whole);
    return rc;
}

/* Without its largest columns, as many as the topic has refused it for. */
static int with_less(const struct records *r, const struct page_row *row, size_t whole,
                     const struct workitem_remarks *remarks, unsigned large,
                     struct workitem *ret_item, struct err *e)
{
    struct workitem_remarks more = *remarks;
    struct page_row less = *row;
    json_t *names = NULL, *record = less_row(row->record, less_most(whole, large), &names);
    less.record = record;
    more.left_out = names;
    more.record_bytes = whole;
    int rc = record != NULL ? workitem_encode(&r->origin, &less, &more, ret_item, e)
                            : err_set(e, ERR_FATAL, "workitem-encode",
                                      "Row %s of table %s cannot be shortened: memory is short",
                                      row->sys_id, r->origin.table);
    json_decref(record);
    json_decref(names);
    return rc;
}

static int in_servicenow(const struct records *r, const struct page_row *row,
                         const struct workitem_remarks *remarks, unsigned large,
                         struct workitem *ret_item, struct err *e)
{
    struct page_row as = *row;
    struct workitem whole = {0};
    json_t *record = displayed(r->p, row->record);
    bool marker = large > LESS_TIMES;
    as.record = record;
    int rc = record == NULL ? -1 : 0;
    if (rc != 0)
        (void)err_set(e, ERR_FATAL, "workitem-encode",
                      "Row %s of table %s cannot be written: memory is short", row->sys_id,
                      r->origin.table);
    if (rc == 0)
        rc = in_form(r, &servicenow, &as, remarks, marker, large == 0 || marker ? ret_item : &whole,
                     e);
    if (rc == 0 && large > 0 && !marker)
        rc = with_less(r, &as, whole.value_length, remarks, large, ret_item, e);
    workitem_done(&whole);
    json_decref(record);
    return rc;
}

static bool leaves_out(const struct records *r, const struct page_row *row)
{
    return r->p->own_changes == OWN_CHANGES_LEAVE_OUT &&
           echo_leaves_out(echo_of(r->self, row->written_by), r->seen, row);
}

static int of_row(const struct records *r, const struct page_row *row, unsigned large,
                  struct txn_record *ret_records, size_t *ret_count, struct err *e)
{
    bool both = r->p->form == FORM_BOTH;
    *ret_count = 0;
    if (leaves_out(r, row))
        return 0;
    json_t *changed = lastseen_changed(r->seen, row->sys_id, row->record);
    struct workitem_remarks remarks = {.echo = echo_of(r->self, row->written_by),
                                       .changed = changed};
    int rc = r->p->form == FORM_ITSMC
                 ? in_form(r, &itsmc, row, &remarks, large, &ret_records[0].item, e)
                 : in_servicenow(r, row, &remarks, large, &ret_records[0].item, e);
    ret_records[0].topic = r->p->topic;
    if (rc == 0 && both) {
        rc = in_form(r, &itsmc, row, &remarks, large, &ret_records[1].item, e);
        ret_records[1].topic = r->p->topic_itsmc;
        if (rc != 0)
            workitem_done(&ret_records[0].item);
    }
    json_decref(changed);
    *ret_count = rc != 0 ? 0 : both ? 2 : 1;
    if (r->resync != NULL && r->resync[0] != '\0') /* promise 4: repeats that were asked for */
        for (size_t i = 0; i < *ret_count; i++)
            workitem_header(&ret_records[i].item, "itsm_resync", xstrdup(r->resync));
    return rc;
}

static int of_delete(const struct records *r, const struct page_row *entry, unsigned large,
                     struct txn_record *ret_records, size_t *ret_count, struct err *e)
{
    enum echo echo = echo_of(r->self, entry->written_by);
    (void)large;
    (void)e;
    *ret_count = 0;
    if (deletes_sys_id(entry) == NULL)
        return 0;
    deletes_encode(&r->origin, entry, echo, &ret_records[0].item);
    ret_records[0].topic = r->p->topic;
    *ret_count = 1;
    if (r->p->form != FORM_BOTH)
        return 0;
    deletes_encode(&r->origin, entry, echo, &ret_records[1].item);
    ret_records[1].topic = r->p->topic_itsmc;
    *ret_count = 2;
    return 0;
}

/* An entry has one author, so the bridge's own hides nothing of anybody else. */
static bool leaves_out_entry(const struct records *r, const struct page_row *entry)
{
    return r->p->own_changes == OWN_CHANGES_LEAVE_OUT &&
           echo_of(r->self, entry->written_by) == ECHO_OWN;
}

static int of_journal(const struct records *r, const struct page_row *entry, unsigned large,
                      struct txn_record *ret_records, size_t *ret_count, struct err *e)
{
    enum echo echo = echo_of(r->self, entry->written_by);
    struct workitem whole;
    int rc = 0;
    *ret_count = 0;
    if (journal_sys_id(entry) == NULL || leaves_out_entry(r, entry))
        return 0;
    if (journal_encode(&r->origin, entry, echo, &whole, e) != 0)
        return -1;
    ret_records[0].item = whole;
    if (large > 0) {
        rc = journal_encode_marker(&r->origin, entry, echo, whole.value_length,
                                   &ret_records[0].item, e);
        workitem_done(&whole);
    }
    ret_records[0].topic = r->p->topic_journal;
    *ret_count = rc == 0;
    return rc;
}

int records_of_row(const struct records *r, enum stream stream, const struct page_row *row,
                   unsigned large, struct txn_record ret_records[RECORDS_MAX], size_t *ret_count,
                   struct err *e)
{
    static const records_fn fns[STREAMS] = {
        [STREAM_ROWS] = of_row, [STREAM_DELETES] = of_delete, [STREAM_JOURNAL] = of_journal};
    for (size_t i = 0; i < RECORDS_MAX; i++)
        ret_records[i] = (struct txn_record){.partition = -1};
    return fns[stream](r, row, large, ret_records, ret_count, e);
}

void records_of_gone(const struct records *r, const char *sys_id,
                     struct txn_record ret_records[RECORDS_MAX], size_t *ret_count)
{
    const char *topics[RECORDS_MAX] = {r->p->topic, r->p->topic_itsmc};
    long long mod_count = -1;
    (void)lastseen_mod_count(r->seen, sys_id, &mod_count);
    *ret_count = r->p->form == FORM_BOTH ? 2 : 1;
    for (size_t i = 0; i < *ret_count; i++) {
        ret_records[i] = (struct txn_record){.topic = topics[i], .partition = -1};
        deletes_encode_gone(&r->origin, sys_id, mod_count, &ret_records[i].item);
    }
}

static bool publishes_row(const struct records *r, const struct page_row *row)
{
    long long mod_count;
    bool out = leaves_out(r, row);
    if (text_to_int(row->mod_count, &mod_count) != 0)
        return !out;
    if (out)
        lastseen_left_out(r->seen, row->sys_id, mod_count);
    else
        lastseen_published(r->seen, row->sys_id, mod_count, row->record);
    return !out;
}

bool records_published(const struct records *r, enum stream stream, const struct page_row *row)
{
    switch (stream) {
    case STREAM_ROWS:
        return publishes_row(r, row);
    case STREAM_DELETES:
        if (deletes_sys_id(row) != NULL)
            lastseen_forget(r->seen, deletes_sys_id(row));
        return true;
    case STREAM_JOURNAL:
        return !leaves_out_entry(r, row);
    }
    return true;
}

bool records_want_display(const struct config_producer *p)
{
    return p->form != FORM_SERVICENOW || p->display != DISPLAY_RAW;
}
