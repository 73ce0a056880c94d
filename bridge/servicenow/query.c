/* Encoded queries and URL parts. Whatever could change the meaning of a query or the shape of a URL
 * is refused or percent-encoded here; nothing is ever repaired. Knows no table and no field. */
#include "bridge/servicenow/query.h"

#include <string.h>
#include <strings.h>

static bool is_alnum(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_hex(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/* The instance may trim a value before it looks for a script: blanks in front do not hide one. */
static bool is_script(const char *text)
{
    static const char mark[] = "javascript:";

    return strncasecmp(text + strspn(text, " "), mark, sizeof mark - 1) == 0;
}

bool query_value_ok(const char *text)
{
    if (text[0] == '\0' || is_script(text))
        return false;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        if (*p == '^' || *p < 0x20 || *p == 0x7f)
            return false;
    return true;
}

bool query_in_ok(const char *text)
{
    return query_value_ok(text) && strchr(text, ',') == NULL;
}

bool query_name_ok(const char *text)
{
    if (text[0] == '\0')
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if (!is_alnum((unsigned char)*p) && *p != '_' && *p != '.')
            return false;
    return true;
}

bool query_sys_id_ok(const char *text)
{
    size_t n = 0;

    while (is_hex((unsigned char)text[n]))
        n++;
    return n == 32 && text[n] == '\0';
}

int query_escape(struct buf *out, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";

    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        const char coded[3] = {'%', hex[*p >> 4], hex[*p & 15]};

        if (is_alnum(*p) || strchr("-._~", *p) != NULL)
            (void)buf_add(out, p, 1);
        else
            (void)buf_add(out, coded, sizeof coded);
    }
    return out->failed ? -1 : 0;
}

/* Does the term that begins here (at the start or behind a `^`) make the base unfit to be extended?
 * Values may hold these words; only the beginning of a term is looked at. */
static const char *term_unfit(const char *term)
{
    if (term[0] == '\0' || term[0] == '^')
        return "it has an empty condition (`^` at an end, or `^^`)";
    if (strncmp(term, "ORDERBY", 7) == 0)
        return "it holds ORDERBY; the order of reading belongs to the bridge";
    if (strncmp(term, "EQ", 2) == 0)
        return "it holds ^EQ, which ends a query; leave it out";
    if (strncmp(term, "NQ", 2) == 0 && (term[2] == '\0' || term[2] == '^'))
        return "it has an empty condition behind ^NQ";
    return NULL;
}

static const char *base_unfit(const char *base)
{
    const char *why = strncmp(base, "NQ", 2) == 0 ? "it begins with NQ" : NULL;

    for (const char *p = base; why == NULL; p++) {
        why = term_unfit(p);
        p = strchr(p, '^');
        if (p == NULL)
            break;
    }
    return why;
}

int query_wrap(struct buf *out, const char *base, const char *condition, const char *tail,
               const char **why)
{
    const char *unfit = base[0] == '\0' ? NULL : base_unfit(base), *next;

    if (unfit != NULL) {
        *why = unfit;
        return -1;
    }
    if (base[0] == '\0') {
        (void)buf_add_text(out, condition[0] == '^' ? condition + 1 : condition);
    } else {
        while ((next = strstr(base, "^NQ")) != NULL) {
            (void)buf_add(out, base, (size_t)(next - base));
            (void)buf_add_text(out, condition);
            (void)buf_add_text(out, "^NQ");
            base = next + 3;
        }
        (void)buf_add_text(out, base);
        (void)buf_add_text(out, condition);
    }
    if (out->length == 0 && tail[0] == '^')
        tail++;
    (void)buf_add_text(out, tail);
    if (out->failed)
        *why = "it is too long";
    return out->failed ? -1 : 0;
}

/* Columns are written in small letters, operators and keywords are not. */
static size_t column_length(const char *term)
{
    return strspn(term, "abcdefghijklmnopqrstuvwxyz0123456789_.");
}

int query_columns(const char *base, void (*fn)(void *arg, const char *name, size_t length),
                  void *arg, const char **why)
{
    for (const char *term = base; term != NULL && *term != '\0';) {
        bool joined = strncmp(term, "OR", 2) == 0 || strncmp(term, "NQ", 2) == 0;
        const char *name = term + (joined && column_length(term + 2) > 0 ? 2 : 0);
        size_t n = column_length(name);

        if (n > 0 && (name[n] == '\0' || name[n] == '^')) {
            *why = "it has a condition without an operator";
            return -1;
        }
        if (n > 0 && strncmp(name, "123TEXTQUERY321", 15) != 0)
            fn(arg, name, n);
        term = strchr(term, '^');
        term = term != NULL ? term + 1 : NULL;
    }
    return 0;
}
