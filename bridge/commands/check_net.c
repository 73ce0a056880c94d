/* The way to the instance: name, connection, TLS. One connection is opened the way the HTTP client
 * opens its own (same authority, proxy and checks), and closed without a request. */
#include "bridge/commands/check_parts.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "bridge/base/text.h"

#define DAY_MS       86400000LL
#define DAYS_LEAST   7
#define DAYS_TO_NOTE 30

/* The days that the first certificate of the chain, the server's own, is still valid. */
static bool days_left(const struct curl_certinfo *info, msec_t now, long long *ret_days)
{
    const struct curl_slist *s = info == NULL || info->num_of_certs < 1 ? NULL : info->certinfo[0];
    struct tm tm;
    X509 *x = NULL;
    bool known = false;
    BIO *bio;

    while (s != NULL && !text_starts(s->data, "Cert:"))
        s = s->next;
    if (s == NULL)
        return false;
    bio = BIO_new_mem_buf(s->data + strlen("Cert:"), -1);
    x = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (x != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1) {
        *ret_days = ((long long)timegm(&tm) * 1000 - now) / DAY_MS;
        known = true;
    }
    X509_free(x);
    BIO_free(bio);
    return known;
}

static CURL *connection_new(const struct config_connection *c, char *reason)
{
    CURL *easy = curl_easy_init();

    if (easy == NULL)
        return NULL;
    (void)curl_easy_setopt(easy, CURLOPT_URL, c->server_url);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(c->connect_timeout / USEC_MS));
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
    if (c->ca_file[0] != '\0') {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_file);
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (c->client_certificate[0] != '\0') {
        (void)curl_easy_setopt(easy, CURLOPT_SSLCERT, c->client_certificate);
        (void)curl_easy_setopt(easy, CURLOPT_SSLKEY,
                               c->client_key[0] != '\0' ? c->client_key : c->client_certificate);
        (void)curl_easy_setopt(easy, CURLOPT_KEYPASSWD, c->client_key_password.value);
    }
    if (text_starts(c->server_url, "http://"))
        (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    else if (c->proxy[0] != '\0')
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, c->proxy);
    return easy;
}

bool check_net(struct check_report *r, const struct config *c)
{
    char reason[CURL_ERROR_SIZE] = "";
    CURL *easy = connection_new(&c->connection, reason);
    struct check_net_facts f = {.host = c->connection.host,
                                .secure = text_starts(c->connection.server_url, "https://"),
                                .proxied = c->connection.proxy[0] != '\0',
                                .code = CURLE_FAILED_INIT,
                                .reason = reason,
                                .address = ""};
    struct curl_certinfo *chain = NULL;
    curl_off_t us[3] = {0};
    long tunnel = 0;
    bool good;

    if (easy != NULL) {
        f.code = curl_easy_perform(easy);
        (void)curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &us[0]);
        (void)curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &us[1]);
        (void)curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &us[2]);
        (void)curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
        (void)curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain);
        (void)curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &f.address);
        f.name_us = us[0];
        f.connect_us = us[1];
        f.tls_us = us[2];
        f.proxied = f.proxied || tunnel != 0;
        f.days_known = days_left(chain, clock_wall(), &f.days);
    }
    good = check_judge_net(r, &f);
    curl_easy_cleanup(easy);
    return good;
}

enum stage { NAME, CONNECT, TLS, DONE };

static bool is_tls(CURLcode code)
{
    static const CURLcode codes[] = {
        CURLE_SSL_CONNECT_ERROR,     CURLE_PEER_FAILED_VERIFICATION,
        CURLE_SSL_CERTPROBLEM,       CURLE_SSL_CIPHER,
        CURLE_SSL_CACERT_BADFILE,    CURLE_SSL_ISSUER_ERROR,
        CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT,
        CURLE_SSL_ENGINE_INITFAILED,
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] == code)
            return true;
    return false;
}

/* How far it came. The times are of no use for TLS: curl keeps them for a connection that stands
 * only. */
