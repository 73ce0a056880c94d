/* The instance knows just the queries that the dispatcher makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "tests/consumers/instance.h"

static void unit_done(void *arg, struct unit *u, usec_t now)
{
    struct rig *r = arg;

    (void)now;
    r->units_done++;
    intake_free_unit(&r->n, u);
}

static void item_gone(void *arg, struct item *i)
{
    struct rig *r = arg;
    struct unit *u = i->unit;

    r->gone++;
    (void)item_free(i);
    if (--u->pending == 0)
        intake_free_unit(&r->n, u);
}

void rig_start(struct rig *r, const char *consumers)
{
    standin_reset();
    *r = (struct rig){
        .now = 1000 * USEC_S, .rows = json_object(), .events = json_array(), .said = json_object()};
    r->c = standin_config(consumers);
    r->p = partitions_new(r->c);
    r->x = partitions_get(r->p, "alerts", 0);
    partition_assign(r->x, 1, 0);
    r->m = metrics_new();
    r->lanes = lanes_new(1000);
    r->ends = ends_new(r->c, NULL, r->m, unit_done, unit_done, r);
    r->d = dispatch_new(r->c, NULL, r->lanes, r->ends, r->m);
    intake_init(&r->n, r->c, r->lanes, r->ends, r->m);
}

void rig_stop(struct rig *r)
{
    while (standin_open_ops() > 0)
        standin_op_answer(standin_open_op(), SNOW_CANCELLED, NULL, r->now);
    dispatch_release(r->d, item_gone, r);
    (void)dispatch_free(r->d);
    (void)lanes_free(r->lanes);
    (void)ends_free(r->ends);
    intake_done(&r->n);
    assert_int_equal(r->n.units, 0);
    assert_int_equal(r->n.bytes, 0);
    (void)metrics_free(r->m);
    (void)partitions_free(r->p);
    (void)config_free(r->c);
    json_decref(r->rows);
    json_decref(r->events);
    json_decref(r->said);
    standin_reset();
}

void rig_receive(struct rig *r, char *text)
{
    intake_record(&r->n, r->x, standin_message(r->offset, 1748773231000 + r->offset, text), r->now);
    r->offset++;
    free(text);
}

void rig_turn(struct rig *r)
{
    r->next = dispatch_tick(r->d, false, r->now);
    (void)ends_tick(r->ends, r->now);
    standin_answer_all(r->now);
}

/* ---------------------------------------------------------------- the instance */

void rig_set(json_t *row, const char *column, const char *value)
{
    assert_int_equal(json_object_set_new(row, column, json_string(value)), 0);
}

const char *rig_column(const json_t *row, const char *column)
{
    const char *text = json_string_value(json_object_get(row, column));

    return text == NULL ? "" : text;
}

static void count_change(json_t *row)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%lld",
                   strtoll(rig_column(row, "sys_mod_count"), NULL, 10) + 1);
    rig_set(row, "sys_mod_count", text);
}

bool rig_apply(struct rig *r, const struct standin_op *op)
{
    const char *sys_id = op->kind == SNOW_CREATE ? rig_column(op->body, "sys_id") : op->sys_id;
    json_t *row = json_object_get(r->rows, sys_id);

    if (op->kind == SNOW_CREATE) {
        if (row != NULL)
            return false;
        row = json_object();
        rig_set(row, "_table", op->table);
        rig_set(row, "state", "");
        rig_set(row, "number", "INC0000001");
        rig_set(row, "sys_mod_count", "-1");
        (void)json_object_set_new(r->rows, sys_id, row);
    }
    assert_non_null(row);
    (void)json_object_update(row, op->body);
    count_change(row);
    return true;
}

/* `column IN a,b`, `column=a`, or the newest of a series. */
static bool matches(const char *query, const json_t *row)
{
    static const char series[] = "correlation_displaySTARTSWITH";
    const char *in = strstr(query, "IN"), *is = strchr(query, '=');
    char column[64];

    if (strncmp(query, series, sizeof series - 1) == 0) {
        const char *prefix = query + sizeof series - 1;

        return strncmp(rig_column(row, "correlation_display"), prefix, strcspn(prefix, "^")) == 0;
    }
    assert_true(in != NULL || is != NULL);
    (void)snprintf(column, sizeof column, "%.*s", (int)((in != NULL ? in : is) - query), query);
    return strstr(query, rig_column(row, column)) != NULL;
}

/* Tables that the bridge asks about and makes nothing in. */
static bool is_said(const struct rig *r, const char *table)
{
    static const char *const names[] = {"sys_", "cmdb_ci", "v_plugin"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strncmp(table, names[i], strlen(names[i])) == 0)
            return true;
    return json_object_get(r->said, table) != NULL;
}

/* Of what is said those rows whose name stands in the query. */
static json_t *said_rows(struct rig *r, const struct standin_op *op)
{
    json_t *list = json_array(), *row;
    size_t i;

    json_array_foreach (json_object_get(r->said, op->table), i, row)
        if (strstr(op->query, rig_column(row, "name")) != NULL)
            (void)json_array_append(list, row);
    return list;
}

/* Rows that a test puts there itself are incidents. */
static const char *table_of(const json_t *row)
{
    const char *table = rig_column(row, "_table");

    return table[0] == '\0' ? "incident" : table;
}

