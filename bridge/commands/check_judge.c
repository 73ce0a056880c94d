/* Lines about the user, its rights and its tables, from facts. Pure. */
#include "bridge/commands/check_snow.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/attr.h"
#include "bridge/base/xalloc.h"

#define SKEW_NOTE_MS  60000
#define SKEW_MOST_MS  300000
#define LOOKUP_MOST_S 2

static const char *text_of(const json_t *row, const char *column)
{
    const char *text = json_string_value(json_object_get(row, column));

    return text == NULL ? "" : text;
}

static bool is_true(const json_t *row, const char *column)
{
    return strcmp(text_of(row, column), "true") == 0;
}

void check_judge_user(struct check_report *r, const struct check_user *u)
{
    const char *name = text_of(u->row, "user_name");

    if (u->row == NULL)
        check_add(r, CHECK_SKIPPED, "user", NULL,
                  "give the user the right to read its own row of sys_user, to have it checked",
                  "the user may not read its own row of sys_user");
    else if (!is_true(u->row, "active"))
        check_add(r, CHECK_NOT_COMPLETE, "user", name,
                  "set Active on the user; a sign-in of before ends with its token",
                  "the user is not active");
    else if (is_true(u->row, "locked_out"))
        check_add(r, CHECK_NOT_COMPLETE, "user", name, "clear Locked out on the user",
                  "the user is locked out");
    else
        check_add(r, CHECK_COMPLETED, "user", name, NULL, "active, not locked out%s",
                  is_true(u->row, "web_service_access_only") ? ", for web services only" : "");
    if (u->row != NULL && json_object_get(u->row, "web_service_access_only") != NULL &&
        !is_true(u->row, "web_service_access_only"))
        check_note(r,
                   "The user %s can sign in to the pages of the instance too; for an integration "
                   "set Web service access only",
                   name);
}

static bool is_gmt(const char *zone)
{
    static const char *const names[] = {"GMT", "UTC", "Etc/UTC", "Etc/GMT", "Zulu", "Universal"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(zone, names[i]) == 0)
            return true;
    return false;
}

void check_judge_zone(struct check_report *r, const struct check_user *u)
{
    static const char *const cure = "set the time zone of the integration user to GMT";
    const char *zone = text_of(u->row, "time_zone");
    const char *shown = u->row == NULL ? "cannot be read"
                        : zone[0] == 0 ? "is the default of the instance"
                                       : zone;

    if (u->literal == LITERAL_NOT_FOUND)
        check_add(r, CHECK_NOT_COMPLETE, "time-zone", NULL, cure,
                  "the instance reads times in queries in the user's time zone (%s): changes would "
                  "be found late, or not at all",
                  shown);
    else if (is_gmt(zone))
        check_add(r, CHECK_COMPLETED, "time-zone", NULL, NULL, "%s%s", zone,
                  u->literal == LITERAL_FOUND ? ", and times in queries are read so" : "");
    else if (u->literal == LITERAL_NOT_ASKED)
        check_add(r, u->row == NULL || zone[0] == '\0' ? CHECK_SKIPPED : CHECK_NOT_COMPLETE,
                  "time-zone", NULL, cure,
                  "the user's time zone %s%s, and no row was readable to see how the instance "
                  "reads times in queries",
                  u->row == NULL || zone[0] == '\0' ? "" : "is ", shown);
    else {
        check_add(r, CHECK_COMPLETED, "time-zone", NULL, NULL,
                  "times in queries are read as GMT, which is all that the bridge needs");
        check_note(r,
                   "The user's time zone %s%s. Times of records are GMT whatever it is, but times "
                   "in display values and in queries of your own that compute dates are in that "
                   "zone: GMT avoids the confusion",
                   u->row == NULL || zone[0] == '\0' ? "" : "is ", shown);
    }
}

