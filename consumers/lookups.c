/* Holds the four sources together and asks each for its part. */
#include "consumers/lookups.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "consumers/snow_template.h"
#include "consumers/target.h"
#include "consumers/values.h"

#define NOTES_MOST ((size_t)4000)

struct lookups {
    const struct config *config;
    struct finder *items;
    struct dictionary *dictionary;
    struct values *values;
    struct snow_templates *templates;
    bool checked; /* the names that the configuration holds were looked at */
    bool by_path; /* a configuration item may be found by the path of an alert's target */
};

static bool wants_path(const struct config_list *fields)
{
    static const char *const short_ones[] = {
        "name", "fqdn", "host_name", "ip_address", "asset_tag", "serial_number", "dns_domain"};

    for (size_t i = 0; i < fields->count; i++) {
        bool is_short = false;

        for (size_t k = 0; k < ARRAY_LEN(short_ones); k++)
            is_short = is_short || strcmp(fields->items[i], short_ones[k]) == 0;
        if (!is_short)
            return true;
    }
    return false;
}

struct lookups *lookups_new(const struct config *c, struct snow *s,
                            void (*answered)(void *arg, usec_t now), void *arg)
{
    const struct config_connection *x = &c->connection;
    struct lookups *l = xcalloc(1, sizeof *l);
    struct finder_options items = {.table = "cmdb_ci",
                                   .what = "configuration item",
                                   .columns = (const char *const *)x->ci_fields.items,
                                   .columns_count = x->ci_fields.count,
                                   .make = x->create_configuration_items ? x->ci_class : NULL,
                                   .record_namespace = x->record_namespace,
                                   .life_found = x->lookup_life,
                                   .life_none = x->lookup_negative_life,
                                   .answered = answered,
                                   .arg = arg};
    struct values_options values = {.snow = s,
                                    .life_found = x->lookup_life,
                                    .life_none = x->lookup_negative_life,
                                    .answered = answered,
                                    .arg = arg};

    l->config = c;
    l->items = finder_new(s, &items);
    l->dictionary = dictionary_new(s);
    values.dictionary = l->dictionary;
    l->values = values_new(&values);
    l->templates = snow_templates_new(s);
    l->by_path = wants_path(&x->ci_fields);
    return l;
}

struct lookups *lookups_free(struct lookups *l)
{
    if (l == NULL)
        return NULL;
    (void)finder_free(l->items);
    (void)values_free(l->values);
    (void)snow_templates_free(l->templates);
    (void)dictionary_free(l->dictionary);
    free(l);
    return NULL;
}

/* The table that the rule's records are in; "": rows. */
static const char *table_of(const char *word)
{
    const char *table = target_word_table(word);

    return table == NULL ? "" : table;
}

static const char *target_of(const struct config_consumer *c, const struct config_rule *r)
{
    return table_of(r->target[0] != '\0' ? r->target : c->target);
}

static void want_of_rule(struct lookups *l, const char *table, const struct config_consumer *c,
                         const struct config_rule *r)
{
    if (r->template[0] != '\0' && strcmp(target_of(c, r), table) == 0)
        snow_templates_want(l->templates, table, r->template);
}

void lookups_want(struct lookups *l, const char *table)
{
    dictionary_want(l->dictionary, table);
    for (size_t i = 0; i < l->config->consumers_count; i++) {
        const struct config_consumer *c = &l->config->consumers[i];

        if (strcmp(table_of(c->target), table) == 0 && c->template[0] != '\0')
            snow_templates_want(l->templates, table, c->template);
        for (size_t k = 0; k < c->rules_count; k++)
            want_of_rule(l, table, c, &c->rules[k]);
    }
}

void lookups_reload(struct lookups *l)
{
    dictionary_reload(l->dictionary);
    snow_templates_reload(l->templates);
    values_forget(l->values);
    finder_forget(l->items);
    l->checked = false;
}

bool lookups_known(const struct lookups *l)
{
    return dictionary_known(l->dictionary) && snow_templates_known(l->templates);
}

