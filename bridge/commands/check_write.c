/* Rights to write, by writing. The constants of the configuration are in the record, since data
 * policies may ask for them. Whatever fails, what was made is resolved and deleted as far as the
 * user may. */
#include "bridge/commands/check_write.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/digest.h"
#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/check_ask.h"

#define MARK "itsm-bridge check: a test record, it may be deleted"

struct trial {
    struct check_report *report;
    struct desk *desk;
    const struct check_target *target;
    const json_t *constants;
    const char *close_code;
    char sys_id[33]; /* chosen */
    char *made;      /* the record's own; NULL: there is none */
    char *number;
};

static void choose_id(struct trial *t)
{
    char hex[DIGEST_HEX_SIZE];
    struct rand random;
    uint64_t numbers[2];

    rand_seed_system(&random);
    for (size_t i = 0; i < 2; i++)
        numbers[i] = rand_next(&random);
    digest_hex(numbers, sizeof numbers, hex);
    memcpy(t->sys_id, hex, 32);
    t->sys_id[32] = '\0';
}

static json_t *incident_body(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "short_description", MARK, "description",
                     "Made by itsm-bridge check --write to see what its user may do.", "impact",
                     "3", "urgency", "3", "state", "1", "correlation_id", "itsm-bridge:check");
}

/* Severity 0 makes no alert. */
static json_t *event_body(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "source", "itsm-bridge", "node",
                     "itsm-bridge-check", "type", "check", "severity", "0", "resolution_state",
                     "Closing", "message_key", "itsm-bridge:check", "description", MARK);
}

static json_t *create_body(const struct trial *t)
{
    json_t *body = json_deep_copy(t->constants);
    json_t *own;

    own = strcmp(t->target->target, "incident") == 0 ? incident_body() : event_body();
    (void)json_object_update(body, own);
    (void)json_object_set_new(body, "sys_id", json_string(t->sys_id));
    json_decref(own);
    return body;
}

/* Asks one question; takes body. The outcome's result is the caller's reference, in *ret_row. */
static struct snow_outcome ask(struct trial *t, enum snow_kind kind, json_t *body, json_t **ret_row)
{
    const struct snow_op op = {.kind = kind,
                               .table = t->target->table,
                               .sys_id = kind == SNOW_CREATE ? NULL : t->made,
                               .fields = "sys_id,number,short_description,state",
                               .body = body};
    struct snow_outcome o;

    desk_ask(t->desk, &op, 1, &o);
    *ret_row = json_incref(o.result);
    json_decref(body);
    return o;
}

static const char *text_of(const json_t *row, const char *column)
{
    const char *text = json_string_value(json_object_get(row, column));

    return text == NULL ? "" : text;
}

static bool create(struct trial *t)
{
    const char *table = t->target->table;
    json_t *row;
    struct snow_outcome o = ask(t, SNOW_CREATE, create_body(t), &row);

    if (o.verdict != SNOW_OK) {
        check_add_err(t->report, "create", table, &o.err);
        json_decref(row);
        return false;
    }
    t->made = xstrdup(text_of(row, "sys_id"));
    t->number = xstrdup(text_of(row, "number"));
    json_decref(row);
    check_add(t->report, CHECK_COMPLETED, "create", table, NULL, "made a test record %s",
              t->number[0] == '\0' ? t->made : t->number);
    if (!t->target->is_read)
        return true; /* nothing rests on the sys_id of a row that is never looked at */
    if (strcasecmp(t->made, t->sys_id) == 0)
        check_add(t->report, CHECK_COMPLETED, "sys-id", table, NULL,
                  "the instance takes the sys_id that was chosen");
    else
        check_add(t->report, CHECK_NOT_COMPLETE, "sys-id", table,
                  "look for a business rule or a plug-in that sets sys_id on insert; without it a "
                  "repeated alert is found by correlation_id only, and two processes could make "
                  "two records",
                  "the instance gave the record a sys_id of its own");
    return true;
}