static json_t *rows_of(struct rig *r, const struct standin_op *op)
{
    json_t *list = json_array(), *row;
    const char *key;

    if (is_said(r, op->table)) {
        json_decref(list);
        return said_rows(r, op);
    }
    json_object_foreach (r->rows, key, row)
        if (strcmp(table_of(row), op->table) == 0 && matches(op->query, row) &&
            json_array_size(list) < (size_t)op->limit)
            (void)json_array_append(list, row);
    return list;
}

static void serve_events(struct rig *r, struct standin_op *op)
{
    json_t *records = json_object_get(op->body, "records");
    struct snow_outcome o = {.verdict = SNOW_OK,
                             .status = 200,
                             .date = MSEC_NONE,
                             .total_count = (long long)json_array_size(records),
                             .sent = true};

    assert_int_equal(json_array_extend(r->events, records), 0);
    err_clear(&o.err);
    standin_op_outcome(op, &o, r->now);
}

static void serve_import(struct rig *r, struct standin_op *op)
{
    assert_int_equal(json_array_append(r->events, op->body), 0);
    standin_op_answer(op, SNOW_OK,
                      json_pack("{ss,ss,ss,ss}", "status", "inserted", "table", "incident",
                                "sys_id", "0123456789abcdef0123456789abcdef", "display_value",
                                "INC1"),
                      r->now);
}

void rig_serve(struct rig *r, struct standin_op *op)
{
    const char *sys_id;

    if (op->kind == SNOW_EVENTS || op->kind == SNOW_IMPORT) {
        (op->kind == SNOW_EVENTS ? serve_events : serve_import)(r, op);
        return;
    }
    if (op->kind == SNOW_LIST) {
        standin_op_answer(op, SNOW_OK, rows_of(r, op), r->now);
        return;
    }
    if (op->kind == SNOW_UPDATE && json_object_get(r->rows, op->sys_id) == NULL) {
        standin_op_answer(op, SNOW_ABSENT, NULL, r->now);
        return;
    }
    if (!rig_apply(r, op)) {
        standin_op_answer(op, SNOW_EXISTS, NULL, r->now);
        return;
    }
    sys_id = op->kind == SNOW_CREATE ? rig_column(op->body, "sys_id") : op->sys_id;
    standin_op_answer(op, SNOW_OK, json_deep_copy(json_object_get(r->rows, sys_id)), r->now);
}

/* ---------------------------------------------------------------- time */

static bool quiet(const struct rig *r)
{
    return lanes_count(r->lanes) == 0 && standin_open_ops() == 0;
}

void rig_settle(struct rig *r, int most)
{
    rig_turn(r);
    for (int i = 0; i < most && !quiet(r); i++) {
        if (standin_open_ops() > 0)
            rig_serve(r, standin_open_op());
        else if (r->next != USEC_NEVER && r->next > r->now)
            r->now = r->next;
        rig_turn(r);
    }
    if (!quiet(r))
        fail_msg("%zu lanes are left after %d rounds", lanes_count(r->lanes), most);
}

struct standin_op *rig_until(struct rig *r, const char *table, bool look)
{
    rig_turn(r);
    for (int i = 0; i < 200; i++) {
        if (standin_open_ops() > 0) {
            struct standin_op *op = standin_open_op();

            if (strcmp(op->table, table) == 0 && (op->kind == SNOW_LIST) == look)
                return op;
            rig_serve(r, op);
        } else if (lanes_count(r->lanes) == 0) {
            return NULL;
        } else if (r->next != USEC_NEVER && r->next > r->now) {
            r->now = r->next;
        }
        rig_turn(r);
    }
    fail_msg("no such request in 200 rounds");
    return NULL;
}

/* ---------------------------------------------------------------- what came of it */

json_t *rig_only_row(struct rig *r)
{
    assert_int_equal(json_object_size(r->rows), 1);
    return json_object_iter_value(json_object_iter(r->rows));
}

size_t rig_count_of(const char *table, enum snow_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < standin_ops(); i++)
        n += standin_op(i)->kind == kind && strcmp(standin_op(i)->table, table) == 0;
    return n;
}

size_t rig_count(enum snow_kind kind)
{
    return rig_count_of("incident", kind);
}

size_t rig_outcomes(const struct rig *r)
{
    size_t n = 0;

    for (size_t i = 0; i < standin_sent(); i++)
        n += strcmp(standin_record(i)->topic, r->c->topics.outcomes) == 0;
    return n;
}

const char *rig_outcome(const struct rig *r, size_t i, const char *member)
{
    static char text[128];

    for (size_t k = 0; k < standin_sent(); k++) {
        json_t *json;

        if (strcmp(standin_record(k)->topic, r->c->topics.outcomes) != 0 || i-- > 0)
            continue;
        json = json_loads(standin_record(k)->value, 0, NULL);
        assert_non_null(json);
        (void)snprintf(text, sizeof text, "%s", rig_column(json, member));
        json_decref(json);
        return text;
    }
    fail_msg("there is no such outcome");
    return "";
}

size_t rig_dead_letters(const struct rig *r)
{
    size_t n = 0;

    for (size_t i = 0; i < standin_sent(); i++)
        n += strcmp(standin_record(i)->topic, r->c->topics.dead_letter) == 0;
    return n;
}
