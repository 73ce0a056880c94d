/* What an answer means. Order: how the transfer ended, then is it the instance that speaks (an HTML
 * page is a gateway, a log-in page or a hibernating instance), then the status by the table below,
 * then, for 200 and 201, the body. Words of the instance decide only where the status alone
 * cannot: a refused insert that exists, a cancelled transaction, a row that is not there. */
#include "bridge/servicenow/answer.h"

#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/text.h"
#include "bridge/servicenow/answer_rows.h"
#include "bridge/servicenow/request.h"

/* The instance's own explanation; borrowed, never NULL. */
struct words {
    const char *message, *detail;
};

struct judge {
    const struct snow_op *op;
    const struct http_answer *a;
    const json_t *root; /* NULL: the body is no JSON document */
    struct words words;
    bool error;  /* an error member or status failure */
    bool is_web; /* HTML */
    struct snow_outcome *out;
    enum window_result window;
};

/* What a status says by itself: for reads and for writes. Writes are in doubt whenever a gateway
 * may have given up on an instance that was still working. */
static const struct rule {
    int from, to;
    const char *code;
    enum snow_verdict read, write;
    enum window_result window;
} rules[] = {
    {300, 399, "redirect", SNOW_UNAVAILABLE, SNOW_UNAVAILABLE, WINDOW_FAILED},
    {401, 401, "unauthorised", SNOW_UNAUTHORISED, SNOW_UNAUTHORISED, WINDOW_NEUTRAL},
    {404, 404, "absent", SNOW_ABSENT, SNOW_ABSENT, WINDOW_SUCCESS},
    {407, 407, "proxy", SNOW_UNAVAILABLE, SNOW_UNAVAILABLE, WINDOW_FAILED},
    {408, 408, "time-out", SNOW_UNAVAILABLE, SNOW_UNKNOWN, WINDOW_FAILED},
    {425, 425, "too-early", SNOW_UNAVAILABLE, SNOW_UNAVAILABLE, WINDOW_FAILED},
    {429, 429, "throttled", SNOW_THROTTLED, SNOW_THROTTLED, WINDOW_THROTTLED},
    {400, 499, "rejected", SNOW_REJECTED, SNOW_REJECTED, WINDOW_SUCCESS},
    {500, 500, "server-error", SNOW_UNKNOWN, SNOW_UNKNOWN, WINDOW_SUCCESS},
    {501, 599, "unavailable", SNOW_UNAVAILABLE, SNOW_UNKNOWN, WINDOW_FAILED},
    {0, 9999, "odd-status", SNOW_UNKNOWN, SNOW_UNKNOWN, WINDOW_SUCCESS},
};

/* Phrases of the instance and what a person can do (peers.md A7, servicenow-api 2.6). */
static const struct hint {
    const char *phrase, *advice;
} hints[] = {
    {"Target record not found",
     "a script or business rule of the instance dropped the row: look at "
     "the transform map"},
    {"Invalid staging table", "look at the transform map: its staging table was changed"},
    {"hibernat", "sign in to the instance on the developer site to wake it"},
    {"ACL Exception",
     "give the user of this sign-in the role that may write this table (incident: itil)"},
    {"Failed API level ACL",
     "allow web services on this table, or give the bridge's user its role"},
    {"Insufficient rights", "give the bridge's user the right to read this table"},
    {"Data Policy Exception", "map the fields that it names, or relax the data policy"},
    {"aborted by Business Rule", "look at the business rule that it names"},
    {"Invalid table", "check the name of the table, and the roles of the bridge's user"},
    {"does not represent any resource",
     "check connection.server_url, the name of the table, and for events that Event Management is "
     "installed"},
    {"Rate limit", "raise the rate limit rule of this user on the instance, or send less"},
    {"maximum execution time", "look for slow business rules; for lists use a smaller page_size"},
    {"Rejected large REST payload", "the record is larger than glide.rest.max_content_length"},
    {"Required to provide Auth", "check the user, its roles and API access policies"},
};

/* What happens next, by verdict: the callers act on the verdict, so this is true for all of them.
 */
