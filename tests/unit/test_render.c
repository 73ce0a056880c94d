/* The template language: what each part makes of an alert, refusals, and a search for templates and
 * alerts that break it. The search takes two seconds, or ITSM_FUZZ_SECONDS; a failure prints the
 * seed, ITSM_FUZZ_SEED repeats it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/rand.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/render.h"

static struct alert *sample(void)
{
    struct alert *a = alert_new("azure");

    a->kind = "metric";
    a->severity = 0;
    a->fired = INT64_C(1795642205123);
    alert_set(&a->title, "  \xc3\x89t\xc3\xa9 Hot \n day ");
    alert_set(&a->description, "one\ntwo");
    alert_set(&a->part, "p");
    alert_add_label(a, "host", "Web-1");
    alert_add_label(a, "k8s.pod|x}", "pod");
    alert_add_label(a, "zone", "b");
    alert_add_label(a, "zone", "a\r\nb");
    alert_add_label(a, "zone", "");
    alert_add_label(a, "braces", "{title} {{ %n %s");
    alert_add_target(a, "/t/1");
    alert_add_target(a, "/t/2");
    alert_add_link(a, "Portal", "https://portal.example/x");
    return a;
}

static void test_values(void **state)
{
    static const struct {
        const char *template, *text;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"a {{b}} c", "a {b} c"},
        {"{{{kind}}}", "{metric}"},
        {"{kind}", "metric"},
        {"{kind} on {label.host}!", "metric on Web-1!"},
        {"{severity}/{state}/{format}/{part}", "Sev0/firing/azure/p"},
        {"{title}", "\xc3\x89t\xc3\xa9 Hot day"},
        {"{title|cut:3}", "\xc3\x89t\xc3\xa9"},
        {"{title|cut:4000}", "\xc3\x89t\xc3\xa9 Hot day"},
        {"{title|upper}", "\xc3\x89T\xc3\xa9 HOT DAY"},
        {"{title|lower|cut:7}", "\xc3\x89t\xc3\xa9 hot"},
        {"{title|cut:4|trim}.", "\xc3\x89t\xc3\xa9."},
        {"{description}", "one\ntwo"},
        {"{source}", ""},
        {"{source|default:none}", "none"},
        {"{source|default:\"a | b } c\"|upper}", "A | B } C"},
        {"{source|default:'say \"x\"'}", "say \"x\""},
        {"{source|default:}", ""},
        {"{source|upper|default:x|default:y}", "x"},
        {"{label.none|default:'-'}{label.host|default:'-'}", "-Web-1"},
        {"{label.\"k8s.pod|x}\"}", "pod"},
        {"{label.zone}", "b, a b"},
        {"{label.zone|join:''}", "ba b"},
        {"{label.zone|join:'; '|upper}", "B; A B"},
        {"{label.none|join:', '|default:none}", "none"},
        {"{target|join:\" + \"}", "/t/1 + /t/2"},
        {"{ci|default:\"no item\"}", "no item"},
        {"{link.Portal}", "https://portal.example/x"},
        {"{fired}", "2026-11-25 21:30:05"},
        {"{fired|date:\"%d.%m.%Y %H:%M:%S\"}", "25.11.2026 21:30:05"},
        {"{time|date:'%y-%j %F %T %% x'}", "26-329 2026-11-25 21:30:05 % x"},
        {"{resolved|date:%F|default:open}", "open"},
        {"{label.braces}", "{title} {{ %n %s"},
    };
    struct alert *a = sample();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e;
        struct template *t = template_new(cases[i].template, &e);
        char *text;

        if (t == NULL)
            fail_msg("%s: %s", cases[i].template, e.text);
        text = render(t, a);
        assert_string_equal(text, cases[i].text);
        free(text);
        (void)template_free(t);
    }
    (void)alert_free(a);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *template, *start;
    } cases[] = {
        {"\xc3\xa9{title", "at character 2: a brace opens that is not closed"},
        {"a}", "at character 2: a brace closes that was not opened"},
        {"{}", "at character 2: there is no field \"\""},
        {"{ title}", "at character 2: there is no field \" title\" (did you mean \"title\"?)"},
        {"{label.}", "at character 2: there is no field \"label.\" (did you mean \"label.NAME\"?)"},
        {"{lable.x}",
         "at character 2: there is no field \"lable.x\" (did you mean \"label.NAME\"?)"},
        {"{title.x}", "at character 2: there is no field \"title.x\""},
        {"{title|}", "at character 8: there is no filter \"\""},
        {"{title|lowercase}", "at character 8: there is no filter \"lowercase\""},
        {"{title|upper:x}", "at character 13: this filter takes no argument"},
        {"{title|cut}", "at character 11: this filter needs an argument"},
        {"{title|cut:x}", "at character 8: cut needs a number"},
        {"{title|cut:4001}", "at character 8: cut needs a number"},
        {"{title|cut:-1}", "at character 8: cut needs a number"},
        {"{title|default:\"x}", "at character 16: a text in quotes begins that does not end"},
        {"{label.\"x}", "at character 8: a text in quotes begins that does not end"},
        {"{title|default:\"x\"y}", "at character 19: a bar or a closing brace must stand here"},
        {"{title|join:x}", "at character 8: join must be the first filter"},
        {"{ci|upper|join:x}", "at character 11: join must be the first filter"},
        {"{title|date:%Y}", "at character 8: date must be the first filter"},
        {"{fired|date:%}", "at character 8: a date knows"},
        {"{fired|date:'%E'}", "at character 8: a date knows"},
    };
    struct err e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_null(template_new(cases[i].template, &e));
        if (strncmp(e.text, cases[i].start, strlen(cases[i].start)) != 0)
            fail_msg("%s: %s", cases[i].template, e.text);
    }
}

static void test_bounds(void **state)
{
    char *text = xcalloc(1, TEMPLATE_TEXT_MAX + 2), *out;
    struct alert *a = sample();
    struct template *t;
    struct buf b;

    (void)state;
    memset(text, 'x', TEMPLATE_TEXT_MAX + 1);
    assert_null(template_new(text, NULL));
    text[TEMPLATE_TEXT_MAX] = '\0';
    t = template_new(text, NULL);
    assert_non_null(t);
    (void)template_free(t);
    buf_init(&b, TEMPLATE_TEXT_MAX);
    (void)buf_add_text(&b, "{title");
    for (size_t i = 0; i < TEMPLATE_FILTERS_MAX; i++)
        (void)buf_add_text(&b, "|trim");
    (void)buf_add_char(&b, '}');
    t = template_new(buf_text(&b), NULL);
    assert_non_null(t);
    (void)template_free(t);
    b.data[b.length - 1] = '|';
    (void)buf_add_text(&b, "trim}");
    assert_null(template_new(buf_text(&b), NULL));
    buf_clear(&b);
    /* As many and as long pieces as there can be: the result has its bound, on a whole character.
     */
    free(text);
    text = xcalloc(1, 100001);
    for (size_t i = 0; i < 100000; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    alert_set(&a->title, text);
    for (size_t i = 0; i < 1000; i++)
        (void)buf_add_text(&b, "x{title}");
    t = template_new(buf_text(&b), NULL);
    out = render(t, a);
    assert_true(strlen(out) <= RENDER_MAX && strlen(out) >= RENDER_MAX - 4);
    assert_true(text_is_utf8(out, strlen(out)));
    free(out);
    (void)template_free(t);
    buf_done(&b);
    free(text);
    (void)alert_free(a);
}

