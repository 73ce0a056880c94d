/* Entries live 1 h when found, 5 min when not: a CMDB changes slowly, but a new server should get
 * its tickets soon. A read that fails counts as "not found" for a minute: an alert never waits for
 * its configuration item longer than one answer. */
#include "consumers/ci.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/query.h"

#define LIFE_FOUND  (3600 * USEC_S)
#define LIFE_NONE   (300 * USEC_S)
#define LIFE_FAILED (60 * USEC_S)
#define BATCH       50
#define ENTRIES_MAX 20000

enum entry_state { ENTRY_WANTED, ENTRY_ASKED, ENTRY_KNOWN };

struct entry {
    char *name;
    enum entry_state state;
    char *sys_id; /* NULL: none */
    char *note;   /* NULL: nothing to say */
    usec_t until;
    UT_hash_handle hh;
};

struct ci_cache {
    struct snow *snow;
    void (*answered)(void *arg, usec_t now);
    void *arg;
    struct entry *entries; /* oldest first */
    size_t wanted;
    bool asking;
    struct buf query;
    usec_t again;
};

struct ci_cache *ci_new(struct snow *s, void (*answered)(void *arg, usec_t now), void *arg)
{
    struct ci_cache *c = xcalloc(1, sizeof *c);

    *c = (struct ci_cache){.snow = s, .answered = answered, .arg = arg};
    buf_init(&c->query, 65536);
    return c;
}

static void drop(struct ci_cache *c, struct entry *e)
{
    HASH_DEL(c->entries, e);
    free(e->name);
    free(e->sys_id);
    free(e->note);
    free(e);
}

struct ci_cache *ci_free(struct ci_cache *c)
{
    struct entry *e, *next;

    if (c == NULL)
        return NULL;
    HASH_ITER (hh, c->entries, e, next)
        drop(c, e);
    buf_done(&c->query);
    free(c);
    return NULL;
}

static void make_room(struct ci_cache *c)
{
    struct entry *e, *next;

    if (HASH_COUNT(c->entries) < ENTRIES_MAX)
        return;
    HASH_ITER (hh, c->entries, e, next) {
        if (e->state == ENTRY_KNOWN) {
            drop(c, e);
            return;
        }
    }
}

static struct entry *entry_get(struct ci_cache *c, const char *name, usec_t now)
{
    struct entry *e;

    HASH_FIND_STR(c->entries, name, e);
    if (e != NULL && e->state == ENTRY_KNOWN && now >= e->until) {
        drop(c, e);
        e = NULL;
    }
    if (e != NULL)
        return e;
    make_room(c);
    e = xcalloc(1, sizeof *e);
    e->name = xstrdup(name);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    HASH_ADD_KEYPTR(hh, c->entries, e->name, strlen(e->name), e);
    if (query_in_ok(name)) {
        c->wanted++;
    } else {
        e->state = ENTRY_KNOWN;
        e->until = now + LIFE_NONE;
        e->note = xstrdup(
            "configuration item left out: its name holds characters that a query cannot carry");
    }
    return e;
}

enum ci_result ci_find(struct ci_cache *c, char *const *names, size_t n, usec_t now,
                       const char **ret_sys_id, const char **ret_note)
{
    bool pending = false;

    *ret_note = "";
    for (size_t i = 0; i < n; i++) {
        struct entry *e = entry_get(c, names[i], now);

        if (e->state != ENTRY_KNOWN) {
            pending = true;
        } else if (e->sys_id != NULL && !pending) {
            *ret_sys_id = e->sys_id;
            return CI_FOUND;
        } else if (e->note != NULL) {
            *ret_note = e->note;
        }
    }
    return pending ? CI_PENDING : CI_NONE;
}

static void know(struct entry *e, usec_t until)
{
    e->state = ENTRY_KNOWN;
    e->until = until;
}

static void take_row(struct ci_cache *c, const json_t *row)
{
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *sys_id = json_string_value(json_object_get(row, "sys_id"));
    struct entry *e;

    if (name == NULL || sys_id == NULL || !query_sys_id_ok(sys_id))
        return;
    HASH_FIND_STR(c->entries, name, e);
    if (e == NULL || e->state != ENTRY_ASKED)
        return;
    if (e->sys_id == NULL && e->note == NULL) {
        e->sys_id = xstrdup(sys_id);
        return;
    }
    free(e->sys_id);
    free(e->note);
    e->sys_id = NULL;
    e->note = xasprintf("configuration item left out: several are named %s", name);
}

static void answer(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                   size_t n, usec_t now)
{
    struct ci_cache *c = arg;
    bool ok = outcomes[0].verdict == SNOW_OK;
    struct entry *e, *next;
    json_t *row;
    size_t i;

    (void)ops;
    (void)n;
    c->asking = false;
    if (ok) {
        json_array_foreach (outcomes[0].result, i, row)
            take_row(c, row);
    } else {
        log_warn("ci-lookup",
                 "code=%s\tConfiguration items could not be looked up: %s. Incidents are created "
                 "without "
                 "one until the next try in a minute",
                 outcomes[0].err.code, outcomes[0].err.text);
    }
    HASH_ITER (hh, c->entries, e, next) {
        if (e->state == ENTRY_ASKED)
            know(e, now + (!ok ? LIFE_FAILED : e->sys_id != NULL ? LIFE_FOUND : LIFE_NONE));
    }
    c->answered(c->arg, now);
}

static int build(struct ci_cache *c)
{
    struct entry *e, *next;
    size_t n = 0;

    buf_clear(&c->query);
    (void)buf_add_text(&c->query, "nameIN");
    HASH_ITER (hh, c->entries, e, next) {
        if (e->state != ENTRY_WANTED || n == BATCH)
            continue;
        (void)buf_addf(&c->query, "%s%s", n == 0 ? "" : ",", e->name);
        e->state = ENTRY_ASKED;
        c->wanted--;
        n++;
    }
    return c->query.failed ? -1 : 0;
}

usec_t ci_tick(struct ci_cache *c, usec_t now)
{
    struct snow_op op = {
        .kind = SNOW_LIST, .table = "cmdb_ci", .fields = "sys_id,name", .limit = 500};
    struct snow_outcome failed = {.verdict = SNOW_REJECTED};

    if (c->wanted == 0 || c->asking || snow_room(c->snow, WINDOW_ALERTS, true, now) == 0)
        return USEC_NEVER;
    c->asking = true;
    if (build(c) == 0) {
        op.query = buf_text(&c->query);
        if (snow_submit(c->snow, WINDOW_ALERTS, &op, 1, answer, c, now, &failed.err) == 0)
            return USEC_NEVER;
    } else {
        (void)err_set(&failed.err, ERR_REJECT, "ci-names", "the names are too long for one query");
    }
    answer(c, &op, &failed, 1, now);
    return now;
}
