/*
 * Behaviour of incident, change_request and problem: state mirror, priority matrix, data policy on
 * resolve, dates and people of a state, the state machine of changes, and the optional guard that
 * refuses outdated state changes of the bridge. Everything believed rather than known has a
 * setting.
 */
#include "tests/simulator/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool state_among(const char *state, const char *list)
{
    size_t n = strlen(state);

    for (const char *p = list; n && (p = strstr(p, state)) != NULL; p++) {
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    }
    return false;
}

static void refuse_by_rule(struct draft *d, const char *rule, const char *id)
{
    draft_refuse(d, "Operation Failed",
                 arena_printf(&d->arena,
                              "Operation against file '%s' was aborted by Business Rule '%s^%s'. "
                              "Business Rule Stack:%s",
                              d->table->name, rule, id, rule));
}

static void set_if_empty(struct draft *d, const char *column, const char *value)
{
    if (*draft_get(d, column) == '\0')
        draft_set(d, column, value);
}

/* What the state sets, unless the same request gave it. */
static void set_unless_given(struct draft *d, const char *column, const char *value)
{
    if (!draft_given(d, column) || *draft_get(d, column) == '\0')
        draft_set(d, column, value);
}

static void opened(struct draft *d)
{
    if (d->slot != NO_SLOT)
        return;
    set_if_empty(d, "opened_at", d->stamp);
    set_if_empty(d, "opened_by", d->user_id);
    set_if_empty(d, "task_effective_number", draft_get(d, "number"));
}

static void priority(struct draft *d)
{
    const char *impact = draft_get(d, "impact");
    const char *urgency = draft_get(d, "urgency");
    int sum;

    if (!d->sim->set.priority_rules || !strchr("123", impact[0]) || !strchr("123", urgency[0]) ||
        !impact[0] || !urgency[0])
        return;
    sum = impact[0] - '0' + urgency[0] - '0' - 1;
    if (d->table->kind == TABLE_CHANGE && sum > 4)
        sum = 4;
    draft_set(d, "priority", arena_printf(&d->arena, "%d", sum));
}

static void reassignment(struct draft *d)
{
    int64_t n = 0;

    if (d->slot == NO_SLOT || *draft_old(d, "assignment_group") == '\0' ||
        !draft_changed(d, "assignment_group"))
        return;
    (void)parse_int(draft_get(d, "reassignment_count"), &n);
    draft_set(d, "reassignment_count", arena_printf(&d->arena, "%lld", (long long)n + 1));
}

static void mandatory(struct draft *d, const char *const *columns)
{
    struct str list = {0};

    for (; *columns; columns++) {
        uint32_t c = table_column(d->table, *columns, strlen(*columns));

        if (*draft_get(d, *columns) == '\0')
            str_printf(&list, "%s%s", list.n ? ", " : "", d->table->store->column[c].label);
    }
    if (list.n)
        draft_refuse(d, "Operation Failed",
                     arena_printf(&d->arena,
                                  "Data Policy Exception: The following fields are mandatory: %s",
                                  list.p));
    str_free(&list);
}

static bool noted(const struct draft *d, const char *column)
{
    for (unsigned i = 0; i < d->notes; i++) {
        if (is(d->table->store->column[d->note[i].column].name, column))
            return true;
    }
    return false;
}

/* state and incident_state are one thing; the changed one wins, state before the other. */
static void mirror(struct draft *d)
{
    bool insert = d->slot == NO_SLOT;
    bool state = insert ? draft_given(d, "state") : draft_changed(d, "state");
    bool other = insert ? draft_given(d, "incident_state") : draft_changed(d, "incident_state");

    if (!state && other)
        draft_set(d, "state", draft_get(d, "incident_state"));
    else
        draft_set(d, "incident_state", draft_get(d, "state"));
}

static void incident_reopened(struct draft *d)
{
    int64_t n = 0;

    (void)parse_int(draft_get(d, "reopen_count"), &n);
    draft_set(d, "reopen_count", arena_printf(&d->arena, "%lld", (long long)n + 1));
    draft_set(d, "reopened_by", d->user_id);
    draft_set(d, "reopened_time", d->stamp);
    draft_set(d, "resolved_at", "");
    draft_set(d, "resolved_by", "");
    draft_set(d, "closed_at", "");
    draft_set(d, "closed_by", "");
}

static void incident_state(struct draft *d)
{
    const char *state = draft_get(d, "state");
    const char *old = draft_old(d, "state");

    if (!draft_changed(d, "state"))
        return;
    if (state_among(old, "6 7 8") && state_among(state, "1 2 3"))
        incident_reopened(d);
    if (is(state, "6") || (is(state, "7") && *draft_get(d, "resolved_at") == '\0')) {
        set_unless_given(d, "resolved_at", d->stamp);
        set_unless_given(d, "resolved_by", d->user_id);
    }
    if (state_among(state, "7 8")) {
        set_unless_given(d, "closed_at", d->stamp);
        set_unless_given(d, "closed_by", d->user_id);
    }
    draft_set(d, "active", state_among(state, "7 8") ? "false" : "true");
    if (!is(state, "3"))
        draft_set(d, "hold_reason", "");
}

/* The stamp `itsm-bridge <series> <generation>.<rank>.<time> <topic>.<partition>.<offset>`. */
struct stamp {
    long generation;
    int rank;
    long long time, offset;
    char source[64]; /* topic.partition */
};