void check_judge_clock(struct check_report *r, const struct check_user *u)
{
    msec_t skew = u->skew < 0 ? -u->skew : u->skew;
    const char *which = u->skew < 0 ? "behind" : "ahead of";

    if (skew > SKEW_MOST_MS)
        check_add(r, CHECK_NOT_COMPLETE, "clock", NULL,
                  "set this machine's clock by NTP; the instance keeps its own",
                  "the clock of the instance is %lld s %s this machine's", (long long)(skew / 1000),
                  which);
    else
        check_add(r, CHECK_COMPLETED, "clock", NULL, NULL, "the clocks differ by less than %lld s",
                  (long long)(skew / 1000) + 1);
    if (skew > SKEW_NOTE_MS && skew <= SKEW_MOST_MS)
        check_note(r,
                   "The clock of the instance is %lld s %s this machine's. Tables are read by the "
                   "instance's own clock; the age of alerts is this machine's",
                   (long long)(skew / 1000), which);
}

static bool has_role(const json_t *roles, const char *name)
{
    const json_t *row;
    size_t i;

    json_array_foreach (roles, i, row)
        if (strcmp(text_of(row, "role.name"), name) == 0)
            return true;
    return false;
}

void check_judge_roles(struct check_report *r, const struct check_target *t,
                       const struct check_user *u, bool written)
{
    const char *found = NULL;
    char *cure;

    for (size_t i = 0; found == NULL && t->roles[i] != NULL; i++)
        found = has_role(u->roles, t->roles[i]) ? t->roles[i] : NULL;
    if (found == NULL && has_role(u->roles, "admin"))
        found = "admin";
    if (json_array_size(u->roles) == 0)
        check_add(r, CHECK_SKIPPED, "role", t->table, NULL,
                  "the user's roles cannot be read; what it may do is seen by the lines of the "
                  "tables%s",
                  written ? "" : ", fully with --write");
    else if (found != NULL)
        check_add(r, CHECK_COMPLETED, "role", t->table, NULL, "the user has %s", found);
    else if (written)
        check_add(r, CHECK_COMPLETED, "role", t->table, NULL,
                  "the user lacks %s, but may write the table all the same", t->roles[0]);
    else {
        cure = xasprintf("give the user the role %s; if a role of your own gives the rights, "
                         "check --write proves it",
                         t->roles[0]);
        check_add(r, CHECK_NOT_COMPLETE, "role", t->table, cure,
                  "the user has none of the roles that usually write this table");
        free(cure);
    }
}

void check_judge_read(struct check_report *r, const char *table, const struct snow_outcome *o,
                      const json_t *rows)
{
    if (o->verdict != SNOW_OK && o->verdict != SNOW_ABSENT)
        check_add_err(r, "read", table, &o->err);
    else if (json_array_size(rows) > 0 && o->total_count > 0)
        check_add(r, CHECK_COMPLETED, "read", table, NULL, "the table can be read, %lld rows",
                  o->total_count);
    else if (json_array_size(rows) > 0)
        check_add(r, CHECK_COMPLETED, "read", table, NULL, "the table can be read");
    else if (o->total_count > 0)
        check_add(r, CHECK_NOT_COMPLETE, "read", table,
                  "give the user the role that may read the rows (incident and other task tables: "
                  "itil), and look at the table's access rules of type read and query",
                  "the table has %lld rows, but the user may not see them", o->total_count);
    else
        check_add(r, CHECK_COMPLETED, "read", table, NULL,
                  "the table can be asked; it is empty, or all rows are hidden");
}

void check_judge_optional(struct check_report *r, const char *check, const char *table,
                          const struct snow_outcome *o, const json_t *rows, const char *works,
                          const char *lost)
{
    if (json_array_size(rows) > 0)
        check_add(r, CHECK_COMPLETED, check, table, NULL, "%s", works);
    else if (o->verdict == SNOW_OK || o->verdict == SNOW_ABSENT)
        check_add(r, CHECK_SKIPPED, check, table, NULL,
                  "no row can be read: there is none, or the user may not. Without: %s", lost);
    else
        check_add(r, CHECK_SKIPPED, check, table, NULL, "it cannot be read (%s). Without: %s",
                  o->err.text, lost);
}

