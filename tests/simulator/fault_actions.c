/*
 * What the fault actions put into an answer: the pages and bodies seen from instances, gateways and
 * developer instances that sleep. Actions either replace the answer (before any effect) or spoil it
 * after the effect.
 */
#include "tests/simulator/faults.h"
#include "tests/simulator/users.h"

#include <stdlib.h>
#include <string.h>

static const char html_type[] = "text/html;charset=UTF-8";

bool fault_is_before(const struct fault *f)
{
    switch (f->action) {
    case FAULT_STATUS:
    case FAULT_HIBERNATE:
    case FAULT_HTML:
    case FAULT_REDIRECT:
    case FAULT_RATE_LIMIT:
    case FAULT_SEMAPHORE:
    case FAULT_EXPIRE_TOKEN:
        return true;
    default:
        return false;
    }
}

static void put_headers(const struct fault *f, struct answer *a)
{
    void *it;

    for (it = json_object_iter(f->headers); it; it = json_object_iter_next(f->headers, it)) {
        const char *value = json_string_value(json_object_iter_value(it));

        if (value)
            answer_header(a, json_object_iter_key(it), value);
    }
}

/* Status and body as the rule gives them; the body of a 500 and 403 that names none is the usual.
 */
static void put_status(const struct fault *f, struct answer *a)
{
    answer_free(a);
    if (f->status == 500)
        answer_error(a, 500, "Transaction cancelled: maximum execution time exceeded",
                     "Transaction cancelled: maximum execution time exceeded. Check logs for error "
                     "trace.");
    else if (f->status == 403)
        answer_error(a, 403, "Operation Failed",
                     "ACL Exception Update Failed due to security constraints");
    else
        answer_error(a, f->status, status_text(f->status), NULL);
    if (f->body) {
        str_clear(&a->body);
        str_puts(&a->body, f->body);
    }
    if (f->type)
        a->type = f->type;
    put_headers(f, a);
}

static void put_page(const struct fault *f, struct answer *a, int status, const char *title,
                     const char *text)
{
    a->status = status;
    a->type = html_type;
    a->plain = true;
    if (f->body)
        str_puts(&a->body, f->body);
    else
        str_printf(&a->body,
                   "<html>\r\n<head><title>%s</title></head>\r\n<body>%s</body>\r\n</html>\r\n",
                   title, text);
    put_headers(f, a);
}

static void put_gateway(const struct fault *f, struct answer *a)
{
    struct str s = {0};

    str_printf(&s, "%d %s", f->status, status_text(f->status));
    put_page(f, a, f->status, s.p, "<center><h1>The gateway gives no answer</h1></center><hr>");
    str_free(&s);
}

void fault_answer(struct sim *sim, const struct fault *f, const struct request *r, struct answer *a)
{
    switch (f->action) {
    case FAULT_HIBERNATE:
        put_page(f, a, 200, "Instance Hibernating page",
                 "Your instance is hibernating. Sign in to the site to wake your instance.");
        break;
    case FAULT_HTML:
        put_gateway(f, a);
        break;
    case FAULT_REDIRECT:
        put_page(f, a, 302, "Found", "");
        str_printf(&a->headers, "Location: %s/login.do\n", sim_base(sim));
        break;
    case FAULT_RATE_LIMIT:
        answer_rate_limited(sim, a, f->limit, f->retry_after);
        break;
    case FAULT_SEMAPHORE:
        a->status = 429;
        a->type = html_type;
        a->plain = true;
        break;
    case FAULT_EXPIRE_TOKEN:
        (void)r;
        answer_unauthenticated(sim, a);
        break;
    default:
        put_status(f, a);
        break;
    }
}

static void trailing_error(const struct fault *f, struct answer *a)
{
    static const char error[] =
        "\"error\":{\"detail\":\"Transaction cancelled: maximum execution time exceeded Check logs "
        "for error trace.\",\"message\":\"Transaction cancelled: maximum execution time "
        "exceeded\"},\"status\":\"failure\"}";
    bool list = a->body.n >= 2 && a->body.p[a->body.n - 2] == ']';
    bool empty;

    a->status = 200;
    if (a->body.n > 0)
        a->body.n--; /* the last brace */
    if (f->malformed && list)
        a->body.n--;
    empty = a->body.n == 0;
    if (empty)
        str_putc(&a->body, '{');
    if (f->malformed)
        str_puts(&a->body, list ? "\"\" ]" : "\"\" ");
    if (!empty)
        str_putc(&a->body, ',');
    str_puts(&a->body, error);
}

static void huge(const struct fault *f, struct answer *a)
{
    size_t n = f->bytes > 0 ? (size_t)f->bytes : 0;
    static const char line[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    str_clear(&a->body);
    str_puts(&a->body, "{\"result\":[{\"description\":\"");
    while (a->body.n < n)
        str_add(&a->body, line, 64);
    str_puts(&a->body, "\"}]}");
}

void fault_mangle(const struct fault *f, struct answer *a)
{
    switch (f->action) {
    case FAULT_AFTER_COMMIT:
        put_status(f, a);
        break;
    case FAULT_TRAILING_ERROR:
        trailing_error(f, a);
        break;
    case FAULT_EMPTY_BODY:
        str_clear(&a->body);
        break;
    case FAULT_TRUNCATE_JSON:
        a->body.n =
            f->bytes >= 0 && (size_t)f->bytes < a->body.n ? (size_t)f->bytes : a->body.n / 2;
        break;
    case FAULT_BAD_CONTENT_TYPE:
        a->type = f->type ? f->type : "text/plain";
        break;
    case FAULT_HUGE_BODY:
        huge(f, a);
        break;
    default:
        break;
    }
}
