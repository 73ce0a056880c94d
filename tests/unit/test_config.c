/* Configuration: the sample, defaults, printing and reading again, secrets, reload, random damage.
 * Error texts are in tests/cases/config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config.h"
#include "bridge/config/config_secret.h"
#include "bridge/config/config_table.h"

#define SAMPLE TEST_CASES_DIR "/../../bridge/itsm-bridge.cfg.sample"

/* libconfig 1.5 loses the text that it was reading when it refuses a file. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

static char folder[] = "/tmp/itsm-config-XXXXXX";

static char *path_of(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static void write_bytes(const char *name, const void *bytes, size_t length)
{
    char *path = path_of(name);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, length, f), length);
    assert_int_equal(fclose(f), 0);
    free(path);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static char *slurp(const char *path)
{
    char *text = config_read_file_text(path, (size_t)1 << 20, &(size_t){0}, NULL);

    assert_non_null(text);
    return text;
}

static struct config *load_fine(const char *path)
{
    struct config_errors errors;
    struct config *c = config_load(path, CONFIG_FULL, &errors);

    for (size_t i = 0; i < errors.count; i++)
        print_error("%s\n", errors.items[i].text);
    assert_non_null(c);
    assert_int_equal(errors.count, 0);
    config_errors_done(&errors);
    return c;
}

static struct config *load_text(const char *text)
{
    char *path = path_of("test.cfg");
    struct config *c;

    write_text("test.cfg", text);
    c = load_fine(path);
    free(path);
    return c;
}

/* The problems of a text, one a line; new. */
static char *problems_of(const char *text)
{
    char *path = path_of("test.cfg"), *all = xstrdup("");
    struct config_errors errors;
    struct config *c;

    write_text("test.cfg", text);
    c = config_load(path, CONFIG_FULL, &errors);
    assert_true((c == NULL) == (errors.count > 0));
    for (size_t i = 0; i < errors.count; i++) {
        char *longer = xasprintf("%s%s\n", all, errors.items[i].text);

        free(all);
        all = longer;
    }
    config_errors_done(&errors);
    (void)config_free(c);
    free(path);
    return all;
}

static char *printed(const struct config *c)
{
    char *text = NULL;
    size_t length = 0;
    FILE *f = open_memstream(&text, &length);

    assert_non_null(f);
    config_print(c, f);
    assert_int_equal(fclose(f), 0);
    return text;
}

#define SERVER "connection: { name = \"t\"; server_url = \"https://acme.service-now.com\";"
#define BASE                                                                                       \
    SERVER " auth: { client_id = \"i\"; client_secret = \"literal-secret\"; }; };\n"               \
           "kafka: { bootstrap_servers = \"localhost:9092\"; };\n"
#define ALERTS "consumers: ( { topics = [\"alerts\"]; } );\n"

static void sample_loads(void **state)
{
    struct config *c = load_fine(SAMPLE);

    (void)state;
    assert_string_equal(c->connection.name, "prod");
    assert_string_equal(c->connection.host, "acme.service-now.com");
    assert_string_equal(c->connection.auth.client_secret.value, "from-environment");
    assert_string_equal(c->kafka.group_id, "itsm-bridge.prod");
    assert_int_equal(c->producers_count, 2);
    assert_string_equal(c->producers[0].topic, "servicenow.incident");
    assert_string_equal(c->producers[1].table, "change_request");
    assert_string_equal(c->producers[1].name, "change_request");
    assert_int_equal(c->producers[1].poll_idle, 30 * USEC_S);
    assert_string_equal(c->consumers[0].name, "alerts");
    assert_int_equal(c->consumers[0].settle, 90 * USEC_S);
    assert_int_equal(c->connection.request_timeout, 70 * USEC_S);
    (void)config_free(c);
}