static const char *const next_steps[] = {
    [SNOW_REJECTED] = "it is not sent again as it is",
    [SNOW_THROTTLED] = "the bridge sends less and tries again",
    [SNOW_UNAVAILABLE] = "the bridge waits for the instance and tries again",
    [SNOW_UNKNOWN] = "whether it was done is not known: the record is read before a repetition",
    [SNOW_UNAUTHORISED] = "the sign-in is renewed and it is sent again",
    [SNOW_EXISTS] = "a record with this sys_id exists; it is read",
    [SNOW_ABSENT] = "there is no such record, or the user of the bridge may not see it",
    [SNOW_CANCELLED] = "the bridge stops",
};

static const enum err_class classes[] = {
    [SNOW_OK] = ERR_NONE,         [SNOW_ABSENT] = ERR_REJECT,      [SNOW_EXISTS] = ERR_REJECT,
    [SNOW_REJECTED] = ERR_REJECT, [SNOW_THROTTLED] = ERR_THROTTLE, [SNOW_UNAVAILABLE] = ERR_RETRY,
    [SNOW_UNKNOWN] = ERR_RETRY,   [SNOW_UNAUTHORISED] = ERR_AUTH,  [SNOW_CANCELLED] = ERR_RETRY,
};

/* Rows that are sent without a look before and may be sent again: the instance knows them by their
 * key. */
static bool is_row(const struct judge *j)
{
    return j->op->kind == SNOW_EVENTS || j->op->kind == SNOW_IMPORT;
}

static bool is_write(const struct judge *j)
{
    return j->op->kind == SNOW_CREATE || j->op->kind == SNOW_UPDATE || j->op->kind == SNOW_DELETE ||
           is_row(j);
}

static bool holds(const struct judge *j, const char *phrase)
{
    return strcasestr(j->words.message, phrase) != NULL ||
           strcasestr(j->words.detail, phrase) != NULL;
}

static const char *member_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text == NULL ? "" : text;
}

/* The envelope has an object under `error`; gateways in front of some instances put a text there.
 */
static void read_words(struct judge *j)
{
    const json_t *error = json_object_get(j->root, "error");

    j->words = (struct words){"", ""};
    if (json_is_object(error))
        j->words = (struct words){member_text(error, "message"), member_text(error, "detail")};
    else if (json_is_string(error))
        j->words.message = json_string_value(error);
    j->error = (error != NULL && !json_is_null(error)) ||
               strcmp(member_text(j->root, "status"), "failure") == 0;
}

static const char *advice(const struct judge *j)
{
    for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
        if (holds(j, hints[i].phrase))
            return hints[i].advice;
        /* No JSON to look into: the phrase may stand in the raw body. */
        if (j->root == NULL && strcasestr(j->a->body, hints[i].phrase) != NULL)
            return hints[i].advice;
    }
    return NULL;
}

/* A person who asked once has to ask again. */
static const char *const once_steps[] = {
    [SNOW_THROTTLED] = "it was not done: try again later",
    [SNOW_UNAVAILABLE] = "it was not done: try again when the instance answers",
    [SNOW_UNKNOWN] = "whether it was done is not known",
    [SNOW_UNAUTHORISED] = "it was not done",
    [SNOW_EXISTS] = "a record with this sys_id exists",
};

static const char *next_step(const struct judge *j, enum snow_verdict verdict)
{
    if (j->op->once && (size_t)verdict < ARRAY_LEN(once_steps) && once_steps[verdict] != NULL)
        return once_steps[verdict];
    if (j->out->place)
        return "nothing is lost, it is tried again";
    if (is_row(j) && verdict == SNOW_UNKNOWN)
        return "whether it was done is not known: it is sent again under the same key";
    return next_steps[verdict];
}