/* ---------------------------------------------------------------- search */

static const char *const words[] = {
    "{",
    "}",
    "{{",
    "}}",
    "|",
    ":",
    "\"",
    "'",
    "title",
    "label.",
    "ci",
    "fired",
    "link.",
    "join",
    "date",
    "cut",
    "upper",
    "lower",
    "trim",
    "default",
    "%Y",
    "%",
    "40",
    "0",
    "-1",
    " ",
    "x",
    "\xc3\xa9",
    "\xf0\x9f\x94\xa5",
    "\n",
    "severity",
    "description",
    ".",
    "999999999999999999999",
};

/* Mostly near to what is right, else hardly anything would be rendered. */
static void add_wild(struct rand *r, struct buf *b)
{
    static const char *const right[] = {
        "{title}",        "{label.host|upper}",    "{ci|join:'; '}", "{fired|date:'%F %T'}",
        "{title|cut:7}",  "{source|default:none}", "text ",          "{description|trim|lower}",
        "{target|cut:3}", "{resolved|date:%Y}",    "{{}}",
    };

    if (rand_between(r, 0, 2) > 0)
        (void)buf_add_text(b, right[rand_between(r, 0, ARRAY_LEN(right) - 1)]);
    else
        (void)buf_add_text(b, words[rand_between(r, 0, ARRAY_LEN(words) - 1)]);
}

