/* HTTP by libcurl's easy interface, one handle for each request: loopback, a few times a second. */
#include "tests/demo/ask.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "bridge/base/buf.h"

#define ANSWER_MAX ((size_t)64 << 20)

static size_t take(char *data, size_t size, size_t count, void *arg)
{
    struct buf *b = arg;

    return buf_add(b, data, size * count) == 0 ? size * count : 0;
}

int ask_text(const char *url, const char *body, char **ret_text, struct err *e)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURLcode rc = CURLE_OUT_OF_MEMORY;
    long status = 0;
    struct buf b;

    buf_init(&b, ANSWER_MAX);
    if (curl == NULL || headers == NULL)
        goto out;
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 5L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &b);
    if (body != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    }
    rc = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
out:
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (rc != CURLE_OK) {
        buf_done(&b);
        return err_set(e, ERR_RETRY, "demo-http", "No answer from %s: %s", url,
                       curl_easy_strerror(rc));
    }
    *ret_text = buf_take(&b, NULL);
    return (int)status;
}

json_t *ask_json(const char *url, const json_t *body, struct err *e)
{
    char *out = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    char *text = NULL;
    int status = ask_text(url, out, &text, e);
    json_t *answer = NULL;
    json_error_t why;

    free(out);
    if (status < 0)
        return NULL;
    if (status == 200)
        answer = json_loads(text, 0, &why);
    if (answer == NULL)
        (void)err_set(e, ERR_FATAL, "demo-http", "%s answered with status %d: %s", url, status,
                      text);
    free(text);
    return answer;
}