/* `what`: said in place of the instance's own words when it has none. */
static void decide(struct judge *j, enum snow_verdict verdict, enum window_result window,
                   const char *code, const char *what)
{
    const char *hint = advice(j);
    struct buf on;

    buf_init(&on, 512);
    request_describe(&on, j->op);
    j->out->verdict = verdict;
    j->window = window;
    j->out->outage = window == WINDOW_FAILED || window == WINDOW_THROTTLED;
    (void)err_set(&j->out->err, classes[verdict], code, "%s: HTTP %d: %.140s%s%.200s; %s%s%s",
                  buf_text(&on), j->a->status,
                  j->words.message[0] != '\0' ? j->words.message : what,
                  j->words.detail[0] != '\0' ? ": " : "", j->words.detail, next_step(j, verdict),
                  hint == NULL ? "" : ". What to do: ", hint == NULL ? "" : hint);
    buf_done(&on);
}

/* 2.4: a refused insert of a sys_id that is there says `Error during insert of`, or names a key. A
 * rule or policy of the customer may use the same words about something else. */
static bool is_duplicate(const struct judge *j)
{
    static const char *const phrases[] = {"Error during insert of", "duplicate", "unique key",
                                          "already exists"};

    if (j->op->kind != SNOW_CREATE || json_object_get(j->op->body, "sys_id") == NULL ||
        holds(j, "business rule") || holds(j, "data policy") || holds(j, "ACL "))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
        if (holds(j, phrases[i]))
            return true;
    return false;
}

static bool is_cancelled(const struct judge *j)
{
    return holds(j, "transaction cancelled") || holds(j, "maximum execution time");
}

/* The place is refused and not the row: there is no such endpoint or table, or no right to it. A
 * business rule or a data policy of the staging table speaks of the row. */
static bool is_place(const struct judge *j)
{
    if (!is_row(j))
        return false;
    if (j->a->status == 404 || j->a->status == 405 || holds(j, "does not represent any resource"))
        return true;
    if (j->a->status == 400 && holds(j, "Invalid table"))
        return true;
    return j->a->status == 403 && !holds(j, "business rule") && !holds(j, "data policy");
}

/* An error in the instance's own words, whatever the status: 400, 403, 409 and 200 alike. */
static void judge_words(struct judge *j, const char *what)
{
    if (is_duplicate(j))
        decide(j, SNOW_EXISTS, WINDOW_SUCCESS, "exists", what);
    else if (is_cancelled(j))
        decide(j, SNOW_UNKNOWN, WINDOW_SUCCESS, "cancelled", what);
    else {
        j->out->place = is_place(j);
        decide(j, SNOW_REJECTED, WINDOW_SUCCESS, j->out->place ? "no-place" : "rejected", what);
        j->out->doubtful = is_write(j) && !is_row(j) && (j->a->status == 403 || j->a->status < 300);
    }
}

/* A list without rows is `No Record found` in older versions of the API; another 404 is about a
 * table or a path that is not there, and must not pass for an empty table. */
static void judge_absent(struct judge *j)
{
    if (is_row(j))
        judge_words(j, "not found");
    else if (j->op->kind == SNOW_CREATE ||
             (j->op->kind == SNOW_LIST && !holds(j, "no record found")))
        decide(j, SNOW_REJECTED, WINDOW_SUCCESS, "rejected", "not found");
    else
        decide(j, SNOW_ABSENT, WINDOW_SUCCESS, "absent", "not found");
}

/* 403 and 404 that are not JSON come from something in front of the instance: an address filter
 * must not dead-letter every record. A filter that dislikes this one body still costs the record
 * its attempts, since reads go on. */
static void judge_gateway(struct judge *j)
{
    if (is_write(j))
        decide(j, SNOW_UNKNOWN, WINDOW_NEUTRAL, "gateway",
               "not the instance's own answer (a gateway or filter?)");
    else
        decide(j, SNOW_UNAVAILABLE, WINDOW_FAILED, "gateway",
               "not the instance's own answer (a gateway or filter?)");
}

static const struct rule *find_rule(int status)
{
    const struct rule *r = rules;

    while (status < r->from || status > r->to)
        r++;
    return r;
}