static void mutate(struct rand *r, struct buf *b)
{
    int64_t changes = rand_between(r, 0, 2);

    for (int64_t i = 0; i < changes && b->length > 0; i++)
        b->data[rand_between(r, 0, (int64_t)b->length - 1)] = (char)rand_between(r, 1, 127);
}

static void random_text(struct rand *r, char **member)
{
    struct buf b;
    int64_t n = rand_between(r, 0, 8);

    buf_init(&b, 1 << 20);
    for (int64_t i = 0; i < n; i++)
        (void)buf_add_text(&b, words[rand_between(r, 0, ARRAY_LEN(words) - 1)]);
    alert_set(member, buf_text(&b));
    buf_done(&b);
}

static struct alert *random_alert(struct rand *r)
{
    struct alert *a = sample();

    random_text(r, &a->title);
    random_text(r, &a->description);
    random_text(r, &a->labels[0].value);
    random_text(r, &a->targets[0]);
    a->fired = rand_between(r, 0, 9) == 0 ? MSEC_NONE : (msec_t)rand_next(r) / 1000000;
    return a;
}

/* What is rendered is text, of bounded length, and the same again. */
static const char *complaint(const struct template *t, const struct alert *a)
{
    char *text = render(t, a), *again = render(t, a);
    const char *what = NULL;

    if (!text_is_utf8(text, strlen(text)))
        what = "the text is no UTF-8";
    else if (strlen(text) > RENDER_MAX)
        what = "the text is too long";
    else if (strcmp(text, again) != 0)
        what = "the second text differs";
    free(text);
    free(again);
    return what;
}

/* False when the template was refused. */
static bool try_once(struct rand *r, uint64_t seed)
{
    const char *what = NULL;
    struct alert *a = random_alert(r);
    int64_t n = rand_between(r, 1, 12);
    struct template *t;
    struct buf b;
    struct err e = {0};
    bool fine;

    buf_init(&b, TEMPLATE_TEXT_MAX);
    for (int64_t i = 0; i < n; i++)
        add_wild(r, &b);
    mutate(r, &b);
    t = template_new(buf_text(&b), &e);
    if (t == NULL && (e.text[0] == '\0' || e.class != ERR_CONFIG))
        what = "no reason is given";
    else if (t != NULL && text_is_utf8(buf_text(&b), b.length))
        what = complaint(t, a);
    if (what != NULL)
        fail_msg("ITSM_FUZZ_SEED=%llu: %s: \"%s\"", (unsigned long long)seed, what, buf_text(&b));
    fine = t != NULL;
    (void)template_free(t);
    buf_done(&b);
    (void)alert_free(a);
    return fine;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    long long n;

    return text != NULL && text_to_int(text, &n) == 0 ? (uint64_t)n : otherwise;
}

static void test_search(void **state)
{
    usec_t end = clock_now() + (usec_t)number_of("ITSM_FUZZ_SECONDS", 2) * USEC_S, slowest = 0;
    uint64_t seed = number_of("ITSM_FUZZ_SEED", 1);
    size_t tried = 0, rendered = 0;

    (void)state;
    for (usec_t before = clock_now(); before < end; seed++, tried++) {
        struct rand r;
        usec_t after;

        rand_seed(&r, seed);
        rendered += try_once(&r, seed);
        after = clock_now();
        slowest = after - before > slowest ? after - before : slowest;
        before = after;
    }
    print_message("%zu templates, %zu rendered, slowest %lld us, last seed %llu\n", tried, rendered,
                  (long long)slowest, (unsigned long long)seed - 1);
    assert_true(tried > 100);
    assert_true(rendered > tried / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_search),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
