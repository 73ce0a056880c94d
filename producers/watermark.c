/* Watermarks and state records. A record is one JSON object; the versions seen are grouped by
 * their second, each group one base64 text of 8-byte digests (big-endian), so that a full record
 * of 40,000 versions stays under 512 KiB. Unknown members are kept out of the way (a later release
 * may add some within a version); an unknown version is refused, never guessed at. */
#include "producers/watermark.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/buf.h"
#include "bridge/base/clock.h"
#include "bridge/base/digest.h"
#include "bridge/base/xalloc.h"

#define DIGEST_BYTES 8

int watermark_compare(const struct watermark *a, const struct watermark *b)
{
    if (a->second != b->second)
        return a->second < b->second ? -1 : 1;
    return strcasecmp(a->sys_id, b->sys_id);
}

struct watermark watermark_at(int64_t second, const char *sys_id)
{
    struct watermark w = {.second = second};
    size_t n = strlen(sys_id);
    memcpy(w.sys_id, sys_id, n < WATERMARK_SYS_ID_MAX ? n : WATERMARK_SYS_ID_MAX);
    return w;
}

int watermark_sys_id_ok(const char *text)
{
    size_t n = 0;
    for (; text[n] != '\0'; n++)
        if (n >= WATERMARK_SYS_ID_MAX || !isalnum((unsigned char)text[n]))
            return 0;
    return n > 0;
}

static json_t *second_json(int64_t second)
{
    char text[CLOCK_SN_SIZE];
    clock_format_sn(second * 1000, text);
    return json_string(text);
}

/* The digests of one second as base64. */
static json_t *group_json(const struct seen_version *v, size_t n)
{
    unsigned char *raw = xmalloc(n * DIGEST_BYTES);
    for (size_t i = 0; i < n; i++)
        for (unsigned j = 0; j < DIGEST_BYTES; j++)
            raw[i * DIGEST_BYTES + j] = (unsigned char)(v[i].digest >> (56 - 8 * j));
    char *text = xmalloc(n * DIGEST_BYTES * 4 / 3 + 8);
    EVP_EncodeBlock((unsigned char *)text, raw, (int)(n * DIGEST_BYTES));
    json_t *group = json_pack("{s:o, s:s}", "at", second_json(v[0].second), "digests", text);
    if (group != NULL && v[0].ahead)
        (void)json_object_set_new(group, "ahead", json_true());
    free(text);
    free(raw);
    return group;
}

static json_t *seen_json(const struct seen_version *v, size_t n)
{
    json_t *groups = json_array();
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1;
             to < n && v[to].second == v[from].second && v[to].ahead == v[from].ahead;)
            to++;
        (void)json_array_append_new(groups, group_json(v + from, to - from));
    }
    return groups;
}

static char *too_large(const struct watermark_state *s, struct err *e)
{
    err_set(e, ERR_FATAL, "state-too-large",
            "The state record of table %s would pass %zu bytes with %zu versions in the overlap. "
            "The table is stopped; make its overlap shorter",
            s->table, WATERMARK_RECORD_MAX, s->seen_count);
    return NULL;
}

/* Members that only some records have. */
static int add_extras(json_t *o, const struct watermark_state *s)
{
    const struct watermark_history *h = &s->history;
    if (s->has_history && json_object_set_new(o, "has_history", json_true()) != 0)
        return -1;
    if (!s->is_history)
        return 0;
    return json_object_set_new(o, "history",
                               json_pack("{s:s, s:I, s:I}", "resync", h->resync, "done",
                                         (json_int_t)h->done, "total", (json_int_t)h->total));
}