/* The sample with every commented line "# key = value;" made active; new. */
static char *sample_all_active(void)
{
    char *text = slurp(SAMPLE), *out = xcalloc(1, 2 * strlen(text) + 1), *to = out;

    for (char *line = text; *line;) {
        size_t length = strcspn(line, "\n"), blank = strspn(line, " ");
        const char *rest = line + blank;
        size_t word =
            rest[0] == '#' && rest[1] == ' ' ? strspn(rest + 2, "abcdefghijklmnopqrstuvwxyz_") : 0;

        if (word > 0 && strncmp(rest + 2 + word, " = ", 3) == 0) {
            memcpy(to, rest + 2, length - blank - 2);
            to += length - blank - 2;
        } else {
            memcpy(to, line, length);
            to += length;
        }
        *to++ = '\n';
        line += length + (line[length] == '\n');
    }
    free(text);
    return out;
}

static void sample_holds_every_key(void **state)
{
    char *active = sample_all_active();

    (void)state;
    for (size_t i = 0; i < config_keys_count(); i++) {
        char *want = xasprintf("\n%s = ", config_key_name(config_key_at(i)));
        char *inner = xasprintf("    %s = ", config_key_name(config_key_at(i)));

        if (!strstr(active, want) && !strstr(active, inner))
            fail_msg("the sample does not show %s", config_key_at(i)->path);
        free(want);
        free(inner);
    }
    free(active);
}

/* So many lines "key = " outside comments as the table has keys: with the load below, which
 * refuses unknown and doubled keys, each key stands there exactly once. */
static void sample_has_as_many_keys_as_the_table(void **state)
{
    char *active = sample_all_active();
    size_t n = 0;

    (void)state;
    for (const char *p = active; (p = strstr(p, " = ")); p += 3) {
        const char *line = p;

        while (line > active && line[-1] != '\n')
            line--;
        n += memchr(line, '#', (size_t)(p - line)) == NULL;
    }
    assert_int_equal(n, config_keys_count());
    free(active);
}

static void sample_shows_the_defaults(void **state)
{
    char *active = sample_all_active();
    struct config *plain = load_fine(SAMPLE), *full = load_text(active);
    char *a = printed(plain), *b = printed(full);

    (void)state;
    assert_string_equal(a, b);
    free(a);
    free(b);
    free(active);
    (void)config_free(plain);
    (void)config_free(full);
}

static void table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_keys_count(); i++) {
        const struct config_key *k = config_key_at(i);

        assert_non_null(config_key_group(k));
        assert_true(k->help && k->help[strlen(k->help) - 1] == '.');
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(k->path, config_key_at(j)->path);
        if (k->type == KEY_STRING || k->type == KEY_PATH)
            assert_true(k->high > 0);
        if (k->type == KEY_INT)
            assert_true(k->high <= INT32_MAX && k->low < k->high);
        if (k->type == KEY_INT && text_ends(k->path, "_ms"))
            assert_int_equal(k->scale, USEC_MS);
        if (k->type == KEY_INT && text_ends(k->path, "_s"))
            assert_int_equal(k->scale, USEC_S);
    }
}

static void defaults(void **state)
{
    struct config *c = load_text(BASE ALERTS);

    (void)state;
    assert_int_equal(c->limits.memory_mb, 256);
    assert_int_equal(c->limits.max_waiting, 20000);
    assert_int_equal(c->limits.retry_min, USEC_S);
    assert_int_equal(c->limits.retry_max, 300 * USEC_S);
    assert_int_equal(c->topics.state_partitions, 4);
    assert_true(c->topics.outcomes_enabled && c->topics.create);
    assert_int_equal(c->topics.exactly_once, EXACTLY_ONCE_AUTO);
    assert_int_equal(c->connection.auth.grant, GRANT_CLIENT_CREDENTIALS);
    assert_int_equal(c->log.level, LOG_LEVEL_INFO);
    assert_int_equal(c->consumers[0].start, START_EARLIEST);
    assert_string_equal(c->consumers[0].format, "auto");
    assert_int_equal(c->consumers[0].line, 3);
    assert_int_equal(c->producers_count, 0);
    assert_string_equal(c->status.listen, "127.0.0.1:9464");
    (void)config_free(c);
}

