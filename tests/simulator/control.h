#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "tests/simulator/flow.h"

/* Answers a request on /_sim/...; JSON in and out, no sign-in, no cost. */
void control_serve(struct call *c);

/* The parts that deal with rows (control_rows.c). Each fills c->a; false: the answer comes later.
 */
bool control_edit(struct call *c, const json_t *body);
bool control_rows_put(struct call *c, const json_t *body);
bool control_rows_get(struct call *c, const json_t *body);
bool control_rows_delete(struct call *c, const json_t *body);
bool control_tables(struct call *c, const json_t *body);

/* {"error": why} with status 400; takes the text. */
void control_refuse(struct call *c, char *take_why);
void control_done(struct call *c, json_t *take_value);

#endif
