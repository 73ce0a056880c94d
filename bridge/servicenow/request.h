/* Builds requests of the Table API (servicenow-api 2.1, 2.2), of the bulk event endpoint (4.2) and
 * of the Import Set API (6) from operations. Pure. */
#ifndef BRIDGE_SERVICENOW_REQUEST_H
#define BRIDGE_SERVICENOW_REQUEST_H

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/err.h"
#include "bridge/servicenow/snow.h"

/* Longest URL that is sent: PySNC stays below about 10,000 characters; an instance answers a longer
 * one with an HTML page (servicenow-api 2.2). */
#define REQUEST_URL_MAX ((size_t)10000)

/* Is everything in the operation that becomes part of the URL or chooses the record fit for it?
 * (promise 9) -1, class ERR_REJECT, when not. */
int request_check(const struct snow_op *op, struct err *e) MUST_CHECK;

/* The URL under `base` (connection.server_url) for a checked operation. -1 when it is too long. */
int request_url(struct buf *out, const char *base, const struct snow_op *op,
                struct err *e) MUST_CHECK;

/* "GET", "POST", "PATCH", "DELETE"; static. */
const char *request_method(enum snow_kind kind);

/* Is there a body to send, and has it to be made by request_body first (EVENTS bring their own)? */
bool request_has_body(enum snow_kind kind);

/* The body of a write as compact JSON (new, length in *ret_length, caller frees); NULL on failure.
 */
char *request_body(const struct snow_op *op, size_t *ret_length, struct err *e) MUST_CHECK;

/* "get", "list", "create", ...: for metrics; static. */
const char *request_kind_name(enum snow_kind kind);

/* "POST incident 0f3c...": what an error text begins with; never record content. */
void request_describe(struct buf *out, const struct snow_op *op);

#endif