static enum stage stage_of(const struct check_net_facts *f)
{
    if (f->code == CURLE_OK)
        return DONE;
    if (f->code == CURLE_COULDNT_RESOLVE_HOST || f->code == CURLE_COULDNT_RESOLVE_PROXY)
        return NAME;
    if (f->code == CURLE_COULDNT_CONNECT)
        return CONNECT;
    if (is_tls(f->code))
        return TLS;
    if (f->name_us == 0)
        return NAME;
    return f->connect_us == 0 ? CONNECT : TLS;
}

static const char *reason_of(const struct check_net_facts *f)
{
    return f->reason[0] != '\0' ? f->reason : curl_easy_strerror(f->code);
}

static void judge_name(struct check_report *r, const struct check_net_facts *f, enum stage s)
{
    if (s == NAME)
        check_add(r, CHECK_NOT_COMPLETE, "dns", NULL,
                  f->code == CURLE_COULDNT_RESOLVE_PROXY
                      ? "check connection.proxy, or https_proxy in the environment"
                      : "check the host in connection.server_url and the name servers of this "
                        "machine",
                  "the name cannot be looked up: %s", reason_of(f));
    else if (f->proxied)
        check_add(r, CHECK_SKIPPED, "dns", NULL, NULL, "the proxy looks %s up", f->host);
    else if (f->address[0] != '\0')
        check_add(r, CHECK_COMPLETED, "dns", NULL, NULL, "%s is %s", f->host, f->address);
    else
        check_add(r, CHECK_COMPLETED, "dns", NULL, NULL, "%s is known", f->host);
}

static void judge_connect(struct check_report *r, const struct check_net_facts *f, enum stage s)
{
    if (s < CONNECT)
        check_add(r, CHECK_SKIPPED, "tcp", NULL, NULL, "there is no address to connect to");
    else if (s == CONNECT)
        check_add(r, CHECK_NOT_COMPLETE, "tcp", NULL,
                  "check that the instance is up, and that firewalls, the proxy and the instance's "
                  "own list of allowed addresses (System Security, IP Address Access Control) let "
                  "this machine through",
                  "no connection to %s: %s", f->host, reason_of(f));
    else
        check_add(r, CHECK_COMPLETED, "tcp", NULL, NULL, "connected%s",
                  f->proxied ? " to the proxy" : "");
}

static void judge_days(struct check_report *r, const struct check_net_facts *f)
{
    if (!f->days_known) {
        check_add(r, CHECK_COMPLETED, "tls", NULL, NULL,
                  "the certificate of %s is good; until when is not known", f->host);
        return;
    }
    if (f->days < DAYS_LEAST) {
        check_add(r, CHECK_NOT_COMPLETE, "tls", NULL,
                  "have the certificate renewed by whoever runs the instance, or the gateway in "
                  "front of it; the bridge takes the new one by itself",
                  "the certificate of %s is good, but for %lld more days only", f->host, f->days);
        return;
    }
    check_add(r, CHECK_COMPLETED, "tls", NULL, NULL,
              "the certificate of %s is good for %lld more days", f->host, f->days);
    if (f->days < DAYS_TO_NOTE)
        check_note(r, "The certificate of %s ends in %lld days", f->host, f->days);
}

static void judge_tls(struct check_report *r, const struct check_net_facts *f, enum stage s)
{
    if (!f->secure)
        check_add(r, CHECK_SKIPPED, "tls", NULL, NULL,
                  "the instance is asked by http on this machine itself");
    else if (s < TLS)
        check_add(r, CHECK_SKIPPED, "tls", NULL, NULL, "there is no connection");
    else if (s == TLS)
        check_add(r, CHECK_NOT_COMPLETE, "tls", NULL,
                  "for a private authority set connection.ca_file to its certificate; an expired "
                  "or wrong one has to be replaced on the other side; a proxy that opens TLS needs "
                  "its authority in connection.ca_file. The check cannot be switched off",
                  "no secure connection to %s: %s", f->host, reason_of(f));
    else
        judge_days(r, f);
}

bool check_judge_net(struct check_report *r, const struct check_net_facts *f)
{
    enum stage s = stage_of(f);

    judge_name(r, f, s);
    judge_connect(r, f, s);
    judge_tls(r, f, s);
    return s == DONE;
}