static void url_is_normalised(void **state)
{
    struct config *c = load_text("connection: { name = \"t\"; server_url = \"HTTP://[::1]:8080/\";"
                                 " partner_type = \"ServiceNow\"; allow_insecure_loopback = true;"
                                 " auth: { grant = \"api_key\"; api_key = \"k\"; }; };\n"
                                 "kafka: { bootstrap_servers = \"a:1, [::1]:2,c\"; };\n" ALERTS);

    (void)state;
    assert_string_equal(c->connection.server_url, "http://[::1]:8080");
    assert_string_equal(c->connection.host, "[::1]:8080");
    assert_string_equal(c->connection.partner_type, "servicenow");
    (void)config_free(c);
}

static void start_times(void **state)
{
    struct config *c = load_text(BASE "consumers: ( { topics = [\"a\"]; start_from = "
                                      "\"1970-01-01T00:00:01.5Z\"; },"
                                      " { topics = [\"b\"]; start_from = \"latest\"; } );\n");

    (void)state;
    assert_int_equal(c->consumers[0].start, START_TIME);
    assert_int_equal(c->consumers[0].start_time, 1500);
    assert_int_equal(c->consumers[1].start, START_LATEST);
    (void)config_free(c);
}

static void smaller_waiting_lowers_parked(void **state)
{
    struct config *c = load_text(BASE ALERTS "limits: { max_waiting = 0x64; };\n");

    (void)state;
    assert_int_equal(c->limits.max_waiting, 100);
    assert_int_equal(c->limits.max_parked, 100);
    assert_int_equal(c->limits.max_per_alert, 25);
    (void)config_free(c);
}

static void byte_order_mark_and_crlf(void **state)
{
    struct config *c = load_text("\xef\xbb\xbf" BASE ALERTS "log: {\r\n level = \"warn\"; };\r\n");

    (void)state;
    assert_int_equal(c->log.level, LOG_LEVEL_WARN);
    (void)config_free(c);
}

/* Odd texts survive printing and reading again. */
static void print_reads_back(void **state)
{
    struct config *c = load_text(
        SERVER " record_namespace = \"a \\\"b\\\" \\\\ \\xc3\\xa4\";"
               " work_items = [\"incident\", \"u_x\"]; auth: { grant = \"basic\"; username = \"u\";"
               " password = \"env:SNOW_CLIENT_SECRET\"; }; };\n"
               "kafka: { bootstrap_servers = \"k:1\"; properties = [\"sasl.password="
               "env:SNOW_CLIENT_SECRET\", \"client.id=x=y\"]; };\n"
               "consumers: ( { topics = [\"a\", \"^b.*\"]; start_from = \"2026-01-31T08:00:00Z\";"
               " fields = { impact = 2; u_text = \"line\\none\"; active = true; }; },"
               " { topics = (\"c\"); } );\n"
               "producers: ( { table = \"incident\"; fields = [\"number\"];"
               " query = \"active=true\"; } );\nlog: { level = \"off\"; }; memory_mb = 64;\n");
    char *first = printed(c), *second;
    struct config *again = load_text(first);

    (void)state;
    second = printed(again);
    assert_string_equal(first, second);
    assert_int_equal(again->consumers[0].start_time, c->consumers[0].start_time);
    assert_string_equal(again->consumers[0].fields.items[1].value, "line\none");
    assert_string_equal(again->connection.record_namespace, "a \"b\" \\ \xc3\xa4");
    assert_string_equal(again->kafka.properties.items[0].value, "from-environment");
    assert_string_equal(again->kafka.properties.items[1].value, "x=y");
    assert_int_equal(again->producers_count, 2);
    free(first);
    free(second);
    (void)config_free(c);
    (void)config_free(again);
}

static void print_hides_secrets(void **state)
{
    struct config *c = load_text(
        SERVER " auth: { grant = \"password\"; client_id = \"i\"; client_secret = \"hush-1\";"
               " username = \"u\"; password = \"hush-2\"; refresh_token = \"hush-3\";"
               " api_key = \"hush-4\"; }; };\n"
               "kafka: { bootstrap_servers = \"k:1\"; properties = [\"sasl.password=hush-5\","
               " \"ssl.key.pem=hush-6\", \"sasl.oauthbearer.client.secret=hush-7\","
               " \"client.id=seen\"]; };\n" ALERTS);
    char *text = printed(c), *problems;

    (void)state;
    assert_null(strstr(text, "hush"));
    assert_non_null(strstr(text, "client.id=seen"));
    assert_non_null(strstr(text, "sasl.password=<hidden>"));
    problems = problems_of(text);
    assert_non_null(strstr(problems, "is what `config print` shows in place of a secret"));
    free(problems);
    free(text);
    (void)config_free(c);
}

