/* Scalars: text, paths, booleans, numbers, words, secrets, start_from. The lists and the table of
 * types are in config_list.c. */
#include "bridge/config/config_scalar.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/err.h"
#include "bridge/base/panic.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_reader.h"
#include "bridge/config/config_secret.h"
#include "bridge/config/config_text.h"

void config_set(char **text, char *taken)
{
    free(*text);
    *text = taken;
}

void config_wrong_type(struct config_reader *r, const config_setting_t *s, const char *path,
                       const char *wanted)
{
    static const char *const found[] = {
        [CONFIG_TYPE_NONE] = "nothing",        [CONFIG_TYPE_GROUP] = "a group { ... }",
        [CONFIG_TYPE_INT] = "a number",        [CONFIG_TYPE_INT64] = "a number",
        [CONFIG_TYPE_FLOAT] = "a fraction",    [CONFIG_TYPE_STRING] = "a text in quotes",
        [CONFIG_TYPE_BOOL] = "true or false",  [CONFIG_TYPE_ARRAY] = "an array [ ... ]",
        [CONFIG_TYPE_LIST] = "a list ( ... )",
    };

    config_problems_add(&r->problems, config_place_of(r, s), path, "must be %s, not %s", wanted,
                        found[config_setting_type(s)]);
}

void config_print_text(const char *text, FILE *out)
{
    (void)fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            (void)fprintf(out, "\\%c", *p);
        else if (*p == '\n')
            (void)fputs("\\n", out);
        else if (*p < 0x20 || *p == 0x7f)
            (void)fprintf(out, "\\x%02x", *p);
        else
            (void)fputc(*p, out);
    }
    (void)fputc('"', out);
}

/* Text */

void config_string_preset(const struct config_key *k, void *value)
{
    *(char **)value = xstrdup(k->preset ? k->preset : "");
}

bool config_explained(struct config_reader *r, const struct config_key *k,
                      const config_setting_t *s, const char *path, const char *text)
{
    char *what = k->explain ? k->explain(text) : NULL;

    if (what)
        config_problems_add(&r->problems, config_place_of(r, s), path, "%s", what);
    free(what);
    return what != NULL;
}

/* The new value, or NULL with the reason noted. */
static char *string_checked(struct config_reader *r, const struct config_key *k,
                            const config_setting_t *s, const char *path)
{
    struct config_place at = config_place_of(r, s);
    const char *text, *wrong;

    if (config_setting_type(s) != CONFIG_TYPE_STRING) {
        config_wrong_type(r, s, path, "a text in quotes");
        return NULL;
    }
    text = config_setting_get_string(s);
    wrong = config_check_plain(text);
    if (wrong) {
        config_problems_add(&r->problems, at, path, "%s", wrong);
        return NULL;
    }
    if (strlen(text) < (size_t)k->low) {
        config_problems_add(&r->problems, at, path, "must not be empty");
        return NULL;
    }
    if (strlen(text) > (size_t)k->high) {
        config_problems_add(&r->problems, at, path, "is longer than %lld bytes",
                            (long long)k->high);
        return NULL;
    }
    wrong = k->check && *text ? k->check(text) : NULL; /* may it be empty? low has told */
    if (wrong && k->discreet)
        config_problems_add(&r->problems, at, path, "%s", wrong);
    else if (wrong)
        config_problems_add(&r->problems, at, path, "\"%s\" %s", text, wrong);
    if (wrong || (*text && config_explained(r, k, s, path, text)))
        return NULL;
    return xstrdup(text);
}

void config_string_read(struct config_reader *r, const struct config_key *k, void *value,
                        const config_setting_t *s, const char *path)
{
    char *text = string_checked(r, k, s, path);

    if (text)
        config_set(value, text);
}

void config_path_read(struct config_reader *r, const struct config_key *k, void *value,
                      const config_setting_t *s, const char *path)
{
    char *text = string_checked(r, k, s, path);

    if (text)
        config_set(value, config_join(r->folder, text));
    free(text);
}

void config_string_print(const struct config_key *k, const void *value, FILE *out)
{
    (void)k;
    config_print_text(*(char *const *)value, out);
}

bool config_string_same(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b) == 0;
}

void config_string_done(void *value)
{
    config_set(value, NULL);
}

/* Booleans */

void config_bool_preset(const struct config_key *k, void *value)
{
    *(bool *)value = strcmp(k->preset, "true") == 0;
}

void config_bool_read(struct config_reader *r, const struct config_key *k, void *value,
                      const config_setting_t *s, const char *path)
{
    (void)k;
    if (config_setting_type(s) != CONFIG_TYPE_BOOL)
        config_wrong_type(r, s, path, "true or false without quotes");
    else
        *(bool *)value = config_setting_get_bool(s) == CONFIG_TRUE;
}

void config_bool_print(const struct config_key *k, const void *value, FILE *out)
{
    (void)k;
    (void)fputs(*(const bool *)value ? "true" : "false", out);
}