static bool stamp_read(const char *text, struct stamp *ret)
{
    char series[64], time[32], source[64];
    struct stamp s = {0};
    char *dot;

    if (sscanf(text, "itsm-bridge %63s %ld.%d.%31s %63s", series, &s.generation, &s.rank, time,
               source) != 5)
        return false;
    s.time = strtoll(time, NULL, 36);
    dot = strrchr(source, '.');
    if (dot == NULL)
        return false;
    s.offset = strtoll(dot + 1, NULL, 10);
    *dot = '\0';
    memcpy(s.source, source, sizeof(s.source));
    *ret = s;
    return true;
}

static bool stamp_newer(const char *new_text, const char *old_text)
{
    struct stamp n, o;

    if (!stamp_read(new_text, &n))
        return false;
    if (!stamp_read(old_text, &o))
        return true;
    if (n.generation != o.generation)
        return n.generation > o.generation;
    if (n.rank != o.rank)
        return n.rank > o.rank;
    return is(n.source, o.source) ? n.offset > o.offset : n.time > o.time;
}

/* Only a record that is open, under a newer stamp, may get another state from the bridge. */
static void guard(struct draft *d)
{
    if (!d->sim->set.guard || d->slot == NO_SLOT || !is(d->user_name, d->sim->set.guard_user) ||
        !draft_changed(d, "state"))
        return;
    if (state_among(draft_old(d, "state"), "6 7 8") ||
        !stamp_newer(draft_get(d, "correlation_display"), draft_old(d, "correlation_display")))
        refuse_by_rule(d, "itsm-bridge guard", "5f1c2a7edb9a4d10a3c64b8f2e7d9c01");
}

static void incident(struct draft *d)
{
    static const char *const resolve[] = {"close_code", "close_notes", NULL};
    const char *state;

    opened(d);
    mirror(d);
    guard(d);
    priority(d);
    reassignment(d);
    state = draft_get(d, "state");
    if (d->sim->set.resolve_policy && state_among(state, "6 7"))
        mandatory(d, resolve);
    if (d->sim->set.resolve_policy && is(state, "3") && is(draft_get(d, "hold_reason"), "1") &&
        draft_changed(d, "hold_reason") && !noted(d, "comments"))
        draft_refuse(d, "Operation Failed",
                     "Data Policy Exception: The following fields are mandatory: Additional "
                     "comments");
    if (d->sim->set.state_rules)
        incident_state(d);
}

/* From, to the states reached from there in one step; cancelling (4) included. */
static const char *const steps[][3] = {
    {"normal", "-5", "-4 4"},    {"normal", "-4", "-3 4"},    {"normal", "-3", "-2 4"},
    {"normal", "-2", "-1 4"},    {"normal", "-1", "0 4"},     {"normal", "0", "3"},
    {"standard", "-5", "-2 4"},  {"standard", "-2", "-1 4"},  {"standard", "-1", "0 4"},
    {"standard", "0", "3"},      {"emergency", "-5", "-3 4"}, {"emergency", "-3", "-2 4"},
    {"emergency", "-2", "-1 4"}, {"emergency", "-1", "0 4"},  {"emergency", "0", "3"},
};

static bool step_allowed(const struct draft *d)
{
    const char *type = draft_get(d, "type");
    const char *old = draft_old(d, "state");

    if (d->slot == NO_SLOT)
        return is(draft_get(d, "state"), "-5");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (is(steps[i][0], type) && is(steps[i][1], old))
            return state_among(draft_get(d, "state"), steps[i][2]);
    }
    return false;
}

static void change_state(struct draft *d)
{
    const char *state = draft_get(d, "state");

    if (is(state, "-1"))
        set_if_empty(d, "work_start", d->stamp);
    if (is(state, "0"))
        set_if_empty(d, "work_end", d->stamp);
    if (state_among(state, "3 4")) {
        set_unless_given(d, "closed_at", d->stamp);
        set_unless_given(d, "closed_by", d->user_id);
    }
    draft_set(d, "active", state_among(state, "3 4") ? "false" : "true");
}

static void change(struct draft *d)
{
    static const char *const closing[] = {"close_code", "close_notes", NULL};
    static const char id[] = "7e4a0c1f53d82300a1f6ddeeff7b1234";
    bool moved = draft_changed(d, "state");

    opened(d);
    priority(d);
    reassignment(d);
    if (d->sim->set.change_transitions && moved && !step_allowed(d))
        refuse_by_rule(d, "Change Model: Check State Transition", id);
    if (d->sim->set.change_transitions && d->slot != NO_SLOT && draft_changed(d, "type") &&
        !is(draft_old(d, "state"), "-5"))
        refuse_by_rule(d, "Change Model: Check Type Change", id);
    if (d->sim->set.resolve_policy && moved && is(draft_get(d, "state"), "3"))
        mandatory(d, closing);
    if (d->sim->set.state_rules && moved)
        change_state(d);
}

static void problem(struct draft *d)
{
    opened(d);
    priority(d);
    reassignment(d);
    if (d->sim->set.state_rules && draft_changed(d, "state"))
        draft_set(d, "active", is(draft_get(d, "state"), "107") ? "false" : "true");
}

void rules_apply(struct draft *d)
{
    static void (*const rules[])(struct draft *) = {
        [TABLE_INCIDENT] = incident, [TABLE_CHANGE] = change, [TABLE_PROBLEM] = problem};

    if (d->table->kind != TABLE_PLAIN)
        rules[d->table->kind](d);
}
