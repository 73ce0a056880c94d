/* The world: time, the broker, and the steps that are neither the bridge's nor ServiceNow's. */
#include "tests/support/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "tests/support/world_internal.h"

void world_say(struct world *w, const char *format, ...)
{
    va_list args;

    if (!w->telling)
        return;
    printf("  %4u %9.3f s  ", w->step, (double)w->now / 1e6);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    printf("\n");
}

void world_break(struct world *w, unsigned what, const char *format, ...)
{
    va_list args;

    w->broken |= what;
    if (!w->telling)
        return;
    printf("  %4u  BROKEN %#x: ", w->step, what);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    printf("\n");
}

const char *world_word(enum alert_state state)
{
    return state == ALERT_CLEARED ? "clear" : state == ALERT_FIRING ? "fire" : "note";
}

msec_t world_wall(const struct world *w)
{
    return WORLD_BEGIN + w->now / USEC_MS;
}

static struct alert *make_alert(const struct world_message *m, bool marked)
{
    struct alert *a = alert_new("azure");
    char name[32];

    (void)snprintf(name, sizeof name, "alert %d", m->alert);
    a->state = m->state;
    a->marked = marked;
    alert_set(&a->series, name);
    alert_set(&a->instance, marked ? name : "");
    alert_set(&a->title, "Something is wrong");
    return a;
}

static void place(struct world *w, int message)
{
    const struct world_message *m = &w->s.message[message];
    struct broker *b = &w->broker[m->partition];
    struct message kafka = {.topic = "alerts",
                            .partition = m->partition,
                            .offset = b->length,
                            .timestamp = WORLD_BEGIN + m->time};

    w->version[message] = (struct version){
        .time = kafka.timestamp, .topic = 7, .partition = m->partition, .offset = kafka.offset};
    w->fact[message] = (struct fact){.state = m->state,
                                     .version = w->version[message],
                                     .own_time = kafka.timestamp,
                                     .fired = MSEC_NONE};
    b->list[b->length++] = message;
    if (w->s.bodies)
        w->alert[message] = make_alert(m, w->s.marked);
}

struct world *world_new(const struct world_setup *s)
{
    struct world *w = xcalloc(1, sizeof *w);

    w->s = *s;
    for (int i = 0; i < WORLD_PROCESSES; i++)
        bridge_start(&w->process[i]);
    for (int i = 0; i < WORLD_PARTITIONS; i++)
        w->broker[i].owner = WORLD_NOBODY;
    for (int i = 0; i < s->messages; i++)
        place(w, i);
    return w;
}

struct world *world_free(struct world *w)
{
    for (int i = 0; i < WORLD_PROCESSES; i++)
        bridge_stop(w, i);
    for (int i = 0; i < w->rows; i++)
        json_decref(w->row[i].columns);
    for (int i = 0; i < w->s.messages; i++)
        (void)alert_free(w->alert[i]);
    free(w);
    return NULL;
}

void world_tell(struct world *w)
{
    w->telling = true;
}

unsigned world_broken(const struct world *w)
{
    return w->broken;
}

unsigned world_dead(const struct world *w)
{
    return w->dead;
}

unsigned world_writes(const struct world *w)
{
    return w->writes;
}

int world_records(const struct world *w, int alert)
{
    int n = 0;

    for (int i = 0; i < w->rows; i++)
        n += w->row[i].alert == alert;
    return n;
}

int world_state(const struct world *w, int alert, uint32_t generation)
{
    int i = snow_find(w, alert, generation);

    return i < 0 ? 0 : w->row[i].state;
}

/* ---------------------------------------------------------------- Kafka */

bool world_arrive(struct world *w)
{
    const struct world_message *m;
    usec_t at;

    if (w->arrived >= w->s.messages)
        return false;
    m = &w->s.message[w->arrived];
    at = m->arrives * USEC_MS;
    w->step++;
    if (w->now < at)
        world_pass(w, at - w->now);
    world_say(w, "message %d arrives in partition %d, alert %d, %s, its time is %lld ms",
              w->arrived, m->partition, m->alert, world_word(m->state), (long long)m->time);
    w->broker[m->partition].arrived++;
    w->arrived++;
    return true;
}

bool world_read(struct world *w, int process, int partition)
{
    struct broker *b = &w->broker[partition];
    int64_t at;

    if (b->owner != process)
        return false;
    at = offsets_position(w->process[process].part[partition].offsets);
    if (at >= b->arrived)
        return false;
    w->step++;
    bridge_receive(w, process, partition, at, b->list[at]);
    return true;
}

