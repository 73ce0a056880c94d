/* The two answers that hide failure behind a 2xx. An entry of an import that failed decides over
 * entries that worked: the row is kept whole, and sending it again coalesces. */
#include "bridge/servicenow/answer_rows.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bridge/base/text.h"

#define DIGITS "0123456789"

static int first_number(const char *text, long long *ret)
{
    const char *digits = text + strcspn(text, DIGITS);
    char number[20];
    size_t n = strspn(digits, DIGITS);

    if (n == 0 || n >= sizeof number)
        return -1;
    memcpy(number, digits, n);
    number[n] = '\0';
    return text_to_int(number, ret);
}

int answer_events(const json_t *result, long long *ret_taken)
{
    json_t *value;
    const char *name;

    json_object_foreach ((json_t *)(uintptr_t)result, name, value) {
        if (json_is_string(value) && first_number(json_string_value(value), ret_taken) == 0)
            return 0;
    }
    return -1;
}

static const char *status_of(const json_t *row)
{
    const char *status = json_string_value(json_object_get(row, "status"));

    return status == NULL ? "" : status;
}

static bool wrote(const json_t *row)
{
    return strcmp(status_of(row), "inserted") == 0 || strcmp(status_of(row), "updated") == 0;
}

static bool is_known(const json_t *row)
{
    return wrote(row) || strcmp(status_of(row), "ignored") == 0 ||
           strcmp(status_of(row), "skipped") == 0;
}

enum import_answer answer_import(const json_t *result, json_t **ret_row)
{
    json_t *row, *best = NULL;
    size_t i;

    if (!json_is_array(result))
        return IMPORT_ODD;
    json_array_foreach (result, i, row) {
        if (strcmp(status_of(row), "error") == 0) {
            *ret_row = row;
            return IMPORT_ERROR;
        }
    }
    json_array_foreach (result, i, row) {
        if (!is_known(row))
            return IMPORT_ODD;
        if (best == NULL || (wrote(row) && !wrote(best)))
            best = row;
    }
    if (best == NULL)
        return IMPORT_EMPTY;
    *ret_row = best;
    return IMPORT_DONE;
}