char *watermark_encode(const struct watermark_state *s, size_t *ret_length, struct err *e)
{
    if (s->seen_count > WATERMARK_RECORD_MAX / DIGEST_BYTES)
        return too_large(s, e);
    json_t *o = json_pack(
        "{s:i, s:s, s:s, s:s, s:{s:o, s:s}, s:o, s:o, s:o, s:s, s:s}", "version",
        s->has_history || s->is_history ? WATERMARK_VERSION_OF_TWO : WATERMARK_VERSION, "owner",
        s->owner, "connection", s->connection, "table", s->table, "watermark", "sys_updated_on",
        second_json(s->mark.second), "sys_id", s->mark.sys_id, "hi", second_json(s->hi),
        "seen_from", second_json(s->seen_from), "seen", seen_json(s->seen, s->seen_count),
        "fingerprint", s->fingerprint, "written_by", s->written_by);
    char *text = o != NULL && add_extras(o, s) == 0 ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (text == NULL) {
        err_set(e, ERR_FATAL, "state-encode",
                "The state record of table %s cannot be written as JSON: a name holds bytes that "
                "are not UTF-8",
                s->table);
        return NULL;
    }
    size_t length = strlen(text);
    if (length > WATERMARK_RECORD_MAX) {
        free(text);
        return too_large(s, e);
    }
    *ret_length = length;
    return text;
}

/* Decoding ------------------------------------------------------------------------------------ */

static int broken(struct err *e, const char *table, const char *what)
{
    return err_set(e, ERR_CONFIG, "state-broken",
                   "The state record of table %s cannot be used: %s. The table is not read, "
                   "because guessing would publish changes twice or lose some; begin anew (README, "
                   "A stopped table)",
                   table, what);
}

static int read_second(const json_t *o, const char *name, int64_t *ret_second)
{
    const char *text = json_string_value(json_object_get(o, name));
    msec_t ms;
    if (text == NULL || clock_parse(text, &ms) != 0 || ms % 1000 != 0)
        return -1;
    *ret_second = ms / 1000;
    return 0;
}

/* Appends the digests of one group; -1 when it is none. */
static int read_group(const json_t *group, struct watermark_state *s)
{
    int64_t second;
    const char *text = json_string_value(json_object_get(group, "digests"));
    bool ahead = json_is_true(json_object_get(group, "ahead"));
    if (read_second(group, "at", &second) != 0 || text == NULL)
        return -1;
    size_t length = strlen(text), room = length / 4 * 3;
    if (length == 0 || length % 4 != 0 || length > WATERMARK_RECORD_MAX)
        return -1;
    unsigned char *raw = xmalloc(room + 1);
    int got = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)length);
    /* EVP_DecodeBlock counts the padding as bytes. */
    size_t padding = (size_t)(text[length - 1] == '=') + (size_t)(text[length - 2] == '=');
    size_t n = (room - padding) / DIGEST_BYTES;
    if (got != (int)room || (room - padding) % DIGEST_BYTES != 0) {
        free(raw);
        return -1;
    }
    s->seen = xrealloc(s->seen, s->seen_count + n, sizeof(*s->seen));
    for (size_t i = 0; i < n; i++) {
        uint64_t digest = 0;
        for (unsigned j = 0; j < DIGEST_BYTES; j++)
            digest = digest << 8 | raw[i * DIGEST_BYTES + j];
        s->seen[s->seen_count++] =
            (struct seen_version){.second = second, .digest = digest, .ahead = ahead};
    }
    free(raw);
    return 0;
}

static int read_position(const json_t *o, struct watermark_state *s)
{
    const json_t *mark = json_object_get(o, "watermark"), *seen = json_object_get(o, "seen");
    const char *sys_id = json_string_value(json_object_get(mark, "sys_id"));
    int64_t second;
    if (read_second(mark, "sys_updated_on", &second) != 0 || sys_id == NULL ||
        (sys_id[0] != '\0' && strcmp(sys_id, WATERMARK_BEHIND_ALL) != 0 &&
         !watermark_sys_id_ok(sys_id)))
        return -1;
    s->mark = watermark_at(second, sys_id);
    if (read_second(o, "hi", &s->hi) != 0 || read_second(o, "seen_from", &s->seen_from) != 0 ||
        !json_is_array(seen))
        return -1;
    for (size_t i = 0; i < json_array_size(seen); i++)
        if (read_group(json_array_get(seen, i), s) != 0)
            return -1;
    seen_sort(s->seen, s->seen_count);
    return 0;
}

static const char *text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text != NULL ? text : "";
}

