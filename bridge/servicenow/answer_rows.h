/* What the bulk event endpoint and the Import Set API say inside a 200 or 201 (promise 7). Pure.
 * Shapes: servicenow-api 4.2 (elastic/kibana's ITOM connector test, a recorded live run) and 6 (the
 * Import Set API page, ITSMC's troubleshooting page for `error`). */
#ifndef BRIDGE_SERVICENOW_ANSWER_ROWS_H
#define BRIDGE_SERVICENOW_ANSWER_ROWS_H

#include <jansson.h>

#include "bridge/base/attr.h"

/* `{"Default Bulk Endpoint": "17 events were inserted"}`: the first whole number in the words,
 * which may be in any language. -1 when there is none. */
int answer_events(const json_t *result, long long *ret_taken) MUST_CHECK;

enum import_answer {
    IMPORT_DONE,  /* ret_row: the entry that wrote a record, else the first */
    IMPORT_ERROR, /* ret_row: the first entry whose transform failed */
    IMPORT_EMPTY, /* no transform map took the row */
    IMPORT_ODD,   /* not the answer of this API, or a status that is not known: ret_row untouched */
};

/* `result` of an answer to one row: an array with an entry for each transform map. */
enum import_answer answer_import(const json_t *result, json_t **ret_row);

#endif
