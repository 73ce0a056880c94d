/* The loop with real pipes. Nothing sleeps: a turn that ought to return at once is given a wait of
 * 20 s and has to be back long before. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/loop.h"

#define LONG_WAIT (20 * USEC_S)
#define SOON      (10 * USEC_S) /* far below the wait, far above any hiccup */

struct reader {
    struct loop *l;
    int fds[2];
    struct loop_fd *fd;
    unsigned calls;
    bool again, remove_self, stop;
    struct reader *remove_other;
};

static void on_readable(void *arg, usec_t now)
{
    struct reader *r = arg;
    char byte;

    assert_int_equal(now, loop_now(r->l));
    r->calls++;
    assert_int_equal(read(r->fds[0], &byte, 1), 1);
    if (r->again)
        loop_again(r->l);
    if (r->stop)
        loop_stop(r->l);
    if (r->remove_self) {
        loop_remove_fd(r->l, r->fd);
        r->fd = NULL;
    }
    if (r->remove_other != NULL) {
        loop_remove_fd(r->l, r->remove_other->fd);
        r->remove_other->fd = NULL;
    }
}

static void reader_begin(struct reader *r, struct loop *l)
{
    *r = (struct reader){.l = l};
    assert_int_equal(pipe2(r->fds, O_CLOEXEC | O_NONBLOCK), 0);
    r->fd = loop_add_fd(l, r->fds[0], on_readable, r);
}

static void reader_write(const struct reader *r)
{
    assert_int_equal(write(r->fds[1], "x", 1), 1);
}

static void reader_end(struct reader *r)
{
    loop_remove_fd(r->l, r->fd);
    (void)close(r->fds[0]);
    (void)close(r->fds[1]);
}

static struct loop *begin(void)
{
    struct err e;
    struct loop *l = loop_new(&e);

    assert_non_null(l);
    assert_non_null(loop_multi(l));
    return l;
}

/* A turn that must not use up its wait. */
static void quick_turn(struct loop *l)
{
    usec_t before = clock_now();

    loop_turn(l, LONG_WAIT);
    assert_true(clock_now() - before < SOON);
}

static void reads_what_is_there(void **state)
{
    struct loop *l = begin();
    struct reader a, b;

    (void)state;
    reader_begin(&a, l);
    reader_begin(&b, l);
    loop_turn(l, 0);
    assert_int_equal(a.calls + b.calls, 0);
    reader_write(&a);
    reader_write(&a);
    quick_turn(l);
    quick_turn(l); /* level, not edge: the second byte is still there */
    assert_int_equal(a.calls, 2);
    assert_int_equal(b.calls, 0);
    reader_write(&b);
    quick_turn(l);
    assert_int_equal(b.calls, 1);
    assert_int_equal(loop_turns(l), 4);
    assert_true(loop_last_turn(l) >= 0 && loop_last_turn(l) < SOON);
    reader_end(&a);
    reader_end(&b);
    assert_null(loop_free(l));
    assert_null(loop_free(NULL));
}

/* Whoever is removed in a turn is not called again in it, though its descriptor was ready. */
static void removal_inside_a_callback(void **state)
{
    struct loop *l = begin();
    struct reader a, b;

    (void)state;
    reader_begin(&a, l);
    reader_begin(&b, l);
    a.remove_self = true;
    a.remove_other = &b;
    reader_write(&a);
    reader_write(&a);
    reader_write(&b);
    quick_turn(l);
    loop_turn(l, 0);
    assert_int_equal(a.calls, 1);
    assert_int_equal(b.calls, 0);
    reader_end(&a);
    reader_end(&b);
    (void)loop_free(l);
}

/* A reader that stopped early asks for another turn: nothing else would wake the loop. */
static void again_from_a_descriptor(void **state)
{
    struct loop *l = begin();
    struct reader a;

    (void)state;
    reader_begin(&a, l);
    loop_turn(l, 0);
    a.again = true;
    reader_write(&a);
    quick_turn(l);
    assert_int_equal(a.calls, 1);
    quick_turn(l);
    assert_int_equal(loop_turns(l), 3);
    reader_end(&a);
    (void)loop_free(l);
}

