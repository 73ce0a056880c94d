/* A second alert with the same content: by the means of alert_edit.h, whose bounds the first has
 * kept already. */
#include "bridge/base/attr.h"
#include "consumers/alert_edit.h"

struct alert *alert_copy(const struct alert *a)
{
    struct alert *c = alert_new(a->format);
    const struct {
        char **to;
        const char *text;
    } texts[] = {
        {&c->series, a->series},
        {&c->instance, a->instance},
        {&c->short_id, a->short_id},
        {&c->part, a->part},
        {&c->severity_text, a->severity_text},
        {&c->rule, a->rule},
        {&c->service, a->service},
        {&c->source, a->source},
        {&c->resource, a->resource},
        {&c->title, a->title},
        {&c->description, a->description},
    };

    c->kind = a->kind;
    c->mapping = a->mapping;
    c->state = a->state;
    c->marked = a->marked;
    c->severity = a->severity;
    c->fired = a->fired;
    c->resolved = a->resolved;
    c->own_time = a->own_time;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        alert_set(texts[i].to, texts[i].text);
    for (size_t i = 0; i < a->labels_count; i++)
        alert_add_label(c, a->labels[i].name, a->labels[i].value);
    for (size_t i = 0; i < a->targets_count; i++)
        alert_add_target(c, a->targets[i]);
    for (size_t i = 0; i < a->ci_names_count; i++)
        alert_add_ci(c, a->ci_names[i]);
    for (size_t i = 0; i < a->links_count; i++)
        alert_add_link(c, a->links[i].name, a->links[i].value);
    for (size_t i = 0; i < a->notes_count; i++)
        alert_note(c, "%s", a->notes[i]);
    return c;
}