static void read_extras(const json_t *o, struct watermark_state *s)
{
    const json_t *h = json_object_get(o, "history"), *total = json_object_get(h, "total");
    json_int_t done = json_integer_value(json_object_get(h, "done"));
    s->has_history = json_is_true(json_object_get(o, "has_history"));
    s->is_history = json_is_object(h);
    s->history.resync = xstrdup(text_of(h, "resync"));
    s->history.done = done > 0 ? (unsigned long long)done : 0;
    s->history.total = json_is_integer(total) ? (long long)json_integer_value(total) : -1;
}

static int check_version(const json_t *o, const char *table, struct err *e)
{
    const json_t *version = json_object_get(o, "version");
    if (!json_is_integer(version))
        return broken(e, table, "it has no version");
    if (json_integer_value(version) == WATERMARK_VERSION ||
        json_integer_value(version) == WATERMARK_VERSION_OF_TWO)
        return 0;
    return err_set(
        e, ERR_CONFIG, "state-version",
        "The state record of table %s has version %lld (written by %s); this release "
        "knows versions up to %d only. The table is not read: run the newer release, or begin "
        "anew (README, A stopped table)",
        table, (long long)json_integer_value(version), text_of(o, "written_by"),
        WATERMARK_VERSION_OF_TWO);
}

static int check_owner(const json_t *o, const char *owner, const char *connection,
                       const char *table, struct err *e)
{
    if (strcmp(text_of(o, "owner"), owner) != 0)
        return err_set(e, ERR_CONFIG, "state-owner",
                       "The state record of table %s belongs to the instance %s, but server_url "
                       "names %s (a cloned instance has the same sys_ids). The table is not read: "
                       "give this instance its own topics.state and topics.prefix, or begin anew "
                       "(README, A stopped table)",
                       table, text_of(o, "owner"), owner);
    if (strcmp(text_of(o, "connection"), connection) != 0 ||
        strcmp(text_of(o, "table"), table) != 0)
        return broken(e, table, "it names another connection or table than its key");
    return 0;
}

int watermark_decode(const void *bytes, size_t length, const char *owner, const char *connection,
                     const char *table, struct watermark_state *ret_state, struct err *e)
{
    json_error_t je;
    json_t *o = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &je);
    struct watermark_state s = {0};
    int r = -1;
    if (!json_is_object(o)) {
        (void)broken(e, table, "it is no JSON object");
        goto out;
    }
    if (check_version(o, table, e) != 0 || check_owner(o, owner, connection, table, e) != 0)
        goto out;
    if (read_position(o, &s) != 0) {
        (void)broken(e, table, "watermark, hi, seen_from or seen is missing or malformed");
        goto out;
    }
    read_extras(o, &s);
    s.owner = xstrdup(owner);
    s.connection = xstrdup(connection);
    s.table = xstrdup(table);
    s.fingerprint = xstrdup(text_of(o, "fingerprint"));
    s.written_by = xstrdup(text_of(o, "written_by"));
    *ret_state = s;
    r = 0;
out:
    if (r != 0)
        free(s.seen);
    json_decref(o);
    return r;
}

static void free_text(const char **text)
{
    union {
        const char *in;
        char *out;
    } u = {.in = *text}; /* owned after decoding, whatever the type says */
    free(u.out);
    *text = NULL;
}

void watermark_state_done(struct watermark_state *s)
{
    free_text(&s->owner);
    free_text(&s->connection);
    free_text(&s->table);
    free_text(&s->fingerprint);
    free_text(&s->written_by);
    free_text(&s->history.resync);
    free(s->seen);
    s->seen = NULL;
    s->seen_count = 0;
}

void watermark_fingerprint(const char *query, const char *const *fields, size_t fields_count,
                           char out[WATERMARK_FINGERPRINT_SIZE])
{
    char hex[DIGEST_HEX_SIZE];
    struct digest *d = digest_new();
    digest_add(d, query, strlen(query) + 1);
    for (size_t i = 0; i < fields_count; i++)
        digest_add(d, fields[i], strlen(fields[i]) + 1);
    digest_finish(d, hex);
    memcpy(out, hex, WATERMARK_FINGERPRINT_SIZE - 1);
    out[WATERMARK_FINGERPRINT_SIZE - 1] = '\0';
}