void check_judge_plugin(struct check_report *r, const char *name, const struct snow_outcome *o,
                        const json_t *rows)
{
    const char *active = text_of(json_array_get(rows, 0), "active");

    if (o->verdict != SNOW_OK || (json_array_size(rows) == 0 && o->total_count != 0))
        check_add(r, CHECK_SKIPPED, "plugin", name, NULL,
                  "the list of plug-ins cannot be read; the lines of its tables tell");
    else if (strcmp(active, "active") == 0 || strcmp(active, "true") == 0)
        check_add(r, CHECK_COMPLETED, "plugin", name, NULL, "active");
    else
        check_add(r, CHECK_NOT_COMPLETE, "plugin", name,
                  "activate the plug-in (System Definition, Plugins), or choose another target",
                  "the plug-in is not active on the instance");
}

void check_judge_lookup(struct check_report *r, const char *table, const struct snow_outcome *o)
{
    if (o->verdict != SNOW_OK && o->verdict != SNOW_ABSENT)
        check_add_err(r, "look-up", table, &o->err);
    else if (o->took > LOOKUP_MOST_S * USEC_S)
        check_add(r, CHECK_NOT_COMPLETE, "look-up", table,
                  "have an index made on the column correlation_display (System Definition, "
                  "Tables, Database Indexes; for incident on the table task)",
                  "finding an alert of an unmarked format by correlation_display took %lld ms",
                  (long long)(o->took / USEC_MS));
    else
        check_add(r, CHECK_COMPLETED, "look-up", table, NULL,
                  "by correlation_display it took %lld ms", (long long)(o->took / USEC_MS));
}

void check_judge_dropping(struct check_report *r, const struct snow_outcome *o, const json_t *rows)
{
    if (o->verdict != SNOW_OK && o->verdict != SNOW_ABSENT) {
        check_add(r, CHECK_SKIPPED, "unknown-columns", NULL, NULL,
                  "what the instance does with unknown columns in queries cannot be seen: %s",
                  o->err.text);
    } else if (json_array_size(rows) > 0) {
        check_add(r, CHECK_COMPLETED, "unknown-columns", NULL, NULL,
                  "the instance drops unknown columns from queries");
        check_note(r,
                   "The instance drops unknown columns from queries in silence: a typing error "
                   "there reads the whole table, so the columns of your queries are checked here. "
                   "The property glide.invalid_query.returns_no_rows = true changes that");
    } else {
        check_add(r, CHECK_COMPLETED, "unknown-columns", NULL, NULL,
                  "the instance gives no rows for a query of an unknown column");
    }
}

void check_judge_rate(struct check_report *r, long long limit, long long idle, long long busy)
{
    if (limit <= 0)
        check_add(r, CHECK_SKIPPED, "rate", NULL, NULL,
                  "no answer told of a rate rule; one for other requests may still be there");
    else if (limit < idle)
        check_add(r, CHECK_NOT_COMPLETE, "rate", NULL,
                  "raise the rate rule for the user (System Web Services, REST, Rate Limit Rules), "
                  "or poll_idle_ms of the producers",
                  "%lld requests an hour are allowed, less than the %lld by which quiet tables are "
                  "read, and alerts come on top",
                  limit, idle);
    else
        check_add(r, CHECK_COMPLETED, "rate", NULL, NULL,
                  "%lld requests an hour are allowed; quiet tables take %lld", limit, idle);
    if (limit >= idle && limit > 0 && limit < busy)
        check_note(r,
                   "Busy tables would take %lld requests an hour, the rate rule allows %lld: when "
                   "it is used up, everything waits for the next hour. Raise the rule or "
                   "poll_busy_ms",
                   busy, limit);
}
