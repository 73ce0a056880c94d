/* Which columns go: the largest ones, since one or two of them are what makes a row large. */
#include "producers/less.h"

#include <stdbool.h>
#include <string.h>

size_t less_most(size_t whole, unsigned times)
{
    return times <= LESS_TIMES ? whole >> times : 0;
}

static bool is_needed(const char *name)
{
    static const char *const needed[] = {"sys_id", "sys_updated_on", "sys_mod_count", "number"};
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (strcmp(name, needed[i]) == 0)
            return true;
    return false;
}

/* Bytes of the column as it is written. */
static size_t size_of(const char *name, const json_t *value)
{
    return strlen(name) + 4 + json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

static const char *largest(json_t *row, size_t *ret_size)
{
    const char *name, *best = NULL;
    json_t *value;
    *ret_size = 0;
    json_object_foreach (row, name, value) {
        size_t n = size_of(name, value);
        if (n > *ret_size && !is_needed(name)) {
            *ret_size = n;
            best = name;
        }
    }
    return best;
}

static size_t size_of_row(json_t *row)
{
    const char *name;
    json_t *value;
    size_t n = 2;
    json_object_foreach (row, name, value)
        n += size_of(name, value);
    return n;
}

json_t *less_row(const json_t *row, size_t most, json_t **ret_names)
{
    union {
        const json_t *in;
        json_t *copied; /* jansson's copy takes no const */
    } u = {.in = row};
    json_t *copy = json_copy(u.copied), *names = json_array();
    size_t size = copy != NULL ? size_of_row(copy) : 0, n;
    const char *name;
    bool ok = copy != NULL && names != NULL;
    while (ok && size > most && (name = largest(copy, &n)) != NULL) {
        ok = json_array_append_new(names, json_string(name)) == 0;
        (void)json_object_del(copy, name);
        size -= n < size ? n : size;
    }
    if (!ok) {
        json_decref(copy);
        json_decref(names);
        return NULL;
    }
    *ret_names = names;
    return copy;
}