const struct dictionary *lookups_dictionary(const struct lookups *l)
{
    return l->dictionary;
}

/* ---------------------------------------------------------------- what the configuration names */

static void check_choice(const struct lookups *l, const char *table, const struct config_pair *p)
{
    struct buf like;

    if (p->value[0] == '\0' || !dictionary_has_choices(l->dictionary, table, p->name) ||
        dictionary_choice(l->dictionary, table, p->name, p->value) != NULL)
        return;
    buf_init(&like, 4096);
    dictionary_near(l->dictionary, table, p->name, p->value, &like);
    log_error("choice-unknown",
              "table=%s\t'%s' is none of the choices of %s.%s%s%s. It is sent as it is, and the "
              "instance may refuse it or drop it: correct `fields`, or add the choice",
              table, p->value, table, p->name, like.length == 0 ? "" : "; did you mean ",
              buf_text(&like));
    buf_done(&like);
}

static void check_column(const struct lookups *l, const char *table, const struct config_pair *p)
{
    const struct columns *columns = dictionary_columns(l->dictionary, table);
    struct buf like;

    if (columns == NULL || columns_find(columns, p->name) != NULL)
        return;
    buf_init(&like, 4096);
    columns_near(columns, p->name, &like);
    log_error("column-unknown",
              "table=%s\t%s has no column %s; the instance drops it without a word%s%s. Correct "
              "`fields`",
              table, table, p->name, like.length == 0 ? "" : "; did you mean ", buf_text(&like));
    buf_done(&like);
}

/* Columns always, values where they are constants. The look-ups that this starts say by themselves
 * what is not there. */
static void check_pairs(struct lookups *l, const char *table, const struct config_pairs *pairs,
                        usec_t now)
{
    const struct values_said nobody = {0};
    json_t *scratch = json_object();

    for (size_t i = 0; i < pairs->count; i++) {
        const struct config_pair *p = &pairs->items[i];

        check_column(l, table, p);
        if (strpbrk(p->value, "{}") != NULL)
            continue;
        check_choice(l, table, p);
        (void)values_put(l->values, table, p->name, p->value, scratch, &nobody, now);
    }
    json_decref(scratch);
}

static void check_rule(struct lookups *l, const char *table, const struct config_rule *r,
                       usec_t now)
{
    static char group[] = "assignment_group", category[] = "category";
    struct config_pair named[] = {{group, r->assignment_group}, {category, r->category}};
    const struct config_pairs pairs = {.items = named, .count = ARRAY_LEN(named)};

    check_pairs(l, table, &pairs, now);
    check_pairs(l, table, &r->fields, now);
    check_pairs(l, table, &r->default_fields, now);
}

static void check_close_code(const struct lookups *l, const struct config_consumer *c,
                             const char *table)
{
    const char *column = target_table_of(table)->code;
    const char *usual = dictionary_close_code(l->dictionary, table);
    const struct config_pair given = {(char *)(uintptr_t)column, c->close_code};

    if (column == NULL)
        return;
    if (c->close_code[0] != '\0')
        check_choice(l, table, &given);
    else if (target_table_of(table)->code_preset == NULL &&
             dictionary_has_choices(l->dictionary, table, column) &&
             dictionary_choice(l->dictionary, table, column, usual) == NULL)
        log_error("close-code",
                  "table=%s consumer=%s\tThe instance has none of the usual close codes. Resolves "
                  "may be refused: set close_code of the consumers entry to one that it has",
                  table, c->name);
}

static void check_consumer(struct lookups *l, const struct config_consumer *c, usec_t now)
{
    const char *table = table_of(c->target);

    if (!dictionary_wanted(l->dictionary, table))
        return;
    check_close_code(l, c, table);
    check_pairs(l, table, &c->fields, now);
}

static void check_all(struct lookups *l, usec_t now)
{
    for (size_t i = 0; i < l->config->consumers_count; i++) {
        const struct config_consumer *c = &l->config->consumers[i];

        check_consumer(l, c, now);
        for (size_t k = 0; k < c->rules_count; k++)
            if (dictionary_wanted(l->dictionary, target_of(c, &c->rules[k])))
                check_rule(l, target_of(c, &c->rules[k]), &c->rules[k], now);
    }
}

