/* What deciding costs with so many rules: rules_cost RULES ROUNDS. Each rule wants a value of its
 * own of the field `rule` or of a label; the alerts take turns over these values and beside them.
 * Run under callgrind by rules_cost.py, which counts the instructions of rules_decide. */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/rules.h"

static char none[] = "", utc[] = "UTC", rule[] = "rule", label[] = "label.team";

static struct config_condition *conditions_new(size_t count)
{
    struct config_condition *c = xcalloc(count, sizeof *c);

    for (size_t i = 0; i < count; i++)
        c[i] = (struct config_condition){.field = i % 2 == 0 ? rule : label,
                                         .equals = xasprintf("value-%zu", i),
                                         .prefix = none,
                                         .matches = none,
                                         .at_least = none,
                                         .from = none,
                                         .to = none,
                                         .zone = utc};
    return c;
}

static struct config_rule *rules_of(const struct config_condition *when, size_t count)
{
    struct config_rule *r = xcalloc(count, sizeof *r);

    for (size_t i = 0; i < count; i++)
        r[i] = (struct config_rule){.name = none,
                                    .target = none,
                                    .work_item_type = none,
                                    .assignment_group = none,
                                    .category = none,
                                    .template = none,
                                    .when = &when[i],
                                    .when_count = 1};
    return r;
}

static struct alert *alert_of(size_t round, size_t count)
{
    struct alert *a = alert_new("azure");
    char *text = xasprintf("value-%zu", round * 7 % (2 * count));

    alert_set(&a->rule, text);
    alert_set(&a->title, "a title that no rule looks at");
    alert_add_label(a, "team", text);
    for (int i = 0; i < 8; i++)
        alert_add_label(a, "other", "some value");
    free(text);
    return a;
}

int main(int argc, char **argv)
{
    long long count = 0, rounds = 0;
    struct config_consumer c = {.name = none, .target = none};
    struct config_condition *when;
    struct config_rule *list;
    struct rules *rules;
    size_t held = 0;

    if (argc != 3 || text_to_int(argv[1], &count) != 0 || text_to_int(argv[2], &rounds) != 0 ||
        count < 1 || rounds < 1)
        return 2;
    when = conditions_new((size_t)count);
    list = rules_of(when, (size_t)count);
    c.rules = list;
    c.rules_count = (size_t)count;
    rules = rules_new(&c);
    for (size_t i = 0; i < (size_t)rounds; i++) {
        struct alert *a = alert_of(i, (size_t)count);
        struct ruling g;

        rules_decide(rules, a, &g);
        held += g.count;
        ruling_done(&g);
        (void)alert_free(a);
    }
    (void)printf("%zu\n", held);
    (void)rules_free(rules);
    for (size_t i = 0; i < (size_t)count; i++)
        free(when[i].equals);
    free(when);
    free(list);
    return 0;
}
