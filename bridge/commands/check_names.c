/* What the configuration names of the instance by constants: `fields` of consumers, what rules set,
 * templates. Each constant is looked at once; a text with substitutions depends on the alert and is
 * not known here. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/attr.h"
#include "bridge/base/near.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/check_survey.h"
#include "bridge/servicenow/query.h"
#include "consumers/values.h"

#define QUERY_MAX  ((size_t)8000)
#define NAMES_MOST 1000
#define NEAR_START 2 /* bytes that a near match begins with, as at run time */

/* ---------------------------------------------------------------- listing */

static void add_constant(struct survey *s, const char *table, const char *column, const char *value,
                         const char *use)
{
    if (value[0] == '\0' && strcmp(use, "consumers[].fields") != 0)
        return;
    for (size_t i = 0; i < s->constants_count; i++) {
        const struct survey_constant *c = &s->constants[i];

        if (strcmp(c->table, table) == 0 && strcmp(c->column, column) == 0 &&
            strcmp(c->value, value) == 0)
            return;
    }
    s->constants = xrealloc(s->constants, s->constants_count + 1, sizeof *s->constants);
    s->constants[s->constants_count++] = (struct survey_constant){
        .table = table, .column = column, .value = value, .use = use, .asked = CHECK_NONE};
}

static void add_pairs(struct survey *s, const char *table, const struct config_pairs *pairs,
                      const char *use)
{
    for (size_t i = 0; i < pairs->count; i++)
        add_constant(s, table, pairs->items[i].name, pairs->items[i].value, use);
}

static void add_template(struct survey *s, const char *table, const char *name)
{
    if (name[0] == '\0' || strcmp(table, "incident") != 0)
        return;
    for (size_t i = 0; i < s->templates_count; i++)
        if (strcmp(s->templates[i].name, name) == 0)
            return;
    s->templates = xrealloc(s->templates, s->templates_count + 1, sizeof *s->templates);
    s->templates[s->templates_count++] = (struct survey_template){
        .table = table, .name = name, .asked = CHECK_NONE, .all = CHECK_NONE};
}

static void list_rule(struct survey *s, const char *table, const struct config_rule *r)
{
    static const char use[] = "consumers[].rules[]";

    add_constant(s, table, "assignment_group", r->assignment_group, use);
    add_constant(s, table, "category", r->category, use);
    add_pairs(s, table, &r->fields, use);
    add_pairs(s, table, &r->default_fields, use);
    add_template(s, table, r->template);
}

void survey_list_names(struct survey *s)
{
    for (size_t i = 0; i < s->c->consumers_count; i++) {
        const struct config_consumer *c = &s->c->consumers[i];
        const struct check_target *target = check_target_find(c->target);

        if (target != NULL) {
            add_pairs(s, target->table, &c->fields, "consumers[].fields");
            add_template(s, target->table, c->template);
        }
        for (size_t k = 0; k < c->rules_count; k++) {
            const struct config_rule *r = &c->rules[k];
            const struct check_target *own =
                r->target[0] == '\0' ? target : check_target_find(r->target);

            if (own != NULL)
                list_rule(s, own->table, r);
        }
    }
}

bool survey_is_constant(const struct survey_constant *c)
{
    return c->value[0] != '\0' && strpbrk(c->value, "{}") == NULL;
}

/* ---------------------------------------------------------------- asking */

/* By sys_id, or by the names that the bridge itself finds a record of this table by. */
static void ask_named(struct survey *s, struct survey_constant *c)
{
    size_t count;
    const char *const *columns = values_names_of(c->reference, &count);
    struct buf query;

    if (query_sys_id_ok(c->value)) {
        c->asked = check_ask_list(&s->fourth, c->reference, "sys_id", 2, "sys_id=%s", c->value);
        return;
    }
    buf_init(&query, QUERY_MAX);
    for (size_t i = 0; i < count; i++)
        (void)buf_addf(&query, "%s%s=%s", i == 0 ? "" : "^OR", columns[i], c->value);
    c->asked = check_ask_list(&s->fourth, c->reference, "sys_id", 2, "%s", buf_text(&query));
    c->like = check_ask_list(
        &s->fourth, c->reference, columns[0], NAMES_MOST, "%sSTARTSWITH%.*s^ORDERBY%s", columns[0],
        (int)text_boundary(c->value, strlen(c->value), NEAR_START), c->value, columns[0]);
    buf_done(&query);
}

