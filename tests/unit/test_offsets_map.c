/* Commit metadata: known texts, and a reader that believes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/digest.h"
#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "consumers/offsets_map.h"

static const struct offsets_note short_note = {"h", MSEC_NONE, OFFSETS_NONE};

static char *write_map(const struct offsets_note *n, int64_t base, const struct offsets_runs *runs,
                       size_t max, bool *ret_cut)
{
    struct buf out;

    buf_init(&out, 1 << 16);
    offsets_map_write(&out, n, base, runs, max, ret_cut);
    return buf_take(&out, NULL);
}

/* The text with the check that belongs to it, computed anew. */
static char *seal(const char *text, int64_t base)
{
    char *all = xasprintf("%lld %s", (long long)base, text), *sealed;
    char hex[DIGEST_HEX_SIZE];

    digest_hex(all, strlen(all), hex);
    sealed = xasprintf("%s%.8s", text, hex);
    free(all);
    return sealed;
}

static void assert_map(const struct offsets_runs *runs, int64_t base, const char *wanted)
{
    bool cut;
    char *got = write_map(&short_note, base, runs, 4096, &cut);
    char *text = xasprintf("1 h - - %s ", wanted), *sealed = seal(text, base);

    assert_string_equal(got, sealed);
    assert_false(cut);
    assert_int_equal(offsets_map_length(runs, base), strlen(wanted));
    assert_int_equal(offsets_note_chars(&short_note) + strlen(wanted), strlen(got));
    free(got);
    free(text);
    free(sealed);
}

/* These bytes stand in brokers: they may not change within version 1. */
static void known_texts(void **state)
{
    const struct offsets_note note = {"acme.service-now.com", 1714000000000, 4711};
    struct offsets_runs runs = {0};
    char *text;
    bool cut;

    (void)state;
    assert_map(&runs, 100, "-");
    offsets_runs_add(&runs, 101, 3);
    assert_map(&runs, 100, "bO");
    offsets_runs_add(&runs, 106, 1000000);
    assert_map(&runs, 100, "rBDCgywe");
    text = write_map(&note, 100, &runs, 4096, &cut);
    assert_string_equal(text, "1 acme.service-now.com 1714000000000 4711 rBDCgywe 095f8c3d");
    free(text);
    offsets_runs_done(&runs);
}

static void random_runs(struct rand *r, int64_t base, struct offsets_runs *runs)
{
    int64_t far = (int64_t)1 << rand_between(r, 0, 40), at = base + rand_between(r, 0, far);

    for (int64_t n = rand_between(r, 0, 400); n > 0; n--) {
        int64_t count = rand_between(r, 1, rand_between(r, 0, 3) == 0 ? far : 5);

        offsets_runs_add(runs, at, count);
        at += count + rand_between(r, 1, rand_between(r, 0, 3) == 0 ? far : 5);
    }
}

static int64_t covered(const struct offsets_runs *runs)
{
    int64_t sum = 0;

    for (size_t i = 0; i < runs->count; i++)
        sum += runs->items[i].count;
    return sum;
}

/* Every run of `part` lies in a run of `whole`. */
static bool within(const struct offsets_runs *part, const struct offsets_runs *whole)
{
    size_t w = 0;

    for (size_t i = 0; i < part->count; i++) {
        const struct offsets_run *p = &part->items[i];

        while (w < whole->count && whole->items[w].first + whole->items[w].count <= p->first)
            w++;
        if (w == whole->count || p->first < whole->items[w].first ||
            p->first + p->count > whole->items[w].first + whole->items[w].count)
            return false;
    }
    return true;
}

static void round_trip(void **state)
{
    struct rand r;

    (void)state;
    rand_seed(&r, 11);
    for (int n = 0; n < 4000; n++) {
        int64_t base = rand_between(&r, 0, INT64_C(1) << 50);
        struct offsets_runs runs = {0}, back = {0};
        size_t max = (size_t)rand_between(&r, 0, 600), need;
        struct offsets_loaded loaded;
        char why[128], *text;
        bool cut;

        random_runs(&r, base, &runs);
        need = offsets_note_chars(&short_note) + offsets_map_length(&runs, base);
        text = write_map(&short_note, base, &runs, max, &cut);
        assert_true(strlen(text) <= max);
        assert_int_equal(cut, runs.count > 0 && need > max);
        if (*text != '\0') {
            assert_int_equal(offsets_map_read(text, base, &loaded, &back, why, sizeof why), 0);
            assert_true(within(&back, &runs));
            assert_int_equal(covered(&back) < covered(&runs), cut);
            assert_int_equal(loaded.cut, MSEC_NONE);
            assert_int_equal(loaded.end, OFFSETS_NONE);
            free(loaded.host);
        } else {
            assert_true(max <= offsets_note_chars(&short_note));
        }
        free(text);
        offsets_runs_done(&runs);
        offsets_runs_done(&back);
    }
}

/* A cut map holds what fits, not nothing. */
static void cut_keeps_the_near_end(void **state)
{
    size_t note = offsets_note_chars(&short_note);
    struct offsets_runs runs = {0}, back = {0};
    struct offsets_loaded loaded;
    char why[128], *text;
    bool cut;

    (void)state;
    for (int64_t i = 0; i < 1000; i++)
        offsets_runs_add(&runs, 1 + 2 * i, 1);
    text = write_map(&short_note, 0, &runs, note + 11, &cut);
    assert_true(cut);
    assert_int_equal(offsets_map_read(text, 0, &loaded, &back, why, sizeof why), 0);
    assert_int_equal(covered(&back), 30); /* ten characters of six offsets, half of them finished */
    assert_int_equal(back.items[0].first, 1);
    free(loaded.host);
    free(text);
    offsets_runs_done(&back);
    text = write_map(&short_note, 0, &runs, note + 1, &cut);
    assert_true(cut);
    assert_int_equal(strlen(text), note + 1);
    free(text);
    offsets_runs_done(&runs);
}