/* The same again must be refused: on that rests that no alert makes two records. */
static bool repeat(struct trial *t)
{
    const char *table = t->target->table;
    json_t *row;
    struct snow_outcome o = ask(t, SNOW_CREATE, create_body(t), &row);
    bool second = o.verdict == SNOW_OK && strcasecmp(text_of(row, "sys_id"), t->sys_id) != 0;

    json_decref(row);
    if (strcasecmp(t->made, t->sys_id) != 0) {
        check_add(t->report, CHECK_SKIPPED, "repeat", table, NULL,
                  "of no meaning, since sys_ids are not taken%s",
                  second ? "; a second test record was made by it" : "");
        return true;
    }
    if (o.verdict == SNOW_EXISTS) {
        check_add(t->report, CHECK_COMPLETED, "repeat", table, NULL,
                  "the same record a second time is refused");
        return true;
    }
    if (o.verdict == SNOW_OK)
        check_add(t->report, CHECK_NOT_COMPLETE, "repeat", table,
                  "look for a business rule that changes records on insert: an alert that comes "
                  "twice would make or overwrite a record",
                  "the same record a second time was not refused");
    else
        check_add_err(t->report, "repeat", table, &o.err);
    return false;
}

static bool change(struct trial *t, const char *check, json_t *body, const char *column,
                   const char *value)
{
    const char *table = t->target->table;
    json_t *row;
    struct snow_outcome o = ask(t, SNOW_UPDATE, body, &row);
    bool good = o.verdict == SNOW_OK && strcmp(text_of(row, column), value) == 0;

    if (good)
        check_add(t->report, CHECK_COMPLETED, check, table, NULL, "done");
    else if (o.verdict == SNOW_OK)
        check_add(t->report, CHECK_NOT_COMPLETE, check, table,
                  "look for business rules, data policies and access rules of that column",
                  "the instance says done, but %s is '%s' and not '%s'", column,
                  text_of(row, column), value);
    else
        check_add_err(t->report, check, table, &o.err);
    json_decref(row);
    return good;
}

static bool update(struct trial *t)
{
    return change(t, "update",
                  json_pack("{s:s, s:s}", "short_description", MARK " (changed)", "work_notes",
                            "A note by itsm-bridge check."),
                  "short_description", MARK " (changed)");
}

static bool resolve(struct trial *t)
{
    return change(t, "resolve",
                  json_pack("{s:s, s:s, s:s}", "state", "6", "close_code", t->close_code,
                            "close_notes", "The check is over."),
                  "state", "6");
}

static void remove_record(struct trial *t)
{
    const char *table = t->target->table;
    json_t *row;
    struct snow_outcome o = ask(t, SNOW_DELETE, NULL, &row);

    json_decref(row);
    if (o.verdict == SNOW_OK)
        check_add(t->report, CHECK_COMPLETED, "delete", table, NULL,
                  "the test record is gone again");
    else
        check_add(t->report, CHECK_SKIPPED, "delete", table, NULL,
                  "the user may not delete, which the bridge never does: %s stays, somebody else "
                  "may delete it (HTTP %d)",
                  t->number[0] == '\0' ? t->made : t->number, o.status);
}

static const char *const steps[] = {"create", "sys-id", "repeat", "update", "resolve", "delete"};
static const char *const event_steps[] = {"create", "delete"};

static void skip(struct check_report *r, const struct check_target *t, const char *const *names,
                 size_t n, const char *why)
{
    for (size_t i = 0; i < n; i++)
        check_add(r, CHECK_SKIPPED, names[i], t->table, NULL, "%s", why);
}

bool check_write(struct check_report *r, struct desk *d, const struct check_target *t,
                 const json_t *constants, const char *close_code, bool allowed)
{
    struct trial trial = {
        .report = r, .desk = d, .target = t, .constants = constants, .close_code = close_code};
    bool incident = strcmp(t->target, "incident") == 0;
    const char *const *names = incident ? steps : event_steps;
    size_t n = incident ? ARRAY_LEN(steps) : ARRAY_LEN(event_steps);
    bool good;

    if (!allowed || strcmp(t->target, "alert") == 0) {
        skip(r, t, names, n,
             allowed ? "a test alert would set going what the instance does with alerts"
                     : "needs --write");
        return false;
    }
    choose_id(&trial);
    good = create(&trial);
    if (!good) {
        skip(r, t, names + 1, n - 1, "no test record could be made");
        return false;
    }
    if (incident) {
        good = repeat(&trial);
        good = update(&trial) && good;
        good = resolve(&trial) && good;
    }
    remove_record(&trial);
    free(trial.made);
    free(trial.number);
    return good;
}
