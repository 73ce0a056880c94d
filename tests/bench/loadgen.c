/* Raw load generator: the bound that the bridge is measured against. Sends ready-made incident
 * bodies over N connections with libcurl and nothing else; with --parse each request is preceded by
 * a jansson parse of an alert message and a dump of the body, which is what any bridge must do.
 * Prints one line: requests, seconds, user+system CPU seconds. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct slot {
    CURL *easy;
    char *body;
};

struct load {
    const char *url, *userpwd, *message;
    long total, sent, done, failed;
    struct curl_slist *headers;
};

static double seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static size_t swallow(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count;
}

static char *make_body(const struct load *l, long n)
{
    json_t *body = json_object();
    char id[33], *text;

    if (l->message != NULL)
        json_decref(json_loads(l->message, JSON_REJECT_DUPLICATES, NULL));
    (void)snprintf(id, sizeof id, "%032lx", n + 1);
    (void)json_object_set_new(body, "sys_id", json_string(id));
    (void)json_object_set_new(body, "short_description", json_string("raw load"));
    (void)json_object_set_new(body, "correlation_id", json_string(id));
    (void)json_object_set_new(body, "impact", json_string("2"));
    (void)json_object_set_new(body, "urgency", json_string("2"));
    (void)json_object_set_new(body, "description",
                              json_string("A description of the usual length. A description of the "
                                          "usual length. A description of the usual length."));
    text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

static void start(struct load *l, CURLM *multi, struct slot *s)
{
    free(s->body);
    s->body = make_body(l, l->sent++);
    (void)curl_easy_setopt(s->easy, CURLOPT_URL, l->url);
    (void)curl_easy_setopt(s->easy, CURLOPT_USERPWD, l->userpwd);
    (void)curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, l->headers);
    (void)curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, swallow);
    (void)curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    (void)curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, s->body);
    (void)curl_multi_add_handle(multi, s->easy);
}

static void take_finished(struct load *l, CURLM *multi)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(multi, &left)) != NULL) {
        CURL *easy = m->easy_handle;
        CURLcode code = m->data.result;
        struct slot *s;
        long status = 0;

        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &s);
        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        l->failed += code != CURLE_OK || status != 201;
        l->done++;
        (void)curl_multi_remove_handle(multi, easy);
        if (l->sent < l->total)
            start(l, multi, s);
    }
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t length = 0;

    if (f == NULL)
        return NULL;
    if (getdelim(&text, &length, '\0', f) < 0) {
        free(text);
        text = NULL;
    }
    (void)fclose(f);
    return text;
}

static double cpu_seconds(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    struct load l = {.total = 1000};
    long connections = 8;
    char *message = NULL;
    struct slot *slots;
    CURLM *multi;
    double begin;
    int running;

    if (argc < 5) {
        (void)fprintf(stderr,
                      "usage: loadgen URL USER:PASSWORD REQUESTS CONNECTIONS [MESSAGE-FILE]\n");
        return 2;
    }
    l.url = argv[1];
    l.userpwd = argv[2];
    l.total = strtol(argv[3], NULL, 10);
    connections = strtol(argv[4], NULL, 10);
    if (argc > 5 && (message = read_file(argv[5])) == NULL) {
        perror(argv[5]);
        return 2;
    }
    l.message = message;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    slots = calloc((size_t)connections, sizeof *slots);
    l.headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (multi == NULL || slots == NULL || l.headers == NULL)
        return 1;
    begin = seconds();
    for (long i = 0; i < connections && l.sent < l.total; i++) {
        slots[i].easy = curl_easy_init();
        start(&l, multi, &slots[i]);
    }
    while (l.done < l.total) {
        (void)curl_multi_perform(multi, &running);
        take_finished(&l, multi);
        if (l.done < l.total)
            (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    printf("%ld requests %.4f seconds %.4f cpu %ld failed\n", l.done, seconds() - begin,
           cpu_seconds(), l.failed);
    for (long i = 0; i < connections; i++) {
        curl_easy_cleanup(slots[i].easy);
        free(slots[i].body);
    }
    free(slots);
    free(message);
    curl_slist_free_all(l.headers);
    (void)curl_multi_cleanup(multi);
    curl_global_cleanup();
    return l.failed > 0;
}