/* No error text repeats a secret, however wrong the place is. */
static void errors_hide_secrets(void **state)
{
    char *problems = problems_of(
        "connection: { name = \"t\"; server_url = \"https://u:hush@acme.service-now.com\";"
        " proxy = \"http://u:hush@p:1\"; auth: { client_id = \"i\"; client_secret = \"hush\\x01\";"
        " password = [\"hush\"]; }; };\n"
        "kafka: { bootstrap_servers = \"k:1\"; properties = [\"sasl.password: hush\","
        " \"sasl.password =hush\", \"group.id=hush\", \"a.secret=1\", \"a.secret=hush\"]; };\n");

    (void)state;
    assert_null(strstr(problems, "hush"));
    assert_non_null(strstr(problems, "client_secret: what it stands for contains a control"));
    free(problems);
}

static struct config *load_secret(const void *bytes, size_t length, char **ret_problem)
{
    char *path = path_of("secret.cfg");
    struct config_errors errors;
    struct config *c;

    write_bytes("secret", bytes, length);
    write_text("secret.cfg",
               SERVER " auth: { client_id = \"i\"; client_secret = \"file:secret\"; }; };\n"
                      "kafka: { bootstrap_servers = \"k:1\"; };\n" ALERTS);
    c = config_load(path, CONFIG_FULL, &errors);
    *ret_problem = xstrdup(errors.count ? errors.items[0].text : "");
    config_errors_done(&errors);
    free(path);
    return c;
}

static void secret_files(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *value, *problem;
    } cases[] = {
        {"s3cret", 6, "s3cret", NULL},
        {"s3cret\n", 7, "s3cret", NULL},
        {"s3cret\r\n", 8, "s3cret", NULL},
        {" s \n", 4, " s ", NULL},
        {"", 0, NULL, "is empty"},
        {"\n", 1, NULL, "is empty"},
        {"a\0b", 3, NULL, "holds a NUL byte"},
        {"a\nb\n", 4, NULL, "contains a line end"},
        {"a\n\n", 3, NULL, "contains a line end"},
    };
    char *problem;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config *c = load_secret(cases[i].bytes, cases[i].length, &problem);

        if (cases[i].value) {
            assert_non_null(c);
            assert_string_equal(c->connection.auth.client_secret.value, cases[i].value);
        } else {
            assert_null(c);
            assert_non_null(strstr(problem, cases[i].problem));
        }
        free(problem);
        (void)config_free(c);
    }
}

static void secret_file_bound(void **state)
{
    char *bytes = xmalloc(CONFIG_SECRET_MAX + 1), *problem;
    struct config *c;

    (void)state;
    memset(bytes, 'x', CONFIG_SECRET_MAX + 1);
    c = load_secret(bytes, CONFIG_SECRET_MAX, &problem);
    assert_non_null(c);
    (void)config_free(c);
    free(problem);
    c = load_secret(bytes, CONFIG_SECRET_MAX + 1, &problem);
    assert_null(c);
    assert_non_null(strstr(problem, "is longer than 64 KiB"));
    free(problem);
    free(bytes);
}

static void secrets_can_stay_away(void **state)
{
    char *path = path_of("test.cfg");
    struct config_errors errors;
    struct config *c;

    (void)state;
    write_text("test.cfg", SERVER " ca_file = \"absent\"; auth: { client_secret ="
                                  " \"file:/nowhere\"; }; };\nkafka: { bootstrap_servers = \"k:1\";"
                                  " properties = [\"sasl.password=env:NOT_SET_AT_ALL\"]; };"
                                  "\n" ALERTS);
    c = config_load(path, CONFIG_NO_SECRETS, &errors);
    assert_non_null(c);
    assert_string_equal(c->connection.auth.client_secret.value, "");
    assert_string_equal(c->connection.auth.client_secret.spec, "file:/nowhere");
    config_errors_done(&errors);
    (void)config_free(c);
    free(path);
}

