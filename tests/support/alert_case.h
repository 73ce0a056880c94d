/* What one message becomes, as JSON: for tests that compare whole results. */
#ifndef TESTS_SUPPORT_ALERT_CASE_H
#define TESTS_SUPPORT_ALERT_CASE_H

#include <jansson.h>

#include "consumers/alert.h"

/* Each alert of the message with its keys, the names of the rules that hold where the entry has
 * rules, and the body of the request that it makes as the first of its instance, or `dropped`; a
 * bad message as its class and reason; "skip". New reference. */
json_t *alert_case_result(const struct config_consumer *c, const struct message *m);

/* Compares with the file, to the byte; with CASES_WRITE=1 in the environment the file is written
 * anew first. True when they differ; what there is was printed then. Takes the result. */
bool alert_case_differs(const char *name, const char *want_path, json_t *result);

#endif
