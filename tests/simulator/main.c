/*
 * snow-sim: a ServiceNow instance for tests, on the loopback interface. Here: start, the loop, the
 * clock of the instance, and the end. The main thread runs the timers, the front's thread
 * serves; one lock lets only one of them in.
 */
#include "tests/simulator/choices.h"
#include "tests/simulator/flow.h"
#include "tests/simulator/front.h"
#include "tests/simulator/hides.h"
#include "tests/simulator/import_set.h"
#include "tests/simulator/journal.h"
#include "tests/simulator/oauth.h"
#include "tests/simulator/replay.h"
#include "tests/simulator/schema.h"
#include "tests/simulator/users.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_US                                                                                    \
    100000 /* a signal that comes just before the wait is seen so much later at most               \
            */

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

int64_t sim_now_us(const struct sim *sim)
{
    return clock_wall_us() + sim->set.clock_offset_s * 1000000;
}

int64_t sim_now_s(const struct sim *sim)
{
    return sim_now_us(sim) / 1000000;
}

const char *sim_base(const struct sim *sim)
{
    return sim->set.base_url[0] ? sim->set.base_url : sim->base;
}

static void instance_free(struct sim *sim)
{
    tokens_free(sim);
    users_free(sim);
    faults_free(sim);
    journal_free(sim);
    hides_free(sim);
    import_set_free(sim);
    choices_free(sim);
    if (sim->store)
        store_free(sim->store);
    sim->store = NULL;
}

void sim_reset(struct sim *sim)
{
    instance_free(sim);
    sim->alert_job_waits = false;
    sim->rng.state = (uint64_t)sim->set.seed;
    sim->store = store_new();
    schema_build(sim->store, sim_now_s(sim) - INT64_C(86400) * 365);
    tokens_init(sim);
    users_init(sim);
    faults_init(sim);
    journal_init(sim);
}

static int write_port_file(const struct sim *sim)
{
    const char *path = sim->set.port_file;
    struct str temporary = {0};
    FILE *f;
    int rc = -1;

    if (*path == '\0')
        return 0;
    str_printf(&temporary, "%s.new", path);
    f = fopen(temporary.p, "w");
    if (f != NULL) {
        fprintf(f, "%u\n", (unsigned)front_port(sim));
        rc = fclose(f) == 0 && rename(temporary.p, path) == 0 ? 0 : -1;
    }
    if (rc < 0)
        fprintf(stderr, "snow-sim: cannot write the port file '%s'\n", path);
    str_free(&temporary);
    return rc;
}

static int start_replay(struct sim *sim)
{
    json_t *options;
    char *why = NULL;
    double speed;
    int rc;

    if (sim->set.replay[0] == '\0')
        return 0;
    options = json_pack("{s:s}", "file", sim->set.replay);
    if (parse_double(sim->set.replay_speed, &speed) == 0)
        json_object_set_new(options, "speed", json_real(speed));
    else
        json_object_set_new(options, "speed", json_string(sim->set.replay_speed));
    rc = replay_start(sim, options, &why);
    if (rc < 0)
        fprintf(stderr, "snow-sim: --replay: %s\n", why);
    free(why);
    json_decref(options);
    return rc;
}

static int start(struct sim *sim)
{
    struct str base = {0};

    sim_reset(sim);
    if (front_start(sim) < 0)
        return -1;
    str_printf(&base, "http://127.0.0.1:%u", (unsigned)front_port(sim));
    sim->base = str_take(&base);
    if (start_replay(sim) < 0 || write_port_file(sim) < 0)
        return -1;
    if (!sim->set.quiet)
        printf("listening on %s\n", sim->base);
    fflush(stdout);
    return 0;
}

static void loop(struct sim *sim)
{
    front_lock(sim);
    while (!stop_asked) {
        usec_t next = timers_run(flow_timers(sim), clock_mono());
        usec_t idle = clock_mono() + IDLE_US;

        front_wait(sim, next < idle ? next : idle);
    }
    front_unlock(sim);
}

int main(int argc, char **argv)
{
    struct sim sim = {0};
    struct sigaction on = {.sa_handler = on_signal};
    int rc;

    /* many short-lived blocks between long-lived rows: without fast bins nothing is consolidated
     * again and again, which else costs a fifth of the time */
    mallopt(M_MXFAST, 0);
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 16 << 20);
    settings_init(&sim.set);
    rc = settings_arguments(&sim.set, argc, argv);
    if (rc != 0) {
        settings_free(&sim.set);
        return rc > 0 ? 0 : 2;
    }
    sigaction(SIGTERM, &on, NULL);
    sigaction(SIGINT, &on, NULL);
    signal(SIGPIPE, SIG_IGN);
    flow_init(&sim);
    rc = start(&sim);
    if (rc == 0)
        loop(&sim);
    if (sim.front)
        front_stop(&sim);
    replay_stop(&sim);
    instance_free(&sim);
    flow_free(&sim);
    free(sim.base);
    settings_free(&sim.set);
    return rc == 0 ? 0 : 1;
}