#define KEY_SIGN_IN " auth: { grant = \"api_key\"; api_key = \"k\";"

static void relative_paths(void **state)
{
    char *want = path_of("store.json");
    struct config *c =
        load_text(SERVER KEY_SIGN_IN " token_store = \"store.json\"; }; };\n"
                                     "kafka: { bootstrap_servers = \"k:1\"; };\n" ALERTS);

    (void)state;
    assert_string_equal(c->connection.auth.token_store, want);
    (void)config_free(c);
    free(want);
}

static void properties_file(void **state)
{
    struct config *c;

    (void)state;
    write_text("props", "# a comment\r\n\n client.id = one \nsasl.password=env:SNOW_CLIENT_SECRET\n"
                        "linger.ms=5");
    c = load_text(SERVER KEY_SIGN_IN " }; };\nkafka: { bootstrap_servers = \"k:1\";"
                                     " properties_file = \"props\"; properties ="
                                     " [\"linger.ms=7\", \"debug=\"]; };\n" ALERTS);
    assert_int_equal(c->kafka.properties.count, 4);
    assert_string_equal(c->kafka.properties.items[0].name, "client.id");
    assert_string_equal(c->kafka.properties.items[0].value, "one");
    assert_string_equal(c->kafka.properties.items[1].value, "from-environment");
    assert_string_equal(c->kafka.properties.items[2].value, "7");
    assert_string_equal(c->kafka.properties.items[3].value, "");
    (void)config_free(c);
}

static char *told;

static void remember(void *arg, const char *text)
{
    char *longer = xasprintf("%s%s\n", told ? told : "", text);

    (void)arg;
    free(told);
    told = longer;
}

static void reload_takes_what_it_may(void **state)
{
    struct config *c = load_text(BASE ALERTS), *next;

    (void)state;
    next = load_text(
        "connection: { name = \"other\"; server_url = \"https://acme.service-now.com\"; auth:"
        " { client_id = \"i\"; client_secret = \"fresh\"; }; };\n"
        "kafka: { bootstrap_servers = \"localhost:9092\"; properties = [\"a=b\"]; };\n"
        "consumers: ( { topics = [\"alerts\", \"more\"]; } );\n"
        "producers: ( { table = \"incident\"; } );\nlog: { level = \"debug\"; };\n");
    config_reload(c, next, remember, NULL);
    (void)config_free(next);
    assert_string_equal(c->connection.auth.client_secret.value, "fresh");
    assert_int_equal(c->log.level, LOG_LEVEL_DEBUG);
    assert_string_equal(c->connection.name, "t");
    assert_int_equal(c->consumers[0].topics.count, 1);
    assert_string_equal(told,
                        "connection.name: the file has another value; it takes a restart\n"
                        "kafka.group_id: the file has another value; it takes a restart\n"
                        "kafka.properties: the file has another value; it takes a restart\n"
                        "consumers[0].topics: the file has another value; it takes a restart\n"
                        "producers: the file has another number of entries; it takes a restart\n");
    free(told);
    told = NULL;
    next = load_text(BASE ALERTS);
    config_reload(next, c, NULL, NULL);
    (void)config_free(c);
    (void)config_free(next);
}

/* The file is the same, the secret behind it is not. */
static void reload_sees_changed_properties(void **state)
{
    static const char text[] =
        SERVER KEY_SIGN_IN " }; };\nkafka: { bootstrap_servers = \"k:1\"; properties ="
                           " [\"sasl.password=file:secret\"]; };\n" ALERTS;
    struct config *c, *next;

    (void)state;
    write_text("secret", "one");
    c = load_text(text);
    write_text("secret", "two");
    next = load_text(text);
    config_reload(c, next, remember, NULL);
    assert_string_equal(told, "kafka.properties: a value behind file: or env: has changed; it "
                              "takes a restart\n");
    free(told);
    told = NULL;
    (void)config_free(c);
    (void)config_free(next);
}