static void judge_status(struct judge *j)
{
    static const char *const whats[] = {"sign-in refused", "too many requests", "no explanation"};
    const struct rule *r = find_rule(j->a->status);
    const char *what = whats[j->a->status == 401 ? 0 : j->a->status == 429 ? 1 : 2];
    enum window_result window = r->window;

    if ((j->a->status == 403 || j->a->status == 404) && !json_is_object(j->root)) {
        judge_gateway(j);
    } else if (r->read == SNOW_ABSENT) {
        judge_absent(j);
    } else if (r->read == SNOW_REJECTED) {
        judge_words(j, what);
    } else {
        /* A 500 in JSON is about this request; as a page it is about the instance. */
        if (j->a->status == 500 && !json_is_object(j->root))
            window = WINDOW_FAILED;
        decide(j, is_write(j) ? r->write : r->read, window, is_cancelled(j) ? "cancelled" : r->code,
               j->is_web ? "a web page instead of an answer" : what);
    }
}

static void judge_error_in_ok(struct judge *j)
{
    if (holds(j, "no record found") && j->op->kind != SNOW_CREATE)
        judge_absent(j);
    else if (holds(j, "not authenticated"))
        decide(j, SNOW_UNAUTHORISED, WINDOW_NEUTRAL, "unauthorised", "sign-in refused");
    else
        judge_words(j, "the body says failure without an explanation");
}

static void judge_broken(struct judge *j)
{
    bool cancelled = strcasestr(j->a->body, "transaction cancelled") != NULL;

    decide(j, SNOW_UNKNOWN, WINDOW_SUCCESS, cancelled ? "cancelled" : "malformed",
           j->a->body_length == 0 ? "an empty body"
           : cancelled            ? "the instance cancelled the transaction and cut its answer"
                                  : "the body is cut or no JSON document");
}

/* {"result":{"stats":{"count":"17"}}}: the number is a text. */
static int read_count(struct judge *j, const json_t *result)
{
    const char *text =
        json_string_value(json_object_get(json_object_get(result, "stats"), "count"));

    return text == NULL ? -1 : text_to_int(text, &j->out->total_count);
}

static bool is_result(struct judge *j, const json_t *result)
{
    if (j->op->kind == SNOW_LIST)
        return json_is_array(result);
    if (!json_is_object(result))
        return false;
    if (j->op->kind == SNOW_EVENTS)
        return answer_events(result, &j->out->total_count) == 0;
    return j->op->kind != SNOW_COUNT || read_count(j, result) == 0;
}

/* A transform that failed answers 201 as well. */
static void judge_import(struct judge *j, const json_t *result)
{
    json_t *row = NULL;

    switch (answer_import(result, &row)) {
    case IMPORT_DONE:
        j->out->verdict = SNOW_OK;
        j->out->result = row;
        j->window = WINDOW_SUCCESS;
        break;
    case IMPORT_ERROR:
        j->words =
            (struct words){member_text(row, "error_message"), member_text(row, "transform_map")};
        if (j->words.message[0] == '\0')
            j->words.message = member_text(row, "status_message");
        decide(j, SNOW_REJECTED, WINDOW_SUCCESS, "import-error", "the transform map failed");
        break;
    case IMPORT_EMPTY:
        j->out->place = true;
        decide(j, SNOW_REJECTED, WINDOW_SUCCESS, "import-no-map",
               "no transform map took the row: the staging table needs one that is active and runs "
               "at once");
        break;
    case IMPORT_ODD:
        decide(j, SNOW_UNKNOWN, WINDOW_SUCCESS, "malformed",
               "the answer says nothing of the transform that is known");
        break;
    }
}

/* 201 without a body: the row is there, and an ACL of the staging table hides it (KB3047115). */
static void judge_hidden_import(struct judge *j)
{
    j->out->place = true;
    decide(j, SNOW_REJECTED, WINDOW_SUCCESS, "import-hidden",
           "an empty answer: what became of the row is hidden by an access rule; give the bridge's "
           "user the right to read the staging table");
}

