/* Judges answers of the Table API: HTTP answer in, verdict out (promise 7; servicenow-api 2.6).
 * Pure: no clock, no I/O, no log. */
#ifndef BRIDGE_SERVICENOW_ANSWER_H
#define BRIDGE_SERVICENOW_ANSWER_H

#include <jansson.h>

#include "bridge/base/attr.h"
#include "bridge/servicenow/http.h"
#include "bridge/servicenow/snow.h"

/* Fills *ret (all of it; result is borrowed from the returned document) and says what the answer
 * tells about the instance. Returns the parsed body (new, json_decref it after the last use of
 * ret->result), or NULL. op must have passed request_check. */
json_t *answer_judge(const struct snow_op *op, const struct http_answer *a,
                     struct snow_outcome *ret, enum window_result *ret_window);

#endif