static void reference_has_every_key(void **state)
{
    char *text = NULL;
    size_t length = 0;
    FILE *f = open_memstream(&text, &length);

    (void)state;
    config_reference(f);
    assert_int_equal(fclose(f), 0);
    for (size_t i = 0; i < config_keys_count(); i++) {
        char *want = xasprintf("\n%s  (", config_key_at(i)->path);

        assert_non_null(strstr(text, want));
        free(want);
    }
    assert_non_null(strstr(text, "\nconnection.sync_scope_days  (number, days, 1 to 120, default "
                                 "30, restart)\n"));
    free(text);
}

static unsigned random_next(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void damage(char *text, size_t *length, unsigned *seed)
{
    static const char bits[] = "{}()[]\"\\;:=,#/*@-09xL\n \t\x01\x80\xffge";
    size_t at = random_next(seed) % *length, n = 1 + random_next(seed) % 8;

    n = at + n > *length ? *length - at : n;
    switch (random_next(seed) % 4) {
    case 0: /* another byte */
        text[at] = bits[random_next(seed) % (sizeof(bits) - 1)];
        break;
    case 1: /* something gone */
        memmove(text + at, text + at + n, *length - at - n);
        *length -= n;
        break;
    case 2: /* something twice */
        memmove(text + at + n, text + at, *length - at);
        *length += n;
        break;
    default: /* the end gone, seldom */
        if (random_next(seed) % 8 == 0)
            *length = at + 1;
        break;
    }
}

/* Random damage to the sample: the reader says yes or no, and never both or neither. */
static void random_damage(void **state)
{
    char *sample = sample_all_active(), *path = path_of("fuzz.cfg");
    size_t size = strlen(sample), fine = 0, refused = 0;
    unsigned seed = 20261124;
    int rounds = getenv("ITSM_VALGRIND") ? 150 : 2000;

    (void)state;
    for (int i = 0; i < rounds; i++) {
        char *text = xmalloc(size + 128);
        size_t length = size;
        struct config_errors errors;
        struct config *c;

        (void)snprintf(text, size + 128, "%s", sample);
        for (unsigned n = 1 + random_next(&seed) % 4; n > 0 && length > 0; n--)
            damage(text, &length, &seed);
        write_bytes("fuzz.cfg", text, length);
        c = config_load(path, i % 2 ? CONFIG_FULL : CONFIG_NO_SECRETS, &errors);
        assert_true((c == NULL) == (errors.count > 0));
        for (size_t e = 0; e < errors.count; e++)
            assert_true(text_starts(errors.items[e].text, path));
        fine += c != NULL;
        refused += c == NULL;
        config_errors_done(&errors);
        (void)config_free(c);
        free(text);
    }
    assert_true(fine > 5 && refused > 5);
    free(sample);
    free(path);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) && setenv("SNOW_CLIENT_SECRET", "from-environment", 1) == 0 ? 0 : -1;
}

static int clean_up(void **state)
{
    static const char *const names[] = {"test.cfg", "secret.cfg", "secret", "props", "fuzz.cfg"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = path_of(names[i]);

        (void)unlink(path);
        free(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_sound),
        cmocka_unit_test(sample_loads),
        cmocka_unit_test(sample_holds_every_key),
        cmocka_unit_test(sample_has_as_many_keys_as_the_table),
        cmocka_unit_test(sample_shows_the_defaults),
        cmocka_unit_test(defaults),
        cmocka_unit_test(url_is_normalised),
        cmocka_unit_test(start_times),
        cmocka_unit_test(smaller_waiting_lowers_parked),
        cmocka_unit_test(byte_order_mark_and_crlf),
        cmocka_unit_test(print_reads_back),
        cmocka_unit_test(print_hides_secrets),
        cmocka_unit_test(errors_hide_secrets),
        cmocka_unit_test(secret_files),
        cmocka_unit_test(secret_file_bound),
        cmocka_unit_test(secrets_can_stay_away),
        cmocka_unit_test(relative_paths),
        cmocka_unit_test(properties_file),
        cmocka_unit_test(reload_takes_what_it_may),
        cmocka_unit_test(reload_sees_changed_properties),
        cmocka_unit_test(reference_has_every_key),
        cmocka_unit_test(random_damage),
    };

    return cmocka_run_group_tests(tests, set_up, clean_up);
}