struct ticker {
    struct loop *l;
    struct loop_tick *tick;
    usec_t next; /* what it returns; relative when `relative` */
    bool relative, again, remove_self, stop;
    unsigned calls;
};

static usec_t on_tick(void *arg, usec_t now)
{
    struct ticker *t = arg;

    assert_int_equal(now, loop_now(t->l));
    t->calls++;
    if (t->again)
        loop_again(t->l);
    if (t->remove_self)
        loop_remove_tick(t->l, t->tick);
    if (t->stop && t->calls == 5)
        loop_stop(t->l);
    return t->relative ? now + t->next : t->next;
}

static void ticks_set_the_deadline(void **state)
{
    struct loop *l = begin();
    struct ticker far = {.l = l, .next = USEC_NEVER}, near = {.l = l, .next = 20 * USEC_MS};
    usec_t due;

    (void)state;
    near.relative = true;
    far.tick = loop_add_tick(l, on_tick, &far);
    near.tick = loop_add_tick(l, on_tick, &near);
    quick_turn(l); /* a new tick is called at once, for its first deadline */
    assert_int_equal(near.calls, 1);
    due = loop_now(l) + 20 * USEC_MS;
    quick_turn(l);
    assert_true(loop_now(l) >= due);
    assert_int_equal(near.calls, 2);
    assert_int_equal(far.calls, 2);
    loop_remove_tick(l, near.tick);
    loop_turn(l, 0);
    assert_int_equal(near.calls, 2);
    assert_int_equal(far.calls, 3);
    far.again = true;
    loop_turn(l, 0);
    quick_turn(l); /* loop_again in a tick that has no deadline itself */
    far.again = false;
    far.remove_self = true;
    quick_turn(l);
    loop_turn(l, 0);
    assert_int_equal(far.calls, 6);
    loop_remove_tick(l, NULL);
    loop_remove_fd(l, NULL);
    (void)loop_free(l);
}

static void *wake(void *arg)
{
    loop_wake(arg);
    return NULL;
}

static void wake_from_another_thread(void **state)
{
    struct loop *l = begin();
    pthread_t thread;

    (void)state;
    loop_turn(l, 0);
    assert_int_equal(pthread_create(&thread, NULL, wake, l), 0);
    quick_turn(l);
    assert_int_equal(pthread_join(thread, NULL), 0);
    loop_wake(l); /* also before the wait */
    quick_turn(l);
    (void)loop_free(l);
}

static void count_transfers(void *arg, usec_t now)
{
    (void)now;
    ++*(unsigned *)arg;
}

static void runs_until_stopped(void **state)
{
    struct loop *l = begin();
    struct ticker t = {.l = l, .relative = true, .stop = true};
    unsigned transfers = 0;

    (void)state;
    loop_on_transfers(l, count_transfers, &transfers);
    t.tick = loop_add_tick(l, on_tick, &t);
    loop_run(l);
    assert_int_equal(t.calls, 5);
    assert_int_equal(transfers, 5);
    assert_int_equal(loop_turns(l), 5);
    (void)loop_free(l); /* frees ticks that are still in it */
}

/* No tick, no deadline: the longest wait that there is ends by a byte that is there already. */
static void waits_without_a_deadline(void **state)
{
    struct loop *l = begin();
    struct reader a;

    (void)state;
    reader_begin(&a, l);
    loop_turn(l, 0);
    loop_turn(l, 0);
    a.stop = true;
    reader_write(&a);
    loop_run(l);
    assert_int_equal(a.calls, 1);
    reader_end(&a);
    (void)loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_there),      cmocka_unit_test(removal_inside_a_callback),
        cmocka_unit_test(again_from_a_descriptor),  cmocka_unit_test(ticks_set_the_deadline),
        cmocka_unit_test(wake_from_another_thread), cmocka_unit_test(runs_until_stopped),
        cmocka_unit_test(waits_without_a_deadline),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
