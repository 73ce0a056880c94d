/* Partitions and commit lists: what is committed, what a refused commit changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/partitions.h"
#include "tests/consumers/standin.h"

#define NOW (100 * USEC_S)

static struct partitions *make(struct config **ret_c)
{
    *ret_c = standin_config("{ name = \"first\"; topics = [\"plain\", \"^al.*\"]; },"
                            "{ name = \"second\"; topics = [\"^alerts$\", \"^b[0-9]+$\"]; }");
    return partitions_new(*ret_c);
}

static struct partition *assigned(struct partitions *p, const char *topic, int32_t number,
                                  int64_t position)
{
    struct partition *x = partitions_get(p, topic, number);

    partition_assign(x, 1, position);
    return x;
}

/* `n` records are read, the one at `open` stays unfinished (-1: none). */
static void read_some(struct partition *x, int n, int open)
{
    int64_t from = offsets_position(x->offsets);

    for (int i = 0; i < n; i++) {
        uint64_t ticket = offsets_receive(x->offsets, from + i);

        if (i != open)
            offsets_done(x->offsets, ticket);
    }
}

static void a_topic_belongs_to_the_first_entry_that_has_it(void **state)
{
    static const struct {
        const char *topic, *entry;
    } cases[] = {{"plain", "first"}, {"plain2", NULL}, {"alerts", "first"}, {"alarm", "first"},
                 {"b7", "second"},   {"b7x", NULL},    {"xalerts", NULL},   {"", NULL}};
    struct config *c;
    struct partitions *p = make(&c);
    struct partition *made;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct config_consumer *x = partitions_consumer(p, cases[i].topic);

        if ((x == NULL) != (cases[i].entry == NULL))
            fail_msg("%s: %s", cases[i].topic, x == NULL ? "none" : x->name);
        if (x != NULL)
            assert_string_equal(x->name, cases[i].entry);
    }
    assert_null(partitions_find(p, "plain", 0));
    made = partitions_get(p, "plain", 0);
    assert_ptr_equal(made, partitions_find(p, "plain", 0));
    assert_ptr_equal(made, partitions_get(p, "plain", 0));
    (void)partitions_free(p);
    (void)config_free(c);
}

static void only_what_changed_is_committed(void **state)
{
    struct config *c;
    struct partitions *p = make(&c);
    struct partition *a = assigned(p, "plain", 0, 10), *b = assigned(p, "plain", 1, 50);
    rd_kafka_topic_partition_list_t *list;

    (void)state;
    (void)partitions_get(p, "plain", 2); /* known, not assigned */
    assert_null(partitions_commit_list(p));
    read_some(a, 4, 1);
    list = partitions_commit_list(p);
    assert_int_equal(list->cnt, 1);
    assert_int_equal(list->elems[0].partition, 0);
    assert_int_equal(list->elems[0].offset, 11);
    assert_false(partitions_committed(p, 1, list));
    rd_kafka_topic_partition_list_destroy(list);
    assert_null(partitions_commit_list(p));
    assert_int_equal(offsets_last_committed(a->offsets), 11);
    assert_int_equal(offsets_last_committed(b->offsets), OFFSETS_NONE);
    (void)partitions_free(p);
    (void)config_free(c);
}

/* What the commit says is what a later owner loads: host, cut, end and the finished ones. */
static void metadata_is_read_back(void **state)
{
    struct config *c;
    struct partitions *p = make(&c);
    struct partition *x = assigned(p, "plain", 0, 10);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    struct offsets_loaded note;
    char why[160];

    (void)state;
    x->cut = 1748773231000;
    x->end = 99;
    partitions_add_first(p, list, x, 7);
    assert_int_equal(list->elems[0].offset, 7);
    read_some(x, 4, 1);
    for (int round = 0; round < 2; round++) {
        rd_kafka_topic_partition_t *e = &list->elems[0];
        int64_t from = round == 0 ? 7 : 11;
        struct offsets *o = offsets_new(from, 1);

        assert_int_equal(e->offset, from);
        assert_int_equal(strlen(e->metadata), e->metadata_size);
        assert_int_equal(offsets_load(o, e->offset, e->metadata, &note, why, sizeof why), 0);
        assert_string_equal(note.host, "acme.service-now.com");
        assert_int_equal(note.cut, x->cut);
        assert_int_equal(note.end, x->end);
        free(note.host);
        if (round == 1) {
            assert_int_not_equal(offsets_receive(o, 11), OFFSETS_FINISHED);
            assert_int_equal(offsets_receive(o, 12), OFFSETS_FINISHED);
        }
        (void)offsets_free(o);
        rd_kafka_topic_partition_list_destroy(list);
        list = partitions_commit_list(p);
    }
    rd_kafka_topic_partition_list_destroy(list);
    (void)partitions_free(p);
    (void)config_free(c);
}

