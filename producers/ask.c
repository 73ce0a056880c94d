/* Queries of a table. `^OR` binds to the one condition directly before it, so the key-set cursor
 * "T,S and later" must be written `>=T`, and then `sys_id>S` or `>T`; the other order of these
 * conditions would skip rows. All values are our own formatting or checked sys_ids. */
#include "producers/ask.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/clock.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/query.h"
#include "producers/itsmc.h"

#define CONDITION_MAX 512

static void condition(struct buf *b, const char *time, const struct sweep_ask *ask)
{
    char at[CLOCK_SN_SIZE], until[CLOCK_SN_SIZE];
    clock_format_sn(ask->after.second * 1000, at);
    if (strcmp(ask->after.sys_id, WATERMARK_BEHIND_ALL) == 0)
        (void)buf_addf(b, "^%s>%s", time, at);
    else
        (void)buf_addf(b, "^%s>=%s", time, at);
    if (watermark_sys_id_ok(ask->after.sys_id))
        (void)buf_addf(b, "^sys_id>%s^OR%s>%s", ask->after.sys_id, time, at);
    if (ask->until == WATERMARK_SECOND_NONE)
        return;
    clock_format_sn(ask->until * 1000, until);
    (void)buf_addf(b, "^%s<=%s", time, until);
}

static int wrap(struct buf *out, const char *base, const char *narrow, const char *tail,
                struct err *e)
{
    const char *why = "";
    if (query_wrap(out, base, narrow, tail, &why) == 0)
        return 0;
    return err_set(e, ERR_CONFIG, "query",
                   "The query of the producer cannot be used: %s. The table is not read; change "
                   "`query` in the configuration",
                   why);
}

int ask_page(struct buf *out, const char *base, const char *time, const struct sweep_ask *ask,
             struct err *e)
{
    struct buf narrow;
    buf_init(&narrow, CONDITION_MAX);
    condition(&narrow, time, ask);
    char *order = xasprintf("^ORDERBY%s^ORDERBYsys_id", time);
    int r = wrap(out, base, buf_text(&narrow), order, e);
    free(order);
    buf_done(&narrow);
    return r;
}

int ask_rows(struct buf *out, const char *base, const char *time, const char *const *sys_ids,
             size_t count, struct err *e)
{
    struct buf narrow;
    buf_init(&narrow, CONDITION_MAX + count * (WATERMARK_SYS_ID_MAX + 1));
    (void)buf_addf(&narrow, "^sys_idIN");
    for (size_t i = 0; i < count; i++)
        (void)buf_addf(&narrow, "%s%s", i > 0 ? "," : "", sys_ids[i]);
    char *order = xasprintf("^ORDERBY%s^ORDERBYsys_id", time);
    int r = wrap(out, base, buf_text(&narrow), order, e);
    free(order);
    buf_done(&narrow);
    return r;
}

int ask_span(struct buf *out, const char *base, const char *time, const struct watermark *after,
             int64_t until, struct err *e)
{
    struct sweep_ask span = {.after = *after, .until = until};
    struct buf narrow;
    buf_init(&narrow, CONDITION_MAX);
    condition(&narrow, time, &span);
    int r = wrap(out, base, buf_text(&narrow), "", e);
    buf_done(&narrow);
    return r;
}

int ask_clock(struct buf *out, const char *base, const char *time, struct err *e)
{
    char *any = xasprintf("^%sISNOTEMPTY", time);
    int r = wrap(out, base, any, "", e);
    free(any);
    return r;
}

/* The column, unless it is in the list. */
static void add_field(struct buf *b, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = buf_text(b); (p = strstr(p, name)) != NULL; p += n)
        if ((p == b->data || p[-1] == ',') && (p[n] == ',' || p[n] == '\0'))
            return;
    (void)buf_addf(b, "%s%s", b->length > 0 ? "," : "", name);
}

char *ask_fields(const struct config_producer *p)
{
    static const char *const needed[] = {"sys_id", "sys_updated_on", "sys_mod_count",
                                         "sys_updated_by"};
    const char *columns[ITSMC_COLUMNS_MAX];
    size_t n = p->form != FORM_SERVICENOW ? itsmc_columns(p->table, columns) : 0;
    size_t length, room = CONDITION_MAX;
    if (p->fields.count == 0 && p->form != FORM_ITSMC)
        return NULL;
    for (size_t i = 0; i < p->fields.count; i++)
        room += strlen(p->fields.items[i]) + 1;
    for (size_t i = 0; i < n; i++)
        room += strlen(columns[i]) + 1;
    struct buf b;
    buf_init(&b, room);
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        add_field(&b, needed[i]);
    for (size_t i = 0; i < p->fields.count; i++)
        add_field(&b, p->fields.items[i]);
    for (size_t i = 0; i < n; i++)
        add_field(&b, columns[i]);
    return buf_take(&b, &length);
}
