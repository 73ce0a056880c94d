/* Freeing of compiled mappings, and what callers may ask of one. */
#include <stdlib.h>

#include "consumers/mapping/mapping_program.h"

void map_texts_done(struct map_texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->items[i]);
    free(t->items);
}

void map_tests_done(struct map_tests *t)
{
    for (size_t i = 0; i < t->count; i++) {
        map_path_done(&t->items[i].at);
        map_texts_done(&t->items[i].words);
    }
    free(t->items);
}

void map_templates_done(struct map_templates *t)
{
    for (size_t i = 0; i < t->count; i++)
        map_template_done(&t->items[i]);
    free(t->items);
}

static void words_done(struct map_words *w)
{
    map_template_done(&w->of);
    for (size_t i = 0; i < w->count; i++)
        free(w->items[i].word);
    free(w->items);
}

static void pairs_done(struct map_pairs_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        map_path_done(&list->items[i].at);
        map_template_done(&list->items[i].name);
        map_template_done(&list->items[i].value);
        map_texts_done(&list->items[i].except);
    }
    free(list->items);
}

static void cases_done(struct map_cases *c)
{
    for (size_t i = 0; i < c->count; i++)
        map_tests_done(&c->items[i].when);
    free(c->items);
}

static void sections_done(struct map_sections *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->items[i].heading);
        pairs_done(&s->items[i].lines);
    }
    free(s->items);
}

static void shape_done(struct map_shape *s)
{
    struct map_template *texts[] = {&s->short_id, &s->fired,  &s->resolved, &s->rule,
                                    &s->service,  &s->source, &s->resource, &s->title,
                                    &s->about,    &s->where};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        map_template_done(texts[i]);
    for (size_t i = 0; i < s->unpack_count; i++)
        map_path_done(&s->unpack[i]);
    free(s->unpack);
    free(s->kind);
    map_path_done(&s->each);
    map_tests_done(&s->when);
    map_templates_done(&s->series);
    map_templates_done(&s->instance);
    map_templates_done(&s->targets);
    map_templates_done(&s->ci_names);
    words_done(&s->state);
    words_done(&s->severity);
    cases_done(&s->state_cases);
    pairs_done(&s->labels);
    pairs_done(&s->links);
    sections_done(&s->sections);
}

struct mapping *mapping_free(struct mapping *p)
{
    if (p == NULL)
        return NULL;
    for (size_t i = 0; i < p->shapes_count; i++)
        shape_done(&p->shapes[i]);
    free(p->shapes);
    map_texts_done(&p->never);
    free(p->file);
    free(p->format);
    free(p);
    return NULL;
}

const char *mapping_format(const struct mapping *p)
{
    return p->format;
}

const char *mapping_file(const struct mapping *p)
{
    return p->file;
}
