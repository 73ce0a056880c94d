/* The table of assigned partitions against a plain search. No broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "bridge/kafka/group.h"
#include "bridge/kafka/group_parts.h"

static bool is_c(void *arg, const char *topic)
{
    ++*(int *)arg;
    return strcmp(topic, "c") == 0;
}

static void test_each_partition_is_found_and_no_other(void **state)
{
    static const char *const topics[] = {"b", "a", "state", "c", "a.b", ""};
    struct rand r;

    (void)state;
    rand_seed(&r, 7);
    for (int round = 0; round < 200; round++) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
        struct group_parts p;
        size_t states = 0, left_out = 0;
        int asked = 0;

        for (size_t t = 0; t < 5; t++)
            for (int32_t i = 0; i < 5; i++)
                if (rand_between(&r, 0, 1) == 1) {
                    (void)rd_kafka_topic_partition_list_add(list, topics[t], i);
                    states += t == 2;
                    left_out += t == 3;
                }
        group_parts_init(&p, list, "state", is_c, &asked);
        assert_int_equal(p.count, (size_t)list->cnt - left_out);
        assert_int_equal(group_parts_count(&p, true), states);
        assert_int_equal(group_parts_count(&p, false), p.count - states);
        for (int n = 0; n < 100; n++) {
            const char *topic = topics[rand_between(&r, 0, 5)];
            int32_t i = (int32_t)rand_between(&r, -1, 5);
            bool there = strcmp(topic, "c") != 0 &&
                         rd_kafka_topic_partition_list_find(list, topic, i) != NULL;
            struct group_part *part = group_parts_find(&p, topic, i);

            assert_int_equal(part != NULL, there);
            if (part == NULL)
                continue;
            assert_string_equal(part->topic, topic);
            assert_int_equal(part->partition, i);
            assert_int_equal(part->state, strcmp(topic, "state") == 0);
        }
        group_parts_done(&p);
        rd_kafka_topic_partition_list_destroy(list);
    }
}

static void test_moving_and_storing(void **state)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    struct group_parts p;
    struct group_part *part;
    int asked = 0;

    (void)state;
    (void)rd_kafka_topic_partition_list_add(list, "a", 0);
    group_parts_init(&p, list, NULL, is_c, &asked);
    rd_kafka_topic_partition_list_destroy(list);
    part = group_parts_find(&p, "a", 0);
    assert_int_equal(part->stored, GROUP_NO_OFFSET);
    assert_string_equal(part->metadata, "");
    group_part_move(part, RD_KAFKA_OFFSET_BEGINNING);
    assert_int_equal(part->start, RD_KAFKA_OFFSET_BEGINNING);
    assert_int_equal(part->next, 0);
    group_part_move(part, 9);
    assert_int_equal(part->next, 9);
    /* A NUL inside ends the text, whatever length is claimed. */
    group_part_stored(part, 4, "ab\0cd", 5);
    assert_int_equal(part->stored, 4);
    assert_string_equal(part->metadata, "ab");
    group_part_stored(part, 5, "abcd", 3);
    assert_string_equal(part->metadata, "abc");
    group_parts_done(&p);
    assert_null(group_parts_find(&p, "a", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_partition_is_found_and_no_other),
        cmocka_unit_test(test_moving_and_storing),
    };

    return cmocka_run_group_tests_name("kafka_group_parts", tests, NULL, NULL);
}