static void judge_ok(struct judge *j)
{
    json_t *result = json_object_get(j->root, "result");

    if (j->is_web)
        decide(j, SNOW_UNAVAILABLE, WINDOW_FAILED, "html",
               "a web page instead of an answer (hibernating instance, maintenance or a log-in "
               "page)");
    else if (j->op->kind == SNOW_IMPORT && j->a->body_length == 0)
        judge_hidden_import(j);
    else if (!json_is_object(j->root))
        judge_broken(j);
    else if (j->error)
        judge_error_in_ok(j);
    else if (j->op->kind == SNOW_IMPORT)
        judge_import(j, result);
    else if (!is_result(j, result))
        decide(j, SNOW_UNKNOWN, WINDOW_SUCCESS, "malformed", "the answer holds no result");
    else {
        j->out->verdict = SNOW_OK;
        j->out->result = result;
        j->window = WINDOW_SUCCESS;
    }
}

static bool is_web(const struct http_answer *a)
{
    return strstr(a->content_type, "html") != NULL ||
           (strstr(a->content_type, "json") == NULL && a->body[strspn(a->body, " \t\r\n")] == '<');
}

static void judge_answered(struct judge *j, json_t **ret_root)
{
    /* \u0000 in one field must not spoil a whole page. */
    *ret_root = json_loadb(j->a->body, j->a->body_length, JSON_ALLOW_NUL, NULL);
    j->root = *ret_root;
    j->is_web = is_web(j->a);
    read_words(j);
    if (j->op->kind == SNOW_DELETE && j->a->status == 204) {
        j->out->verdict = SNOW_OK;
        j->window = WINDOW_SUCCESS;
    } else if (j->a->status == 200 || j->a->status == 201)
        judge_ok(j);
    else
        judge_status(j);
}

/* The HTTP client's own sentence, with the record and the next step around it. */
static void decide_end(struct judge *j, enum snow_verdict verdict, enum window_result window)
{
    struct buf on;

    buf_init(&on, 512);
    request_describe(&on, j->op);
    j->out->verdict = verdict;
    j->window = window;
    j->out->outage = window == WINDOW_FAILED;
    (void)err_set(&j->out->err, classes[verdict], j->a->err.code, "%s: %.400s; %s", buf_text(&on),
                  j->a->err.text, next_step(j, verdict));
    buf_done(&on);
}

static void judge_end(struct judge *j)
{
    switch (j->a->end) {
    case HTTP_NOT_SENT:
        j->out->sent = false;
        decide_end(j, SNOW_UNAVAILABLE, WINDOW_FAILED);
        break;
    case HTTP_TOO_LARGE:
        decide_end(j, is_write(j) ? SNOW_UNKNOWN : SNOW_REJECTED, WINDOW_SUCCESS);
        break;
    case HTTP_CANCELLED:
        decide_end(j, SNOW_CANCELLED, WINDOW_NEUTRAL);
        break;
    case HTTP_LOST:
    case HTTP_ANSWERED:
        decide_end(j, SNOW_UNKNOWN, WINDOW_FAILED);
        break;
    }
}

/* A 429 of an hourly rule may name only the end of its hour, in the instance's own time. */
static usec_t wait_asked(const struct http_answer *a)
{
    if (a->retry_after > 0 || a->status != 429 || a->rate_reset < 0 || a->date == MSEC_NONE ||
        a->rate_reset > INT64_MAX / 1000000 - 1 || a->rate_reset * 1000 <= a->date)
        return a->retry_after;
    return (a->rate_reset * 1000 - a->date) * USEC_MS;
}

json_t *answer_judge(const struct snow_op *op, const struct http_answer *a,
                     struct snow_outcome *ret, enum window_result *ret_window)
{
    struct judge j = {.op = op, .a = a, .words = {"", ""}, .out = ret};
    json_t *root = NULL;

    *ret = (struct snow_outcome){.status = a->status,
                                 .retry_after = wait_asked(a),
                                 .date = a->date,
                                 .total_count = a->total_count,
                                 .rate_limit = a->rate_limit,
                                 .took = a->took,
                                 .sent = true};
    err_clear(&ret->err);
    if (a->end == HTTP_ANSWERED)
        judge_answered(&j, &root);
    else
        judge_end(&j);
    *ret_window = j.window;
    return root;
}