usec_t lookups_tick(struct lookups *l, usec_t now)
{
    usec_t next = dictionary_tick(l->dictionary, now);

    if (!l->checked && dictionary_known(l->dictionary)) {
        l->checked = true;
        check_all(l, now);
    }
    next = usec_min(next, snow_templates_tick(l->templates, now));
    next = usec_min(next, values_tick(l->values, now));
    return usec_min(next, finder_tick(l->items, now));
}

/* ---------------------------------------------------------------- one record */

enum finder_result lookups_item(struct lookups *l, const struct alert *a, usec_t now,
                                const char **ret_sys_id, const char **ret_note)
{
    size_t n = a->ci_names_count;
    enum finder_result found;
    char **names;

    if (!l->by_path)
        return finder_find(l->items, a->ci_names, n, now, ret_sys_id, ret_note);
    names = xcalloc(n + a->targets_count + 1, sizeof(char *));
    for (size_t i = 0; i < n; i++)
        names[i] = a->ci_names[i];
    for (size_t i = 0; i < a->targets_count; i++)
        names[n++] = a->targets[i];
    found = finder_find(l->items, names, n, now, ret_sys_id, ret_note);
    free(names);
    return found;
}

static void add_template(const struct lookups *l, const char *table, const char *template,
                         json_t *body)
{
    const struct config_pairs *pairs =
        template[0] == '\0' ? NULL : snow_templates_find(l->templates, table, template);

    for (size_t i = 0; pairs != NULL && i < pairs->count; i++)
        if (json_object_get(body, pairs->items[i].name) == NULL)
            (void)json_object_set_new(body, pairs->items[i].name,
                                      json_string(pairs->items[i].value));
}

static void add_overflow(const struct buf *overflow, json_t *body)
{
    const char *notes = json_string_value(json_object_get(body, "work_notes"));
    char *text;

    if (overflow->length == 0)
        return;
    text = xasprintf("%s%s%s", notes == NULL ? "" : notes, notes == NULL ? "" : "\n\n",
                     buf_text(overflow));
    (void)json_object_set_new(body, "work_notes", json_string(text));
    free(text);
}

const char *lookups_close_code(const struct lookups *l, const char *table, const char *given)
{
    const struct target_table *shape = target_table_of(table);
    const char *stored;

    if (shape->code == NULL)
        return "";
    if (given[0] == '\0' && shape->code_preset == NULL)
        return dictionary_close_code(l->dictionary, table);
    stored = dictionary_choice(l->dictionary, table, shape->code,
                               given[0] == '\0' ? shape->code_preset : given);
    return stored == NULL ? given : stored;
}

void lookups_content(const struct lookups *l, const char *table, json_t *body)
{
    static const char *const columns[] = {"impact", "urgency"};

    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        const char *text = json_string_value(json_object_get(body, columns[i]));
        const char *stored =
            text == NULL ? NULL : dictionary_choice(l->dictionary, table, columns[i], text);

        if (stored != NULL && strcmp(stored, text) != 0)
            (void)json_object_set_new(body, columns[i], json_string(stored));
    }
}

bool lookups_complete(struct lookups *l, const char *table, const char *template, json_t *body,
                      struct buf *whole, struct buf *notes, usec_t now)
{
    struct buf left_out;
    const struct values_said said = {.notes = &left_out, .overflow = whole};
    bool done;

    buf_init(&left_out, NOTES_MOST);
    done = values_resolve(l->values, table, body, &said, now) != VALUES_PENDING;
    if (done) {
        add_template(l, table, template, body);
        add_overflow(whole, body);
        if (left_out.length > 0)
            (void)buf_addf(notes, "%s%s", notes->length == 0 ? "" : "; ", buf_text(&left_out));
    }
    buf_done(&left_out);
    return done;
}