static void refuse(const char *text, int64_t base, const char *wanted)
{
    struct offsets_loaded loaded = {.host = NULL, .cut = 5, .end = 6};
    struct offsets_runs runs = {0};
    char why[128] = "?";

    assert_int_equal(offsets_map_read(text, base, &loaded, &runs, why, sizeof why), -1);
    assert_null(loaded.host);
    assert_int_equal(loaded.cut, 5);
    assert_int_equal(loaded.end, 6);
    assert_null(runs.items);
    if (wanted != NULL)
        assert_string_equal(why, wanted);
    else
        assert_string_not_equal(why, "?");
}

static void foreign_texts(void **state)
{
    (void)state;
    refuse("", 0, "");
    refuse("node-7", 0, "another program wrote it (no version in front)");
    refuse("1", 0, "another program wrote it (no version in front)");
    refuse("12345678 x", 0, "another program wrote it (no version in front)");
    refuse("2 acme - - - 00000000", 0, "it has version 2, this release reads only version 1");
    refuse("10 acme", 0, "it has version 10, this release reads only version 1");
    refuse("1 ", 0, "it is damaged (too short)");
    refuse("1 acme - - - 00000000", 0,
           "it is damaged or was made for another offset (check differs)");
}

static void every_damage_is_seen(void **state)
{
    struct offsets_runs runs = {0};
    char *text;
    bool cut;

    (void)state;
    offsets_runs_add(&runs, 1001, 7);
    offsets_runs_add(&runs, 1100, 70000);
    text = write_map(&short_note, 1000, &runs, 4096, &cut);
    refuse(text, 999, "it is damaged or was made for another offset (check differs)");
    for (size_t i = strlen(text); i-- > 0;) {
        char old = text[i];

        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            if (text[i] != old)
                refuse(text, 1000, NULL);
        }
        text[i] = old;
    }
    free(text);
    offsets_runs_done(&runs);
}

static void refuse_sealed(const char *text)
{
    char *sealed = seal(text, 1000);

    refuse(sealed, 1000, "it is malformed, although its check is right");
    free(sealed);
}

static void malformed_texts(void **state)
{
    static const char *const texts[] = {
        "1 ",
        "1 h - - ",
        "1 h - - - - ",
        "1  - - - - ",
        "1 h x - - ",
        "1 h - 99999999999999999999 - ",
        "1 h - - x ",
        "1 h - - rB ",
        "1 h - - rBA ",
        "1 h - - rB$ ",
        "1 h - - b\x80 ",
        "1 h - - rg ",
        "1 h - - rBgggggggggggggB ", /* more than 63 bits */
        "1 h - - rBggggggggggggI ",
        "1 h - - rB____________H ", /* ends beyond the last offset */
        "1 h - - r____________HB ",
        "1 %4 - - - ",
        "1 %00 - - - ",
        "1 %zz - - - ",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        refuse_sealed(texts[i]);
}

/* Right check, wild map: whatever comes back rises and does not touch. */
static void wild_maps(void **state)
{
    static const char any[] = "rb-ABCDEFghijklm0123456789_-$ ";
    struct rand r;

    (void)state;
    rand_seed(&r, 23);
    for (int n = 0; n < 20000; n++) {
        char map[40] = "r", *text, *sealed, why[128];
        int64_t base = rand_between(&r, 0, 1) ? 7 : INT64_MAX - rand_between(&r, 1, 300);
        struct offsets_loaded loaded;
        struct offsets_runs runs = {0};

        map[0] = rand_between(&r, 0, 1) ? 'r' : 'b';
        for (int64_t i = rand_between(&r, 1, 38); i > 0; i--)
            map[i] = any[rand_between(&r, 0, 27)];
        text = xasprintf("1 h 5 6 %s ", map);
        sealed = seal(text, base);
        if (offsets_map_read(sealed, base, &loaded, &runs, why, sizeof why) == 0) {
            for (size_t i = 0; i < runs.count; i++) {
                assert_true(runs.items[i].count > 0);
                assert_true(runs.items[i].first >= base);
                assert_true(i == 0 || runs.items[i].first >
                                          runs.items[i - 1].first + runs.items[i - 1].count);
            }
            free(loaded.host);
            offsets_runs_done(&runs);
        }
        free(text);
        free(sealed);
    }
}

static void any_host_comes_back(void **state)
{
    static const char *const hosts[] = {"acme.service-now.com", "[::1]:8443", "a b", "100%",
                                        "z\xc3\xbcst",          "line\nbreak"};
    struct offsets_runs none = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        const struct offsets_note note = {hosts[i], -1, 0};
        struct offsets_loaded loaded;
        struct offsets_runs runs;
        char why[128], *text;
        bool cut;

        text = write_map(&note, 5, &none, 4096, &cut);
        assert_false(cut);
        assert_int_equal(offsets_map_read(text, 5, &loaded, &runs, why, sizeof why), 0);
        assert_string_equal(loaded.host, hosts[i]);
        assert_int_equal(loaded.cut, -1);
        assert_int_equal(loaded.end, 0);
        for (const char *p = text; *p != '\0'; p++)
            assert_in_range(*p, 0x20, 0x7e);
        free(loaded.host);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(cut_keeps_the_near_end),
        cmocka_unit_test(foreign_texts),
        cmocka_unit_test(every_damage_is_seen),
        cmocka_unit_test(malformed_texts),
        cmocka_unit_test(wild_maps),
        cmocka_unit_test(any_host_comes_back),
    };

    return cmocka_run_group_tests_name("offsets_map", tests, NULL, NULL);
}