bool config_bool_same(const void *a, const void *b)
{
    return *(const bool *)a == *(const bool *)b;
}

/* Numbers */

static int64_t scale_of(const struct config_key *k)
{
    return k->scale ? k->scale : 1;
}

void config_int_preset(const struct config_key *k, void *value)
{
    long long n;

    if (text_to_int(k->preset, &n) < 0)
        panic("default of %s is no number", k->path);
    *(int64_t *)value = n * scale_of(k);
}

static void number_misfit(struct config_reader *r, const struct config_key *k, const char *path,
                          struct config_place at, const char *text, const char *why)
{
    const char *unit = k->unit ? k->unit : "";

    config_problems_add(&r->problems, at, path, "%s %s; use %lld to %lld%s%s (default %s)", text,
                        why, (long long)k->low, (long long)k->high, *unit ? " " : "", unit,
                        k->preset);
}

void config_int_read(struct config_reader *r, const struct config_key *k, void *value,
                     const config_setting_t *s, const char *path)
{
    int type = config_setting_type(s);
    struct config_place at = config_place_of(r, s);
    struct config_token *token;
    char *text, *wanted;
    long long n;

    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
        wanted = xasprintf("a whole number%s%s", k->unit ? " of " : "", k->unit ? k->unit : "");
        config_wrong_type(r, s, path, wanted);
        free(wanted);
        return;
    }
    token = config_tokens_find(&r->tokens, at.file, at.line, config_setting_name(s));
    if (token) {
        token->told = true;
        number_misfit(r, k, path, at, token->text, "is out of range");
        return;
    }
    n = type == CONFIG_TYPE_INT ? config_setting_get_int(s) : config_setting_get_int64(s);
    if (n >= k->low && n <= k->high) {
        *(int64_t *)value = n * scale_of(k);
        return;
    }
    text = xasprintf("%lld", n);
    number_misfit(r, k, path, at, text, "is out of range");
    free(text);
}

void config_int_print(const struct config_key *k, const void *value, FILE *out)
{
    (void)fprintf(out, "%lld", (long long)(*(const int64_t *)value / scale_of(k)));
}

bool config_int_same(const void *a, const void *b)
{
    return *(const int64_t *)a == *(const int64_t *)b;
}

/* One of some words. Enums have the size of int here; memcpy, since they are different types. */

_Static_assert(sizeof(enum config_grant) == sizeof(unsigned) &&
                   sizeof(enum log_level) == sizeof(unsigned),
               "enums are read and written as unsigned");

static size_t word_number(const struct config_key *k, const char *text)
{
    size_t n = 0;

    while (k->words[n] && strcmp(k->words[n], text) != 0)
        n++;
    return n;
}

void config_enum_preset(const struct config_key *k, void *value)
{
    unsigned n = (unsigned)word_number(k, k->preset);

    invariant(k->words[n]);
    memcpy(value, &n, sizeof(n));
}

static void word_unknown(struct config_reader *r, const struct config_key *k,
                         const config_setting_t *s, const char *path)
{
    const char *text = config_setting_get_string(s), *near;
    char *list = xstrdup("");
    size_t n = 0;

    for (; k->words[n]; n++)
        config_set(&list, xasprintf("%s%s%s", list, n ? ", " : "", k->words[n]));
    near = config_nearest(text, k->words, n);
    config_problems_add(&r->problems, config_place_of(r, s), path,
                        "\"%s\" is not possible; use one of: %s%s%s%s", text, list,
                        near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
    free(list);
}

void config_enum_read(struct config_reader *r, const struct config_key *k, void *value,
                      const config_setting_t *s, const char *path)
{
    unsigned n;

    if (config_setting_type(s) != CONFIG_TYPE_STRING) {
        config_wrong_type(r, s, path, "a text in quotes");
        return;
    }
    n = (unsigned)word_number(k, config_setting_get_string(s));
    if (k->words[n])
        memcpy(value, &n, sizeof(n));
    else
        word_unknown(r, k, s, path);
}

void config_enum_print(const struct config_key *k, const void *value, FILE *out)
{
    unsigned n;

    memcpy(&n, value, sizeof(n));
    config_print_text(k->words[n], out);
}

bool config_enum_same(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(unsigned)) == 0;
}

/* Secrets */

void config_secret_preset(const struct config_key *k, void *value)
{
    struct config_secret *secret = value;

    (void)k;
    secret->spec = xstrdup("");
    secret->value = xstrdup("");
}

/* Relative paths start from the folder of the file. New. */
static char *secret_spec(const struct config_reader *r, const char *text)
{
    char *path, *spec;

    if (!text_starts(text, "file:"))
        return xstrdup(text);
    path = config_join(r->folder, text + strlen("file:"));
    spec = xasprintf("file:%s", path);
    free(path);
    return spec;
}

