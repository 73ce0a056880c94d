/* Token store: what is read back, what is refused, and that a failed write leaves the old file. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "bridge/servicenow/token_store.h"

static const struct token_binding us = {"acme.service-now.com", "client", "joe"};

struct place {
    char folder[64];
    char *path;
};

static int set_up(void **state)
{
    struct place *p = xcalloc(1, sizeof *p);

    (void)snprintf(p->folder, sizeof p->folder, "/tmp/token-test.XXXXXX");
    if (mkdtemp(p->folder) == NULL)
        return -1;
    p->path = xasprintf("%s/token.json", p->folder);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;

    (void)unlink(p->path);
    (void)rmdir(p->folder);
    free(p->path);
    free(p);
    return 0;
}

static void put(const struct place *p, const char *text, mode_t mode)
{
    FILE *f = fopen(p->path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(p->path, mode), 0);
}

static void refused(const struct place *p, const char *phrase)
{
    struct token_record r = {.expires_at = 7};
    struct err e;

    assert_int_equal(token_store_load(p->path, &us, &r, &e), -1);
    assert_int_equal(e.class, ERR_CONFIG);
    assert_non_null(strstr(e.text, phrase));
    assert_null(strstr(e.text, "sesame"));
    assert_true(r.expires_at == 7 && r.access_token == NULL);
}

static void save(const struct place *p)
{
    struct token_record r = {.access_token = xstrdup("sesame\"1"),
                             .refresh_token = xstrdup("sesame2"),
                             .expires_at = 1795557240000,
                             .refused_salt = xstrdup("00ff"),
                             .refused_digest = xstrdup("abcd"),
                             .refused_at = 1795557240001};
    struct err e;

    assert_int_equal(token_store_save(p->path, &us, &r, &e), 0);
    token_record_done(&r);
    assert_null(r.access_token);
}

static void test_round_trip(void **state)
{
    struct place *p = *state;
    struct token_record r;
    struct stat st;
    struct err e;

    save(p);
    save(p); /* replaces */
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(token_store_load(p->path, &us, &r, &e), 0);
    assert_string_equal(r.access_token, "sesame\"1");
    assert_string_equal(r.refresh_token, "sesame2");
    assert_string_equal(r.refused_salt, "00ff");
    assert_string_equal(r.refused_digest, "abcd");
    assert_true(r.expires_at == 1795557240000 && r.refused_at == 1795557240001);
    token_record_done(&r);
    assert_int_equal(token_store_remove(p->path, &e), 0);
    assert_int_equal(token_store_remove(p->path, &e), 0);
    assert_int_equal(rmdir(p->folder), 0); /* nothing was left beside it */
}

static void test_missing_is_empty(void **state)
{
    struct place *p = *state;
    struct token_record r;

    assert_int_equal(token_store_load(p->path, &us, &r, NULL), 0);
    assert_null(r.access_token);
    put(p, "", 0600);
    assert_int_equal(token_store_load(p->path, &us, &r, NULL), 0);
    assert_null(r.access_token);
}

static void test_foreign_binding(void **state)
{
    static const struct {
        struct token_binding b;
        const char *phrase;
    } cases[] = {{{"clone.service-now.com", "client", "joe"}, "server_url"},
                 {{"acme.service-now.com", "other", "joe"}, "client_id"},
                 {{"acme.service-now.com", "client", "jane"}, "username"}};
    struct place *p = *state;

    save(p);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct token_record r;
        struct err e;

        assert_int_equal(token_store_load(p->path, &cases[i].b, &r, &e), -1);
        assert_non_null(strstr(e.text, cases[i].phrase));
    }
}

static void test_mode_and_kind(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0660, 0700, 0644, 0400};
    struct place *p = *state;
    char *target = xasprintf("%s/target", p->folder);

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        save(p);
        assert_int_equal(chmod(p->path, modes[i]), 0);
        refused(p, "mode");
    }
    assert_int_equal(rename(p->path, target), 0);
    assert_int_equal(chmod(target, 0600), 0);
    assert_int_equal(symlink(target, p->path), 0);
    refused(p, "symbolic link");
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(unlink(target), 0);
    assert_int_equal(mkfifo(p->path, 0600), 0);
    refused(p, "not a plain file");
    free(target);
}

static void test_owner(void **state)
{
    struct place *p = *state;

    save(p);
    if (chown(p->path, 65534, (gid_t)-1) != 0)
        skip(); /* only root can give a file away */
    refused(p, "belongs to user");
}

static void test_damaged(void **state)
{
    struct place *p = *state;
    char *large = xcalloc(1, 70001);

    put(p, "{\"version\":1,\"access_token\":\"sesame", 0600);
    refused(p, "damaged");
    put(p, "[]", 0600);
    refused(p, "damaged");
    put(p, "{\"version\":2,\"access_token\":\"sesame\"}", 0600);
    refused(p, "version 2");
    put(p, "{\"access_token\":\"sesame\"}", 0600);
    refused(p, "version 0");
    put(p, "{\"version\":1,\"access_token\":\"sesame\"}", 0600);
    refused(p, "another");
    memset(large, ' ', 70000);
    put(p, large, 0600);
    refused(p, "larger");
    free(large);
}

static void test_failed_write(void **state)
{
    struct place *p = *state;
    struct token_record r = {0};
    struct token_binding odd = us;
    struct err e;

    assert_int_equal(token_store_save("/nowhere/at/all/token.json", &us, &r, &e), -1);
    assert_non_null(strstr(e.text, "memory only"));
    odd.username = "\xff";
    assert_int_equal(token_store_save(p->path, &odd, &r, &e), -1);
    /* The target is a folder: the rename fails, and nothing stays beside it. */
    assert_int_equal(mkdir(p->path, 0700), 0);
    assert_int_equal(token_store_save(p->path, &us, &r, &e), -1);
    assert_int_equal(rmdir(p->path), 0);
    assert_int_equal(rmdir(p->folder), 0);
}

int main(void)
{
#define STORE_TEST(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_round_trip),      STORE_TEST(test_missing_is_empty),
        STORE_TEST(test_foreign_binding), STORE_TEST(test_mode_and_kind),
        STORE_TEST(test_owner),           STORE_TEST(test_damaged),
        STORE_TEST(test_failed_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