bool world_commit(struct world *w, int partition)
{
    struct broker *b = &w->broker[partition];
    struct offsets_note note = {.host = "host", .cut = MSEC_NONE, .end = OFFSETS_NONE};
    struct offsets *o =
        b->owner == WORLD_NOBODY ? NULL : w->process[b->owner].part[partition].offsets;
    struct buf metadata;
    bool cut;

    if (o == NULL || !offsets_dirty(o))
        return false;
    w->step++;
    buf_init(&metadata, WORLD_METADATA - 1);
    offsets_commit(o, &note, WORLD_METADATA - 1, &b->committed, &metadata, &cut);
    memcpy(b->metadata, buf_text(&metadata), metadata.length + 1);
    buf_done(&metadata);
    offsets_committed(o, b->committed);
    world_say(w, "bridge %d commits partition %d: offset %lld, %zu finished above", b->owner,
              partition, (long long)b->committed, offsets_ahead(o));
    check_commit(w, partition);
    return true;
}

/* As flow_taken: what the process has is released; the commit is a step of its own. */
bool world_revoke(struct world *w, int partition)
{
    int owner = w->broker[partition].owner;

    if (owner == WORLD_NOBODY)
        return false;
    w->step++;
    world_say(w, "bridge %d loses its partitions", owner);
    bridge_release(w, owner);
    for (int i = 0; i < WORLD_PARTITIONS; i++)
        if (w->broker[i].owner == owner)
            w->broker[i].owner = WORLD_NOBODY;
    return true;
}

bool world_assign(struct world *w, int partition, int process)
{
    struct broker *b = &w->broker[partition];
    struct partition *x = &w->process[process].part[partition];
    struct offsets_loaded note = {0};
    char why[128];

    if (b->owner != WORLD_NOBODY)
        return false;
    w->step++;
    world_say(w, "partition %d is given to bridge %d at offset %lld", partition, process,
              (long long)b->committed);
    x->epoch = ++w->epoch;
    x->tracker++;
    x->offsets = offsets_new(b->committed, x->epoch);
    x->settle_until = b->started ? w->now + w->s.settle : 0;
    w->process[process].suspect = true;
    b->owner = process;
    b->started = true;
    if (b->metadata[0] != '\0' &&
        offsets_load(x->offsets, b->committed, b->metadata, &note, why, sizeof why) != 0)
        world_break(w, BREAK_EARLY, "commit metadata is not read back: %s", why);
    free(note.host);
    return true;
}

bool world_crash(struct world *w, int process)
{
    w->step++;
    world_say(w, "bridge %d is killed and starts again", process);
    bridge_stop(w, process);
    for (int i = 0; i < WORLD_PARTITIONS; i++)
        if (w->broker[i].owner == process)
            w->broker[i].owner = WORLD_NOBODY;
    bridge_start(&w->process[process]);
    return true;
}

bool world_cure(struct world *w)
{
    if (w->cured || w->dead == 0)
        return false;
    w->step++;
    w->cured = true;
    world_say(w, "the cause of the dead letters is cured, they are written again");
    for (int i = 0; i < w->s.messages; i++) {
        struct broker *b = &w->broker[w->s.message[i].partition];

        if ((w->dead & BIT(i)) == 0)
            continue;
        b->list[b->length++] = i;
        b->arrived++;
    }
    w->dead = 0;
    return true;
}

/* ---------------------------------------------------------------- late requests and time */

static struct request *late(struct world *w, int alert, int action)
{
    for (size_t i = 0; i < WORLD_REQUESTS; i++) {
        struct request *r = &w->request[i];

        if (r->used && r->process == WORLD_NOBODY && r->alert == alert &&
            (action < 0 || (int)r->what.action == action))
            return r;
    }
    return NULL;
}

bool world_late(struct world *w, int alert, int action, bool lands)
{
    struct request *r = late(w, alert, action);

    if (r == NULL)
        return false;
    w->step++;
    r->used = false;
    world_say(w, "the late %s of alert %d %s", action_name(r->what.action), alert,
              lands ? "lands" : "never lands");
    if (lands && !snow_refuses(w, r))
        (void)snow_execute(w, r);
    return true;
}

/* A request that the instance never served has died; a client that still waits is told so. */
void world_pass(struct world *w, usec_t time)
{
    w->now += time;
    world_say(w, "it is %lld ms later", (long long)(time / USEC_MS));
    for (size_t i = 0; i < WORLD_REQUESTS; i++) {
        struct request *r = &w->request[i];

        if (!r->used || r->dies > w->now)
            continue;
        if (r->process == WORLD_NOBODY)
            r->used = false;
        else
            (void)world_answer(w, r->process, r->alert, ANSWER_ERROR);
    }
    for (int i = 0; i < w->s.processes; i++)
        (void)lanes_tick(w->process[i].lanes, w->now);
}