static const char *secret_check(const char *value)
{
    const char *wrong = config_check_plain(value);

    return wrong ? wrong : config_check_line(value);
}

void config_secret_read(struct config_reader *r, const struct config_key *k, void *value,
                        const config_setting_t *s, const char *path)
{
    struct config_secret *secret = value;
    struct config_place at = config_place_of(r, s);
    char *spec, *plain;
    const char *wrong;
    struct err e;

    (void)k;
    if (config_setting_type(s) != CONFIG_TYPE_STRING) {
        config_wrong_type(r, s, path, "a text in quotes");
        return;
    }
    spec = secret_spec(r, config_setting_get_string(s));
    plain = r->need != CONFIG_FULL ? xstrdup("") : config_secret_resolve(spec, &e);
    wrong = plain ? secret_check(plain) : NULL;
    if (!plain)
        config_problems_add(&r->problems, at, path,
                            "%s; give the secret there, or another file:PATH or env:NAME", e.text);
    else if (wrong)
        config_problems_add(&r->problems, at, path, "what it stands for %s", wrong);
    if (!plain || wrong) {
        config_secret_wipe(spec);
        config_secret_wipe(plain);
        return;
    }
    config_secret_done(secret);
    *secret = (struct config_secret){spec, plain};
}

const char *config_secret_file(const struct config_secret *s)
{
    return text_starts(s->spec, "file:") ? s->spec + strlen("file:") : NULL;
}

char *config_secret_again(const struct config_secret *s)
{
    char *value = config_secret_file(s) != NULL ? config_secret_resolve(s->spec, NULL) : NULL;

    if (value != NULL && secret_check(value) != NULL) {
        config_secret_wipe(value);
        value = NULL;
    }
    return value;
}

char *config_secret_given(const char *spec, struct err *e)
{
    char *value;

    if (!config_secret_is_reference(spec)) {
        (void)err_set(e, ERR_CONFIG, "usage",
                      "a secret is not taken from the command line, where others can read it; give "
                      "file:PATH or env:NAME");
        return NULL;
    }
    value = config_secret_resolve(spec, e);
    if (value != NULL && secret_check(value) != NULL) {
        (void)err_set(e, ERR_CONFIG, "usage", "what %s stands for %s", spec, secret_check(value));
        config_secret_wipe(value);
        value = NULL;
    }
    return value;
}

void config_secret_print(const struct config_key *k, const void *value, FILE *out)
{
    const struct config_secret *secret = value;
    bool shown = !*secret->spec || config_secret_is_reference(secret->spec);

    (void)k;
    config_print_text(shown ? secret->spec : CONFIG_HIDDEN, out);
}

bool config_secret_same(const void *a, const void *b)
{
    const struct config_secret *left = a, *right = b;

    return strcmp(left->spec, right->spec) == 0 && strcmp(left->value, right->value) == 0;
}

void config_secret_done(void *value)
{
    struct config_secret *secret = value;

    config_secret_wipe(secret->spec);
    config_secret_wipe(secret->value);
    *secret = (struct config_secret){0};
}

/* start_from */

void config_start_preset(const struct config_key *k, void *value)
{
    struct config_consumer *consumer = value;

    (void)k;
    consumer->start = START_EARLIEST;
    consumer->start_time = MSEC_NONE;
}

void config_start_read(struct config_reader *r, const struct config_key *k, void *value,
                       const config_setting_t *s, const char *path)
{
    struct config_consumer *consumer = value;
    const char *text = "";
    msec_t time = MSEC_NONE;

    (void)k;
    if (config_setting_type(s) != CONFIG_TYPE_STRING) {
        config_wrong_type(r, s, path, "a text in quotes");
        return;
    }
    text = config_setting_get_string(s);
    if (strcmp(text, "earliest") == 0) {
        consumer->start = START_EARLIEST;
    } else if (strcmp(text, "latest") == 0) {
        consumer->start = START_LATEST;
    } else if (strchr(text, '-') && clock_parse(text, &time) == 0) {
        consumer->start = START_TIME;
    } else {
        config_problems_add(&r->problems, config_place_of(r, s), path,
                            "\"%s\" is no place to start from; use \"earliest\", \"latest\" or a "
                            "time such as \"2026-01-31T08:00:00Z\"",
                            text);
        return;
    }
    consumer->start_time = time;
}

void config_start_print(const struct config_key *k, const void *value, FILE *out)
{
    const struct config_consumer *consumer = value;
    char time[CLOCK_ISO_SIZE];

    (void)k;
    if (consumer->start == START_TIME)
        clock_format_iso(consumer->start_time, time);
    config_print_text(consumer->start == START_TIME     ? time
                      : consumer->start == START_LATEST ? "latest"
                                                        : "earliest",
                      out);
}

bool config_start_same(const void *a, const void *b)
{
    const struct config_consumer *left = a, *right = b;

    return left->start == right->start && left->start_time == right->start_time;
}
