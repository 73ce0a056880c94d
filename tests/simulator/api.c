/*
 * From path to function, and what each kind of request costs. Paths that name nothing get the
 * platform's 400.
 */
#include "tests/simulator/api.h"
#include "tests/simulator/import_set.h"
#include "tests/simulator/oauth.h"

#include <stdlib.h>
#include <string.h>

struct route {
    char version[4]; /* "", "/v1", "/v2" */
    char *kind, *table, *id;
};

/* Splits /api/now[/vN]/KIND[/TABLE[/ID]]. Returns 0, or -1 for other paths. */
static int route_read(const char *path, struct route *ret)
{
    struct route r = {0};
    char **part[3] = {&r.kind, &r.table, &r.id};

    if (strncmp(path, "/api/now/", 9) != 0)
        return -1;
    path += 9;
    if (path[0] == 'v' && path[1] >= '1' && path[1] <= '9' && path[2] == '/') {
        memcpy(r.version, path - 1, 3);
        path += 3;
    }
    for (int i = 0; i < 3 && *path; i++) {
        size_t n = i == 2 ? strlen(path) : strcspn(path, "/");

        *part[i] = xstrndup(path, n);
        path += n + (path[n] == '/');
    }
    *ret = r;
    return 0;
}

static void route_free(struct route *r)
{
    free(r->kind);
    free(r->table);
    free(r->id);
}

char *api_table_name(const char *path)
{
    struct route r;
    char *name;

    if (route_read(path, &r) < 0)
        return NULL;
    name = r.table;
    r.table = NULL;
    route_free(&r);
    return name;
}

bool api_open(const char *path)
{
    return strcmp(path, "/oauth_token.do") == 0 || strcmp(path, "/oauth_revoke_token.do") == 0 ||
           strcmp(path, "/oauth_revoke.do") == 0;
}

usec_t api_commit_delay(struct sim *sim, double ms)
{
    double factor = sim->set.commit_delay_random ? rng_unit(&sim->rng) : 1.0;

    return ms > 0 ? (usec_t)(ms * 1000 * factor) : 0;
}

static double page_ms(const struct sim *sim, const struct request *r)
{
    const char *limit = request_arg(r, "sysparm_limit");
    int64_t n = 10000;

    if (limit)
        (void)parse_int(limit, &n);
    return sim->set.page_ms + (n > 0 ? sim->set.page_row_us * (double)n / 1000 : 0);
}

usec_t api_cost(struct sim *sim, const struct request *r, usec_t *ret_commit)
{
    const struct settings *set = &sim->set;
    struct route route;
    double ms = 0;

    *ret_commit = 0;
    if (api_open(r->path))
        return (usec_t)(set->token_ms * 1000);
    if (strcmp(r->path, "/api/global/em/jsonv2") == 0)
        return events_cost(sim, r);
    if (route_read(r->path, &route) < 0)
        return 0;
    if (strcmp(r->method, "POST") == 0 && route.kind && strcmp(route.kind, "batch") == 0) {
        route_free(&route);
        return batch_cost(sim, r);
    }
    if (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0) {
        ms = route.id ? set->read_ms : page_ms(sim, r);
    } else {
        ms = strcmp(r->method, "POST") == 0 ? set->insert_ms : set->update_ms;
        *ret_commit = api_commit_delay(sim, set->commit_delay_ms);
    }
    route_free(&route);
    return (usec_t)(ms * 1000);
}

static void no_resource(struct answer *a)
{
    answer_error(a, 400, "Requested URI does not represent any resource", NULL);
}

static void now_serve(struct sim *sim, struct request *r, struct answer *a)
{
    struct route route;

    if (route_read(r->path, &route) < 0) {
        no_resource(a);
        return;
    }
    if (route.kind && route.table && strcmp(route.kind, "table") == 0)
        table_serve(sim, r, route.version, route.table, route.id, a);
    else if (route.kind && route.table && strcmp(route.kind, "stats") == 0)
        aggregate_serve(sim, r, route.table, a);
    else if (route.kind && route.table && strcmp(route.kind, "import") == 0)
        import_set_serve(sim, r, route.table, a);
    else if (route.kind && strcmp(route.kind, "batch") == 0 && strcmp(r->method, "POST") == 0)
        batch_serve(sim, r, a);
    else
        no_resource(a);
    route_free(&route);
}

void api_serve(struct sim *sim, struct request *r, struct answer *a)
{
    if (strcmp(r->path, "/oauth_token.do") == 0)
        oauth_token(sim, r, a);
    else if (api_open(r->path))
        oauth_revoke(sim, r, a);
    else if (strcmp(r->path, "/api/global/em/jsonv2") == 0 && strcmp(r->method, "POST") == 0)
        events_serve(sim, r, a);
    else
        now_serve(sim, r, a);
}
