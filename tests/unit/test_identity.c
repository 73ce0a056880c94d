/* Keys against the vectors that an independent script computed, and the rules that no sample
 * shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/digest.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "tests/support/alert_support.h"

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    assert_non_null(text);
    return text;
}

static void check_vector(const json_t *vector)
{
    struct config_consumer c = alert_support_consumer();
    char *path = xasprintf("%s/map/%s/message.json", TEST_CASES_DIR, member(vector, "case"));
    char *message = alert_support_read(path, NULL), *instance;
    struct message m = alert_support_message(message, strlen(message));
    struct alert *a = alert_support_one(&c, message);
    uint32_t generation = (uint32_t)json_integer_value(json_object_get(vector, "generation"));
    char stamp[STAMP_SIZE];
    struct stamp s;
    struct keys k;

    identity_keys(a, "", "incident", generation, &k);
    instance = identity_instance(a, generation);
    assert_string_equal(a->series, member(vector, "series"));
    assert_string_equal(instance, member(vector, "instance"));
    assert_string_equal(k.sys_id, member(vector, "sys_id"));
    assert_string_equal(k.correlation_id, member(vector, "correlation_id"));
    s = (struct stamp){.series = k.series,
                       .generation = generation,
                       .rank = a->state == ALERT_CLEARED,
                       .version = version_of(&m)};
    stamp_format(&s, stamp);
    assert_string_equal(stamp, member(vector, "stamp"));
    (void)alert_free(a);
    free(instance);
    free(message);
    free(path);
}

static void test_vectors(void **state)
{
    char *text = alert_support_read(TEST_CASES_DIR "/identity/vectors.json", NULL);
    json_t *file = json_loads(text, 0, NULL), *vector;
    json_t *list = json_object_get(file, "vectors");
    size_t i;

    (void)state;
    assert_true(json_array_size(list) >= 31);
    json_array_foreach (list, i, vector) {
        check_vector(vector);
    }
    json_decref(file);
    free(text);
}

static struct keys keys_of(const char *format, const char *short_id, const char *instance)
{
    struct alert *a = alert_new(format);
    struct keys k;

    a->marked = true;
    alert_set(&a->short_id, short_id);
    alert_set(&a->instance, instance);
    identity_keys(a, "", "incident", 0, &k);
    (void)alert_free(a);
    return k;
}

/* Every field counts, and none can be shifted into its neighbour. */
static void test_fields_count(void **state)
{
    struct alert *a = alert_new("azure");
    struct keys base, other;

    (void)state;
    alert_set(&a->series, "s");
    identity_keys(a, "ns", "incident", 1, &base);
    identity_keys(a, "n", "sincident", 1, &other);
    assert_string_not_equal(base.sys_id, other.sys_id);
    identity_keys(a, "ns", "incident", 2, &other);
    assert_string_not_equal(base.sys_id, other.sys_id);
    assert_string_not_equal(base.correlation_id, other.correlation_id);
    assert_true(base.series == other.series);
    alert_set(&a->part, "row-1");
    identity_keys(a, "ns", "incident", 1, &other);
    assert_string_not_equal(base.sys_id, other.sys_id);
    (void)alert_free(a);
}

static void test_correlation_id(void **state)
{
    char id[1001], hex[DIGEST_HEX_SIZE], *text, *want;
    struct keys k;

    (void)state;
    k = keys_of("azure",
                "a^b,c\r\nd\x7f"
                "e\xc2\x85"
                "f\xc3\xa9",
                "i");
    assert_string_equal(k.correlation_id, "azure:a_b_c__d_e_f\xc3\xa9");
    memset(id, 'x', sizeof id);
    id[94] = '\0';
    k = keys_of("azure", id, "i");
    assert_int_equal(strlen(k.correlation_id), 100);
    assert_null(strchr(k.correlation_id, '~'));
    id[94] = 'x';
    id[1000] = '\0';
    text = xasprintf("azure:%s", id);
    digest_hex(text, strlen(text), hex);
    want = xasprintf("%.67s~%.32s", text, hex);
    k = keys_of("azure", id, "i");
    assert_string_equal(k.correlation_id, want);
    free(text);
    free(want);
    for (size_t i = 0; i + 1 < sizeof id; i += 2)
        memcpy(id + i, "\xc3\xa9", 2);
    id[1000] = '\0';
    k = keys_of("azure", id, "i");
    assert_true(text_is_utf8(k.correlation_id, strlen(k.correlation_id)));
    assert_int_equal(strlen(k.correlation_id), 66 + 1 + 32);
}

static void test_shown(void **state)
{
    char id[700], *shown = identity_shown("a\x1f"
                                          "b\nc");

    (void)state;
    assert_string_equal(shown, "a | b_c");
    free(shown);
    memset(id, 'x', sizeof id);
    id[IDENTITY_SHOWN_MAX] = '\0';
    assert_false(identity_is_long(id));
    id[0] = ALERT_SEP[0];
    assert_true(identity_is_long(id));
    shown = identity_shown(id);
    assert_int_equal(strlen(shown), 7 + 64);
    free(shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_fields_count),
        cmocka_unit_test(test_correlation_id),
        cmocka_unit_test(test_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
