/* Reading one page. What makes a page usable is checked here and nowhere else; what it means for
 * the table is the business of sweep.c. */
#include "producers/page.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/clock.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "producers/column.h"

#define SN_TIME_LENGTH 19

/* `yyyy-MM-dd HH:mm:ss` and nothing else: another form would be another zone or precision. */
static int read_time(const char *text, int64_t *ret_second)
{
    msec_t ms;
    char again[CLOCK_SN_SIZE];
    if (strlen(text) != SN_TIME_LENGTH || clock_parse(text, &ms) != 0)
        return -1;
    clock_format_sn(ms, again);
    if (strcmp(again, text) != 0)
        return -1;
    *ret_second = ms / 1000;
    return 0;
}

static int missing(struct err *e, const char *table, size_t i, const char *field)
{
    return err_set(e, ERR_RETRY, "page-field",
                   "Row %zu of a page of table %s has no usable %s. The page is not published and "
                   "is asked for again; check that the user may read sys_id, sys_updated_on (or "
                   "sys_created_on) and sys_mod_count of every row it can see",
                   i + 1, table, field);
}

static int read_row(const json_t *record, const char *table, const struct page_form *form, size_t i,
                    struct page_row *row, struct err *e)
{
    int64_t second;
    long long number;
    row->record = record;
    row->sys_id = column_value(record, "sys_id");
    row->updated_on = column_value(record, form->time);
    row->mod_count = form->count != NULL ? column_value(record, form->count) : "0";
    row->written_by = column_value(record, form->by);
    if (row->sys_id == NULL || !watermark_sys_id_ok(row->sys_id))
        return missing(e, table, i, "sys_id");
    if (row->updated_on == NULL || read_time(row->updated_on, &second) != 0)
        return missing(e, table, i, form->time);
    if (row->mod_count == NULL || text_to_int(row->mod_count, &number) != 0)
        return missing(e, table, i, form->count);
    row->at = watermark_at(second, row->sys_id);
    row->digest = seen_digest(row->sys_id, row->updated_on, row->mod_count);
    return 0;
}

static int odd(struct err *e, const char *table, const char *what)
{
    return err_set(e, ERR_RETRY, "page-odd",
                   "A page of table %s is not what was asked for: %s. It is not published and is "
                   "asked for again; check that the time zone of the user is GMT and that no rule "
                   "of the instance changes queries of this table",
                   table, what);
}

static int read_rows(struct page *p, const char *table, const struct page_form *form,
                     const struct watermark *after, struct err *e)
{
    const struct watermark *last = after;
    for (size_t i = 0; i < p->count; i++) {
        if (read_row(json_array_get(p->array, i), table, form, i, &p->rows[i], e) != 0)
            return -1;
        if (watermark_compare(&p->rows[i].at, last) <= 0)
            return odd(e, table,
                       i == 0 ? "its first row lies before the asked time"
                              : "its rows are not in rising order");
        last = &p->rows[i].at;
    }
    return 0;
}

int page_read(json_t *result, const char *table, const struct page_form *form,
              const struct watermark *after, long long limit, struct page *ret_page, struct err *e)
{
    if (!json_is_array(result))
        return odd(e, table, "it is no list");
    if (json_array_size(result) > (size_t)limit)
        return odd(e, table, "it holds more rows than the limit");
    struct page p = {.count = json_array_size(result)};
    p.array = json_incref(result);
    p.rows = xcalloc(p.count + 1, sizeof(*p.rows));
    if (read_rows(&p, table, form, after, e) != 0) {
        page_done(&p);
        return -1;
    }
    *ret_page = p;
    return 0;
}

void page_done(struct page *p)
{
    json_decref(p->array);
    free(p->rows);
    *p = (struct page){0};
}
