/* One token store for several processes, files that change under a running bridge, and a life of a
 * hundred days. The second process is played: it writes the store, or holds its lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/buf.h"
#include "bridge/base/xalloc.h"
#include "tests/support/oauth_rig.h"

#define DAY (86400 * USEC_S)

static const char *const secrets[] = {"s&cret=%+;#", "pass word^1", "new-pass", "given-R",
                                      "Tok",         "Ref",         NULL};

static char old_refresh[] = "given-R0";

static int set_up(void **state)
{
    *state = oauth_rig_new();
    return 0;
}

static int tear_down(void **state)
{
    oauth_rig_free(*state, secrets);
    return 0;
}

static void sign_in(struct oauth_rig *r)
{
    oauth_rig_start(r);
    oauth_rig_grant(r, "Tok1", "Ref1");
    (void)oauth_rig_tick(r, 0);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
}

/* Rotated by another process: the 401 is answered by reading, not by asking. */
static void test_rotated_by_another(void **state)
{
    struct oauth_rig *r = *state;

    sign_in(r);
    oauth_rig_write(r, "Tok2", "Ref2", 1800 * USEC_S);
    oauth_rig_reject(r, 100 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok2");
    assert_int_equal(oauth_rig_requests(r), 1);
    /* Then that one is revoked, and nothing newer is there: its refresh token is used. */
    oauth_rig_grant(r, "Tok3", NULL);
    oauth_rig_reject(r, 0);
    (void)oauth_rig_tick(r, 100 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok3");
    assert_non_null(strstr(oauth_rig_form(r, 1), "&refresh_token=Ref2"));
}

/* Also a fresh token: no back-off. */
static void test_fresh_token_rotated(void **state)
{
    struct oauth_rig *r = *state;

    sign_in(r);
    oauth_rig_write(r, "Tok2", "Ref2", 1800 * USEC_S);
    oauth_rig_reject(r, 0);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok2");
    assert_int_equal(oauth_rig_requests(r), 1);
}

/* The store's own token got the 401: it is not taken again. */
static void test_rejected_is_not_taken_again(void **state)
{
    struct oauth_rig *r = *state;

    sign_in(r);
    oauth_rig_write(r, "Tok1", "Ref1", 1800 * USEC_S);
    oauth_rig_grant(r, "Tok2", NULL);
    oauth_rig_reject(r, 100 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "");
    (void)oauth_rig_tick(r, 100 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok2");
}

/* While another process asks, this one waits, then takes what it got. */
static void test_one_asks_at_a_time(void **state)
{
    struct oauth_rig *r = *state;
    struct err e;
    usec_t next;
    int lock = token_lock_try(r->store, &e);

    assert_true(lock >= 0);
    assert_int_equal(token_lock_try(r->store, &e), -1);
    oauth_rig_start(r);
    for (int i = 0; i < 5; i++) {
        next = oauth_rig_tick(r, i * USEC_S);
        assert_int_equal(oauth_state(r->oauth), OAUTH_FETCHING); /* no failure */
        assert_true(next - oauth_rig_now(r) - i * USEC_S <= USEC_S);
    }
    assert_int_equal(oauth_rig_requests(r), 0);
    oauth_rig_write(r, "Tok1", "Ref1", 1800 * USEC_S);
    token_unlock(lock);
    (void)oauth_rig_tick(r, 6 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 6 * USEC_S), "Bearer Tok1");
    assert_int_equal(oauth_rig_requests(r), 0);
}

/* A stopped process that holds the lock does not stop the others for ever. */
static void test_lock_held_for_ever(void **state)
{
    struct oauth_rig *r = *state;
    struct err e;
    int lock = token_lock_try(r->store, &e);

    oauth_rig_start(r);
    oauth_rig_grant(r, "Tok1", "Ref1");
    (void)oauth_rig_tick(r, 0);
    (void)oauth_rig_tick(r, 89 * USEC_S);
    assert_int_equal(oauth_rig_requests(r), 0);
    (void)oauth_rig_tick(r, 91 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
    assert_int_equal(oauth_rig_said(r, "token-lock"), 1);
    token_unlock(lock);
}

/* The lock is held from before the question until the answer is in the store. */
static void test_lock_covers_the_call(void **state)
{
    struct oauth_rig *r = *state;
    const struct script_step step = {.hold = true, .status = 503};
    struct err e;
    int lock;

    script_server_push(r->server, &step);
    oauth_rig_start(r);
    (void)oauth_tick(r->oauth, oauth_rig_now(r));
    while (oauth_rig_requests(r) == 0)
        loop_turn(r->loop, USEC_MS);
    assert_int_equal(token_lock_try(r->store, &e), -1);
    script_server_release(r->server, 1);
    while (http_in_flight(r->http) > 0)
        loop_turn(r->loop, USEC_S);
    lock = token_lock_try(r->store, &e);
    assert_true(lock >= 0);
    token_unlock(lock);
    /* Ended in the middle: freed too. */
    script_server_push(r->server, &step);
    (void)oauth_tick(r->oauth, oauth_rig_now(r) + 400 * USEC_S);
    r->oauth = oauth_free(r->oauth);
    lock = token_lock_try(r->store, &e);
    assert_true(lock >= 0);
    token_unlock(lock);
}

/* Another process was refused: this one does not send the same again. */
static void test_refusal_of_another(void **state)
{
    struct oauth_rig *r = *state;
    struct oauth_rig *other = oauth_rig_new();

    oauth_rig_push(other, 401, OAUTH_DENIED);
    oauth_rig_push(other, 401, OAUTH_DENIED);
    other->c.auth.token_store = r->store;
    oauth_rig_start(r);
    oauth_rig_start(other);
    (void)oauth_rig_tick(other, 0);
    (void)oauth_rig_tick(other, 6 * USEC_S);
    assert_int_equal(oauth_state(other->oauth), OAUTH_BROKEN);
    (void)oauth_rig_tick(r, 0);
    assert_int_equal(oauth_state(r->oauth), OAUTH_BROKEN);
    assert_int_equal(oauth_rig_requests(r), 0);
    oauth_rig_free(other, secrets);
}

/* The store is read again before the sign-in is called broken: an administrator's copy, say. */
static void test_refused_then_found(void **state)
{
    struct oauth_rig *r = *state;

    r->c.auth.grant = GRANT_REFRESH_TOKEN;
    oauth_rig_write(r, "Tok0", "Ref1", 0);
    oauth_rig_start(r);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    (void)oauth_rig_tick(r, 0);
    (void)oauth_tick(r->oauth, oauth_rig_now(r) + 6 * USEC_S);
    oauth_rig_write(r, "Tok0", "Ref2", 0);
    oauth_rig_grant(r, "Tok1", NULL);
    (void)oauth_rig_tick(r, 6 * USEC_S);
    (void)oauth_rig_tick(r, 6 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
    assert_non_null(strstr(oauth_rig_form(r, 2), "&refresh_token=Ref2"));
}

/* `login` while the bridge stands broken: no restart, no signal. */
static void test_new_store_heals(void **state)
{
    struct oauth_rig *r = *state;

    r->c.auth.grant = GRANT_REFRESH_TOKEN;
    oauth_rig_start(r);
    (void)oauth_rig_tick(r, 0);
    assert_int_equal(oauth_state(r->oauth), OAUTH_BROKEN);
    assert_non_null(strstr(oauth_reason(r->oauth), "itsm-bridge login"));
    (void)oauth_watch(r->oauth, oauth_rig_now(r));
    assert_int_equal(oauth_state(r->oauth), OAUTH_BROKEN);
    oauth_rig_write(r, "Tok1", "Ref1", 1800 * USEC_S);
    (void)oauth_watch(r->oauth, oauth_rig_now(r) + USEC_S); /* not yet */
    assert_int_equal(oauth_state(r->oauth), OAUTH_BROKEN);
    (void)oauth_watch(r->oauth, oauth_rig_now(r) + 2 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
    assert_int_equal(oauth_rig_said(r, "sign-in-taken-over"), 1);
    assert_int_equal(oauth_rig_requests(r), 0);
}

/* A store of somebody else, or a damaged one, under a running bridge: told once, not used. */
static void test_bad_store_is_not_used(void **state)
{
    struct oauth_rig *r = *state;

    sign_in(r);
    oauth_rig_put(r->store, "{\"version\": 1, \"host\": \"other\", \"access_token\": \"Tok9\"}");
    for (int i = 1; i <= 5; i++)
        (void)oauth_watch(r->oauth, oauth_rig_now(r) + 2 * USEC_S * i);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
    assert_int_equal(oauth_rig_said(r, "The tokens in memory are used on"), 1);
    assert_int_equal(unlink(r->store), 0);
    (void)oauth_watch(r->oauth, oauth_rig_now(r) + 20 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
    /* The refresh token in memory outlives the file. */
    oauth_rig_grant(r, "Tok2", NULL);
    (void)oauth_rig_tick(r, 1500 * USEC_S);
    assert_non_null(strstr(oauth_rig_form(r, 1), "&refresh_token=Ref1"));
}

static void from_file(struct oauth_rig *r, struct config_secret *secret, char **ret_spec)
{
    *ret_spec = xasprintf("file:%s", r->secret_file);
    oauth_rig_put(r->secret_file, secret->value);
    secret->spec = *ret_spec;
}

/* A corrected password in its file ends the 15 minutes; the same one does not. */
static void test_secret_file_changes(void **state)
{
    struct oauth_rig *r = *state;
    char *spec;

    from_file(r, &r->c.auth.password, &spec);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_start(r);
    (void)oauth_rig_tick(r, 0);
    (void)oauth_rig_tick(r, 6 * USEC_S);
    assert_int_equal(oauth_state(r->oauth), OAUTH_BROKEN);
    oauth_rig_put(r->secret_file, "pass word^1\n"); /* another file, the same password */
    (void)oauth_watch(r->oauth, oauth_rig_now(r) + 10 * USEC_S);
    oauth_rig_put(r->secret_file, ""); /* half written */
    (void)oauth_watch(r->oauth, oauth_rig_now(r) + 12 * USEC_S);
    (void)oauth_rig_tick(r, 12 * USEC_S);
    assert_int_equal(oauth_rig_requests(r), 2);
    assert_int_equal(oauth_state(r->oauth), OAUTH_BROKEN);
    oauth_rig_put(r->secret_file, "new-pass\n");
    oauth_rig_grant(r, "Tok1", "Ref1");
    (void)oauth_watch(r->oauth, oauth_rig_now(r) + 14 * USEC_S);
    (void)oauth_rig_tick(r, 14 * USEC_S);
    assert_non_null(strstr(oauth_rig_form(r, 2), "&password=new-pass"));
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
    free(spec);
}

/* The endpoint says of a wrong client_secret what it says of a dead refresh token. Where that token
 * is all there is, it outlives the refusal, in memory and in the store, and the right secret heals.
 */
static void test_wrong_secret_keeps_the_refresh_token(void **state)
{
    struct oauth_rig *r = *state;
    struct token_record kept = {0};
    char *spec;

    from_file(r, &r->c.auth.client_secret, &spec);
    r->c.auth.grant = GRANT_REFRESH_TOKEN;
    r->c.auth.refresh_token.value = old_refresh;
    oauth_rig_write(r, "Tok0", "Ref1", 0);
    for (int i = 0; i < 4; i++)
        oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_put(r->secret_file, "wrong");
    oauth_rig_start(r);
    for (int i = 0; i < 5; i++)
        (void)oauth_rig_tick(r, 6 * USEC_S * i);
    assert_int_equal(oauth_state(r->oauth), OAUTH_BROKEN);
    assert_int_equal(oauth_rig_requests(r), 4);
    assert_non_null(strstr(oauth_rig_form(r, 1), "&refresh_token=Ref1"));
    assert_non_null(strstr(oauth_rig_form(r, 3), "&refresh_token=given-R0"));
    oauth_rig_read(r, &kept);
    assert_string_equal(kept.refresh_token, "Ref1");
    token_record_done(&kept);
    /* The same again is not sent, after a restart neither, and says what to do. */
    oauth_rig_start(r);
    (void)oauth_rig_tick(r, 30 * USEC_S);
    assert_int_equal(oauth_rig_requests(r), 4);
    assert_non_null(strstr(oauth_reason(r->oauth), "itsm-bridge login"));
    /* Another wrong secret is told of anew. */
    for (int i = 0; i < 4; i++)
        oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_put(r->secret_file, "wrong as well");
    (void)oauth_watch(r->oauth, oauth_rig_now(r) + 40 * USEC_S);
    for (int i = 0; i < 5; i++)
        (void)oauth_rig_tick(r, 40 * USEC_S + 6 * USEC_S * i);
    assert_int_equal(oauth_rig_requests(r), 8);
    assert_int_equal(oauth_rig_said(r, "error sign-in-broken"), 3);
    oauth_rig_grant(r, "Tok1", NULL);
    oauth_rig_put(r->secret_file, "s&cret=%+;#");
    (void)oauth_watch(r->oauth, oauth_rig_now(r) + 80 * USEC_S);
    (void)oauth_rig_tick(r, 80 * USEC_S);
    assert_non_null(strstr(oauth_rig_form(r, 8), "&refresh_token=Ref1"));
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
    free(spec);
}

/* The configured refresh token takes over from a dead one of the store, for good. */
static void test_configured_refresh_token_takes_over(void **state)
{
    struct oauth_rig *r = *state;
    struct token_record kept = {0};

    r->c.auth.grant = GRANT_REFRESH_TOKEN;
    r->c.auth.refresh_token.value = old_refresh;
    oauth_rig_write(r, "Tok0", "Ref1", 0);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_grant(r, "Tok1", NULL);
    oauth_rig_grant(r, "Tok2", NULL);
    oauth_rig_start(r);
    for (int i = 0; i < 3; i++)
        (void)oauth_rig_tick(r, 6 * USEC_S * i);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
    (void)oauth_rig_tick(r, 1500 * USEC_S);
    assert_non_null(strstr(oauth_rig_form(r, 2), "&refresh_token=given-R0"));
    assert_non_null(strstr(oauth_rig_form(r, 3), "&refresh_token=given-R0"));
    oauth_rig_read(r, &kept);
    assert_null(kept.refresh_token);
    token_record_done(&kept);
}

/* Changed between start and refusal: the new one is tried before anything is called broken. */
static void test_secret_read_before_broken(void **state)
{
    struct oauth_rig *r = *state;
    char *spec;

    from_file(r, &r->c.auth.password, &spec);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_grant(r, "Tok1", "Ref1");
    oauth_rig_start(r);
    (void)oauth_rig_tick(r, 0);
    oauth_rig_put(r->secret_file, "new-pass");
    (void)oauth_rig_tick(r, 6 * USEC_S);
    assert_int_not_equal(oauth_state(r->oauth), OAUTH_BROKEN);
    (void)oauth_rig_tick(r, 6 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
    assert_non_null(strstr(oauth_rig_form(r, 2), "&password=new-pass"));
    free(spec);
}

static void test_constant_follows_its_file(void **state)
{
    struct oauth_rig *r = *state;
    char *spec;

    r->c.auth.grant = GRANT_BASIC;
    from_file(r, &r->c.auth.password, &spec);
    oauth_rig_start(r);
    (void)oauth_rig_tick(r, 0);
    assert_string_equal(oauth_rig_authorization(r, 0), "Basic am9lOnBhc3Mgd29yZF4x");
    oauth_rig_put(r->secret_file, "new-pass");
    (void)oauth_watch(r->oauth, oauth_rig_now(r) + 2 * USEC_S);
    (void)oauth_rig_tick(r, 2 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Basic am9lOm5ldy1wYXNz");
    free(spec);
}

static void test_constant_refusal_survives_restart(void **state)
{
    struct oauth_rig *r = *state;

    r->c.auth.grant = GRANT_BASIC;
    oauth_rig_start(r);
    (void)oauth_rig_tick(r, 0);
    oauth_rig_reject(r, 0);
    (void)oauth_rig_tick(r, 6 * USEC_S);
    oauth_rig_reject(r, 7 * USEC_S);
    for (int i = 0; i < 3; i++) {
        oauth_rig_start(r);
        (void)oauth_rig_tick(r, 0);
        assert_int_equal(oauth_state(r->oauth), OAUTH_BROKEN);
        assert_string_equal(oauth_rig_authorization(r, 0), "");
    }
}

/* Days 0 to 99 with a refresh each; the refresh token ends with the hundredth. */
static void live_99_days(struct oauth_rig *r)
{
    static const int warned[] = {86, 93, 97, 99};
    size_t marks = 0;

    for (int day = 1; day < 100; day++) {
        char *token = xasprintf("TokDay%d", day);

        /* The documents disagree on whether the answer carries the refresh token again. */
        oauth_rig_grant(r, token, day % 2 == 0 ? "Ref1" : NULL);
        (void)oauth_rig_tick(r, day * DAY + 3600 * USEC_S);
        assert_string_equal(oauth_rig_authorization(r, 0) + strlen("Bearer "), token);
        assert_non_null(strstr(oauth_rig_form(r, (size_t)day), "&refresh_token=Ref1"));
        if (marks < ARRAY_LEN(warned) && day == warned[marks])
            marks++;
        if (oauth_rig_said(r, "sign-in-ends") != marks)
            fail_msg("day %d: warned %u times", day, oauth_rig_said(r, "sign-in-ends"));
        if (day == 90) { /* a restart says nothing twice */
            oauth_rig_start(r);
            (void)oauth_rig_tick(r, 0);
        }
        free(token);
    }
}

static void check_life(struct oauth_rig *r, usec_t ahead, usec_t left, enum oauth_life source)
{
    struct oauth_refresh life;

    oauth_refresh_life(r->oauth, oauth_rig_now(r) + ahead, &life);
    assert_true(life.there);
    assert_true(life.left <= left && life.left >= left - 60 * USEC_S);
    assert_int_equal(life.source, source);
}

static void test_hundred_days_password(void **state)
{
    struct oauth_rig *r = *state;

    sign_in(r);
    check_life(r, 0, OAUTH_REFRESH_LIFE, OAUTH_LIFE_ASSUMED);
    live_99_days(r);
    check_life(r, 99 * DAY, DAY, OAUTH_LIFE_ASSUMED); /* refreshing has not moved it */
    assert_int_equal(oauth_rig_said(r, "connection.auth.password"), 4);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_grant(r, "TokNew", "Ref2");
    for (int i = 0; i < 3; i++)
        (void)oauth_rig_tick(r, 101 * DAY);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer TokNew");
    assert_non_null(strstr(oauth_rig_form(r, 102), "grant_type=password"));
    check_life(r, 0, OAUTH_REFRESH_LIFE, OAUTH_LIFE_ASSUMED);
    assert_int_equal(oauth_rig_said(r, "sign-in-broken"), 0);
}

static void test_hundred_days_refresh_alone(void **state)
{
    struct oauth_rig *r = *state;

    oauth_rig_write(r, "Tok0", "Ref1", 0);
    r->c.auth.grant = GRANT_REFRESH_TOKEN;
    sign_in(r);
    live_99_days(r);
    assert_int_equal(oauth_rig_said(r, "Run `itsm-bridge login` before"), 4);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    (void)oauth_rig_tick(r, 101 * DAY);
    (void)oauth_rig_tick(r, 101 * DAY);
    assert_int_equal(oauth_state(r->oauth), OAUTH_BROKEN);
    assert_non_null(strstr(oauth_reason(r->oauth), "itsm-bridge login"));
    /* And the cure cures. */
    oauth_rig_write(r, "TokNew", "Ref2", 1800 * USEC_S);
    (void)oauth_watch(r->oauth, oauth_rig_now(r) + 101 * DAY);
    assert_string_equal(oauth_rig_authorization(r, 101 * DAY), "Bearer TokNew");
}

/* How the end is known, from best to least; a grant by password moves it on. */
static void test_sources_of_life(void **state)
{
    struct oauth_rig *r = *state;
    struct buf metrics;
    usec_t now;

    r->c.auth.refresh_life = 90 * DAY;
    sign_in(r);
    now = oauth_rig_now(r);
    check_life(r, 0, 90 * DAY, OAUTH_LIFE_CONFIGURED);
    assert_false(oauth_asks_life(r->oauth, now + 10 * USEC_S));
    assert_true(oauth_asks_life(r->oauth, now + 61 * USEC_S));
    oauth_told_life(r->oauth, clock_wall() + 50 * DAY / USEC_MS, now);
    assert_false(oauth_asks_life(r->oauth, now + 61 * USEC_S));
    check_life(r, 0, 50 * DAY, OAUTH_LIFE_ASKED);
    oauth_rig_start(r); /* known across restarts */
    (void)oauth_rig_tick(r, 0);
    check_life(r, 0, 50 * DAY, OAUTH_LIFE_ASKED);
    oauth_told_life(r->oauth, 0, now); /* the instance does not say: what is known stays */
    check_life(r, 0, 50 * DAY, OAUTH_LIFE_ASKED);
    oauth_rig_push(r, 200,
                   "{\"access_token\":\"Tok2\",\"refresh_token\":\"Ref1\",\"expires_in\":1800,"
                   "\"token_type\":\"Bearer\",\"refresh_token_expires_in\":\"864000\"}");
    (void)oauth_rig_tick(r, 1500 * USEC_S);
    check_life(r, 0, 10 * DAY, OAUTH_LIFE_ANSWERED);
    buf_init(&metrics, 100000);
    assert_int_equal(metrics_print(r->metrics, &metrics), 0);
    assert_non_null(strstr(buf_text(&metrics), "oauth_refresh_token_life_seconds 86"));
    assert_non_null(
        strstr(buf_text(&metrics), "oauth_refresh_token_life_source{source=\"answer\"} 1\n"));
    buf_done(&metrics);
}

static void test_no_refresh_token_no_life(void **state)
{
    struct oauth_rig *r = *state;
    struct oauth_refresh life;

    r->c.auth.grant = GRANT_CLIENT_CREDENTIALS;
    sign_in(r);
    oauth_refresh_life(r->oauth, oauth_rig_now(r), &life);
    assert_false(life.there);
    assert_false(oauth_asks_life(r->oauth, oauth_rig_now(r) + 100 * USEC_S));
    (void)oauth_tick(r->oauth, oauth_rig_now(r) + 1000 * USEC_S);
    assert_int_equal(oauth_rig_said(r, "sign-in-ends"), 0);
}

static void test_life_of_rows(void **state)
{
    json_t *rows = json_loads(
        "[{\"type\":\"access_token\",\"expires\":\"2030-01-01 00:00:00\",\"peer.client_id\":\"c\","
        "\"user.user_name\":\"u\"},"
        "{\"type\":\"refresh_token\",\"expires\":\"2027-01-01 00:00:00\",\"peer.client_id\":\"c\","
        "\"user.user_name\":\"u\"},"
        "{\"type\":\"refresh_token\",\"expires\":\"2027-02-01 00:00:00\",\"peer.client_id\":\"c\","
        "\"user.user_name\":\"other\"},"
        "{\"type\":\"refresh_token\",\"expires\":\"2028-01-01 00:00:00\"},"
        "{\"type\":\"refresh_token\",\"expires\":\"\",\"peer.client_id\":\"c\"}]",
        0, NULL);
    msec_t want;

    (void)state;
    assert_int_equal(clock_parse("2027-01-01T00:00:00Z", &want), 0);
    assert_true(oauth_life_read(rows, "c", "u") == want);
    assert_int_equal(clock_parse("2027-02-01T00:00:00Z", &want), 0);
    assert_true(oauth_life_read(rows, "c", "") == want);
    assert_true(oauth_life_read(rows, "d", "") == 0);
    assert_true(oauth_life_read(NULL, "c", "") == 0);
    json_decref(rows);
}

static void test_marks(void **state)
{
    static const struct {
        usec_t left;
        int mark;
    } cases[] = {{15 * DAY, 0}, {14 * DAY, 14}, {7 * DAY + 1, 14}, {7 * DAY, 7},
                 {3 * DAY, 3},  {DAY + 1, 3},   {DAY, 1},          {0, 1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(oauth_life_mark(cases[i].left), cases[i].mark);
}

int main(void)
{
#define SHARE_TEST(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SHARE_TEST(test_rotated_by_another),
        SHARE_TEST(test_fresh_token_rotated),
        SHARE_TEST(test_rejected_is_not_taken_again),
        SHARE_TEST(test_one_asks_at_a_time),
        SHARE_TEST(test_lock_held_for_ever),
        SHARE_TEST(test_lock_covers_the_call),
        SHARE_TEST(test_refusal_of_another),
        SHARE_TEST(test_refused_then_found),
        SHARE_TEST(test_new_store_heals),
        SHARE_TEST(test_bad_store_is_not_used),
        SHARE_TEST(test_secret_file_changes),
        SHARE_TEST(test_wrong_secret_keeps_the_refresh_token),
        SHARE_TEST(test_configured_refresh_token_takes_over),
        SHARE_TEST(test_secret_read_before_broken),
        SHARE_TEST(test_constant_follows_its_file),
        SHARE_TEST(test_constant_refusal_survives_restart),
        SHARE_TEST(test_hundred_days_password),
        SHARE_TEST(test_hundred_days_refresh_alone),
        SHARE_TEST(test_sources_of_life),
        SHARE_TEST(test_no_refresh_token_no_life),
        cmocka_unit_test(test_life_of_rows),
        cmocka_unit_test(test_marks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
