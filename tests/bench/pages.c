/* Raw page reader: the bound that a first pull is measured against. Reads a table in pages, oldest
 * first by (sys_updated_on, sys_id), over one connection with libcurl, parses each with jansson and
 * does nothing else. Arguments: URL of the table, user:password, first time, last time, rows a
 * page. Prints one line: rows, seconds. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bytes {
    char *data;
    size_t length, room;
};

static double seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static size_t keep(char *data, size_t size, size_t count, void *arg)
{
    struct bytes *b = arg;
    size_t n = size * count;

    if (b->length + n > b->room) {
        b->room = (b->length + n) * 2;
        b->data = realloc(b->data, b->room);
        if (b->data == NULL)
            abort();
    }
    memcpy(b->data + b->length, data, n);
    b->length += n;
    return n;
}

/* The rows behind (at, id), parsed; NULL when the answer is none. */
static json_t *page(CURL *easy, const char *url, const char *at, const char *id, const char *last,
                    const char *limit, struct bytes *b)
{
    char query[512], full[2048];
    json_t *answer = NULL;

    (void)snprintf(query, sizeof query,
                   "sys_updated_on>=%s^sys_id>%s^ORsys_updated_on>%s^sys_updated_on<=%s"
                   "^ORDERBYsys_updated_on^ORDERBYsys_id",
                   at, id, at, last);
    char *escaped = curl_easy_escape(easy, query, 0);
    (void)snprintf(full, sizeof full,
                   "%s?sysparm_exclude_reference_link=true&sysparm_display_value=false"
                   "&sysparm_query=%s&sysparm_limit=%s&sysparm_suppress_pagination_header=true"
                   "&sysparm_no_count=true",
                   url, escaped, limit);
    curl_free(escaped);
    b->length = 0;
    (void)curl_easy_setopt(easy, CURLOPT_URL, full);
    if (curl_easy_perform(easy) == CURLE_OK)
        answer = json_loadb(b->data, b->length, JSON_REJECT_DUPLICATES, NULL);
    json_t *rows = json_incref(json_object_get(answer, "result"));
    json_decref(answer);
    return rows;
}

int main(int argc, char **argv)
{
    char at[32], id[40] = "0";
    struct bytes b = {0};
    long total = 0;

    if (argc != 6)
        return 2;
    (void)snprintf(at, sizeof at, "%s", argv[3]);
    CURL *easy = curl_easy_init();
    (void)curl_easy_setopt(easy, CURLOPT_USERPWD, argv[2]);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, &b);
    (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    double begin = seconds();
    for (;;) {
        json_t *rows = page(easy, argv[1], at, id, argv[4], argv[5], &b);
        size_t n = json_array_size(rows);

        if (rows == NULL)
            return 1;
        if (n == 0) {
            json_decref(rows);
            break;
        }
        const json_t *row = json_array_get(rows, n - 1);
        (void)snprintf(at, sizeof at, "%s",
                       json_string_value(json_object_get(row, "sys_updated_on")));
        (void)snprintf(id, sizeof id, "%s", json_string_value(json_object_get(row, "sys_id")));
        total += (long)n;
        json_decref(rows);
    }
    (void)printf("%ld rows, %.3f s\n", total, seconds() - begin);
    curl_easy_cleanup(easy);
    free(b.data);
    return 0;
}