/* Every other record of each partition is unfinished: maps as long as they get. */
static void make_long_maps(struct partition *x)
{
    int64_t from = offsets_position(x->offsets);

    for (int i = 0; i < 40000; i++) {
        uint64_t ticket = offsets_receive(x->offsets, from + i);

        if ((i * 7 + i / 5) % 3 == 1)
            offsets_done(x->offsets, ticket);
    }
}

static void too_large_metadata_is_halved_once_a_commit_down_to_nothing(void **state)
{
    static const size_t bounds[] = {4096, 2048, 1024, 512, 256, 128, 0, 0};
    struct config *c;
    struct partitions *p = make(&c);
    struct partition *x[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        x[i] = assigned(p, "plain", i, 100);
        make_long_maps(x[i]);
        assert_true(partitions_map_full(p, x[i]));
    }
    for (size_t round = 0; round < ARRAY_LEN(bounds); round++) {
        rd_kafka_topic_partition_list_t *list = partitions_commit_list(p);

        assert_non_null(list);
        assert_int_equal(list->cnt, 3);
        for (int i = 0; i < 3; i++) {
            assert_true(list->elems[i].metadata_size <= bounds[round]);
            if (bounds[round] >= 512)
                assert_true(list->elems[i].metadata_size > bounds[round] / 2);
            assert_int_equal(list->elems[i].offset, 100);
            list->elems[i].err = RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE;
        }
        assert_true(partitions_committed(p, 1, list));
        rd_kafka_topic_partition_list_destroy(list);
    }
    (void)partitions_free(p);
    (void)config_free(c);
}

static void a_refused_partition_stays_to_be_committed_the_others_do_not(void **state)
{
    struct config *c;
    struct partitions *p = make(&c);
    struct partition *a = assigned(p, "plain", 0, 0), *b = assigned(p, "plain", 1, 0);
    rd_kafka_topic_partition_list_t *list;

    (void)state;
    read_some(a, 3, -1);
    read_some(b, 5, -1);
    list = partitions_commit_list(p);
    rd_kafka_topic_partition_list_find(list, "plain", 1)->err =
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    assert_true(partitions_committed(p, 1, list));
    rd_kafka_topic_partition_list_destroy(list);
    list = partitions_commit_list(p);
    assert_int_equal(list->cnt, 1);
    assert_int_equal(list->elems[0].partition, 1);
    assert_int_equal(list->elems[0].offset, 5);
    assert_false(partitions_committed(p, 1, list));
    rd_kafka_topic_partition_list_destroy(list);
    assert_null(partitions_commit_list(p));
    (void)partitions_free(p);
    (void)config_free(c);
}

static void an_answer_to_an_older_assignment_means_nothing(void **state)
{
    struct config *c;
    struct partitions *p = make(&c);
    struct partition *x = assigned(p, "plain", 0, 0);
    rd_kafka_topic_partition_list_t *list;

    (void)state;
    read_some(x, 3, -1);
    list = partitions_commit_list(p);
    partition_assign(x, 2, 0);
    read_some(x, 1, -1);
    assert_false(partitions_committed(p, 1, list));
    assert_true(offsets_dirty(x->offsets));
    assert_int_equal(offsets_last_committed(x->offsets), OFFSETS_NONE);
    partition_release(x);
    assert_false(partitions_committed(p, 2, list));
    rd_kafka_topic_partition_list_destroy(list);
    assert_null(partitions_commit_list(p));
    (void)partitions_free(p);
    (void)config_free(c);
}

/* Tickets of a tracker that is gone must not be taken for those of its successor. */
static void every_assignment_has_a_tracker_of_its_own(void **state)
{
    struct config *c;
    struct partitions *p = make(&c);
    struct partition *x = assigned(p, "plain", 0, 0);
    uint64_t first = x->tracker;

    (void)state;
    partition_release(x);
    assert_null(x->offsets);
    partition_assign(x, 1, 0);
    assert_int_not_equal(x->tracker, first);
    (void)partitions_free(p);
    (void)config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_belongs_to_the_first_entry_that_has_it),
        cmocka_unit_test(only_what_changed_is_committed),
        cmocka_unit_test(metadata_is_read_back),
        cmocka_unit_test(too_large_metadata_is_halved_once_a_commit_down_to_nothing),
        cmocka_unit_test(a_refused_partition_stays_to_be_committed_the_others_do_not),
        cmocka_unit_test(an_answer_to_an_older_assignment_means_nothing),
        cmocka_unit_test(every_assignment_has_a_tracker_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
