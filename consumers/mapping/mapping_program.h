/* What a mapping is compiled to: arrays that are walked for each message. Inside consumers/mapping
 * only. */
#ifndef CONSUMERS_MAPPING_MAPPING_PROGRAM_H
#define CONSUMERS_MAPPING_MAPPING_PROGRAM_H

#include "consumers/layout.h"
#include "consumers/mapping/mapping.h"
#include "consumers/mapping/mapping_template.h"

struct map_texts { /* words, names */
    char **items;
    size_t count;
};

struct map_templates {
    struct map_template *items;
    size_t count;
};

/* A condition on one value. */
enum map_test_kind { TEST_IS, TEST_HAS, TEST_MISSING, TEST_TYPE, TEST_CONTAINS, TEST_STARTS };

struct map_test {
    struct map_path at;
    enum map_test_kind kind;
    struct map_texts words; /* any of them; compared without regard to ASCII case */
};

struct map_tests { /* all must hold */
    struct map_test *items;
    size_t count;
};

/* A value by the word that the message has: state or severity. */
struct map_word {
    char *word;
    int value;
};

struct map_words {
    struct map_template of;
    struct map_word *items;
    size_t count;
    int otherwise; /* for any other word; -1: none */
};

struct map_case {
    struct map_tests when;
    int then;
};

struct map_cases {
    struct map_case *items;
    size_t count;
};

/* Pairs of name and value: all scalar members of an object, or for each element of a list, or one.
 */
enum map_pairs_kind { PAIRS_MEMBERS, PAIRS_EACH, PAIRS_ONE };

struct map_pairs {
    enum map_pairs_kind kind;
    struct map_path at;              /* not PAIRS_ONE */
    struct map_template name, value; /* not PAIRS_MEMBERS */
    struct map_texts except;
};

struct map_pairs_list {
    struct map_pairs *items;
    size_t count;
};

struct map_section {
    char *heading;
    struct map_pairs_list lines;
};

struct map_sections {
    struct map_section *items;
    size_t count;
};

struct map_shape {
    const struct mapping *mapping;
    char *kind;
    bool per_group;
    struct map_tests when;
    struct map_path *unpack;
    size_t unpack_count;
    struct map_path each;
    bool has_each;
    struct map_templates series, instance; /* instance: none for unmarked formats */
    bool series_digest;
    struct map_template short_id;
    struct map_words state, severity;
    struct map_cases state_cases;
    struct map_template fired, resolved;
    struct map_template rule, service, source, resource, title, about, where;
    struct map_templates targets, ci_names;
    struct map_pairs_list labels, links;
    struct map_sections sections;
};

struct mapping {
    char *file, *format;
    struct map_texts never; /* members that are never copied, beyond those that none copies */
    struct map_shape *shapes;
    size_t shapes_count;
    bool looks_beside; /* a path starts with @ */
};

/* mapping_test.c */
bool map_tests_hold(const struct map_tests *tests, const struct map_scope *s);
bool map_texts_have(const struct map_texts *texts, const char *text); /* without ASCII case */

/* secret_name, and the mapping's own `never`. */
bool map_is_secret(const struct mapping *p, const char *name);

/* mapping_page.c: title, labels, links and description of an alert. */
void map_page_write(const struct map_shape *shape, struct map_fill *f);

/* mapping_free.c */
void map_texts_done(struct map_texts *t);
void map_tests_done(struct map_tests *t);
void map_templates_done(struct map_templates *t);

#endif