void survey_ask_names(struct survey *s)
{
    for (size_t i = 0; i < s->constants_count; i++) {
        struct survey_constant *c = &s->constants[i];
        const struct survey_table *t = survey_table_of(s, c->table);
        const struct column *column = t->known == NULL ? NULL : columns_find(t->known, c->column);

        c->asked = c->like = CHECK_NONE;
        if (!survey_is_constant(c) || column == NULL || strcmp(column->type, "reference") != 0 ||
            !query_value_ok(c->value) || !query_name_ok(column->reference))
            continue;
        c->reference = column->reference;
        ask_named(s, c);
    }
    for (size_t i = 0; i < s->templates_count; i++) {
        struct survey_template *t = &s->templates[i];

        if (query_value_ok(t->name))
            t->asked = check_ask_list(&s->fourth, "sys_template", "sys_id", 1,
                                      "table=%s^name=%s^active=true", t->table, t->name);
        t->all = check_ask_list(&s->fourth, "sys_template", "name", NAMES_MOST,
                                "table=%s^active=true^ORDERBYname", t->table);
    }
}

/* ---------------------------------------------------------------- telling */

/* "cure", and names of the rows that are like this one. New. */
static char *cure_of(const char *cure, const json_t *rows, const char *column, const char *name)
{
    struct buf text, like;
    const json_t *row;
    struct near n;
    size_t i;

    buf_init(&text, 4096);
    buf_init(&like, 4096);
    near_init(&n, name);
    json_array_foreach (rows, i, row) {
        const char *other = json_string_value(json_object_get(row, column));

        if (other != NULL)
            near_offer(&n, other);
    }
    near_text(&n, &like);
    near_done(&n);
    (void)buf_add_text(&text, cure);
    if (like.length > 0)
        (void)buf_addf(&text, "; like it: %s", buf_text(&like));
    buf_done(&like);
    return buf_take(&text, NULL);
}

/* What a line is about: the column, from its second value on with the value. New. */
static char *subject_of(const struct survey *s, const struct survey_constant *c)
{
    for (const struct survey_constant *before = s->constants; before < c; before++)
        if (before->asked != CHECK_NONE && strcmp(before->column, c->column) == 0)
            return xasprintf("%s '%s'", c->column, c->value);
    return xstrdup(c->column);
}

static void say_missing(struct survey *s, const struct survey_constant *c, const char *subject)
{
    size_t count;
    char *cure = cure_of("write the sys_id or the exact name of a record that the user may see",
                         check_ask_rows(&s->fourth, c->like),
                         values_names_of(c->reference, &count)[0], c->value);

    check_add(s->r, CHECK_NOT_COMPLETE, "reference", subject, cure, "no record '%s' in %s (%s)",
              c->value, c->reference, c->use);
    free(cure);
}

static void say_reference(struct survey *s, const struct survey_constant *c)
{
    const struct snow_outcome *o = check_ask_outcome(&s->fourth, c->asked);
    char *subject = subject_of(s, c);
    size_t found = json_array_size(check_ask_rows(&s->fourth, c->asked));

    if (found == 1)
        check_add(s->r, CHECK_COMPLETED, "reference", subject, NULL, "'%s' is in %s", c->value,
                  c->reference);
    else if (o->verdict != SNOW_OK && o->verdict != SNOW_ABSENT)
        check_add(s->r, CHECK_SKIPPED, "reference", subject, NULL,
                  "the table %s cannot be read: %s", c->reference, o->err.text);
    else if (found == 0)
        say_missing(s, c, subject);
    else
        check_add(s->r, CHECK_NOT_COMPLETE, "reference", subject, "write the sys_id of the record",
                  "more than one record '%s' in %s (%s)", c->value, c->reference, c->use);
    free(subject);
}

static void say_template(struct survey *s, const struct survey_template *t)
{
    const struct snow_outcome *o = check_ask_outcome(&s->fourth, t->all);
    char *cure;

    if (json_array_size(check_ask_rows(&s->fourth, t->asked)) > 0) {
        check_add(s->r, CHECK_COMPLETED, "template", t->name, NULL,
                  "the instance has it for the table %s", t->table);
        return;
    }
    if (o->verdict != SNOW_OK && o->verdict != SNOW_ABSENT) {
        check_add(s->r, CHECK_NOT_COMPLETE, "template", t->name,
                  "let the user read sys_template, or name no template",
                  "sys_template cannot be read: %s", o->err.text);
        return;
    }
    cure = cure_of("correct the name, or make the template for this table and set it active",
                   check_ask_rows(&s->fourth, t->all), "name", t->name);
    check_add(s->r, CHECK_NOT_COMPLETE, "template", t->name, cure,
              "the instance has no active template of this name for the table %s, or the user may "
              "not see it: records are made without its values",
              t->table);
    free(cure);
}

void survey_tell_names(struct survey *s)
{
    for (size_t i = 0; i < s->constants_count; i++)
        if (s->constants[i].asked != CHECK_NONE)
            say_reference(s, &s->constants[i]);
    for (size_t i = 0; i < s->templates_count; i++)
        say_template(s, &s->templates[i]);
}
